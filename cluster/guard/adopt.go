package guard

// candidate is a node that an owner has enlisted, or is about to, for a seat in a later list.
type candidate struct {
	id       string
	enlisted bool   // has a record of this match: may be named
	index    uint32 // as a learner: acknowledged so far
}

// Offer answers ActNeed: nodes to adopt, "" for none. It also replaces a standby or a witness as planned. Nodes that are
// members or candidates already are ignored, so is a standby while a move is under way. Owner.
func (g *Guard) Offer(now int64, standby, witness string) {
	if g.owning && !g.over && g.newS.id == "" && g.move.stage == moveNone && g.free(standby) {
		g.enlist(now, &g.newS, standby)
	}
	if g.owning && !g.over && g.newW.id == "" && g.move.stage <= moveLearn && g.free(witness) {
		g.enlist(now, &g.newW, witness)
	}
	g.settle(now)
}

// Candidates returns who is about to become standby and witness, "" for nobody. Owner.
func (g *Guard) Candidates() (standby, witness string) { return g.newS.id, g.newW.id }

// Spare gives up the next witness, for there is nobody else who could be the standby: ActNeed comes again, for both. Owner.
func (g *Guard) Spare(now int64) {
	if g.owning && !g.over && g.newS.id == "" && g.list.Standby == "" && g.move.stage == moveNone {
		g.giveUp(&g.newW)
	}
	g.settle(now)
}

// free says whether id may become a candidate.
func (g *Guard) free(id string) bool {
	return validID(id) && !g.list.Has(id) && id != g.newS.id && id != g.newW.id
}

func (g *Guard) enlist(now int64, c *candidate, id string) {
	*c = candidate{id: id}
	if p := g.peer(id); p != nil && p.state == linkRefused {
		p.state = linkUnknown
	}
	g.dirty = true
	g.arm(timerLearn, now+g.cfg.Learn)
	g.arm(timerEnlist, now+g.cfg.Enlist)
	g.send(id, Message{Kind: KindEnlist, List: g.list, Learn: c == &g.newS})
	g.armOnce(timerNeed, now+g.cfg.Need)
}

// learned says whether the next standby has a copy that is close enough.
func (g *Guard) learned() bool {
	c := &g.newS
	return c.id != "" && c.enlisted && (c.index > 0 || g.index == 0) && c.index+g.cfg.Lag >= g.index
}

func (g *Guard) onEnlisted(now int64, from string) {
	for _, c := range []*candidate{&g.newS, &g.newW} {
		if c.id == from && !c.enlisted {
			c.enlisted = true
			g.arm(timerLearn, now+g.cfg.Learn)
		}
	}
}

// tendCandidates gives up those that are lost, and a standby that stalls.
func (g *Guard) tendCandidates(now int64) {
	g.tendStandby(now)
	for _, c := range []*candidate{&g.newS, &g.newW} {
		if c.id != "" && g.lost(c.id) && !(g.sealed && g.moves(c.id)) {
			g.giveUp(c)
		}
	}
	if g.owning && g.newS.id == "" {
		g.stop(timerLearn)
	}
}

func (g *Guard) giveUp(c *candidate) {
	if c.id == "" {
		return
	}
	g.send(c.id, Message{Kind: KindDismiss})
	g.answered(c.id)
	id := c.id
	*c, g.dirty = candidate{}, true
	g.unfeed(id)
	if g.moves(id) {
		g.failMove()
	}
}

func (g *Guard) unfeed(id string) {
	for i, f := range g.fed {
		if f == id && id != g.list.Standby {
			g.fed = append(g.fed[:i], g.fed[i+1:]...)
			g.do(Action{Kind: ActUnfeed, Peer: id})
			return
		}
	}
}

// giveUpEnlisting: a candidate did not answer. It must not hold up the other one, whose progress says nothing about it.
func (g *Guard) giveUpEnlisting() {
	for _, c := range []*candidate{&g.newS, &g.newW} {
		if !c.enlisted {
			g.giveUp(c)
		}
	}
}

// giveUpLearning: no progress for too long. On the other side: neither fed nor named, so this candidate was forgotten.
func (g *Guard) giveUpLearning(now int64) {
	if g.learner {
		g.leave(now, Released)
		return
	}
	if g.newS.id != "" && !g.learned() {
		g.giveUp(&g.newS)
	}
}

// seek asks for the candidates that the list lacks, once now and then again while it lacks them. Candidates that have not
// answered are asked once more, too.
func (g *Guard) seek(now int64) {
	s, w := g.lacks()
	waits := g.newS.id != "" && !g.newS.enlisted || g.newW.id != "" && !g.newW.enlisted
	news := s && !g.askedS || w && !g.askedW
	g.askedS, g.askedW = s, w
	if !s && !w && !waits {
		g.stop(timerNeed)
		return
	}
	if g.armed(timerNeed) && !news {
		return
	}
	g.arm(timerNeed, now+g.cfg.Need)
	if s || w {
		g.do(Action{Kind: ActNeed, Standby: s, Witness: w})
	}
	for _, c := range []*candidate{&g.newS, &g.newW} {
		if c.id != "" && !c.enlisted {
			g.send(c.id, Message{Kind: KindEnlist, List: g.list, Learn: c == &g.newS})
		}
	}
}

func (g *Guard) lacks() (standby, witness bool) {
	if !g.owning || g.over || g.move.stage > moveLearn {
		return false, false
	}
	l := &g.list
	standby = l.Standby == "" && g.newS.id == ""
	witness = (l.Witness == "" || g.lost(l.Witness)) && g.newW.id == ""
	return standby, witness
}

// onEnlist: this node is wanted as a candidate. Only an owner enlists, and only whom its list does not name: a member that
// had forgotten its votes could not come back this way.
func (g *Guard) onEnlist(now int64, from string, m *Message) {
	if !m.List.sound() || m.List.Epoch != m.Epoch || m.List.Owner != from || m.List.Has(g.cfg.Self) {
		return
	}
	g.hear(now, from, m.List)
	if g.list != m.List {
		return
	}
	g.learner, g.copies, g.dirty = true, m.Learn, true
	g.stop(timerKeep)
	g.arm(timerLearn, now+g.cfg.LostAfter)
	g.send(from, Message{Kind: KindEnlisted})
	if m.Learn {
		g.follow(now)
	}
}

// onDismiss: this candidate is not needed any more.
func (g *Guard) onDismiss(now int64, from string, m *Message) {
	if g.learner && from == g.list.Owner && m.Epoch >= g.list.Epoch {
		g.leave(now, Released)
	}
}
