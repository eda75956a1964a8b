package client

import (
	"math"
	"time"
)

// clock estimates the server's tick from pongs. Times are durations since the client began. Pure.
type clock struct {
	hz     float64
	offset float64      // server ticks minus local seconds * hz
	lead   lead         // over the server's tick
	sync   [8]syncPoint // the last pongs; the one with the shortest round trip counts
	syncs  int
	known  bool          // there was a pong on this connection
	last   uint32        // tick of the last sample
	lastAt time.Duration // when it was chosen
}

// syncPoint is what one pong says.
type syncPoint struct {
	rtt    time.Duration
	offset float64
}

const (
	slack = 0.1 // ticks of drift and rounding between pongs
	ahead = 3   // ticks that samples may run ahead of their target when several are sent at once

	// Where the tick after the last sample's is between these, it is the next one's: frames that come early or late do not make
	// samples share a tick, or leave one out.
	before = 0.25
	beyond = 1.75
)

// start begins anew from the tick in a welcome.
func (c *clock) start(hz int, tick uint32, now time.Duration) {
	*c = clock{hz: float64(hz), lead: c.lead, last: c.last}
	c.lead.start(hz)
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
	c.lead.report(late, best.rtt.Seconds()*c.hz)
	if !c.known {
		c.known, c.lead.lived = true, false // so far the round trip was not known: no measure
	}
}

// frame takes the tick of a state frame that just arrived: the server cannot be behind it.
func (c *clock) frame(now time.Duration, tick uint32) {
	if behind := float64(tick) - c.now(now); behind > 0 {
		c.offset += behind
	}
	c.lead.frame(c.now(now) - float64(tick))
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

// target returns the tick for a sample that is sent now: the first that the server begins after the sample has arrived, jitter
// included. Samples of one client never go back, and several sent at once get ticks in a row.
func (c *clock) target(now time.Duration) uint32 {
	least := max(0, c.lead.at(now, c.now(now), c.rtt().Seconds()*c.hz)-1)
	next, most := float64(c.last)+1, least+beyond
	if c.local(now-c.lastAt) < 0.5 {
		most = least + ahead
	}
	t := uint32(math.Ceil(least))
	switch {
	case next >= least-before && next <= most:
		t = c.last + 1
	case c.last > t && c.last-t <= uint32(c.hz): // further back the match went back in time, or the clock was wrong
		t = c.last
	}
	c.last, c.lastAt = t, now
	return t
}
