package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// history is what nodes recorded and players saw of some matches. Pure data: where it comes from does not matter.
type history struct {
	matches []string // that were made
	tenures []tenure
	sights  []sight
	hz      uint32
	over    time.Duration // until when players were to see frames
}

// tenure is what one node recorded of one match while it owned it.
type tenure struct {
	node, match string
	epoch       uint32
	base        moment   // that it went on from; of tick 0 for a match that began here
	ticks       []moment // those after it, without a gap
	whole       bool     // it says how it ended: nothing at its end is missing
	differs     int      // ticks that lead to another state when they are replayed
}

// moment is the state of a match after a tick.
type moment struct {
	tick, round uint32
	hash        uint64
	players     []standing
	applied     []applied // by this tick
}

// standing is what the state says of a player.
type standing struct {
	player, ack uint32 // ack: his last sample that was answered
	answers     uint32 // samples that were answered by name: applied, merged, late, refused
	points      int32
}

// applied is one sample of a player that a tick consumed.
type applied struct{ player, seq uint32 }

// sight is what one player saw.
type sight struct {
	match  string
	player uint32
	others int // welcomes as somebody else or to something else
	frames []bots.Seen
}

// verdict is what is wrong with a history: all zero if nothing is.
type verdict struct {
	lost      int // matches that did not go on
	owners    int // epochs of a match with two owners
	rollbacks int // times that something seen was taken back
	hashes    int // equal ticks with different states
	inputs    int // answered samples that are not exactly once and in order in the final journal
	absent    int // players who did not see their match to the end
	notes     []string
}

// last is the last tick of a tenure.
func (t *tenure) last() uint32 { return t.base.tick + uint32(len(t.ticks)) }

// at returns the state after a tick; nil if it is not recorded.
func (t *tenure) at(tick uint32) *moment {
	switch {
	case tick == t.base.tick && tick > 0:
		return &t.base
	case tick <= t.base.tick || tick > t.last():
		return nil
	}
	return &t.ticks[tick-t.base.tick-1]
}

func (m *moment) standing(player uint32) (standing, bool) {
	if m != nil {
		for _, s := range m.players {
			if s.player == player {
				return s, true
			}
		}
	}
	return standing{}, false
}

// note keeps the first things that are wrong, in words.
func (v *verdict) note(n *int, format string, args ...any) {
	*n++
	if len(v.notes) < 20 {
		v.notes = append(v.notes, fmt.Sprintf(format, args...))
	}
}

// check compares what was recorded with what was seen.
func (h *history) check() verdict {
	var v verdict
	for _, match := range h.matches {
		c := chain{history: h, verdict: &v, match: match}
		for i := range h.tenures {
			if h.tenures[i].match == match {
				c.tenures = append(c.tenures, &h.tenures[i])
			}
		}
		for i := range h.sights {
			if h.sights[i].match == match {
				c.sights = append(c.sights, &h.sights[i])
			}
		}
		slices.SortStableFunc(c.tenures, func(a, b *tenure) int { return cmp.Compare(a.epoch, b.epoch) })
		c.check()
	}
	return v
}

// chain is the history of one match: its tenures, ascending by epoch.
type chain struct {
	*history
	*verdict
	match   string
	tenures []*tenure
	sights  []*sight
}

func (c *chain) check() {
	for _, t := range c.tenures {
		if t.differs > 0 {
			c.note(&c.hashes, "%s, epoch %d: the replay of %s differs %d times", c.match, t.epoch, t.node, t.differs)
		}
	}
	c.owned()
	c.joints()
	c.seen()
	c.went()
	c.answered()
}

// until is the last tick of tenure i that counts: where the next owner goes on.
func (c *chain) until(i int) uint32 {
	end := c.tenures[i].last()
	for _, t := range c.tenures[i+1:] {
		if t.epoch > c.tenures[i].epoch {
			end = min(end, t.base.tick)
		}
	}
	return end
}

// owned looks for epochs that two nodes took for theirs.
func (c *chain) owned() {
	for i, t := range c.tenures {
		for _, o := range c.tenures[i+1:] {
			if o.epoch != t.epoch {
				break
			}
			if c.shown(t) && c.shown(o) {
				c.note(&c.owners, "%s, epoch %d: players saw ticks of %s and of %s", c.match, t.epoch, t.node, o.node)
			} else if tick := differ(t, o); tick > 0 {
				c.note(&c.owners, "%s, epoch %d: %s and %s differ at tick %d", c.match, t.epoch, t.node, o.node, tick)
			}
		}
	}
}

// shown reports whether a player saw a tick of a tenure.
func (c *chain) shown(t *tenure) bool {
	for _, s := range c.sights {
		for i := range s.frames {
			if f := &s.frames[i]; f.Epoch == t.epoch && f.Tick > t.base.tick && f.Tick <= t.last() {
				return true
			}
		}
	}
	return false
}

// differ returns the first tick at which two tenures have different states, 0 if there is none.
func differ(a, b *tenure) uint32 {
	for tick := max(a.base.tick, b.base.tick); tick <= min(a.last(), b.last()); tick++ {
		if x, y := a.at(tick), b.at(tick); x != nil && y != nil && x.hash != y.hash {
			return tick
		}
	}
	return 0
}

// joints checks that every owner goes on from what the one before him showed and recorded.
func (c *chain) joints() {
	for i, t := range c.tenures {
		if i == 0 {
			if t.base.tick != 0 {
				c.note(&c.rollbacks, "%s: its beginning is not recorded", c.match)
			}
			continue
		}
		p := c.tenures[i-1]
		if p.epoch == t.epoch {
			continue // see owned
		}
		base := t.base.tick
		switch {
		case base < p.base.tick:
			c.note(&c.rollbacks, "%s, epoch %d: %s goes on from tick %d, the owner before began at %d", c.match, t.epoch, t.node, base, p.base.tick)
		case base > p.last() && (p.whole || base > c.reached(p)+c.hz):
			c.note(&c.rollbacks, "%s, epoch %d: %s goes on from tick %d, the owner before got to %d", c.match, t.epoch, t.node, base, c.reached(p))
		}
		if was := p.at(base); was != nil && was.hash != t.base.hash {
			c.note(&c.hashes, "%s, epoch %d: %s goes on from another state of tick %d than the owner before had", c.match, t.epoch, t.node, base)
			c.note(&c.rollbacks, "%s, epoch %d: so what happened before did not", c.match, t.epoch)
		}
		c.kept(p, t)
	}
}

// reached is the last tick of a tenure that is recorded or was seen: the disk may have been slower than a node that died.
func (c *chain) reached(t *tenure) uint32 {
	last := t.last()
	for _, s := range c.sights {
		for i := range s.frames {
			if f := &s.frames[i]; f.Epoch == t.epoch {
				last = max(last, f.Tick)
			}
		}
	}
	return last
}

// kept checks that nobody loses points to a change of owner.
func (c *chain) kept(p, t *tenure) {
	was := p.at(min(t.base.tick, p.last()))
	if was == nil || was.round != t.base.round {
		return
	}
	for _, s := range was.players {
		if now, ok := t.base.standing(s.player); ok && now.points < s.points {
			c.note(&c.rollbacks, "%s, epoch %d: player %d falls from %d to %d points", c.match, t.epoch, s.player, s.points, now.points)
		}
	}
}
