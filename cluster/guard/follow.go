package guard

// Take says whether journal or a snapshot of from's tenure may be applied now: not before this node follows from, and not
// after it asked for the match itself. A query.
func (g *Guard) Take(from string, tenure uint32) bool {
	if g.over || g.owning || from != g.list.Owner || tenure != g.list.Since {
		return false
	}
	return g.list.Standby == g.cfg.Self && !g.frozen || g.learner && g.copies
}

// Held says that this follower's copy is now that of the given tenure's log up to index, with this state hash: after
// records were applied, after a snapshot was swapped in, or after the owner's feed began at exactly this copy (same
// index and hash). Ignored when Take says no.
func (g *Guard) Held(now int64, tenure, index uint32, hash uint64) {
	if !g.Take(g.list.Owner, tenure) {
		return
	}
	g.tenure, g.index, g.hash = tenure, index, hash
	g.stop(timerAt)
	if g.learner {
		g.arm(timerLearn, now+g.cfg.LostAfter)
	}
	g.acknowledge()
	g.settle(now)
}

// acknowledge tells the owner how far the copy goes: as standby only what counts.
func (g *Guard) acknowledge() {
	if g.tenure != g.list.Since || g.frozen {
		return
	}
	if g.list.Standby == g.cfg.Self {
		if g.index < g.list.Base || g.index < g.jacked {
			return
		}
		g.jacked = g.index
	}
	g.send(g.list.Owner, Message{Kind: KindJack, Tenure: g.tenure, Index: g.index})
}

// Dropped says that this node no longer holds a copy, and wants one if it still follows.
func (g *Guard) Dropped(now int64) {
	if g.owning {
		return
	}
	g.tenure, g.index, g.hash = 0, 0, 0
	if g.patron != "" && !g.over {
		g.sendAt(now)
	}
	g.settle(now)
}

// follow makes this node a standby or learner under the list's owner. A copy of the owner's tenure stays good and is
// acknowledged in this epoch; any other is kept until it is matched or replaced.
func (g *Guard) follow(now int64) {
	l := &g.list
	if g.patron != l.Owner || g.follows != l.Since {
		g.patron, g.follows = l.Owner, l.Since
		g.do(Action{Kind: ActFollow, Peer: l.Owner, Index: l.Since})
		g.sendAt(now)
	} else if g.armed(timerAt) {
		g.sendAt(now) // the one before named an older epoch
	}
	if g.flaw&keepsOldLog != 0 && g.tenure != 0 {
		g.tenure = l.Since
	}
	g.acknowledge()
}

// sendAt asks for the journal from where this copy ends.
func (g *Guard) sendAt(now int64) {
	if g.patron == "" || g.owning {
		return
	}
	g.send(g.patron, Message{Kind: KindAt, Tenure: g.tenure, Index: g.index, Hash: g.hash})
	g.arm(timerAt, now+g.cfg.Contact)
}

// drop ends what this node keeps of the match.
func (g *Guard) drop(why Why) {
	if g.flaw&keepsOldLog != 0 {
		return
	}
	if g.patron != "" || g.tenure != 0 {
		g.do(Action{Kind: ActDrop, Why: why})
	}
	g.tenure, g.index, g.hash = 0, 0, 0
	g.patron, g.follows = "", 0
	g.stop(timerAt)
}

// leave: no part in the match from now on, but the record stays.
func (g *Guard) leave(now int64, why Why) {
	g.learner, g.copies, g.dirty = false, false, true
	g.drop(why)
	g.stop(timerLearn)
	g.arm(timerKeep, now+g.cfg.Keep)
}
