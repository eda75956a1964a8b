package matchmaker

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// Explanation says why a ticket waits, true at one moment.
type Explanation struct {
	State       string         `json:"state"`
	WaitingS    float64        `json:"waiting_s"`
	Candidates  int            `json:"candidates"`        // waiting tickets that may play with it by every rule
	Players     int            `json:"candidate_players"` // in them
	Needed      int            `json:"needed_players"`    // besides its own, for the smallest match that is allowed by now
	Excluded    map[string]int `json:"excluded"`          // the other tickets of the queue, each under the first Rule that keeps it apart
	OpenMatches int            `json:"open_matches"`      // running matches that would take it
	FullMatches map[string]int `json:"excluded_matches"`  // other running matches that look for players, each under the Rule that keeps it out
	BlockedBy   string         `json:"blocked_by"`        // enough candidates and still no match: party_sizes, skill or region; "" otherwise
	NextS       *float64       `json:"next_widening_s"`   // until one of its own windows is wider; null if none will be
	NextNewS    *float64       `json:"next_candidate_s"`  // until widening lets another of the waiting tickets in; null if it never does
	Text        string         `json:"text"`
}

// Rule names what keeps a ticket apart from another, or from a running match.
type Rule string

// Rules in the order in which they are tried. An attribute is named as attribute:KEY.
const (
	RuleNone      Rule = ""
	RuleHeld      Rule = "held" // it is in a proposal
	RuleGame      Rule = "game"
	RuleSize      Rule = "size" // another size or layout of the match
	RuleAttribute Rule = "attribute:"
	RuleRegion    Rule = "region"  // no region in common at any latency
	RuleLatency   Rule = "latency" // none in common at the latencies that both accept by now
	RuleSkill     Rule = "skill"   // further apart than the window of the one that waits longer
	RuleSeats     Rule = "seats"   // a running match has no team with so many free seats
)

// Values of Explanation.BlockedBy.
const (
	BlockedBySizes  = "party_sizes" // the parties cannot fill the teams
	BlockedBySkill  = "skill"       // each is near enough to the ticket, but not to each other
	BlockedByRegion = "region"      // each shares a region with the ticket, but not all of them the same
)

// Explain says why a ticket waits, by the predicates and the search of Cycle; false if there is no such ticket. It looks at every
// ticket of the queue: about as much work as a cycle.
func (q *Queue) Explain(now time.Time, id string) (Explanation, bool) {
	t := q.tickets[id]
	if t == nil {
		return Explanation{}, false
	}
	e := Explanation{State: t.state.String(), Excluded: make(map[string]int), FullMatches: make(map[string]int)}
	if !t.live() {
		e.Text = "It has match " + t.assigned.Match + "."
		if t.state == Expired {
			e.Text = "It expired: " + t.reason + "."
		}
		return e, true
	}
	e.WaitingS = max(time.Duration(now.UnixNano()-t.since), 0).Seconds()
	if t.state == Proposed {
		e.Text = "Its match is being made."
		return e, true
	}
	x := q.explainer(now, t)
	x.count(&e)
	ready := x.try(&e)
	x.next(&e)
	e.Text = x.text(&e, ready)
	return e, true
}

// explainer looks at a queue with the eyes of one ticket.
type explainer struct {
	q      *Queue
	m      moment
	all    []facts
	self   *facts
	search *search // of its group
	offers []*backfill
}

func (q *Queue) explainer(now time.Time, t *ticket) *explainer {
	x := &explainer{q: q, m: q.moment(now), offers: q.offers()}
	x.all = q.waiting(x.m)
	for i := range x.all {
		if x.all[i].t == t {
			x.self = &x.all[i]
		}
	}
	for _, s := range searches(x.m, x.all) {
		if s.shape.key() == t.group.shape.key() && s.arrival[0].t.group == t.group {
			x.search = s
		}
	}
	return x
}

// count asks for every other ticket and every running match what keeps it away.
func (x *explainer) count(e *Explanation) {
	for _, t := range x.q.order {
		if t.state == Proposed {
			e.Excluded[string(RuleHeld)]++
		}
	}
	for i := range x.all {
		f := &x.all[i]
		if f == x.self {
			continue
		}
		if why := pair(x.self, f); why != RuleNone {
			e.Excluded[string(why)]++
			continue
		}
		e.Candidates++
		e.Players += len(f.t.players)
	}
	for _, b := range x.offers {
		if _, why := x.m.room(b, x.self); why != RuleNone {
			e.FullMatches[string(why)]++
		} else {
			e.OpenMatches++
		}
	}
}

// try makes the search that Cycle would make for the ticket, and says what stops it if it finds nothing.
func (x *explainer) try(e *Explanation) (ready bool) {
	size := len(x.self.t.players)
	least := x.search.smallest(x.self)
	e.Needed = least - size
	if e.OpenMatches > 0 {
		return true
	}
	if _, ok := x.search.around(x.self); ok {
		return true
	}
	if e.Players < e.Needed {
		return false
	}
	e.BlockedBy = BlockedByRegion
	regions := x.self.mask & x.search.union
	if x.search.union == 0 {
		x.blocked(e, anywhere, least)
	}
	eachBit(regions, func(region int) bool {
		x.blocked(e, region, least)
		return e.BlockedBy != BlockedBySkill
	})
	return false
}

// blocked looks at what could be chosen from in one region.
func (x *explainer) blocked(e *Explanation, region, n int) {
	s, size := x.search, len(x.self.t.players)
	if s.gather(x.self, region, n-size)+size < n {
		return
	}
	e.BlockedBy = BlockedBySizes
	s.pack.begin(s.shape.shrink(n), size)
	if s.pack.fits(s.pool) {
		e.BlockedBy = BlockedBySkill
	}
}

// next finds out when waiting changes something.
func (x *explainer) next(e *Explanation) {
	r, wait := x.m.rules, x.self.wait
	left := r.Timeout - wait
	note := func(at **float64, d time.Duration, ok bool) {
		if s := d.Seconds(); ok && d < left && (*at == nil || s < **at) {
			*at = &s
		}
	}
	d, ok := r.Skill.Next(wait)
	note(&e.NextS, d, ok)
	if d, ok = r.Latency.Next(wait); !x.self.t.open {
		note(&e.NextS, d, ok)
	}
	if r.MinPlayers > 0 && r.MinPlayers < x.search.shape.size() {
		note(&e.NextS, r.ShortAfter-wait, wait < r.ShortAfter)
	}
	if e.Excluded[string(RuleSkill)]+e.Excluded[string(RuleLatency)] == 0 || left <= 0 {
		return
	}
	// Windows only widen: once let in, always let in.
	ms := sort.Search(int(left/time.Millisecond), func(ms int) bool { return x.letsIn(time.Duration(ms) * time.Millisecond) })
	note(&e.NextNewS, time.Duration(ms)*time.Millisecond, true)
}

// letsIn says whether, after so long, one of those that are kept away by a widening rule is a candidate.
func (x *explainer) letsIn(after time.Duration) bool {
	m := x.m
	m.now += int64(after)
	self := m.facts(x.self.t)
	for i := range x.all {
		f := &x.all[i]
		if f == x.self || f.t.group != self.t.group || pair(x.self, f) == RuleNone {
			continue
		}
		if later := m.facts(f.t); pair(&self, &later) == RuleNone {
			return true
		}
	}
	return false
}

// text says it to people.
func (x *explainer) text(e *Explanation, ready bool) string {
	var b strings.Builder
	others := 0
	for _, n := range e.Excluded {
		others += n
	}
	fmt.Fprintf(&b, "It waits for %.0f s for a match of %s. ", e.WaitingS, x.search.shape.text())
	switch {
	case ready:
		b.WriteString("The next cycle can place it")
	case e.BlockedBy == BlockedBySizes:
		fmt.Fprintf(&b, "%d players in %d tickets suit it, but parties of those sizes do not fill the teams", e.Players, e.Candidates)
	case e.BlockedBy == BlockedBySkill:
		fmt.Fprintf(&b, "%d players in %d tickets suit it, but too few of them are near enough to each other in skill", e.Players, e.Candidates)
	case e.BlockedBy == BlockedByRegion:
		fmt.Fprintf(&b, "%d players in %d tickets suit it, but too few of them in any one region", e.Players, e.Candidates)
	default:
		fmt.Fprintf(&b, "It needs %d more players; %d of %d other tickets suit it, with %d", e.Needed, e.Candidates, e.Candidates+others, e.Players)
	}
	for i, why := range slices.Sorted(maps.Keys(e.Excluded)) {
		b.WriteString([]string{"; kept apart by ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%s: %d", why, e.Excluded[why])
	}
	b.WriteString(".")
	if e.NextNewS != nil && !ready {
		fmt.Fprintf(&b, " Waiting lets another ticket in after %.1f s.", *e.NextNewS)
	}
	return b.String()
}
