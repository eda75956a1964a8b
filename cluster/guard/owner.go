package guard

import "slices"

// Logged says that the owner's match has stepped and journaled entry index. A repetition or an older index is ignored.
func (g *Guard) Logged(now int64, index uint32) {
	if !g.owning || index <= g.index {
		return
	}
	g.index = index
	if g.list.Standby == "" || g.flaw&noGate != 0 {
		g.release(index)
	}
	g.settle(now)
}

// release is the gate: what players may see in this epoch.
func (g *Guard) release(i uint32) {
	i = min(i, g.index)
	if !g.owning || g.sealed && g.flaw&noSeal == 0 || i <= g.released {
		return
	}
	g.released = i
	g.do(Action{Kind: ActRelease, Index: i})
}

// floor is the base of a list that this owner proposes.
func (g *Guard) floor() uint32 {
	return max(g.list.Base, g.released)
}

// onJack takes an acknowledgement: of the standby in this very epoch, or of a learner.
func (g *Guard) onJack(now int64, from string, m *Message) {
	if !g.owning || m.Tenure != g.tenure || m.Index > g.index {
		return
	}
	if from == g.newS.id && m.Index > g.newS.index {
		g.newS.index = m.Index
		g.arm(timerLearn, now+g.cfg.Learn)
	}
	if from != g.list.Standby || m.Epoch != g.list.Epoch && g.flaw&staleJacks == 0 || m.Index < g.list.Base {
		return
	}
	if m.Index > g.jack || !g.counts {
		g.jack, g.counts, g.stalled = m.Index, true, false
		g.stop(timerStall)
		g.release(m.Index)
	}
}

// onAt: a follower wants the journal.
func (g *Guard) onAt(now int64, from string, m *Message) {
	if g.stale(from, m) || !g.owning || from != g.list.Standby && from != g.newS.id {
		return
	}
	if from == g.newS.id {
		g.newS.enlisted = true
		g.arm(timerLearn, now+g.cfg.Learn)
	}
	if !slices.Contains(g.fed, from) {
		g.fed = append(g.fed, from)
	}
	at := *m
	at.Epoch = g.tenure
	g.do(Action{Kind: ActFeed, Peer: from, Message: at})
}

// want is the next list that this owner wants, if there is a reason for one.
func (g *Guard) want() (v Value, ok bool) {
	l := &g.list
	v = Value{Base: g.floor(), Owner: l.Owner, Standby: l.Standby, Witness: l.Witness}
	lostS := g.lost(l.Standby) || g.stalled
	switch {
	case l.Standby == "" || !l.voted() && lostS:
		if !g.learned() || g.newW.id != "" && !g.newW.enlisted {
			return Value{Base: v.Base, Owner: l.Owner}, l.Standby != ""
		}
		v.Standby, v.Witness = g.newS.id, g.newW.id
	case g.moveDue():
		return g.moveValue(v), true
	case lostS && g.learned():
		v.Standby = g.newS.id
	case lostS:
		v.Standby, v.Witness = "", ""
	case l.voted() && (g.rival || g.sealed): // the same list once more
	case !g.counts || g.move.stage >= moveAt: // one planned change at a time
		return v, false
	case g.learned() && (!g.moves(g.newS.id) || !l.voted()):
		v.Standby = g.newS.id
		if !l.voted() && g.newW.enlisted {
			v.Witness = g.newW.id
		}
	case g.newW.enlisted && g.newW.id != "":
		v.Witness = g.newW.id
	default:
		return v, false
	}
	return v, true
}

// tendStandby runs the owner's patience with a standby that acknowledges nothing.
func (g *Guard) tendStandby(now int64) {
	owes := g.owning && g.list.Standby != "" && (g.index > g.jack || !g.counts)
	g.keep(timerStall, owes && !g.stalled, now+g.cfg.Stall)
}
