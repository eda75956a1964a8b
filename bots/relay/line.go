package relay

import (
	"math"
	"math/rand/v2"
	"time"
)

// Line is the schedule of one direction of a connection: it says when bytes handed in now arrive. It is pure: times are
// durations since the connection began, and the same seed and calls give the same answers. Not for concurrent use.
type Line struct {
	p      Profile
	jitter *rand.Rand
	stalls stalls
	free   time.Duration // when the line has sent what it was given
	last   time.Duration // when the last byte arrives: order is kept
}

// NewLine returns a line. The two directions of one connection have the same seed, and stall together; up tells them apart.
func NewLine(p Profile, seed uint64, up bool) *Line {
	stream := uint64(1)
	if up {
		stream = 2
	}
	return &Line{p: p, jitter: rand.New(rand.NewPCG(seed, stream)), stalls: newStalls(p, seed)}
}

// Send returns when the last of n bytes that are handed in at now arrives. Calls must not go back in time.
func (l *Line) Send(now time.Duration, n int) time.Duration {
	l.free = max(l.free, now)
	if l.p.Rate > 0 {
		l.free += time.Duration(float64(n) / float64(l.p.Rate) * float64(time.Second))
	}
	delay := l.p.RTT
	if l.p.Jitter > 0 {
		delay += time.Duration((2*l.jitter.Float64() - 1) * float64(l.p.Jitter))
	}
	l.last = l.stalls.after(max(l.last, l.free+max(delay/2, 0)))
	return l.last
}

// stalls is the endless sequence of a connection's stalls, walked forward.
type stalls struct {
	every, length time.Duration
	rng           *rand.Rand
	at            time.Duration // when the current or next stall begins
}

func newStalls(p Profile, seed uint64) stalls {
	s := stalls{every: p.StallEvery, length: p.StallFor, rng: rand.New(rand.NewPCG(seed, 3))}
	s.next()
	return s
}

// next moves to the stall after this one; intervals from end to start are exponential.
func (s *stalls) next() {
	if s.every > 0 {
		s.at += s.length + time.Duration(s.rng.ExpFloat64()*float64(s.every))
	} else {
		s.at = math.MaxInt64
	}
}

// after returns t, or the end of the stall that t falls into. Calls must not go back in time.
func (s *stalls) after(t time.Duration) time.Duration {
	for s.every > 0 && t >= s.at {
		if t < s.at+s.length {
			return s.at + s.length
		}
		s.next()
	}
	return t
}

// life returns after what time the connection is cut and whether by a reset; 0 means never.
func life(p Profile, seed uint64) (at time.Duration, reset bool) {
	if p.CutEvery <= 0 {
		return 0, false
	}
	rng := rand.New(rand.NewPCG(seed, 4))
	return time.Duration(rng.Float64()*2*float64(p.CutEvery)) + time.Millisecond, rng.IntN(2) == 1
}
