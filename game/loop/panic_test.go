package loop

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// readJournal reads a whole recording back.
func readJournal(t *testing.T, b []byte) (head journal.Header, recs []journal.Record, end string) {
	t.Helper()
	r, err := journal.NewReader(bytes.NewReader(b))
	ok(t, err)
	for {
		e, err := r.Next()
		ok(t, err)
		switch e.Kind {
		case journal.KindRecord:
			recs = append(recs, clone(e.Record))
		case journal.KindEnd:
			return r.Header(), recs, e.Reason
		}
	}
}

// clone copies a record so that it stays valid.
func clone(r *journal.Record) journal.Record {
	c := *r
	c.Events, c.Inputs = slices.Clone(r.Events), slices.Clone(r.Inputs)
	for i := range c.Events {
		c.Events[i].Data = bytes.Clone(c.Events[i].Data)
	}
	for i := range c.Inputs {
		c.Inputs[i].Samples = slices.Clone(c.Inputs[i].Samples)
	}
	return c
}

// A tick that panics is restored and run without its samples and commands: the world is that of a match where they were
// never sent. Nobody else misses a tick, and the recording replays.
func TestPanickingTickRunsVoid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var file bytes.Buffer
		m, s := startTest(t, func(c *Config) { c.Record = &file })
		_, neighbour := startTest(t, func(c *Config) { c.ID, c.Empty = "neighbour", -1 })
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		for i := range 100 { // past a checkpoint
			ok(t, m.Sample(a, Sample{Input: game.Input{Seq: uint32(i + 1), Axes: [4]int16{3}}}))
			play(t, m, b, game.Input{Axes: [4]int16{int16(i)}})
		}
		a.seat.Sample = 100
		before := s.last
		ok(t, m.Sample(b, Sample{Input: game.Input{Seq: 101, Axes: [4]int16{9}}}))
		ok(t, m.Command(b, 1, []byte("say lost")))
		c := &link{name: "c"}
		ok(t, m.Attach(c, who("c"))) // who joins in that tick is let in all the same
		play(t, m, a, game.Input{Buttons: btnPanic})
		if st := m.cfg.Stats; st.Panics.Load() != 1 || st.Failed.Load() != 0 || s.last != before+1 || s.over != 0 {
			t.Fatalf("%d panics, tick %d after %d, outcome %v", st.Panics.Load(), s.last, before, s.over)
		}
		if !c.holds() || s.ack[1][0] != 101 || s.ack[2][0] != 101 || s.ack[2][5] != 1 {
			t.Errorf("the void tick's inputs were not answered: %v, %+v", s.ack, c)
		}
		for range 40 {
			play(t, m, a, game.Input{Axes: [4]int16{1}})
		}
		stop(m)
		wait(1)
		if neighbour.frames != int(s.last)+1 || !onTime(neighbour.times) || !onTime(s.times) {
			t.Errorf("%d frames of the neighbour, %d ticks here", neighbour.frames, s.last)
		}
		checkVoid(t, file.Bytes(), before+1)
	})
}

// onTime reports whether frames at 30 Hz came without a gap.
func onTime(times []time.Duration) bool {
	for i, at := range times {
		if at != intended(30, 0, int64(i)) {
			return false
		}
	}
	return true
}

// checkVoid replays a recording with one void tick, and compares its world with one in which nobody sent anything then.
func checkVoid(t *testing.T, file []byte, tick uint32) {
	t.Helper()
	head, recs, _ := readJournal(t, file)
	played, err := NewCore(counterDef(nil), head)
	ok(t, err)
	ok(t, played.Replay(recs))
	quiet, err := NewCore(counterDef(nil), head)
	ok(t, err)
	for _, r := range recs {
		if r.Void != (r.Tick == tick) {
			t.Fatalf("tick %d: void is %v", r.Tick, r.Void)
		}
		if r.Void {
			r.Void, r.Inputs = false, nil
			r.Events = slices.DeleteFunc(r.Events, func(e journal.Event) bool { return e.Kind == game.EventCommand })
		}
		ok(t, quiet.Apply(&r))
	}
	if !bytes.Equal(played.world.Save(nil), quiet.world.Save(nil)) || played.rand != quiet.rand {
		t.Error("the world differs from one in which nothing was sent in the void tick")
	}
}

func TestSecondPanicEndsTheMatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		_, neighbour := startTest(t, func(c *Config) { c.ID, c.Empty = "neighbour", -1 })
		a := enter(t, m, "a", who("a"))
		tell(t, m, a, "panic")
		wait(30)
		if s.over != 0 || !a.holds() || m.Info().Outcome != 0 {
			t.Fatalf("outcome %v after the first panic", s.over)
		}
		pending := &link{name: "pending"}
		ok(t, m.Attach(pending, who("b")))
		ok(t, m.Command(a, a.seat.Command+1, []byte("panic")))
		<-m.Done()
		if st := m.cfg.Stats; s.over != OverFailed || st.Failed.Load() != 1 || st.Panics.Load() != 1 || m.Info().Outcome != OverFailed {
			t.Errorf("outcome %v, %d failed, %d panics survived", s.over, st.Failed.Load(), st.Panics.Load())
		}
		if pending.refused != RefusedOver {
			t.Errorf("who asked to come in during the last tick: %+v", pending)
		}
		wait(30)
		if neighbour.over != 0 || !onTime(neighbour.times) {
			t.Error("the neighbour was disturbed")
		}
	})
}

// Every method of the rules that the loop calls may panic: once is survived.
func TestPanicInRowsAndSave(t *testing.T) {
	for name, arm := range map[string]string{"Rows": "arm 1", "Save": "arm 2"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m, s := startTest(t, nil)
				a := enter(t, m, "a", who("a"))
				play(t, m, a, game.Input{Axes: [4]int16{1}})
				before := s.last
				tell(t, m, a, arm)
				wait(9)
				if s.over != 0 || s.last != before+10 || m.cfg.Stats.Panics.Load() != 1 || heard(m) != "" {
					t.Errorf("outcome %v, tick %d after %d, %d panics", s.over, s.last, before, m.cfg.Stats.Panics.Load())
				}
				tell(t, m, a, arm)
				<-m.Done()
				if s.over != OverFailed {
					t.Errorf("outcome %v", s.over)
				}
			})
		})
	}
}

// A checkpoint that the rules cannot load ends the match, and only the match.
func TestPanicInLoad(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		tell(t, m, a, "arm 4")
		wait(61) // a checkpoint with it
		tell(t, m, a, "panic")
		<-m.Done()
		if s.over != OverFailed || m.cfg.Stats.Failed.Load() != 1 {
			t.Errorf("outcome %v", s.over)
		}
	})
}

// The score table is for the API: rules that cannot make one do not take the process with them.
func TestPanicInScores(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		play(t, m, a, game.Input{Axes: [4]int16{4}})
		wait(31)
		if l := m.Info().Scores; len(l) != 1 || l[0] != (PlayerScore{Player: 1, ID: "a", Name: "a", Points: 4 * 9}) {
			t.Errorf("scores %+v", l)
		}
		tell(t, m, a, "arm 8")
		wait(100)
		if s.over != 0 || !a.holds() || len(m.Info().Scores) != 0 || m.cfg.Stats.Panics.Load() != 1 {
			t.Errorf("outcome %v, %d panics", s.over, m.cfg.Stats.Panics.Load())
		}
	})
}

// Rules that cannot start the next round panic in every attempt at its first tick: the match fails.
func TestNextRoundFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		def := counterDef(nil)
		first := def.New
		rounds := 0
		def.New = func(s game.Setup) (game.Match, error) {
			if rounds++; rounds > 1 {
				return nil, game.ErrSettings
			}
			return first(s)
		}
		m, s := startTest(t, func(c *Config) { c.Game, c.Pause = def, time.Second })
		a := enter(t, m, "a", who("a"))
		tell(t, m, a, "end")
		<-m.Done()
		if s.over != OverFailed {
			t.Errorf("outcome %v", s.over)
		}
	})
}
