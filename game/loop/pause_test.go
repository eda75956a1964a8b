package loop

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

func pause(tick, number uint32) journal.Record {
	return journal.Record{Tick: tick, Events: []journal.Event{{Kind: journal.EventPause, Number: number}}}
}

// While paused the rules stand still and players are answered; then the rules see what happened. All of it replays, and a
// standby goes on with it.
func TestPause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var file bytes.Buffer
		m, s, f := startFollowed(t, 0, func(c *Config) { c.Record = &file })
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		ok(t, m.Pause(true))
		wait(1)
		rules := func(m *Match) *counter { return m.core.world.(*counter) }
		steps, heard := rules(m).ticks, string(rules(m).heard)
		tell(t, m, a, "say later")
		play(t, m, a, game.Input{Axes: [4]int16{5}})
		cut(m, b)
		enter(t, m, "c", who("c"))
		ok(t, m.Pause(true)) // twice is once
		wait(10)
		if rules(m).ticks != steps || string(rules(m).heard) != heard || len(a.messages) != 0 || !m.Info().Paused || m.Info().Phase != Running || m.Info().Taken != 3 {
			t.Fatalf("%d steps, heard %q, %+v", rules(m).ticks-steps, rules(m).heard, m.Info())
		}
		if v := s.ack[1]; s.match[0] != int32(paused) || v[0] != 1 || v[5] != 1 {
			t.Errorf("rows %v, %v", s.match, v)
		}
		m.Retire(OverMoved, "")
		<-m.Done()
		n, s := takeOver(t, m, f, nil)
		a = enter(t, n, "a", resume(a))
		if !n.Info().Paused || rules(n).ticks != steps {
			t.Fatalf("the pause was lost: %+v", n.Info())
		}
		ok(t, n.Pause(false))
		wait(2)
		if rules(n).ticks != steps+2 || string(rules(n).heard) != heard+"1:say later;" || len(a.messages) != 1 || n.Info().Paused || s.match[0] != int32(Running) {
			t.Errorf("%d steps, heard %q, %q, %+v", rules(n).ticks-steps, rules(n).heard, a.texts(), n.Info())
		}
		head, recs, _ := readJournal(t, file.Bytes())
		c, err := NewCore(counterDef(nil), head)
		ok(t, err)
		ok(t, c.Replay(recs))
	})
}

// Whatever comes and goes in pauses: what the rules are told adds up to who is there.
func TestRulesSeeWhoIsThereAfterAPause(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt, rapid.IntRange(1, 80).Draw(rt, "ticks"))
		told := map[uint32]bool{} // online, of those who are there
		c, err := NewCore(counterDef(func(c *counter, tick *game.Tick) {
			if c.ticks == 0 {
				clear(told)
			}
			there := map[uint32]bool{}
			for _, p := range tick.Players {
				there[p.Number] = p.Online
			}
			for _, e := range tick.Events {
				_, known := told[e.Player]
				switch {
				case e.Kind != game.EventAdmin && known == (e.Kind == game.EventJoin):
					rt.Fatalf("tick %d: event %d of player %d, who is known: %v", tick.N, e.Kind, e.Player, known)
				case e.Kind == game.EventJoin:
					told[e.Player] = c.ticks > 0 || there[e.Player]
				case e.Kind == game.EventLeave:
					delete(told, e.Player)
				case e.Kind == game.EventDrop, e.Kind == game.EventReturn:
					told[e.Player] = e.Kind == game.EventReturn
				}
			}
			if !maps.Equal(told, there) {
				rt.Fatalf("tick %d: told %v, there are %v", tick.N, told, there)
			}
		}), testHeader())
		if err == nil {
			err = c.Replay(s.recs)
		}
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// What waits for the end of a pause is bounded; what is beyond is answered all the same.
func TestPauseIsBounded(t *testing.T) {
	c := testCore(t)
	apply := func(rec journal.Record) { t.Helper(); ok(t, c.Apply(&rec)) }
	apply(join(1, 1, journal.Join{ID: "a"}))
	apply(pause(2, 1))
	const sent = maxKeptEvents + 50
	for n := uint32(1); n <= sent; n++ {
		apply(command(c.tick+1, 1, n, "id"))
	}
	if len(c.kept) != maxKeptEvents || c.find(1).command != sent {
		t.Errorf("%d events kept, command %d answered", len(c.kept), c.find(1).command)
	}
	for range 20 { // they come and go
		n := c.lastNum + 1
		apply(join(c.tick+1, n, journal.Join{ID: "x"}))
		apply(journal.Record{Tick: c.tick + 1, Events: []journal.Event{{Kind: game.EventDrop, Player: 1}}})
		apply(journal.Record{Tick: c.tick + 1, Events: []journal.Event{{Kind: game.EventReturn, Player: 1}, {Kind: game.EventLeave, Player: n}}})
	}
	if len(c.kept) != maxKeptEvents {
		t.Errorf("%d events kept", len(c.kept))
	}
	apply(pause(c.tick+1, 0))
	if n := bytes.Count(c.world.(*counter).heard, []byte("id;")); n != maxKeptEvents || c.kept != nil {
		t.Errorf("the rules heard %d", n)
	}
	apply(pause(c.tick+1, 1))
	for range 3 {
		apply(journal.Record{Tick: c.tick + 1, Events: []journal.Event{{Kind: game.EventAdmin, Data: make([]byte, journal.MaxData/2)}}})
	}
	if len(c.kept) != 2 {
		t.Errorf("%d large events kept", len(c.kept))
	}
}

// A command from a pause that makes the rules panic is dropped with the tick that it comes in.
func TestPanicAfterAPause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		ok(t, m.Pause(true))
		wait(1)
		tell(t, m, a, "panic")
		b := enter(t, m, "b", who("b"))
		ok(t, m.Pause(false))
		wait(3)
		if m.cfg.Stats.Panics.Load() != 1 || s.over != 0 || !b.holds() || m.core.kept != nil {
			t.Errorf("%d panics, over as %v", m.cfg.Stats.Panics.Load(), s.over)
		}
	})
}

// No round begins or ends while paused.
func TestPauseBetweenRounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, func(c *Config) { c.Pause = time.Second })
		ok(t, m.Pause(true))
		a := enter(t, m, "a", who("a"))
		if m.Info().Phase != Waiting {
			t.Errorf("%+v", m.Info())
		}
		ok(t, m.Pause(false))
		tell(t, m, a, "end x")
		ok(t, m.Pause(true))
		wait(60)
		if i := m.Info(); i.Phase != Ended || i.Round != 1 {
			t.Errorf("%+v", i)
		}
		ok(t, m.Pause(false))
		wait(2)
		if i := m.Info(); i.Phase != Running || i.Round != 2 {
			t.Errorf("%+v", i)
		}
	})
}

// An operator's result ends the match in every phase as the rules' own would: players are told, and it replays.
func TestFinish(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, m *Match, a *link){
		"running": func(*testing.T, *Match, *link) {},
		"paused":  func(t *testing.T, m *Match, _ *link) { ok(t, m.Pause(true)); wait(1) },
		"ended":   func(t *testing.T, m *Match, a *link) { tell(t, m, a, "end first") },
	} {
		bubble(t, func(t *testing.T) {
			var file bytes.Buffer
			m, s := startTest(t, func(c *Config) { c.Record, c.Every = &file, 3 })
			a := enter(t, m, "a", who("a"))
			before(t, m, a)
			data := []byte("won")
			ok(t, m.Finish(data))
			copy(data, "xxx")
			ok(t, m.Finish([]byte("too late")))
			<-m.Done()
			last := a.messages[len(a.messages)-1]
			if i := m.Info(); s.over != OverFinished || i.Outcome != OverFinished || string(i.Result) != "won" || i.Phase != Ended || last.kind != MessageResult || last.text != "won" {
				t.Errorf("%s: over as %v, %+v, told %+v", name, s.over, i, a.messages)
			}
			head, recs, _ := readJournal(t, file.Bytes())
			c, err := NewCore(counterDef(nil), head)
			ok(t, err)
			ok(t, c.Replay(recs))
			if !c.Over() || string(c.Result()) != "won" {
				t.Errorf("%s: replayed to %q", name, c.Result())
			}
		})
	}
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		if err := m.Finish(make([]byte, journal.MaxData+1)); !errors.Is(err, ErrSize) {
			t.Error(err)
		}
		ok(t, m.Finish(nil)) // nobody has come yet
		<-m.Done()
		if err := errors.Join(m.Finish(nil), m.Pause(true)); !errors.Is(err, ErrOver) || m.Info().Outcome != OverFinished {
			t.Error(fmt.Sprint(err, m.Info()))
		}
	})
}
