package guard

import "slices"

// learn enters the epoch of a decided list: the only way in which a role changes.
func (g *Guard) learn(now int64, next List) {
	old := g.list
	stood := g.frozen && old.Standby == g.cfg.Self && next.Epoch == old.Epoch+1
	reached := g.index >= next.Base && g.index >= g.jacked
	g.list, g.dirty = next, true
	g.promised, g.voted, g.vote, g.mute = 0, 0, Value{}, false
	g.prop, g.request = proposal{}, request{}
	g.sealed, g.rival, g.stalled, g.frozen, g.suspect = false, false, false, false, false
	g.counts, g.jack, g.jacked = false, 0, 0
	for _, k := range []timer{timerRetry, timerBallot, timerSuspect, timerProbe, timerStall, timerLost} {
		g.stop(k)
	}
	if g.list.seat(g.cfg.Self) == 0 {
		fresh := next.Since == next.Epoch && g.tenure != 0
		g.lead(now, fresh && (g.tenure == next.Prev || stood) && (reached || g.flaw&startsEarly != 0))
		return
	}
	g.resign(next.Epoch == old.Epoch)
	switch g.list.seat(g.cfg.Self) {
	case 1:
		g.learner = false
		g.stop(timerLearn)
		g.follow(now)
	case 2:
		g.learner = false
		g.stop(timerLearn)
		g.drop(Released)
	default:
		if !g.learner || next.Owner != old.Owner {
			g.leave(now, Released)
		} else if g.copies { // a candidate of the same owner goes on learning
			g.follow(now)
		}
	}
}

// lead is learn for the new list's owner; start says whether its copy is good enough for a new tenure.
func (g *Guard) lead(now int64, start bool) {
	goesOn := g.owning && g.tenure == g.list.Since
	if g.learner {
		g.learner = false
		g.stop(timerLearn)
	}
	if !goesOn {
		g.resign(false)
		g.patron, g.follows = "", 0
		g.stop(timerAt)
		if !start {
			g.spread(now, g.list.Standby, g.list.Witness)
			g.sendMembers(Message{Kind: KindRefuse}, 0) // so that the standby asks at once
			return
		}
		g.owning, g.tenure, g.released = true, g.list.Since, 0
		g.do(Action{Kind: ActOwn, Index: g.index, Record: g.Record()})
	} else {
		g.resettle()
		if g.list.Standby != "" {
			g.do(Action{Kind: ActHold})
		}
	}
	g.spread(now, g.list.Standby, g.list.Witness, g.newS.id, g.newW.id)
	if g.list.Standby == "" {
		g.release(g.index)
	}
}

// resettle keeps what an owner had under way, as far as it fits the new list.
func (g *Guard) resettle() {
	for _, c := range []*candidate{&g.newS, &g.newW} {
		if g.list.Has(c.id) {
			*c = candidate{}
		}
	}
	g.fed = slices.DeleteFunc(g.fed, func(id string) bool {
		gone := id != g.list.Standby && id != g.newS.id
		if gone {
			g.do(Action{Kind: ActUnfeed, Peer: id})
		}
		return gone
	})
	if g.move.stage == moveAt || g.move.stage == moveStill || g.move.target != g.list.Standby && g.move.target != g.newS.id {
		g.failMove()
	}
}

// resign ends this node's tenure, if it has one. same: in favour of another list of the same epoch.
func (g *Guard) resign(same bool) {
	if !g.owning {
		return
	}
	why := Deposed
	if g.move.stage == moveStill && g.list.Owner == g.move.target {
		why = Moved
	}
	if same {
		why = Conflict
	}
	g.owning, g.move, g.fed, g.released = false, move{}, g.fed[:0], 0
	g.stop(timerMove)
	for _, c := range []*candidate{&g.newS, &g.newW} {
		if c.id != "" && !g.list.Has(c.id) {
			g.send(c.id, Message{Kind: KindDismiss})
		}
		*c = candidate{}
	}
	g.stop(timerLearn)
	g.stop(timerNeed)
	g.do(Action{Kind: ActStop, Why: why, Record: g.Record()})
}

// decide is the end of a vote, or an owner's decision alone: act, then tell everybody whom it concerns.
func (g *Guard) decide(now int64, v Value) {
	old := g.list
	g.learn(now, g.list.Next(v))
	g.spread(now, old.Owner, old.Standby, old.Witness, v.Owner, v.Standby, v.Witness)
}

// Record is what this node would tell others. Of an owner it is the truth unless others decided since; of others a hint.
func (g *Guard) Record() Record {
	l := &g.list
	r := Record{Epoch: l.Epoch, Since: l.Since, Owner: l.Owner, Standby: l.Standby, Witness: l.Witness, Unsafe: g.unsafe}
	r.Need = g.need()
	r.Protected = r.Need == NeedNothing
	return r
}

func (g *Guard) need() Need {
	l := &g.list
	noS := g.lost(l.Standby) || g.stalled || g.rival
	switch {
	case l.Standby == "":
		return NeedStandby
	case l.voted() && noS && g.lost(l.Witness):
		return NeedMajority
	case noS || g.sealed:
		return NeedAnswer
	case g.owning && !g.counts:
		return NeedCatchUp
	case !l.voted() && g.cfg.Pair == Safe, g.lost(l.Witness):
		return NeedWitness
	}
	return NeedNothing
}

func (g *Guard) publish() {
	if !g.owning || g.over {
		return
	}
	if r := g.Record(); r != g.said {
		g.said = r
		g.do(Action{Kind: ActPublish, Record: r})
	}
}
