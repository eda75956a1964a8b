package main

import (
	"math"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// toEnd is how long before the end a player may have seen his last frame.
const toEnd = 2 * time.Second

// seen checks every frame that a player saw against the frames before it, other players' frames of that tick, and the record.
func (c *chain) seen() {
	views := map[uint32]uint32{} // of each tick
	step := c.step()
	for _, s := range c.sights {
		if s.others > 0 {
			c.note(&c.rollbacks, "%s: player %d came back as somebody else", c.match, s.player)
		}
		var was bots.Seen
		for i := range s.frames {
			f := &s.frames[i]
			if f.Tick < was.Tick || f.Epoch < was.Epoch {
				c.note(&c.rollbacks, "%s: player %d saw tick %d of epoch %d after tick %d of epoch %d", c.match, s.player, f.Tick, f.Epoch, was.Tick, was.Epoch)
			}
			if f.Ack < was.Ack {
				c.note(&c.inputs, "%s: player %d was told of %d answers, then of %d", c.match, s.player, was.Ack, f.Ack)
			}
			was = *f
			if !s.whole(i, step) {
				continue
			}
			if view, ok := views[f.Tick]; ok && view != f.View {
				c.note(&c.hashes, "%s: two players saw two different states of tick %d", c.match, f.Tick)
			}
			views[f.Tick] = f.View
		}
		c.recorded(s, step)
	}
}

// whole reports whether a frame surely has all rows as they are: one that came over a gap may have been sent to a slow player, with some of them
// as he predicts them.
func (s *sight) whole(i int, step uint32) bool {
	return i > 0 && s.frames[i].Epoch == s.frames[i-1].Epoch && s.frames[i].Tick-s.frames[i-1].Tick == step
}

// step returns the ticks from one state frame to the next: the fewest between two that a player saw.
func (c *chain) step() uint32 {
	least := uint32(math.MaxUint32)
	for _, s := range c.sights {
		for i := 1; i < len(s.frames); i++ {
			if a, b := &s.frames[i-1], &s.frames[i]; b.Tick > a.Tick {
				least = min(least, b.Tick-a.Tick)
			}
		}
	}
	return least
}

// recorded checks that what a player saw stands in the record of the epoch and was gone on from. It reports once for each player and epoch.
func (c *chain) recorded(s *sight, step uint32) {
	said, saidAck := uint32(0), uint32(0)
	for i := range s.frames {
		f := &s.frames[i]
		t, end := c.of(f.Epoch)
		switch {
		case f.Epoch == said:
			continue
		case t == nil:
			c.note(&c.rollbacks, "%s: player %d saw epoch %d, which no node recorded", c.match, s.player, f.Epoch)
			said = f.Epoch
			continue
		case f.Tick < t.base.tick || f.Tick > end:
			c.note(&c.rollbacks, "%s: player %d saw tick %d of epoch %d, which did not count any more", c.match, s.player, f.Tick, f.Epoch)
			said = f.Epoch
			continue
		}
		at, ok := t.at(f.Tick).standing(s.player)
		if wrong := f.Ack > at.ack || f.Ack < at.ack && s.whole(i, step); ok && wrong && f.Epoch != saidAck {
			c.note(&c.inputs, "%s: player %d was told at tick %d that %d is answered, the journal says %d", c.match, s.player, f.Tick, f.Ack, at.ack)
			saidAck = f.Epoch
		}
	}
}

// of returns the tenure of an epoch that reaches furthest, and the last tick that counts: where the next owner goes on, wherever the
// record of a process that died stops.
func (c *chain) of(epoch uint32) (best *tenure, end uint32) {
	for i, t := range c.tenures {
		if t.epoch != epoch {
			continue
		}
		if best == nil || t.last() > best.last() {
			best, end = t, t.last()
		}
		for _, next := range c.tenures[i+1:] {
			if next.epoch > epoch {
				end = next.base.tick
				break
			}
		}
	}
	return best, end
}

// went checks that the match went on to the end, for everybody.
func (c *chain) went() {
	here, there := 0, 0
	for _, s := range c.sights {
		there++
		if n := len(s.frames); n > 0 && s.frames[n-1].At >= c.over-toEnd {
			here++
		}
	}
	switch {
	case len(c.tenures) == 0:
		c.note(&c.lost, "%s: no node recorded it", c.match)
	case here == 0:
		c.note(&c.lost, "%s: nobody saw it go on to the end", c.match)
	case here < there:
		c.absent += there - here - 1
		c.note(&c.absent, "%s: %d of its %d players did not see it to the end", c.match, there-here, there)
	}
}

// answered checks that the journal that counts holds every answered sample once and in order.
func (c *chain) answered() {
	type progress struct {
		seq  uint32
		last standing
	}
	players := map[uint32]*progress{}
	of := func(n uint32) *progress {
		if players[n] == nil {
			players[n] = &progress{}
		}
		return players[n]
	}
	for i, t := range c.tenures {
		end := c.until(i)
		for k := range t.ticks {
			m := &t.ticks[k]
			if m.tick > end {
				break
			}
			for _, a := range m.applied {
				p := of(a.player)
				if a.seq <= p.seq {
					c.note(&c.inputs, "%s, tick %d: sample %d of player %d after %d", c.match, m.tick, a.seq, a.player, p.seq)
				}
				p.seq = max(p.seq, a.seq)
			}
			for _, s := range m.players {
				p := of(s.player)
				if s.ack < p.last.ack || s.answers < p.last.answers {
					c.note(&c.inputs, "%s, tick %d: player %d has %d samples answered, %d before", c.match, m.tick, s.player, s.ack, p.last.ack)
				}
				p.last = s
			}
		}
	}
	for n, p := range players {
		if p.last.answers < p.last.ack {
			c.inputs += int(p.last.ack-p.last.answers) - 1
			c.note(&c.inputs, "%s: %d samples of player %d are answered, of %d the answer has a name", c.match, p.last.ack, n, p.last.answers)
		}
		if p.seq > p.last.ack && p.last.ack > 0 {
			c.note(&c.inputs, "%s: sample %d of player %d was applied and is not answered", c.match, p.seq, n)
		}
	}
}
