package client

import (
	"math"
	"time"
)

// lead works out how far ahead of the server's tick a client must live so that what it sends arrives in time: half a round trip, jitter, and
// one tick. It keeps the clock that the client lives by, which follows at no more than 5 % above or below its pace: a game that runs on it does
// not stutter. Only what is further off than 10 ticks is set at once. Numbers without a unit are ticks. Pure.
type lead struct {
	hz     float64
	low    float64 // the shortest way that a frame took of late
	jitter float64 // by which all but 1 % of the frames took longer
	bias   float64 // by which the way up is longer than half a round trip
	heard  bool    // low is known

	lived   bool // the next two are set
	local   time.Duration
	tick    float64 // at that time
	resyncs int

	late float64 // what the last report said about the newest sample
}

const (
	maxSpeed  = 0.05                   // by which the clock runs faster or slower
	maxError  = 10                     // that is corrected so
	maxJitter = 160 * time.Millisecond // longer stalls are better endured than answered with a lag for all the time
	minJitter = 3 * time.Millisecond   // a server takes samples in just before its tick begins
	quantile  = 0.99
	gain      = 4 * time.Millisecond // by which one frame may change the jitter
	forget    = 0.001                // seconds a second by which the shortest way is forgotten
	biasGain  = 0.5
)

// seconds of a duration as ticks.
func (l *lead) of(d time.Duration) float64 { return d.Seconds() * l.hz }

// start begins anew on another connection. What is known about the network stays.
func (l *lead) start(hz int) {
	scale := float64(hz) / max(1, l.hz)
	*l = lead{hz: float64(hz), jitter: l.jitter * scale, bias: l.bias * scale}
	l.jitter = max(l.jitter, l.of(minJitter))
}

// frame takes in what a frame took to come, by the estimate of the server's clock; a constant error does no harm. The jitter is the
// quantile that a step up for each longer one and smaller steps down for the others lead to (H. Robbins and S. Monro, "A
// Stochastic Approximation Method", 1951).
func (l *lead) frame(took float64) {
	if l.low += forget; !l.heard || took < l.low {
		l.low, l.heard = took, true
	}
	step := -(1 - quantile)
	if took-l.low > l.jitter {
		step = quantile
	}
	l.jitter = max(l.of(minJitter), min(l.of(maxJitter), l.jitter+step*l.of(gain)))
}

// report takes in how late the newest sample was. Two in a row that were late are no stall: the way up is the longer half.
func (l *lead) report(late, rtt float64) {
	switch worst := min(late, l.late); {
	case worst > 0:
		l.bias += biasGain * worst
	case late < -l.jitter-2:
		l.bias -= biasGain / 4
	}
	l.bias = max(0, min(l.bias, rtt/2))
	l.late = late
}

// at returns the tick that the client lives in, where the server's is known, as is the round trip.
func (l *lead) at(local time.Duration, server, rtt float64) float64 {
	goal := server + rtt/2 + l.jitter + l.bias + 1
	passed := max(0, l.of(local-l.local))
	l.tick += passed
	off := goal - l.tick
	switch {
	case !l.lived:
		l.tick, l.lived = goal, true
	case math.Abs(off) > maxError:
		l.tick = goal
		l.resyncs++
	default:
		l.tick += max(-maxSpeed*passed, min(maxSpeed*passed, off))
	}
	l.local = local
	return l.tick
}
