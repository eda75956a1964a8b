package place

import (
	"math"
	"slices"
)

// Width is how many nodes are asked for their load at a time. Measured over 3,000 bursts of ten matches per node on 9 to 300
// empty nodes: with 2 the fullest node has 3 over the mean, with 4 and 5 rarely 2, with 6 and 8 never more than 1.
const Width = 8

// maxTries is how often a node may answer that its load rose before the lowest is taken without a condition.
const maxTries = 64

// Any is the limit that every load meets.
const Any = math.MaxFloat64

// Ask is one question to a node.
type Ask struct {
	Node  string
	Hold  bool    // take a place and hold it, if the true load is at most Limit; else only tell the load
	Limit float64 // with Hold
}

// Status is what a node answers.
type Status uint8

// What a node may answer.
const (
	Told    Status = iota // Load is its load; nothing is held
	Held                  // a place is held for the match; after some seconds without the match being made it is free again
	Risen                 // nothing is held: Load is above Limit
	Refused               // nothing is held and will be: full or draining, or no answer came in time
	Exists                // the node has this match, or holds a place for it since an earlier try: it is the winner
)

// Reservation is a node's answer to an Ask. The node answers from what it serves and holds at this moment.
type Reservation struct {
	Node   string
	Status Status
	Load   float64 // true load: what is served plus every place held. Nodes of one cluster count in one unit
}

// Choose returns the index of the reservation to take: one whose match Exists, else the lowest load, the first of equals.
// Refused ones are never taken; -1 if there is no other.
func Choose(all []Reservation) int {
	best := -1
	for i := range all {
		switch r := &all[i]; {
		case r.Status == Exists:
			return i
		case r.Status == Refused:
		case best < 0 || r.Load < all[best].Load:
			best = i
		}
	}
	return best
}

// Search finds the node that takes a match: it asks a tier's first Width nodes for their load, then asks the lowest to hold a
// place if its load is still not above the next lowest that is known. A node whose load rose says so and the lowest is asked
// again, so decisions made at the same time come out as if made one after another. When all asked refuse, the next
// ranks are asked, then the next tier. It belongs to one goroutine, which does the asking:
//
//	for s := place.NewSearch(ids); ; {
//		asks := s.Next()
//		if asks == nil { break }
//		for _, r := range askAll(asks) { s.Answer(r) } // in parallel; who is silent is answered as Refused
//	}
//	node, ok := s.Winner()
//
// A hold whose answer was lost is not asked for again; it runs out by itself.
type Search struct {
	tiers  [][]string
	known  []Reservation // of the nodes asked, in the order asked; Refused until they answer
	asked  []string      // whose answer is awaited
	tries  int           // answers Risen so far
	winner string
}

// NewSearch begins a search among tiers of candidates, each in the order to ask them. A later tier is asked when all of the
// earlier refused.
func NewSearch(tiers ...[]string) *Search {
	return &Search{tiers: slices.Clone(tiers)}
}

// Next returns what to ask now: several loads, or one place. It returns nil when the search is over, and while questions
// are without an answer.
func (s *Search) Next() []Ask {
	if s.winner != "" || len(s.asked) > 0 {
		return nil
	}
	if best := Choose(s.known); best >= 0 {
		s.asked = append(s.asked, s.known[best].Node)
		return []Ask{{Node: s.known[best].Node, Hold: true, Limit: s.limit(best)}}
	}
	for len(s.tiers) > 0 && len(s.tiers[0]) == 0 {
		s.tiers = s.tiers[1:]
	}
	if len(s.tiers) == 0 {
		return nil
	}
	n := min(Width, len(s.tiers[0]))
	s.asked = append(s.asked, s.tiers[0][:n]...)
	s.tiers[0] = s.tiers[0][n:]
	s.known = s.known[:0]
	asks := make([]Ask, n)
	for i, id := range s.asked {
		asks[i] = Ask{Node: id}
		s.known = append(s.known, Reservation{Node: id, Status: Refused})
	}
	return asks
}

// limit is the load up to which the lowest is better than any other that is known.
func (s *Search) limit(best int) float64 {
	if s.tries >= maxTries {
		return Any
	}
	limit := Any
	for i := range s.known {
		if r := &s.known[i]; i != best && r.Status != Refused {
			limit = min(limit, r.Load)
		}
	}
	return limit
}

// Answer takes the answer of a node that was asked; one that nobody waits for is ignored. A load that is no number or
// negative counts as a refusal.
func (s *Search) Answer(r Reservation) {
	i := slices.Index(s.asked, r.Node)
	if i < 0 {
		return
	}
	s.asked = slices.Delete(s.asked, i, i+1)
	switch r.Status {
	case Held, Exists:
		s.winner = r.Node
	case Risen:
		s.tries++
	}
	if !(r.Load >= 0) {
		r.Status = Refused
	}
	for i := range s.known {
		if s.known[i].Node == r.Node {
			s.known[i] = r
		}
	}
}

// Winner returns the node that holds a place. It is not ok when everybody refused: ErrFull for who asked, since those that
// drain or are away were not candidates.
func (s *Search) Winner() (string, bool) {
	return s.winner, s.winner != ""
}
