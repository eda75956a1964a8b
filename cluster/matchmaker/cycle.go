package matchmaker

import (
	"cmp"
	"slices"
	"time"
)

// Cycle expires what is overdue and proposes matches, players for running ones first; it returns both. Call it several times
// a second; its cost grows with the tickets that wait.
func (q *Queue) Cycle(now time.Time) (made []Proposal, expired []string) {
	expired = q.sweep(now)
	m := q.moment(now)
	all := q.waiting(m)
	made = q.fillRunning(now, m, all)
	for _, s := range searches(m, all) {
		for _, seed := range s.arrival {
			if seed.taken {
				continue
			}
			match, ok := s.around(seed)
			seed.taken = true // found nothing: it leaves the others to younger ones, none of whose matches could hold it
			if !ok {
				continue
			}
			for _, p := range match.parties {
				p.f.taken = true
			}
			made = append(made, q.propose(now, "", match.region, match.parties))
		}
	}
	return made, expired
}

// sweep does what only time does: tickets expire, holds run out, final tickets are forgotten.
func (q *Queue) sweep(now time.Time) (expired []string) {
	for _, p := range q.sortedProposals() {
		if now.UnixNano()-p.at >= int64(HoldFor) {
			q.dissolve(p)
		}
	}
	for _, t := range q.order {
		switch {
		case t.state == Waiting && now.UnixNano()-t.since >= int64(q.rules.Timeout):
			q.finish(now, t, Expired, "no match within "+q.rules.Timeout.String())
			q.stats.Expired++
			expired = append(expired, t.id)
		case (t.state == Assigned || t.state == Expired) && now.UnixNano()-t.ended >= int64(KeepFor):
			q.drop(t)
			q.changed.ticket(t.id)
		}
	}
	q.order = slices.DeleteFunc(q.order, func(t *ticket) bool { return t.state == 0 })
	return expired
}

// waiting returns the facts of all tickets that wait, oldest first.
func (q *Queue) waiting(m moment) []facts {
	out := make([]facts, 0, len(q.order))
	for _, t := range q.order {
		if t.state == Waiting {
			out = append(out, m.facts(t))
		}
	}
	return out
}

// searches divides tickets by group, in the order of their oldest. Taken ones are left out.
func searches(m moment, all []facts) []*search {
	byGroup := make(map[*group]*search)
	var out []*search
	for i := range all {
		f := &all[i]
		if f.taken {
			continue
		}
		s := byGroup[f.t.group]
		if s == nil {
			s = &search{m: m, shape: f.t.group.shape}
			byGroup[f.t.group] = s
			out = append(out, s)
		}
		s.arrival = append(s.arrival, f)
	}
	for _, s := range out {
		s.index()
	}
	return out
}

// bySkill orders tickets for the index; no two are equal.
func bySkill(a, b *facts) int {
	return cmp.Or(cmp.Compare(a.skill, b.skill), cmp.Compare(a.t.seq, b.t.seq), cmp.Compare(a.t.id, b.t.id))
}
