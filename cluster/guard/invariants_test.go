package guard

import (
	"fmt"
	"strings"
)

// histRef is a history that is copied when it is written to.
type histRef struct {
	*hist
	own bool
}

func (r *histRef) edit() *hist {
	if !r.own {
		c := *r.hist
		r.hist, r.own = &c, true
	}
	return r.hist
}

// check is I1, and keeps the logs of the tenures.
func (m *model) check(h *histRef, node uint8, n *modelNode, was uint32) {
	l := n.g.list
	if l.Epoch > 0 && l.Epoch != was {
		if old := h.lists[l.Epoch]; old.Epoch > 0 && old != l {
			m.violation = fmt.Sprintf("I1: two lists of epoch %d: %+v, %+v", l.Epoch, old, l)
		}
		if h.lists[l.Epoch] != l {
			h.edit().lists[l.Epoch] = l
		}
	}
	if n.g.owning && len(n.log) > len(h.tenure[n.g.tenure]) {
		h.edit().tenure[n.g.tenure] = n.log
	}
}

// started is I2 for a new tenure.
func (m *model) started(h *histRef, n *modelNode) {
	e := n.g.list.Epoch
	c := h.edit()
	c.start[e], c.tenure[e] = n.log, n.log
	for i := range e {
		if !strings.HasPrefix(n.log, h.acked[i]) {
			m.violation = fmt.Sprintf("I2: %s owns epoch %d with log %q, but players saw %q in epoch %d", n.g.cfg.Self, e, n.log, h.acked[i], i)
		}
	}
}

// released is I2 for an answer, also one that comes late.
func (m *model) released(h *histRef, n *modelNode, i uint32) {
	e := n.g.list.Epoch
	if int(i) > len(n.log) {
		m.violation = fmt.Sprintf("%s releases %d of %q", n.g.cfg.Self, i, n.log)
		return
	}
	log := n.log[:i]
	if !strings.HasPrefix(log, h.acked[e]) {
		m.violation = fmt.Sprintf("I2: %s shows %q in epoch %d after %q", n.g.cfg.Self, log, e, h.acked[e])
	}
	if h.acked[e] != log {
		h.edit().acked[e] = log
	}
	for k := e + 1; k < maxEpochs; k++ {
		if h.start[k] != "-" && !strings.HasPrefix(h.start[k], log) {
			m.violation = fmt.Sprintf("I2: %s shows %q in epoch %d, but the owner of epoch %d started with %q", n.g.cfg.Self, log, e, k, h.start[k])
		}
	}
}

// prune drops messages that cannot matter any more: the receiver would only answer with what is in the set already, or with
// an answer that is added here.
func (m *model) prune(w world, set []uint32) []uint32 {
	for i := 0; i < len(set); {
		x := &m.msgs[set[i]]
		to, from := m.nodes[w.n[x.to]].g, m.nodes[w.n[x.from]].g
		dead, answer := m.spent(x, to)
		if !dead {
			i++
			continue
		}
		set[i] = set[len(set)-1]
		set = set[:len(set)-1]
		if answer.Kind != 0 && from.list.Epoch <= answer.Epoch {
			a := modelMsg{x.to, x.from, answer}
			if gone, _ := m.spent(&a, from); !gone {
				set = append(set, m.msgNumber(a))
			}
		}
	}
	return set
}

func (m *model) spent(x *modelMsg, to *Guard) (dead bool, answer Message) {
	c := &x.m
	if c.Kind == KindDecided {
		return c.Epoch <= to.list.Epoch, answer
	}
	if c.Kind == KindJack && to.flaw&staleJacks != 0 {
		return !to.owning || to.tenure != c.Tenure || to.counts && c.Index <= to.jack, answer
	}
	if c.Epoch < to.list.Epoch {
		switch c.Kind {
		case KindPrepare, KindPropose, KindProbe:
			answer = Message{Kind: KindDecided, Epoch: to.list.Epoch, List: to.list}
		}
		return true, answer
	}
	if c.Epoch > to.list.Epoch {
		return false, answer
	}
	nack := Message{Kind: KindNack, Epoch: c.Epoch, Ballot: c.Ballot, Voted: to.promised}
	p := &to.prop
	switch c.Kind {
	case KindPrepare:
		if to.flaw&forgetsVote != 0 {
			return false, answer
		}
		if c.Ballot < to.promised {
			return true, nack
		}
		return c.Ballot == to.promised, answer
	case KindPropose:
		if to.flaw&forgetsVote != 0 {
			return false, answer
		}
		if c.Ballot < to.promised {
			return true, nack
		}
		return c.Ballot == to.voted, answer
	case KindPromise:
		seat := to.list.seat(m.ids[x.from])
		return p.ballot > c.Ballot || p.ballot == c.Ballot && (p.phase == proposing || p.phase != idle && p.promises>>seat&1 == 1), answer
	case KindVote, KindNack:
		return p.ballot > c.Ballot || c.Kind == KindNack && to.promised >= c.Voted && to.armed(timerBallot), answer
	case KindJack:
		return !to.owning || to.counts && c.Index <= to.jack || to.list.Standby != m.ids[x.from], answer
	}
	return false, answer
}
