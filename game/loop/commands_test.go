package loop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// heard returns the commands that the rules of a match have seen.
func heard(m *Match) string { return string(m.core.world.(*counter).heard) }

// A client that loses its connection at any time and sends everything unanswered again: each command is applied once, in order.
func TestCommandsExactlyOnceAcrossDrops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		rnd := rand.New(rand.NewPCG(1, 2))
		l := enter(t, m, "first", who("a"))
		sent, want := uint32(0), ""
		for i := range 60 {
			for range rnd.IntN(4) {
				sent++
				want += fmt.Sprintf("1:c%d;", sent)
				ok(t, m.Command(l, sent, fmt.Appendf(nil, "c%d", sent)))
			}
			if rnd.IntN(3) > 0 {
				wait(rnd.IntN(3))
				continue
			}
			if rnd.IntN(2) == 0 { // the connection breaks, sometimes unnoticed
				m.Detach(l)
			}
			next := &link{name: fmt.Sprint(i)}
			ok(t, m.Attach(next, resume(l)))
			wait(1)
			if !next.holds() || next.seat.Command > sent {
				t.Fatalf("%+v, sent %d", next, sent)
			}
			ok(t, m.Answer(next))
			for n := uint32(1); n <= sent; n++ { // what the welcome answered too: a client may not have seen it
				if n > next.seat.Command || rnd.IntN(2) == 0 {
					ok(t, m.Command(next, n, fmt.Appendf(nil, "c%d", n)))
				}
			}
			l = next
		}
		wait(2)
		if got := heard(m); got != want {
			t.Errorf("heard\n%s, want\n%s", got, want)
		}
		if n := m.cfg.Stats.Commands.Load(); n != uint64(sent) || m.cfg.Stats.Sequence.Load() != 0 {
			t.Errorf("%d commands counted, sent %d", n, sent)
		}
	})
}

// What a link sent before it was replaced may still be lost with it: nothing of it is applied after its heir's resend.
func TestReplacedLinkCommandsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		b := &link{name: "b"}
		ok(t, m.Command(a, 1, []byte("one")))
		ok(t, m.Attach(b, resume(a)))
		ok(t, m.Command(a, 2, []byte("from the old link")))
		wait(1)
		if b.seat.Command != 1 {
			t.Fatalf("%+v", b.seat)
		}
		ok(t, m.Command(b, 2, []byte("two")))
		wait(1)
		if got := heard(m); got != "1:one;1:two;" {
			t.Error(got)
		}
	})
}

func TestCommandGapClosesTheLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		ok(t, m.Command(a, 1, []byte("one")))
		ok(t, m.Command(a, 3, []byte("three")))
		ok(t, m.Command(a, 2, []byte("too late, the link is gone")))
		wait(1)
		if a.gone != GoneSequence || heard(m) != "1:one;" || m.Info().Taken != 1 || m.cfg.Stats.Sequence.Load() != 1 {
			t.Fatalf("%+v, heard %q", a, heard(m))
		}
		b := enter(t, m, "b", resume(a))
		if b.seat.Command != 1 {
			t.Errorf("%+v", b.seat)
		}
		ok(t, m.Command(b, 2, []byte("two")))
		ok(t, m.Command(b, 2, []byte("two again")))
		ok(t, m.Command(b, 0, []byte("zero")))
		wait(1)
		if heard(m) != "1:one;1:two;" || m.cfg.Stats.Duplicate.Load() != 2 || !b.holds() {
			t.Errorf("heard %q", heard(m))
		}
	})
}

func TestSampleGapClosesTheLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		ok(t, m.Sample(a, Sample{Input: game.Input{Seq: 5000}}))
		wait(1)
		if a.gone != GoneSequence || m.Info().Online != 0 || m.Info().Taken != 1 {
			t.Fatalf("%+v", a)
		}
		b := enter(t, m, "b", resume(a))
		play(t, m, b, game.Input{})
		if s.ack[1][0] != 1 {
			t.Errorf("ack row %v", s.ack)
		}
	})
}

// The bytes of a command, an admin event and a kick are copied: the caller may use its buffer again at once.
func TestBytesAreCopied(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		b := []byte("mine")
		ok(t, m.Command(a, 1, b))
		copy(b, "xxxx")
		wait(1)
		if heard(m) != "1:mine;" {
			t.Error(heard(m))
		}
	})
}

// Messages are numbered per player, wait for who is away, and are handed out until they are acknowledged.
func TestMessagesExactlyOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		tell(t, m, a, "say 1")
		tell(t, m, a, "own 2") // to b alone
		tell(t, m, a, "say 2")
		ok(t, m.Ack(b, 2))
		wait(1)
		cut(m, b)
		tell(t, m, a, "say 3")
		tell(t, m, a, "say 4")
		c := enter(t, m, "c", resume(b))
		tell(t, m, c, "say 5")
		if got := a.texts(); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) || a.last != 5 {
			t.Errorf("a got %q", got)
		}
		if got := append(b.texts(), c.texts()...); !slices.Equal(got, []string{"1", "2", "2", "2", "3", "4", "5"}) { // the third was not acknowledged, so it comes again
			t.Errorf("b got %q", got)
		}
		if c.seat.Message != 2 || c.messages[0].number != 3 || c.last != 6 {
			t.Errorf("%+v", c)
		}
		ok(t, m.Ack(c, 6))
		wait(1)
		d := enter(t, m, "d", resume(c))
		if len(d.messages) != 0 || d.seat.Message != 6 || s.over != 0 {
			t.Errorf("after everything was acknowledged: %+v", d)
		}
	})
}

// Who never comes back costs a bounded queue; the oldest messages give way and are counted.
func TestMessagesToAnAwayPlayerAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		m.Detach(b)
		wait(1)
		tell(t, m, a, "spam 50")
		ok(t, m.Ack(a, a.last))
		wait(1)
		tell(t, m, a, "spam 50")
		c := enter(t, m, "c", resume(b))
		if len(c.messages) != maxKept || c.messages[0].number != 37 || c.last != 100 || len(a.messages) != 100 {
			t.Errorf("%d messages from %d to %d for b, %d for a", len(c.messages), c.messages[0].number, c.last, len(a.messages))
		}
		if n := m.cfg.Stats.Messages.Load(); n != 36 {
			t.Errorf("%d counted", n)
		}
	})
}

// An acknowledgement of what was never sent is ignored, and does not stand in the way of a true one.
func TestFalseAcknowledgement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		ok(t, m.Ack(a, 1000))
		wait(1)
		tell(t, m, a, "spam 3")
		if n := m.core.find(1).out.n; n != 3 {
			t.Fatalf("%d messages kept", n)
		}
		ok(t, m.Ack(a, 2))
		ok(t, m.Ack(a, 1)) // older ones change nothing
		wait(1)
		if o := &m.core.find(1).out; o.n != 1 || o.next != 3 {
			t.Errorf("%d messages kept up to %d", o.n, o.next)
		}
	})
}

func TestTeamMessages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		var links []*link
		for i, team := range []uint32{1, 2, 1, 0} {
			at := who(fmt.Sprint(i))
			at.Who.Team = team
			links = append(links, enter(t, m, at.Who.ID, at))
		}
		tell(t, m, links[3], "team 1")
		for i, want := range []int{1, 0, 1, 0} {
			if len(links[i].messages) != want {
				t.Errorf("player %d got %v", i+1, links[i].messages)
			}
		}
	})
}

// A message that is too long is a bug in the rules: a panic, which the match survives.
func TestTooLongMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		tell(t, m, a, fmt.Sprint("long ", game.MaxMessage))
		tell(t, m, a, fmt.Sprint("long ", game.MaxMessage+1))
		tell(t, m, a, "say after")
		if got := a.texts(); len(got) != 2 || got[1] != "after" || m.cfg.Stats.Panics.Load() != 1 {
			t.Errorf("%d messages, %d panics", len(got), m.cfg.Stats.Panics.Load())
		}
	})
}
