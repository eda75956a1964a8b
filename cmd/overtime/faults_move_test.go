package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// calm is what players saw while nothing broke: the longest gap of each, in ms.
func (s *siege) calm(from, to time.Duration) (gaps []float64) {
	s.sights.All(func(_ *bots.Sight, saw *bots.Saw) {
		if gap, ok := longest(saw.Frames, from, to); ok {
			gaps = append(gaps, float64(gap)/float64(time.Millisecond))
		}
	})
	return gaps
}

// frameGaps are all gaps between two frames in a time, in ms.
func (s *siege) frameGaps(from, to time.Duration) (gaps []float64) {
	s.sights.All(func(_ *bots.Sight, saw *bots.Saw) {
		for i := 1; i < len(saw.Frames); i++ {
			if a, b := saw.Frames[i-1].At, saw.Frames[i].At; b >= from && a <= to {
				gaps = append(gaps, float64(b-a)/float64(time.Millisecond))
			}
		}
	})
	return gaps
}

// moving is what is measured while matches move.
type moving struct {
	took         time.Duration
	gaps, frames demoGap
}

// measure runs what moves matches, and measures what its players see.
func (s *siege) measure(f func() error) (m moving, err error) {
	from := s.clock()
	err = f()
	to := s.clock()
	m.took = to - from
	m.gaps, m.frames = quantiles(s.calm(from, to)), quantiles(s.frameGaps(from, to))
	return m, err
}

// roll restarts every node, one after the other.
func (s *siege) roll(ctx context.Context) error {
	for _, v := range append([]*demoNode(nil), s.up...) {
		k := &strike{cell: cell{"restart", partOwner}}
		if err := s.hurt(v, k.fault); err != nil {
			return err
		}
		if err := s.heal(ctx, k, []*demoNode{v}); err != nil {
			return fmt.Errorf("restart of %s: %w", v.name, err)
		}
	}
	return nil
}

// drain moves everything away from a node, and says how long the last match took.
func (s *siege) drain(ctx context.Context, n *demoNode) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+n.admin+"/v1/nodes/"+n.id+"/drain", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := s.api.http.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("drain: %s", resp.Status)
	}
	return s.until(ctx, 30*time.Second, "drain", func() string {
		list, err := s.list(ctx)
		if err != nil {
			return err.Error()
		}
		left := 0
		for _, m := range list {
			if m.Owner == n.id {
				left++
			}
		}
		if left > 0 {
			return fmt.Sprintf("%d matches are still there", left)
		}
		return ""
	})
}

// owned counts the matches of a node.
func (s *siege) owned(ctx context.Context, n *demoNode) (count int) {
	list, err := s.list(ctx)
	if err != nil {
		return -1
	}
	for _, m := range list {
		if m.Owner == n.id {
			count++
		}
	}
	return count
}

// unfit reports what a siege without faults must not show.
func unfit(t *testing.T, r *siegeReport) {
	t.Helper()
	for _, w := range r.wrong {
		t.Error(w)
	}
	if r.skipped > 0 || r.lost > 0 || r.played.SeatsLost > 0 {
		t.Errorf("%d ticks were skipped, %d matches and %d seats lost", r.skipped, r.lost, r.played.SeatsLost)
	}
}

// TestSoakDrain drains a node that has 60 matches.
func TestSoakDrain(t *testing.T) {
	number(t, "SOAK_RUNS")
	const matches = 60
	cfg := siegeOf(t, 3, matches, 2)
	cfg.first = 1 // gets all matches
	var m, before moving
	r, err := besiege(t.Context(), cfg, t.Logf, func(ctx context.Context, s *siege) (err error) {
		n := s.nodes[0]
		if count := s.owned(ctx, n); count != matches {
			return fmt.Errorf("the node has %d matches, want %d", count, matches)
		}
		if before, err = s.measure(func() error { pause(ctx, 3*time.Second); return nil }); err != nil {
			return err
		}
		m, err = s.measure(func() error { return s.drain(ctx, n) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	unfit(t, r)
	t.Logf("drain of %d matches with %d players: %.1f s (goal 10), %d ticks skipped", matches, matches*2, m.took.Seconds(), r.skipped)
	t.Logf("gap between frames: p99 %.0f ms meanwhile, %.0f ms in the 3 s before (goal 67); longest of each player: p50 %.0f p99 %.0f max %.0f ms, before %.0f %.0f %.0f, load %s",
		m.frames.P99, before.frames.P99, m.gaps.P50, m.gaps.P99, m.gaps.Max, before.gaps.P50, before.gaps.P99, before.gaps.Max, machineLoad())
	if m.took > 10*time.Second {
		t.Errorf("it took %v", m.took)
	}
}

// TestSoakRolling restarts three nodes one after the other under load.
func TestSoakRolling(t *testing.T) {
	number(t, "SOAK_RUNS")
	var m moving
	r, err := besiege(t.Context(), siegeOf(t, 3, 20, 8), t.Logf, func(ctx context.Context, s *siege) (err error) {
		m, err = s.measure(func() error { return s.roll(ctx) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	unfit(t, r)
	t.Logf("rolling restart of three nodes with 20 matches and 160 players: %.1f s, %d inputs lost, %d ticks skipped", m.took.Seconds(), r.played.InputsLost, r.skipped)
	t.Logf("gap between frames: p99 %.0f ms; longest of each player: p50 %.0f p99 %.0f max %.0f ms (goal: p99 250), load %s",
		m.frames.P99, m.gaps.P50, m.gaps.P99, m.gaps.Max, machineLoad())
}
