package matchmaker

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"
)

// Bounds of what an assignment may hold, in bytes.
const (
	maxURL    = 1024
	maxToken  = 1024 // of one player; longer ones are not kept
	maxReason = 512
)

const formatVersion = 1

// changes notes what a second node has not been told.
type changes struct {
	version   uint64 // of the state that the last bytes of Changes led to
	source    string // replicas: whose bytes were applied
	tickets   map[string]struct{}
	proposals map[string]struct{}
	backfills map[string]struct{}
}

func mark(set *map[string]struct{}, id string) {
	if *set == nil {
		*set = make(map[string]struct{})
	}
	(*set)[id] = struct{}{}
}

func (c *changes) ticket(id string)   { mark(&c.tickets, id) }
func (c *changes) proposal(id string) { mark(&c.proposals, id) }
func (c *changes) backfill(id string) { mark(&c.backfills, id) }

// Changes returns what changed since the last call, for a second node's Apply; nil if nothing did. What a caller was told only
// survives once the second node has it: send before answering, and before making a proposed match. A queue without a second node
// calls it, too, and drops the bytes; a second node that is new gets a Snapshot first.
func (q *Queue) Changes(now time.Time) []byte {
	c := &q.changed
	if len(c.tickets)+len(c.proposals)+len(c.backfills) == 0 {
		return nil
	}
	e := q.header(0, c.version, c.version+1)
	gone := func(set map[string]struct{}, has func(string) bool) {
		ids := slices.Sorted(maps.Keys(set))
		ids = slices.DeleteFunc(ids, has)
		e.count(len(ids))
		for _, id := range ids {
			e.text(id)
		}
	}
	gone(c.tickets, func(id string) bool { return q.tickets[id] != nil })
	gone(c.proposals, func(id string) bool { return q.proposals[id] != nil })
	gone(c.backfills, func(id string) bool { return q.backfills[id] != nil })
	e.put(q, now, func(set map[string]struct{}, id string) bool { _, ok := set[id]; return ok })
	q.changed = changes{version: c.version + 1, source: q.origin}
	return e.b
}

// Snapshot returns everything for a second node's Apply. Bytes that Changes returns afterwards continue it.
func (q *Queue) Snapshot(now time.Time) []byte {
	e := q.header(1, q.changed.version, q.changed.version)
	e.count(0)
	e.count(0)
	e.count(0)
	e.put(q, now, func(map[string]struct{}, string) bool { return true })
	return e.b
}

func (q *Queue) header(kind byte, from, to uint64) *encoder {
	e := &encoder{b: []byte{formatVersion, kind}}
	e.text(q.name)
	e.text(q.origin)
	e.number(from)
	e.number(to)
	e.number(q.seq)
	return e
}

// encoder appends to b.
type encoder struct{ b []byte }

func (e *encoder) number(v uint64) { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) signed(v int64)  { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) count(n int)     { e.number(uint64(n)) }

func (e *encoder) text(s string) {
	e.count(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) flag(b bool) { e.b = append(e.b, byte(boolInt(b))) }

func (e *encoder) sizes(s []int) {
	e.count(len(s))
	for _, n := range s {
		e.count(n)
	}
}

// age is how long ago something was: a time of day would mean something else on another machine.
func (e *encoder) age(now time.Time, at int64) { e.number(uint64(max(now.UnixNano()-at, 0))) }

// put appends the tickets, proposals and backfills that are wanted.
func (e *encoder) put(q *Queue, now time.Time, wanted func(map[string]struct{}, string) bool) {
	var tickets []*ticket
	for _, t := range q.order {
		if t.state != 0 && wanted(q.changed.tickets, t.id) {
			tickets = append(tickets, t)
		}
	}
	e.count(len(tickets))
	for _, t := range tickets {
		e.ticket(q, now, t)
	}
	proposals := slices.DeleteFunc(q.sortedProposals(), func(p *proposal) bool { return !wanted(q.changed.proposals, p.id) })
	e.count(len(proposals))
	for _, p := range proposals {
		e.proposal(now, p)
	}
	var backfills []*backfill
	for _, b := range q.backfills {
		if wanted(q.changed.backfills, b.Match) {
			backfills = append(backfills, b)
		}
	}
	slices.SortFunc(backfills, func(a, b *backfill) int { return cmp.Compare(a.Match, b.Match) })
	e.count(len(backfills))
	for _, b := range backfills {
		e.backfill(b)
	}
}

func (e *encoder) ticket(q *Queue, now time.Time, t *ticket) {
	e.text(t.id)
	e.number(t.seq)
	e.age(now, t.since)
	e.b = append(e.b, byte(t.state))
	e.text(t.game)
	e.sizes(t.own)
	e.count(len(t.players))
	for _, m := range t.players {
		e.text(m.id)
		e.signed(m.skill)
	}
	e.flag(t.open)
	e.count(len(t.reach))
	for _, l := range t.reach {
		e.text(q.regions.names[l.region])
		e.count(int(l.ms))
	}
	e.count(len(t.attrs))
	for _, a := range t.attrs {
		e.text(a.key)
		e.text(a.value)
		e.flag(a.mixed)
	}
	switch t.state {
	case Proposed:
		e.text(t.proposal)
	case Assigned:
		e.age(now, t.ended)
		e.text(t.assigned.Match)
		e.text(t.assigned.URL)
		e.pairs(t.assigned.Tokens)
	case Expired:
		e.age(now, t.ended)
		e.text(t.reason[:min(len(t.reason), maxReason)])
	}
}

func (e *encoder) proposal(now time.Time, p *proposal) {
	e.text(p.id)
	e.number(p.seq)
	e.age(now, p.at)
	e.text(p.match)
	e.text(p.region)
	e.count(len(p.seats))
	for _, h := range p.seats {
		e.text(h.ticket)
		e.count(int(h.team))
	}
}

func (e *encoder) backfill(b *backfill) {
	e.text(b.Match)
	e.text(b.Game)
	e.sizes(b.Layout)
	e.sizes(b.Open)
	e.text(b.Region)
	e.signed(b.skill)
	e.pairs(b.Attributes)
}

func (e *encoder) pairs(m map[string]string) {
	e.count(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		e.text(k)
		e.text(m[k])
	}
}
