package guard

// End says that the match is over and that its end was released to players. The others are told. Owner.
func (g *Guard) End(now int64) {
	if g.owning && !g.over {
		g.conclude(now)
	}
	g.settle(now)
}

// Ended says that the match is over, as the directory says. An owner stops (ActStop) and tells the others as well.
func (g *Guard) Ended(now int64) {
	if !g.over {
		g.part(now, Over)
		g.conclude(now)
	}
	g.settle(now)
}

// conclude makes this guard a tombstone of a match that has ended. An owner tells the others.
func (g *Guard) conclude(now int64) {
	var tell []string
	if g.owning {
		tell = []string{g.list.Standby, g.list.Witness, g.newS.id, g.newW.id}
	}
	g.finish(now, true)
	g.news = g.news[:0]
	g.spread(now, tell...)
}

// part tells the driver that this node's part is over.
func (g *Guard) part(now int64, why Why) {
	if g.owning {
		g.do(Action{Kind: ActStop, Why: why, Record: g.Record()})
	}
	g.leave(now, why)
}

// finish makes this guard a tombstone.
func (g *Guard) finish(now int64, ended bool) {
	g.over, g.ended, g.owning, g.learner, g.dirty = true, ended, false, false, true
	g.newS, g.newW, g.move, g.prop, g.request = candidate{}, candidate{}, move{}, proposal{}, request{}
	for k := range g.timers {
		g.stop(timer(k))
	}
	g.arm(timerKeep, now+g.cfg.Keep)
}

// onEnded: a match ends only with its owner, and it passed the gate: so this is as final as a decision.
func (g *Guard) onEnded(now int64, from string, m *Message) {
	if g.stale(from, m) || from != g.list.Owner {
		return
	}
	g.part(now, Over)
	g.finish(now, true)
	g.send(from, Message{Kind: KindTold})
}

// wentOn says whether a message shows that the match goes on without this node after all that it knows: it was forsaken, or told by the
// directory that the match is over or another's, which may be a mistake or said of an older epoch. Even after a true end it does no harm to
// take part again: the end passed the gate, so it is in the log of whoever owns a later epoch, and comes once more.
func (g *Guard) wentOn(from string, m *Message) bool {
	l := &m.List
	return l.sound() && l.Epoch == m.Epoch && l.Epoch > g.list.Epoch && !l.Has(g.cfg.Self)
}

// refuse is Receive of a guard that takes no more part in a match that has not ended: as if it knew no such match. Never a promise or a vote.
func (g *Guard) refuse(from string, m *Message) {
	switch {
	case g.stale(from, m) && m.Epoch < g.list.Epoch: // it was told what was decided since
	case m.Kind == KindDecided && g.wentOn(from, m), m.Kind == KindEnded:
		g.send(from, Message{Kind: KindTold, Epoch: m.Epoch})
	case m.Kind == KindEnlist, m.Kind == KindPrepare, m.Kind == KindPropose, m.Kind == KindAt, m.Kind == KindProbe, m.Kind == KindDecided:
		g.send(from, Message{Kind: KindRefuse, Epoch: m.Epoch})
	}
}

// receiveEnded is Receive after the end.
func (g *Guard) receiveEnded(from string, m *Message) {
	if m.Kind == KindDecided && g.wentOn(from, m) { // nothing more to tell that node: it is ahead
		g.answered(from)
		g.send(from, Message{Kind: KindTold, Epoch: m.Epoch})
		return
	}
	switch m.Kind {
	case KindTold, KindRefuse:
		g.answered(from)
	case KindEnded:
		g.answered(from)
		g.send(from, Message{Kind: KindTold, Epoch: max(m.Epoch, g.list.Epoch)})
	case KindEnlist, KindPrepare, KindPropose, KindAt, KindProbe, KindDecided:
		g.send(from, Message{Kind: KindEnded, Epoch: max(m.Epoch, g.list.Epoch)})
	}
}

// judge runs the patience of a member that has no majority.
func (g *Guard) judge(now int64) {
	l := &g.list
	var alone bool
	switch g.Role() {
	case RoleOwner:
		alone = l.voted() && g.lost(l.Witness) && (g.lost(l.Standby) || g.stalled)
	case RoleStandby:
		alone = g.lost(l.Owner) && (!l.voted() || g.lost(l.Witness) || !g.promotable())
	case RoleWitness:
		alone = g.lost(l.Owner) && g.lost(l.Standby)
	case RoleLearner:
		alone = g.lost(l.Owner)
	case RoleHeir:
		alone = true
	}
	g.keep(timerLost, alone && !g.over, now+g.cfg.LostAfter)
}

// forsaken: no majority for LostAfter.
func (g *Guard) forsaken(now int64) {
	role := g.Role()
	if g.cfg.Last == Available && g.list.voted() && (role == RoleOwner || role == RoleStandby && g.promotable()) {
		g.takeAlone(now)
		return
	}
	if role == RoleOwner || role == RoleHeir {
		g.do(Action{Kind: ActFail, Record: g.Record()})
	}
	g.leave(now, Forsaken)
	g.finish(now, false)
}

// Done says whether this guard may be replaced by its tombstone: it has had no part in the match for Config.Keep.
func (g *Guard) Done(now int64) bool {
	out := g.over || !g.list.Has(g.cfg.Self) && !g.learner
	return out && len(g.news) == 0 && !g.armed(timerKeep)
}
