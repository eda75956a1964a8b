package loop

import (
	"fmt"
	"sync"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// try attaches a new link and returns it after a tick.
func try(t *testing.T, m *Match, name string, a Attach) *link {
	t.Helper()
	l := &link{name: name}
	ok(t, m.Attach(l, a))
	wait(1)
	return l
}

// A resume token opens a link until its player has answered there; from then on it is spent.
func TestResumeTokenIsSingleUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		play(t, m, a, game.Input{})
		m.Detach(a)
		wait(1)
		b := try(t, m, "b", resume(a))
		if !b.holds() || b.seat.Sample != 1 || b.seat.Player.Number != 1 || b.seat.Generation == a.seat.Generation {
			t.Fatalf("resume: %+v", b)
		}
		ok(t, m.Answer(b))
		wait(1)
		if g := m.core.find(1).generation; g != b.seat.Generation { // match state: a standby must know it too
			t.Errorf("generation %d after %d was answered", g, b.seat.Generation)
		}
		if c := try(t, m, "c", resume(a)); c.refused != RefusedResumeToken || !b.holds() {
			t.Errorf("a spent token: %+v, its heir %+v", c, b)
		}
		m.Detach(b)
		wait(1)
		if d := try(t, m, "d", resume(a)); d.refused != RefusedResumeToken {
			t.Errorf("a spent token while nobody is there: %+v", d)
		}
		if e := try(t, m, "e", resume(b)); !e.holds() {
			t.Errorf("the token of the last welcome: %+v", e)
		}
	})
}

// A welcome that is lost again and again locks nobody out: the old token works until the player has answered.
func TestLostWelcome(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		last := a
		for i := range 5 {
			l := try(t, m, fmt.Sprint("lost ", i), resume(a))
			if !l.holds() || last.gone != GoneReplaced {
				t.Fatalf("%+v after %+v", l, last)
			}
			if last = l; i%2 == 0 {
				m.Detach(l)
				last = &link{gone: GoneReplaced}
			}
		}
		// Only the welcome's answer was lost: its token proves that it arrived, and spends the older.
		b := try(t, m, "b", resume(a))
		c := try(t, m, "c", resume(b))
		if !c.holds() || b.gone != GoneReplaced {
			t.Fatalf("%+v after %+v", c, b)
		}
		if d := try(t, m, "d", resume(a)); d.refused != RefusedResumeToken || !c.holds() {
			t.Errorf("the older token: %+v", d)
		}
	})
}

// The same within one tick: what spends a token counts at once, not from the next tick.
func TestTokenSpentInTheSameTick(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		b := try(t, m, "b", resume(a))
		late := &link{name: "late"}
		ok(t, m.Answer(b))
		ok(t, m.Attach(late, resume(a)))
		wait(1)
		if late.refused != RefusedResumeToken || !b.holds() {
			t.Errorf("answered, then the old token: %+v, %+v", late, b)
		}
		c := try(t, m, "c", resume(b))
		d, e := &link{name: "d"}, &link{name: "e"}
		ok(t, m.Attach(d, resume(c))) // proves that c's welcome arrived
		ok(t, m.Attach(e, resume(b)))
		wait(1)
		if !d.holds() || e.refused != RefusedResumeToken {
			t.Errorf("newer token, then the old one: %+v, %+v", d, e)
		}
		if d.seat.Generation == c.seat.Generation {
			t.Error("one generation was issued twice")
		}
	})
}

func TestForgedResume(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		for name, change := range map[string]func(*Attach){
			"other player":     func(a *Attach) { a.Player = b.seat.Player.Number },
			"other id":         func(a *Attach) { a.Who.ID = "b" },
			"unknown id":       func(a *Attach) { a.Who.ID = "x" },
			"generation 0":     func(a *Attach) { a.Gen = 0 },
			"later generation": func(a *Attach) { a.Gen += 2 },
		} {
			at := resume(a)
			change(&at)
			if l := try(t, m, name, at); l.refused != RefusedResumeToken {
				t.Errorf("%s: %+v", name, l)
			}
		}
		if !a.holds() || !b.holds() {
			t.Error("a refused link touched a player")
		}
	})
}

// A newer connection replaces the older; closing the old one never touches the new.
func TestNewerReplacesOlder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		b := enter(t, m, "b", who("a")) // with his player token again
		if a.gone != GoneReplaced || b.seat.Player.Number != 1 || m.Info().Taken != 1 {
			t.Fatalf("%+v, %+v", a, b)
		}
		m.Detach(a)
		ok(t, m.Leave(a))
		ok(t, m.Sample(a, Sample{Input: game.Input{Seq: 1}}))
		ok(t, m.Command(a, 9, []byte("end")))
		wait(2)
		if !b.holds() || m.Info().Online != 1 || s.ack[1][0] != 0 || m.cfg.Stats.Stale.Load() != 3 {
			t.Fatalf("the old link touched the new: %+v", b)
		}
		play(t, m, b, game.Input{Axes: [4]int16{1}})
		if s.ack[1][0] != 1 {
			t.Errorf("ack row %v", s.ack[1])
		}
	})
}

// A hundred attaches of one player from as many goroutines: exactly one link ends up with the seat.
func TestParallelAttaches(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		for round := range 3 {
			links := make([]*link, 100)
			var wg sync.WaitGroup
			for i := range links {
				links[i] = &link{name: fmt.Sprint(round, ".", i)}
				wg.Go(func() { _ = m.Attach(links[i], who("a")) })
			}
			wg.Wait()
			wait(2)
			var holder *link
			for _, l := range links {
				switch {
				case l.holds() && holder != nil:
					t.Fatalf("%s and %s hold the seat", l.name, holder.name)
				case l.holds():
					holder = l
				case l.gone != GoneReplaced:
					t.Fatalf("%+v", l)
				}
			}
			for _, l := range links {
				if l != holder {
					m.Detach(l)
				}
			}
			wait(1)
			holder.seat.Sample = uint32(round)
			play(t, m, holder, game.Input{})
			if !holder.holds() || m.Info().Online != 1 || m.Info().Taken != 1 || s.ack[1][0] != int32(round+1) {
				t.Fatalf("holder %+v, info %+v, acks %v", holder, m.Info(), s.ack)
			}
		}
	})
}

// A link that is gone before it was let in leaves a seat that its player can come back to.
func TestDetachBeforeJoined(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := &link{name: "a"}
		ok(t, m.Attach(a, who("a")))
		m.Detach(a)
		m.Detach(&link{name: "never seen"})
		wait(1)
		if a.joined != 0 || m.Info().Online != 0 {
			t.Errorf("%+v, %+v", a, m.Info())
		}
		enter(t, m, "b", who("a"))
	})
}

// Who has only just asked to come in when the match ends is refused, not forgotten.
func TestAttachAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		wait(1)
		l := &link{name: "l"}
		m.Stop(OverFinished)
		ok(t, m.Attach(l, who("l")))
		<-m.Done()
		if s.over != OverFinished || l.refused != RefusedOver && l.joined == 0 {
			t.Errorf("outcome %v, %+v", s.over, l)
		}
	})
}
