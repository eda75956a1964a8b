package matchmaker

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Apply takes over the bytes of another node's Changes or Snapshot. A node that only ever does that keeps a copy; it takes the
// queue over by calling Cycle and the others, after it has settled Pending. Errors: ErrGap, ErrBytes; nothing was changed then.
func (q *Queue) Apply(now time.Time, b []byte) error {
	u, err := decode(now, b)
	if err != nil {
		return err
	}
	if u.name != q.name {
		return fmt.Errorf("%w: it is of queue %s", ErrBytes, u.name)
	}
	if !u.full && (u.from != q.changed.version || u.source != q.changed.source) {
		return fmt.Errorf("%w: here is version %d, they begin at %d", ErrGap, q.changed.version, u.from)
	}
	if err := q.conflict(u); err != nil {
		return err
	}
	if u.full {
		q.clear()
	}
	q.takeOut(u)
	for i, t := range u.tickets {
		q.takeIn(now, t, u.reach[i])
	}
	slices.SortFunc(q.order, func(a, b *ticket) int { return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.id, b.id)) })
	for _, p := range u.proposals {
		q.proposals[p.id] = p
		q.seq = max(q.seq, p.seq)
	}
	for _, b := range u.backfills {
		// One that the rules of this node refuse is left out: its match asks again.
		_ = q.SetBackfill(now, b)
	}
	q.seq = max(q.seq, u.seq)
	q.repair()
	q.changed = changes{version: u.to, source: u.source}
	return nil
}

// conflict reports a player that would be in two live tickets, and ids that come twice.
func (q *Queue) conflict(u *update) error {
	replaced := make(map[string]bool, len(u.tickets)+len(u.goneTickets))
	for _, id := range u.goneTickets {
		replaced[id] = true
	}
	for _, t := range u.tickets {
		if replaced[t.id] {
			return fmt.Errorf("%w: ticket %s comes twice", ErrBytes, t.id)
		}
		replaced[t.id] = true
	}
	if !u.full && len(q.tickets)+len(u.tickets) > 2*MaxTickets {
		return fmt.Errorf("%w: too many tickets", ErrBytes)
	}
	seen := make(map[string]bool)
	for _, t := range u.tickets {
		if !t.live() {
			continue
		}
		for _, m := range t.players {
			was := q.players[m.id]
			if seen[m.id] || !u.full && was != nil && !replaced[was.id] {
				return fmt.Errorf("%w: player %s is in two tickets", ErrBytes, m.id)
			}
			seen[m.id] = true
		}
	}
	return nil
}

// takeOut removes what is gone and what comes anew.
func (q *Queue) takeOut(u *update) {
	out := func(id string) {
		if t := q.tickets[id]; t != nil {
			q.drop(t)
		}
	}
	for _, id := range u.goneTickets {
		out(id)
	}
	for _, t := range u.tickets {
		out(t.id)
	}
	q.order = slices.DeleteFunc(q.order, func(t *ticket) bool { return t.state == 0 })
	for _, id := range u.goneProps {
		delete(q.proposals, id)
	}
	for _, id := range u.goneFills {
		q.RemoveBackfill(id)
	}
}

// takeIn adds a ticket. One that this node's rules refuse expires here.
func (q *Queue) takeIn(now time.Time, t *ticket, reach []regionMS) {
	q.seq = max(q.seq, t.seq)
	if t.live() {
		if err := q.rejoin(t, reach); err != nil {
			t.state, t.reason, t.proposal, t.ended = Expired, err.Error(), "", now.UnixNano()
		}
	}
	q.insert(t)
}

func (q *Queue) rejoin(t *ticket, reach []regionMS) error {
	if err := q.join(t); err != nil {
		return err
	}
	for _, r := range reach {
		i, ok := q.regions.take(r.region)
		if !ok {
			q.leave(t)
			q.regions.leave(t)
			return fmt.Errorf("%w: its regions cannot be kept", ErrInvalid)
		}
		t.reach = append(t.reach, latency{uint8(i), r.ms})
	}
	return nil
}

// repair dissolves proposals that lost a ticket, and frees tickets that lost their proposal.
func (q *Queue) repair() {
	for _, p := range q.sortedProposals() {
		whole := len(p.seats) > 0
		for _, h := range p.seats {
			t := q.tickets[h.ticket]
			whole = whole && t != nil && t.state == Proposed && t.proposal == p.id && int(h.team) < len(t.group.shape)
		}
		if !whole {
			delete(q.proposals, p.id)
		}
	}
	for _, t := range q.order {
		if t.state != Proposed {
			continue
		}
		p := q.proposals[t.proposal]
		if p == nil || !slices.ContainsFunc(p.seats, func(h held) bool { return h.ticket == t.id }) {
			t.state, t.proposal = Waiting, ""
		}
	}
}
