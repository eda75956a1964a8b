package client

import (
	"math"
	"time"
)

// clock estimates the server's tick from pongs. Times are durations since the client began. Pure.
type clock struct {
	hz     float64
	offset float64      // server ticks minus local seconds * hz
	margin float64      // ticks by which a sample should arrive before its tick
	sync   [8]syncPoint // the last pongs; the one with the shortest round trip counts
	syncs  int
	last   uint32 // tick of the last sample
}

// syncPoint is what one pong says.
type syncPoint struct {
	rtt    time.Duration
	offset float64
}

const (
	early     = 8 * time.Millisecond // what the margin aims at: a sample arrives so long before its tick
	maxMargin = 80 * time.Millisecond
	slack     = 0.1 // ticks of drift and rounding between pongs
	ahead     = 3   // ticks that samples may run ahead of their target when several are sent at once
)

// start begins anew from the tick in a welcome.
func (c *clock) start(hz int, tick uint32, now time.Duration) {
	*c = clock{hz: float64(hz), margin: c.margin, last: c.last}
	c.offset = float64(tick) - c.local(now)
}

func (c *clock) local(now time.Duration) float64 { return now.Seconds() * c.hz }

// now returns the server's tick now, with its fraction.
func (c *clock) now(now time.Duration) float64 { return c.local(now) + c.offset }

// pong takes the answer to a ping: the server's tick with its fraction, how late the newest sample was, and the round trip.
// The true offset is within half a round trip of what a pong says; an older pong that contradicts the new one is from before
// the server lost ticks, and is forgotten with all the others.
func (c *clock) pong(now, rtt time.Duration, tick, late float64) {
	half := rtt.Seconds() / 2 * c.hz
	p := syncPoint{rtt, tick + half - c.local(now)}
	for _, s := range c.sync[:min(c.syncs, len(c.sync))] {
		if math.Abs(s.offset-p.offset) > half+s.rtt.Seconds()/2*c.hz+slack {
			c.syncs = 0
			break
		}
	}
	c.sync[c.syncs%len(c.sync)] = p
	c.syncs++
	best := p
	for _, s := range c.sync[:min(c.syncs, len(c.sync))] {
		if s.rtt < best.rtt {
			best = s
		}
	}
	c.offset = best.offset
	c.margin = math.Max(0, math.Min(maxMargin.Seconds()*c.hz, c.margin+(late+early.Seconds()*c.hz)/2))
}

// frame takes the tick of a state frame that just arrived: the server cannot be behind it.
func (c *clock) frame(now time.Duration, tick uint32) {
	if behind := float64(tick) - c.now(now); behind > 0 {
		c.offset += behind
	}
}

// rtt returns the shortest of the last round trips, 0 before the first.
func (c *clock) rtt() time.Duration {
	var best time.Duration
	for i, s := range c.sync[:min(c.syncs, len(c.sync))] {
		if i == 0 || s.rtt < best {
			best = s.rtt
		}
	}
	return best
}

// target returns the tick for a sample that is sent now: the first that the server begins after the sample has arrived, with the
// margin. Samples of one client never go back, and several sent at once get ticks in a row.
func (c *clock) target(now time.Duration) uint32 {
	t := uint32(math.Max(0, math.Floor(c.now(now)+c.rtt().Seconds()/2*c.hz+c.margin))) + 1
	c.last = max(t, c.last, min(c.last+1, t+ahead))
	if c.last > t+uint32(c.hz) { // the match went back in time, or the clock was wrong: believe the clock
		c.last = t
	}
	return c.last
}
