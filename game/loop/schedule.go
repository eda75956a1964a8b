package loop

import (
	"math"
	"time"
)

// maxCatchUp is the number of ticks run at once to make up for lost time; what is beyond that is dropped.
const maxCatchUp = 5

// schedule says when ticks are due. Tick k of the schedule is intended for base + k/hz seconds: computed from k, so
// rounding does not add up and a late tick does not move the next one. Times are since the match's start.
type schedule struct {
	hz   int64
	base time.Duration // intended time of index 0
	next int64         // index of the next tick
}

// newSchedule puts the ticks at a phase of the wall clock's intervals, so that those of all matches of a node keep their distance however
// long it took to make them; at phase 0 the first one is at once. clock is the match's start.
func newSchedule(hz int, phase float64, clock time.Time) schedule {
	s := schedule{hz: int64(hz)}
	if phase > 0 {
		interval := float64(time.Second) / float64(hz)
		into := float64(clock.Nanosecond()) / interval // whole intervals fit into a second
		wait := phase - (into - math.Floor(into))
		if wait < 0 {
			wait++
		}
		s.base = time.Duration(wait * interval)
	}
	return s
}

// follow moves the ticks so that index 0 is one interval after a tick that was intended at a time, not later than now; where that is
// long ago, ticks are due at once.
func (s *schedule) follow(last time.Duration) {
	s.base = min(last, 0) + time.Duration(int64(time.Second)/s.hz)
}

// at returns the intended time of index k.
func (s *schedule) at(k int64) time.Duration {
	return s.base + time.Duration(k*int64(time.Second)/s.hz)
}

// due returns how many ticks are to be run now, at most maxCatchUp, and how many were dropped to get there. The caller
// runs exactly that many.
func (s *schedule) due(now time.Duration) (run int, dropped int64) {
	if now < s.at(s.next) {
		return 0, 0
	}
	behind := int64(now-s.base)*s.hz/int64(time.Second) - s.next + 1
	for s.at(s.next+behind) <= now { // rounding
		behind++
	}
	for behind > 1 && s.at(s.next+behind-1) > now {
		behind--
	}
	if dropped = behind - maxCatchUp; dropped > 0 {
		s.next += dropped
		behind = maxCatchUp
	} else {
		dropped = 0
	}
	s.next += behind
	return int(behind), dropped
}
