package loop

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// midnight is a whole second.
var midnight = time.Unix(0, 0)

// intended is the exact time of index k, rounded down to a nanosecond.
func intended(hz int, phase float64, k int64) time.Duration {
	base := time.Duration(phase * float64(time.Second) / float64(hz))
	x := new(big.Int).Mul(big.NewInt(k), big.NewInt(int64(time.Second)))
	return base + time.Duration(x.Quo(x, big.NewInt(int64(hz))).Int64())
}

func TestScheduleDoesNotDrift(t *testing.T) {
	const hours = 3
	for _, hz := range []int{1, 7, 30, 60, 128} {
		s := newSchedule(hz, 0.3, midnight)
		now, ticks := time.Duration(0), int64(0)
		for want := int64(hz) * 3600 * hours; ticks < want; ticks++ {
			now = s.at(s.next)
			if run, dropped := s.due(now); run != 1 || dropped != 0 {
				t.Fatalf("%d Hz, tick %d: %d to run, %d dropped", hz, ticks, run, dropped)
			}
			if run, _ := s.due(s.at(s.next) - 1); run != 0 {
				t.Fatalf("%d Hz, tick %d: due a nanosecond early", hz, ticks)
			}
		}
		if want := intended(hz, 0.3, ticks-1); now != want {
			t.Errorf("%d Hz: tick %d at %v, want %v", hz, ticks, now, want)
		}
	}
}

// A tick that starts late does not move the ones after it.
func TestLateTickMovesNothing(t *testing.T) {
	s := newSchedule(7, 0, midnight)
	for k := range int64(10_000) {
		if at := s.at(s.next); at != intended(7, 0, k) {
			t.Fatalf("tick %d at %v", k, at)
		}
		s.due(s.at(s.next) + 100*time.Millisecond)
	}
}

func TestPhaseSpreadsMatches(t *testing.T) {
	for _, c := range []struct {
		phase float64
		want  time.Duration
	}{{0, 0}, {0.25, 25 * time.Millisecond}, {1, 100 * time.Millisecond}} {
		s := newSchedule(10, c.phase, midnight)
		if s.at(0) != c.want || s.at(10)-s.at(0) != time.Second {
			t.Errorf("phase %v: first tick at %v, eleventh at %v", c.phase, s.at(0), s.at(10))
		}
	}
}

// Matches that start whenever have their ticks at their phases of one clock, the first one within an interval.
func TestPhasesKeepTheirDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.SampledFrom([]int{1, 7, 20, 30, 60, 128}).Draw(t, "hz")
		phase := rapid.Float64Range(0.001, 1).Draw(t, "phase")
		start := time.Unix(rapid.Int64Range(0, 1e9).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns"))
		s := newSchedule(hz, phase, start)
		first := s.at(0)
		interval := time.Second / time.Duration(hz)
		if first < 0 || first > interval+1 {
			t.Fatalf("first tick after %v", first)
		}
		at := float64(start.Add(first).Nanosecond()) / 1e9 * float64(hz)
		if off := at - phase - math.Round(at-phase); math.Abs(off) > 1e-5 {
			t.Fatalf("tick at %v, %v of an interval off its phase", start.Add(first), off)
		}
	})
}

func TestCatchUpIsBounded(t *testing.T) {
	s := newSchedule(10, 0, midnight)
	s.due(0)
	if run, dropped := s.due(500 * time.Millisecond); run != 5 || dropped != 0 {
		t.Errorf("5 ticks behind: %d to run, %d dropped", run, dropped)
	}
	if run, dropped := s.due(2500 * time.Millisecond); run != 5 || dropped != 15 {
		t.Errorf("20 ticks behind: %d to run, %d dropped", run, dropped)
	}
	if s.at(s.next) != 2600*time.Millisecond {
		t.Errorf("next tick at %v", s.at(s.next))
	}
}

// Whatever the delays: ticks run and ticks dropped together are the ticks whose time has come.
func TestScheduleAccountsForEveryTick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.IntRange(1, 128).Draw(t, "hz")
		phase := rapid.Float64Range(0, 1).Draw(t, "phase")
		s := newSchedule(hz, phase, midnight)
		now, sum := time.Duration(0), int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "wakes") {
			now += time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "delay"))
			run, dropped := s.due(now)
			if run < 0 || run > maxCatchUp || dropped < 0 || dropped > 0 && run != maxCatchUp {
				t.Fatalf("%d to run, %d dropped", run, dropped)
			}
			sum += int64(run) + dropped
			if intended(hz, phase, sum) <= now || sum > 0 && intended(hz, phase, sum-1) > now {
				t.Fatalf("at %v %d ticks are accounted for, the next is due at %v", now, sum, intended(hz, phase, sum))
			}
			if s.next != sum {
				t.Fatalf("next is %d after %d", s.next, sum)
			}
		}
	})
}

func TestTicksRoundUp(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		hz   int
		want uint32
	}{{0, 30, 0}, {1, 30, 1}, {time.Second, 30, 30}, {time.Second + 1, 30, 31}, {250 * time.Millisecond, 30, 8}, {time.Hour, 128, 460_800}} {
		if n := ticks(c.d, c.hz); n != c.want {
			t.Errorf("%v at %d Hz is %d ticks, want %d", c.d, c.hz, n, c.want)
		}
	}
}
