package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// siegeOf is a small siege of this program.
func siegeOf(t *testing.T, nodes, matches, players int) siegeConfig {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return siegeConfig{exe: exe, nodes: nodes, matches: matches, players: players}
}

// TestFaults breaks nodes of real clusters, one after the other, and compares what nodes recorded with what players saw. make soak
// does all of the matrix, often.
func TestFaults(t *testing.T) {
	if err := faultPossible("stop"); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	all := tallies{}
	soak(t, siegeOf(t, 3, 4, 2), all, "short", func(ctx context.Context, s *siege) error {
		for _, c := range []cell{{"kill", partOwner}, {"restart", partStandby}, {"freeze", partOwner}} {
			if err := s.strike(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	for c, x := range all {
		for is, gaps := range x.gaps {
			if len(gaps) == 0 || x.took[0] > float64(noticeWithin/time.Millisecond) {
				t.Errorf("%v, %v: %d gaps, protected after %v ms", c, is, len(gaps), x.took)
			}
		}
	}
	all.print(t.Logf)
}

// TestLongest: a gap counts if it overlaps the time in question.
func TestLongest(t *testing.T) {
	const ms = time.Millisecond
	var frames []bots.Seen
	for _, at := range []time.Duration{0, 10, 40, 45, 145} {
		frames = append(frames, bots.Seen{At: at * ms})
	}
	for _, x := range []struct{ from, to, want time.Duration }{{0, 5, 10}, {11, 12, 30}, {30, 45, 100}, {200, 300, 0}, {42, 44, 5}} {
		if got, ok := longest(frames, x.from*ms, x.to*ms); got != x.want*ms || ok != (x.want > 0) {
			t.Errorf("%v to %v: %v, %v", x.from, x.to, got, ok)
		}
	}
}

// TestSkipped: ticks that the next owner does not have count only where the owner before was there to the end.
func TestSkipped(t *testing.T) {
	before := tenure{match: "m", epoch: 1, ticks: make([]moment, 10), whole: true}
	after := tenure{match: "m", epoch: 2, base: moment{tick: 13}}
	h := history{tenures: []tenure{after, before}}
	if n := h.skipped(); n != 3 {
		t.Errorf("%d ticks, want 3", n)
	}
	h.tenures[1].whole = false
	if n := h.skipped(); n != 0 {
		t.Errorf("%d ticks of a process that was killed, want 0", n)
	}
}
