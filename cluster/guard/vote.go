package guard

// request is a standby's prepare or propose that the witness answers after it has probed the owner.
type request struct {
	from string
	m    Message
}

// onRequest takes prepare and propose, from a proposer whose list this node may not know yet.
func (g *Guard) onRequest(now int64, from string, m *Message) {
	if m.List.sound() && m.List.Epoch == m.Epoch && m.Epoch > g.list.Epoch {
		g.learn(now, m.List)
	}
	if g.stale(from, m) || m.List != g.list || g.over || !g.list.voted() || !g.mayAsk(from, m.Ballot) {
		return
	}
	switch me := g.list.seat(g.cfg.Self); {
	case me < 0:
		return
	case me == 0:
		g.rival = true // from now on nothing is acknowledged in this epoch
		if m.Suspect && g.owning {
			return // it is alive: the next list comes from here
		}
	case me == 2 && m.Suspect && !g.gone(g.list.Owner):
		if m.Ballot >= g.request.m.Ballot {
			g.request = request{from, *m}
		}
		if !g.armed(timerProbe) {
			g.send(g.list.Owner, Message{Kind: KindProbe})
			g.arm(timerProbe, now+g.cfg.Probe)
		}
		return
	}
	g.accept(now, from, m)
}

// mayAsk: the owner has the even ballots, the standby the odd ones.
func (g *Guard) mayAsk(from string, ballot uint32) bool {
	return ballot >= 1 && ballot <= maxBallot && (ballot%2 == 0 && from == g.list.Owner || ballot%2 == 1 && from == g.list.Standby)
}

// maxBallot bounds what a peer can make this node count up to.
const maxBallot = 1 << 30

// onAlive: the owner is there, so the standby's request is dropped. It comes again as long as the standby is of its mind.
func (g *Guard) onAlive(from string, m *Message) {
	if m.Epoch == g.list.Epoch && from == g.list.Owner {
		g.request = request{}
		g.stop(timerProbe)
	}
}

// grant: the owner is silent to the witness as well.
func (g *Guard) grant(now int64) {
	r := g.request
	g.request = request{}
	g.stop(timerProbe)
	if r.from != "" {
		g.accept(now, r.from, &r.m)
	}
}

// accept is the acceptor of the Synod: promise only upwards, vote unless promised higher.
func (g *Guard) accept(now int64, from string, m *Message) {
	if g.mute {
		return
	}
	if m.Ballot < g.promised {
		g.send(from, Message{Kind: KindNack, Ballot: m.Ballot, Voted: g.promised})
		return
	}
	// An own ballot is overtaken, though its votes may still come in. An owner gives a standby that asked the time to decide.
	if m.Ballot > g.promised && (g.prop.phase != idle || g.owning) {
		g.arm(timerBallot, now+g.backoff())
	}
	g.promised = m.Ballot
	if m.Kind == KindPrepare {
		g.send(from, Message{Kind: KindPromise, Ballot: m.Ballot, Voted: g.voted, Value: g.vote})
		return
	}
	if !m.Value.sound() {
		return
	}
	g.voted, g.vote = m.Ballot, m.Value
	if g.flaw&forgetsVote != 0 {
		g.voted, g.vote, g.promised = 0, Value{}, 0
	}
	g.send(from, Message{Kind: KindVote, Ballot: m.Ballot})
}
