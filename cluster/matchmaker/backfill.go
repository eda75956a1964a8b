package matchmaker

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Backfill is a running match that asks for players.
type Backfill struct {
	Match      string
	Game       string            // as in the proposal that made the match
	Layout     []int             // likewise: only tickets for matches of that layout are sent
	Attributes map[string]string // likewise
	Region     string            // where it runs; "" if nobody named any
	Open       []int             // free seats by team, reserved ones not counted; as many as Layout has
	Skill      float64           // mean of the players that are in it
}

// backfill is what a queue keeps of one.
type backfill struct {
	Backfill
	group *group
	skill int64
	bit   uint64 // of Region; 0: none
	slot  int    // number of that bit, -1
	left  []int  // during a cycle: Open less what pending proposals hold
}

// SetBackfill asks for players, or says anew how many: Open replaces what was said before. Seats that a pending proposal holds
// are not given twice. Error: ErrBackfill.
func (q *Queue) SetBackfill(_ time.Time, b Backfill) error {
	if !q.rules.Backfill {
		return fmt.Errorf("%w: not in queue %s", ErrBackfill, q.name)
	}
	if err := b.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrBackfill, err)
	}
	if len(q.backfills) >= MaxBackfills && q.backfills[b.Match] == nil {
		return fmt.Errorf("%w: %d matches ask already", ErrBackfill, MaxBackfills)
	}
	in := &backfill{Backfill: b, skill: thousandths(b.Skill), slot: -1}
	in.Layout, in.Open, in.Attributes = slices.Clone(b.Layout), slices.Clone(b.Open), maps.Clone(b.Attributes)
	if b.Region != "" {
		slot, ok := q.regions.take(b.Region)
		if !ok {
			return fmt.Errorf("%w: the queue's tickets name more than %d regions", ErrBackfill, MaxRegions)
		}
		in.slot, in.bit = slot, 1<<slot
	}
	values := make([]string, len(q.rules.Equal))
	for i, key := range q.rules.Equal {
		values[i] = b.Attributes[key]
	}
	in.group = q.group(b.Game, slices.Clone(shape(b.Layout)), values)
	q.forget(q.backfills[b.Match])
	q.backfills[b.Match] = in
	q.changed.backfill(b.Match)
	return nil
}

// RemoveBackfill ends that; what is proposed already stays.
func (q *Queue) RemoveBackfill(match string) {
	if b := q.backfills[match]; b != nil {
		q.forget(b)
		delete(q.backfills, match)
		q.changed.backfill(match)
	}
}

func (q *Queue) forget(b *backfill) {
	if b == nil {
		return
	}
	q.abandon(b.group)
	if b.slot >= 0 {
		q.regions.free(b.slot)
	}
}

func (b Backfill) check() error {
	if !validID(b.Match) || b.Game != "" && !validID(b.Game) || b.Region != "" && !validID(b.Region) {
		return wrong("match", "match, game and region must be at most %d printable ASCII characters", maxText)
	}
	if len(b.Layout) == 0 || len(b.Open) != len(b.Layout) {
		return wrong("open", "needs the free seats of every team of layout")
	}
	if _, err := makeShape(0, 0, b.Layout); err != nil {
		return err
	}
	for i, n := range b.Open {
		if n < 0 || n > b.Layout[i] {
			return wrong("open", "%d free seats in a team of %d", n, b.Layout[i])
		}
	}
	if !(math.Abs(b.Skill) <= MaxSkill) {
		return wrong("skill", "is out of bounds")
	}
	return Player{ID: "x", Attributes: b.Attributes}.check()
}

// offers returns the running matches that ask, by match id, each with the seats that nobody holds.
func (q *Queue) offers() []*backfill {
	for _, b := range q.backfills {
		b.left = append(b.left[:0], b.Open...)
	}
	for _, p := range q.proposals {
		b := q.backfills[p.match]
		if b == nil {
			continue
		}
		for _, h := range p.seats {
			if int(h.team) < len(b.left) {
				b.left[h.team] -= len(q.tickets[h.ticket].players)
			}
		}
	}
	out := make([]*backfill, 0, len(q.backfills))
	for _, b := range q.backfills {
		if slices.Max(b.left) > 0 {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b *backfill) int { return cmp.Or(cmp.Compare(a.skill, b.skill), cmp.Compare(a.Match, b.Match)) })
	return out
}

// fillRunning sends tickets to running matches, the oldest first, each to the one that is nearest in skill.
func (q *Queue) fillRunning(now time.Time, m moment, all []facts) []Proposal {
	offers := make(map[*group][]*backfill)
	for _, b := range q.offers() {
		offers[b.group] = append(offers[b.group], b)
	}
	if len(offers) == 0 {
		return nil
	}
	sent := make(map[*backfill][]party)
	var order []*backfill
	for i := range all {
		f := &all[i]
		b, team := m.nearest(offers[f.t.group], f)
		if b == nil {
			continue
		}
		f.taken = true
		b.left[team] -= len(f.t.players)
		if sent[b] == nil {
			order = append(order, b)
		}
		sent[b] = append(sent[b], party{f, team})
	}
	var out []Proposal
	for _, b := range order {
		out = append(out, q.propose(now, b.Match, b.Region, sent[b]))
	}
	return out
}

// nearest returns the match of the group's offers, which are sorted by skill, that takes a ticket and is nearest in skill.
func (m moment) nearest(offers []*backfill, f *facts) (*backfill, int) {
	right, _ := slices.BinarySearchFunc(offers, f.skill, func(b *backfill, skill int64) int { return cmp.Compare(b.skill, skill) })
	left := right - 1
	for left >= 0 || right < len(offers) {
		var b *backfill
		if right == len(offers) || left >= 0 && f.skill-offers[left].skill <= offers[right].skill-f.skill {
			b = offers[left]
			left--
		} else {
			b = offers[right]
			right++
		}
		switch team, why := m.room(b, f); why {
		case RuleNone:
			return b, team
		case RuleSkill:
			return nil, 0 // the others are further away
		}
	}
	return nil, 0
}
