package loop

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

func spectator(id string) Attach { return Attach{Who: journal.Join{ID: id, Spectator: true}} }

func TestSeatsFull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, func(c *Config) { c.Seats = 2 })
		a, _ := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		s := enter(t, m, "s", spectator("s")) // takes no seat
		if !s.seat.Player.Spectator || m.Info().Taken != 2 || m.Info().Online != 3 {
			t.Errorf("%+v, %+v", s.seat, m.Info())
		}
		c := &link{name: "c"}
		ok(t, m.Attach(c, who("c")))
		wait(1)
		if c.refused != RefusedFull {
			t.Errorf("%+v", c)
		}
		m.Detach(a) // his seat is kept
		wait(1)
		d := &link{name: "d"}
		ok(t, m.Attach(d, who("d")))
		wait(1)
		if d.refused != RefusedFull {
			t.Errorf("%+v", d)
		}
		enter(t, m, "a2", resume(a))
	})
}

// Two newcomers in one tick for one seat: one gets it.
func TestLastSeat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, func(c *Config) { c.Seats = 1 })
		a, b := &link{name: "a"}, &link{name: "b"}
		ok(t, m.Attach(a, who("a")))
		ok(t, m.Attach(b, who("b")))
		wait(1)
		if !a.holds() || b.refused != RefusedFull {
			t.Errorf("%+v, %+v", a, b)
		}
	})
}

func TestSpectatorsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		in := 0
		var links []*link
		for i := range 70 {
			l := &link{}
			links = append(links, l)
			ok(t, m.Attach(l, spectator(fmt.Sprint("s", i))))
			if i == 40 {
				ok(t, m.Leave(a))
			}
		}
		wait(1)
		for _, l := range links {
			if l.holds() {
				in++
			} else if l.refused != RefusedFull {
				t.Errorf("%+v", l)
			}
		}
		if in != maxSpectators {
			t.Errorf("%d spectators", in)
		}
	})
}

// A spectator has no seat to keep, and sends no samples.
func TestSpectator(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		enter(t, m, "a", who("a"))
		w := enter(t, m, "w", spectator("w"))
		play(t, m, w, game.Input{Axes: [4]int16{5}})
		if s.rows[2] != nil || s.ack[2] != nil || m.cfg.Stats.Stale.Load() != 1 {
			t.Errorf("rows %v, acks %v", s.rows, s.ack)
		}
		m.Detach(w)
		wait(1)
		if m.Info().Online != 1 || m.core.find(2) != nil {
			t.Error("a spectator who is gone is still there")
		}
		again := enter(t, m, "w2", spectator("w"))
		if again.seat.Player.Number != 3 {
			t.Errorf("%+v", again.seat)
		}
	})
}

func TestSeatExpires(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var events []game.EventKind
		def := counterDef(func(_ *counter, t *game.Tick) {
			for _, e := range t.Events {
				if e.Player == 1 {
					events = append(events, e.Kind)
				}
			}
		})
		m, _ := startTest(t, func(c *Config) { c.Game, c.SeatHold, c.Seats = def, 10*time.Second, 2 })
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		m.Detach(a)
		wait(10*30 - 10)
		back := enter(t, m, "a2", resume(a))
		m.Detach(back)
		wait(10*30 - 1)
		if m.Info().Taken != 2 {
			t.Error("the seat was not kept for 10 s")
		}
		wait(3)
		if m.Info().Taken != 1 || m.core.find(1) != nil || !b.holds() {
			t.Errorf("%+v", m.Info())
		}
		late := &link{}
		ok(t, m.Attach(late, resume(back)))
		wait(1)
		if late.refused != RefusedResumeToken {
			t.Errorf("%+v", late)
		}
		if c := enter(t, m, "c", who("c")); c.seat.Player.Number != 3 { // numbers are never given twice
			t.Errorf("%+v", c.seat)
		}
		want := []game.EventKind{game.EventJoin, game.EventDrop, game.EventReturn, game.EventDrop, game.EventLeave}
		if !slices.Equal(events, want) {
			t.Errorf("the rules saw %v, want %v", events, want)
		}
	})
}

func TestKickByAnOperator(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		m.Detach(b)
		wait(1)
		ok(t, m.Kick("a", "cheating"))
		ok(t, m.Kick("b", "away"))
		ok(t, m.Kick("nobody", ""))
		wait(1)
		if a.gone != GoneRemoved || a.why != "cheating" || b.gone != 0 || m.Info().Taken != 0 {
			t.Errorf("%+v, %+v, %+v", a, b, m.Info())
		}
		play(t, m, a, game.Input{Axes: [4]int16{5}})
		if s.rows[1] != nil || m.cfg.Stats.Stale.Load() != 1 {
			t.Error("a link that carries nobody was listened to")
		}
	})
}

// The row of kind overtime.ack says what became of every sample and command.
func TestAckRow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		wait(20)
		tick, _ := m.Clock()
		seq := uint32(0)
		send := func(at uint32) {
			seq++
			ok(t, m.Sample(a, Sample{Input: game.Input{Seq: seq}, Tick: at}))
		}
		send(tick - 20) // late
		send(tick + 1)
		send(tick + 1) // merged
		for range 70 { // 64 fit, three of which are taken above
			send(tick + 4)
		}
		ok(t, m.Command(a, 1, []byte("id")))
		wait(1)
		if want := []int32{3, 1, 1, 1, 9, 1}; !slices.Equal(s.ack[1], want) {
			t.Errorf("ack row %v, want %v (sample, applied, merged, late, refused, command)", s.ack[1], want)
		}
		wait(60)
		v := s.ack[1]
		if v[0] != int32(seq) || v[1]+v[2]+v[3]+v[4] != int32(seq) {
			t.Errorf("ack row %v after %d samples", v, seq)
		}
		st := m.cfg.Stats
		if st.Applied.Load() != uint64(v[1]+v[2]) || st.Merged.Load() != uint64(v[2]) || st.Late.Load() != uint64(v[3]) || st.Flood.Load() != 9 || st.Commands.Load() != 1 {
			t.Errorf("counters differ from the row %v", v)
		}
	})
}
