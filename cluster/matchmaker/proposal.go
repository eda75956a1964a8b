package matchmaker

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Proposal is a match that Cycle wants to be made, or players for one that runs. Its tickets are held until Confirm, Reject, or
// until HoldFor has passed.
type Proposal struct {
	ID       string // unique for ever: the node that proposed and a number; fit as an idempotency key
	Queue    string
	Game     string
	Region   string        // one that all share; "" if nobody named any
	Layout   []int         // size of each team of a full match
	Match    string        // backfill: the running match; "": a new one
	Tickets  []string      // oldest first
	Seats    []Seat        // every player, by team and then by ticket
	Spread   float64       // skill of the best party minus that of the worst
	Skill    float64       // mean of the players
	Uneven   float64       // new matches with teams: mean skill of the best team minus that of the worst
	Waited   time.Duration // how long the oldest ticket waited
	Proposed time.Time

	// Attributes are those that the rules want equal, for the match's Backfill.
	Attributes map[string]string
}

// Seat is one player's place in a proposal.
type Seat struct {
	Player string
	Ticket string
	Team   int // from 0
}

// HoldFor is how long tickets are held for a proposal that nobody confirms or rejects.
const HoldFor = 30 * time.Second

// KeepFor is how long tickets are kept after they were assigned or expired.
const KeepFor = 5 * time.Minute

// proposal is what a queue keeps of one.
type proposal struct {
	id     string
	seq    uint64
	at     int64 // Unix nanoseconds
	match  string
	region string
	seats  []held // by arrival
}

// held is a ticket and its team.
type held struct {
	ticket string
	team   uint8
}

// propose holds tickets. Parties are in order of arrival.
func (q *Queue) propose(now time.Time, match, region string, parties []party) Proposal {
	q.seq++
	p := &proposal{id: fmt.Sprintf("%s-%d", q.origin, q.seq), seq: q.seq, at: now.UnixNano(), match: match, region: region}
	for _, part := range parties {
		t := part.f.t
		t.state, t.proposal = Proposed, p.id
		p.seats = append(p.seats, held{t.id, uint8(part.team)})
		q.changed.ticket(t.id)
	}
	q.proposals[p.id] = p
	q.changed.proposal(p.id)
	q.stats.Made++
	return q.describe(p)
}

// describe makes what callers see of a proposal.
func (q *Queue) describe(p *proposal) Proposal {
	out := Proposal{ID: p.id, Queue: q.name, Region: p.region, Match: p.match, Proposed: time.Unix(0, p.at)}
	low, high, total, oldest := int64(0), int64(0), int64(0), p.at
	var teams []teamSum
	for i, h := range p.seats {
		t := q.tickets[h.ticket]
		if i == 0 {
			out.Game, out.Layout = t.group.game, slices.Clone(t.group.shape)
			out.Attributes = t.group.attributes()
			low, high = t.skill, t.skill
			teams = make([]teamSum, len(t.group.shape))
		}
		low, high, oldest = min(low, t.skill), max(high, t.skill), min(oldest, t.since)
		total += t.total()
		teams[h.team].add(len(t.players), t.total())
		out.Tickets = append(out.Tickets, t.id)
		for _, m := range t.players {
			out.Seats = append(out.Seats, Seat{m.id, t.id, int(h.team)})
		}
	}
	slices.SortStableFunc(out.Seats, func(a, b Seat) int { return cmp.Compare(a.Team, b.Team) })
	out.Spread = float64(high-low) / 1000
	out.Skill = float64(total) / 1000 / float64(len(out.Seats))
	if p.match == "" {
		out.Uneven = uneven(teams) / 1000
	}
	out.Waited = time.Duration(p.at - oldest)
	return out
}

// Pending returns the proposals that nobody has confirmed or rejected yet, oldest first. A node that took a queue over goes
// through them: it confirms those whose match is there and rejects the others.
func (q *Queue) Pending() []Proposal {
	var out []Proposal
	for _, p := range q.sortedProposals() {
		out = append(out, q.describe(p))
	}
	return out
}

func (q *Queue) sortedProposals() []*proposal {
	out := make([]*proposal, 0, len(q.proposals))
	for _, p := range q.proposals {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *proposal) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// Confirm assigns the tickets of a proposal, each with the tokens of its own players, and returns their ids. Error: ErrProposal;
// the proposal was dissolved then, and its match must not be played.
func (q *Queue) Confirm(now time.Time, id string, a Assignment) ([]string, error) {
	p := q.proposals[id]
	if p == nil {
		return nil, fmt.Errorf("%w: %s", ErrProposal, id)
	}
	if !validID(a.Match) || len(a.URL) > maxURL {
		return nil, fmt.Errorf("%w: %s: its assignment cannot be kept", ErrProposal, id)
	}
	if b := q.backfills[p.match]; b != nil {
		for _, h := range p.seats {
			b.Open[h.team] = max(0, b.Open[h.team]-len(q.tickets[h.ticket].players))
		}
		q.changed.backfill(b.Match)
	}
	var out []string
	for _, h := range p.seats {
		t := q.tickets[h.ticket]
		t.assigned = Assignment{Match: a.Match, URL: a.URL, Tokens: make(map[string]string, len(t.players))}
		for _, m := range t.players {
			if token, ok := a.Tokens[m.id]; ok && len(token) <= maxToken {
				t.assigned.Tokens[m.id] = token
			}
		}
		q.finish(now, t, Assigned, "")
		out = append(out, t.id)
	}
	delete(q.proposals, id)
	q.changed.proposal(id)
	q.stats.Confirmed++
	q.stats.Assigned += uint64(len(out))
	return out, nil
}

// Reject puts the tickets of a proposal back, with the age that they had; its match could not be made. The next Cycle may
// propose the same again: the caller waits before that. Error: ErrProposal.
func (q *Queue) Reject(id string) error {
	p := q.proposals[id]
	if p == nil {
		return fmt.Errorf("%w: %s", ErrProposal, id)
	}
	q.dissolve(p)
	return nil
}

func (q *Queue) dissolve(p *proposal) {
	for _, h := range p.seats {
		t := q.tickets[h.ticket]
		t.state, t.proposal = Waiting, ""
		q.changed.ticket(t.id)
	}
	delete(q.proposals, p.id)
	q.changed.proposal(p.id)
	q.stats.Rejected++
}
