package guard

import "slices"

// Receive takes a message of a peer, whose id the link has proven. m is not kept.
func (g *Guard) Receive(now int64, from string, m *Message) {
	if from == g.cfg.Self || m.Epoch == 0 {
		return
	}
	if m.Kind != KindRefuse && m.Kind != KindTold {
		g.forgive(from)
	}
	g.heard(from)
	if m.Epoch >= g.list.Epoch && !g.ended {
		g.answered(from)
	}
	switch {
	case g.ended:
		g.receiveEnded(from, m)
	case g.over && m.Kind == KindEnlist && m.Epoch > g.list.Epoch:
		g.over = false // forsaken once, wanted again
		g.receive(now, from, m)
	case g.over:
		g.stale(from, m)
	default:
		g.receive(now, from, m)
	}
	g.settle(now)
}

func (g *Guard) receive(now int64, from string, m *Message) {
	switch m.Kind {
	case KindEnlist:
		g.onEnlist(now, from, m)
	case KindEnlisted:
		g.onEnlisted(now, from)
	case KindPrepare, KindPropose:
		g.onRequest(now, from, m)
	case KindPromise:
		g.onPromise(now, from, m)
	case KindVote:
		g.onVote(now, from, m)
	case KindNack:
		g.onNack(now, from, m)
	case KindDecided:
		g.hear(now, from, m.List)
		g.send(from, Message{Kind: KindTold})
	case KindAt:
		g.onAt(now, from, m)
	case KindJack:
		g.onJack(now, from, m)
	case KindProbe:
		if !g.stale(from, m) && g.owning && from == g.list.Witness {
			g.send(from, Message{Kind: KindAlive})
		}
	case KindAlive:
		g.onAlive(from, m)
	case KindDismiss:
		g.onDismiss(now, from, m)
	case KindEnded:
		g.onEnded(now, from, m)
	case KindRefuse:
		g.onRefuse(from)
	}
}

// hear takes a decided list from a peer.
func (g *Guard) hear(now int64, from string, l List) {
	switch {
	case !l.sound():
	case l.Epoch > g.list.Epoch:
		g.learn(now, l)
	case l.Epoch == g.list.Epoch && l != g.list && g.list.Epoch > 0:
		// Cannot be, unless somebody went on by policy. Then the smaller owner id wins.
		if (g.cfg.Pair == Available || g.cfg.Last == Available) && l.Owner < g.list.Owner {
			g.unsafe = true
			g.learn(now, l)
		}
	case l.Epoch < g.list.Epoch:
		g.send(from, Message{Kind: KindDecided, List: g.list})
	}
}

// stale answers a message of an older epoch with what was decided since.
func (g *Guard) stale(from string, m *Message) bool {
	if m.Epoch < g.list.Epoch {
		g.send(from, Message{Kind: KindDecided, List: g.list})
	}
	return m.Epoch != g.list.Epoch
}

// spread starts telling these nodes of the current list; it goes on until each has answered.
func (g *Guard) spread(now int64, to ...string) {
	for _, id := range to {
		if id == "" || id == g.cfg.Self || slices.Contains(g.news, id) {
			continue
		}
		if len(g.news) == maxNews {
			g.news = slices.Delete(g.news, 0, 1)
		}
		g.news = append(g.news, id)
		g.dirty = true
	}
	g.tell(now)
}

// maxNews bounds who is still to be told: two lists and two candidates are eight.
const maxNews = 8

func (g *Guard) tell(now int64) {
	for _, id := range g.news {
		g.tellOne(id)
	}
	g.stop(timerTell)
	g.keep(timerTell, len(g.news) > 0, now+g.cfg.Retry)
}

func (g *Guard) tellOne(id string) {
	if g.link(id) == linkRefused {
		return
	}
	if g.ended {
		g.send(id, Message{Kind: KindEnded})
		return
	}
	g.send(id, Message{Kind: KindDecided, List: g.list})
}

func (g *Guard) answered(id string) {
	if i := slices.Index(g.news, id); i >= 0 {
		g.news = slices.Delete(g.news, i, i+1)
		g.dirty = true
		if len(g.news) == 0 {
			g.stop(timerTell)
		}
	}
}

// onRefuse: the peer knows no such match. Whatever it was to do here, it will not do.
func (g *Guard) onRefuse(from string) {
	g.answered(from)
	if p := g.peer(from); p != nil {
		p.state = linkRefused
	}
}

// forgive: a peer that speaks about the match knows it again.
func (g *Guard) forgive(id string) {
	if p := g.peer(id); p != nil && p.state == linkRefused {
		p.state = linkUnknown
	}
}
