package matchmaker

import (
	"fmt"
	"slices"
	"time"
)

// MaxTickets bounds a queue, tickets that are final but still kept included. Above it Add says ErrFull.
const MaxTickets = 100_000

// MaxBackfills bounds the running matches that ask a queue for players.
const MaxBackfills = 10_000

// Queue holds the tickets of one queue. It is not safe for concurrent use: its owner serialises the calls. Times must not go
// back from call to call.
type Queue struct {
	name   string     // static
	origin string     // static
	rules  QueueRules // of SetRules
	home   []string   // regions with nodes, of SetRegions; nil: anywhere

	tickets   map[string]*ticket
	order     []*ticket // by seq; may hold removed ones until the next Cycle
	players   map[string]*ticket
	proposals map[string]*proposal
	backfills map[string]*backfill
	groups    map[string]*group
	regions   regionTable
	seq       uint64 // last number given to a ticket or proposal

	changed changes
	stats   Stats
}

// Stats are plain counters of a queue. Those above the blank line are numbers of now, the others never go back.
type Stats struct {
	Waiting, Proposed, Backfills int

	Added, Removed, Assigned, Expired uint64 // tickets
	Made, Confirmed, Rejected         uint64 // proposals; Rejected counts all that were dissolved
	Refused                           map[string]uint64
}

// New returns an empty queue. rules must be valid. origin is the id of this node, the first part of its proposals' names; a node
// that takes a queue over has another.
func New(name string, rules QueueRules, origin string) *Queue {
	q := &Queue{name: name, origin: origin, rules: rules}
	q.clear()
	q.stats.Refused = make(map[string]uint64)
	return q
}

func (q *Queue) clear() {
	q.tickets = make(map[string]*ticket)
	q.order = nil
	q.players = make(map[string]*ticket)
	q.proposals = make(map[string]*proposal)
	q.backfills = make(map[string]*backfill)
	q.groups = make(map[string]*group)
	q.regions = regionTable{}
	q.changed = changes{version: q.changed.version}
}

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// Rules returns the rules in force.
func (q *Queue) Rules() QueueRules { return q.rules }

// Stats returns the counters; the map is a copy.
func (q *Queue) Stats() Stats {
	s := q.stats
	s.Refused = make(map[string]uint64, len(q.stats.Refused))
	for k, v := range q.stats.Refused {
		s.Refused[k] = v
	}
	s.Backfills = len(q.backfills)
	for _, t := range q.tickets {
		switch t.state {
		case Waiting:
			s.Waiting++
		case Proposed:
			s.Proposed++
		}
	}
	return s
}

// Add makes a ticket that waits from now on. Errors: ErrInvalid, ErrExists, ErrFull, *BusyError.
func (q *Queue) Add(now time.Time, r Request) error {
	why, err := q.add(now, r)
	if err != nil {
		q.stats.Refused[why]++
		return err
	}
	q.stats.Added++
	return nil
}

// add also returns a word for the counter of refusals.
func (q *Queue) add(now time.Time, r Request) (string, error) {
	if err := r.check(); err != nil {
		return "invalid", err
	}
	if _, ok := q.tickets[r.ID]; ok {
		return "exists", fmt.Errorf("%w: %s", ErrExists, r.ID)
	}
	if len(q.tickets) >= MaxTickets {
		return "full", fmt.Errorf("%w: %d tickets", ErrFull, MaxTickets)
	}
	for _, p := range r.Players {
		if was := q.players[p.ID]; was != nil {
			return "busy", &BusyError{Player: p.ID, Ticket: was.id, Queue: q.name}
		}
	}
	own, err := makeShape(r.Size, r.Teams, r.Layout)
	if err != nil {
		return "invalid", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	t := &ticket{id: r.ID, seq: q.seq + 1, since: now.UnixNano(), state: Waiting, own: own, game: r.Game}
	for _, p := range r.Players {
		t.players = append(t.players, member{p.ID, thousandths(p.Skill)})
	}
	t.skill = t.total() / int64(len(t.players))
	t.attrs = shared(r.Players)
	if err := q.join(t); err != nil {
		return "invalid", err
	}
	if err := q.regions.reach(t, r.Players); err != nil {
		q.leave(t)
		return "regions", err
	}
	q.seq++
	q.insert(t)
	q.changed.ticket(t.id)
	return "", nil
}

// insert puts a ticket with a group into the indexes.
func (q *Queue) insert(t *ticket) {
	q.tickets[t.id] = t
	q.order = append(q.order, t)
	if t.live() {
		for _, m := range t.players {
			q.players[m.id] = t
		}
	}
}

// release frees what a live ticket holds: its players, its place in a group, its regions.
func (q *Queue) release(t *ticket) {
	for _, m := range t.players {
		if q.players[m.id] == t {
			delete(q.players, m.id)
		}
	}
	q.leave(t)
	q.regions.leave(t)
}

// drop takes a ticket out of everything but order.
func (q *Queue) drop(t *ticket) {
	if t.live() {
		q.release(t)
	}
	delete(q.tickets, t.id)
	t.state = 0
}

// finish makes a live ticket final.
func (q *Queue) finish(now time.Time, t *ticket, s State, reason string) {
	q.release(t)
	t.state, t.reason, t.proposal, t.ended = s, reason, "", now.UnixNano()
	q.changed.ticket(t.id)
}

// Remove takes a ticket out; one that is proposed dissolves its proposal, so that Confirm will fail. Errors: ErrNotFound,
// ErrAssigned.
func (q *Queue) Remove(now time.Time, id string) error {
	t := q.tickets[id]
	if t == nil {
		return fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if t.state == Assigned {
		return fmt.Errorf("%w: %s", ErrAssigned, id)
	}
	if t.state == Proposed {
		q.dissolve(q.proposals[t.proposal])
	}
	q.drop(t)
	q.changed.ticket(id)
	q.stats.Removed++
	return nil
}

// Get returns a ticket; false once it was removed, or KeepFor after it became final.
func (q *Queue) Get(id string) (Ticket, bool) {
	t := q.tickets[id]
	if t == nil {
		return Ticket{}, false
	}
	out := Ticket{ID: t.id, State: t.state, Game: t.game, Layout: slices.Clone(t.own), Since: time.Unix(0, t.since),
		Proposal: t.proposal, Assignment: t.assigned, Reason: t.reason}
	if t.group != nil {
		out.Game, out.Layout = t.group.game, slices.Clone(t.group.shape)
	}
	for _, m := range t.players {
		out.Players = append(out.Players, m.id)
	}
	return out, true
}

// Len returns how many tickets are kept, final ones included.
func (q *Queue) Len() int { return len(q.tickets) }

// SetRules replaces the rules. Tickets and running matches that cannot be matched under the new ones expire; the tickets are
// returned.
func (q *Queue) SetRules(now time.Time, rules QueueRules) []string {
	q.rules = rules
	var gone []string
	for _, t := range q.order {
		if !t.live() {
			continue
		}
		q.leave(t)
		if err := q.join(t); err != nil {
			if t.state == Proposed {
				q.dissolve(q.proposals[t.proposal])
			}
			q.finish(now, t, Expired, "the queue's rules changed: "+err.Error())
			q.stats.Expired++
			gone = append(gone, t.id)
		}
	}
	for match, b := range q.backfills {
		if q.SetBackfill(now, b.Backfill) != nil {
			q.RemoveBackfill(match)
		}
	}
	return gone
}

// SetRegions says where nodes are, for tickets that name regions; nil: anywhere.
func (q *Queue) SetRegions(regions []string) { q.home = slices.Clone(regions) }
