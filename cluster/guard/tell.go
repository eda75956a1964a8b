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
	case g.over && g.wentOn(from, m) && m.Kind == KindEnlist:
		g.over, g.ended, g.news = false, false, g.news[:0]
		g.receive(now, from, m)
	case g.ended:
		g.receiveEnded(from, m)
	case g.over:
		g.refuse(from, m)
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
	case from == l.Owner && g.armed(timerAt):
		g.sendAt(now) // it had not known the epoch when it was asked first
	}
}

// stale answers a message of an older epoch with what was decided since.
func (g *Guard) stale(from string, m *Message) bool {
	if m.Epoch < g.list.Epoch {
		g.send(from, Message{Kind: KindDecided, List: g.list})
	}
	return m.Epoch != g.list.Epoch
}

// news is a node that has not answered to decided or ended yet.
type news struct {
	id    string
	epoch uint32 // told last
	until int64  // a node that is not a member and cannot be reached is given up then
}

// maxNews bounds who is still to be told: two lists and two candidates are eight.
const maxNews = 8

// spread starts telling these nodes of the current list, or of the end; it goes on until each has answered.
func (g *Guard) spread(now int64, to ...string) {
	for _, id := range to {
		if id == "" || id == g.cfg.Self {
			continue
		}
		i := g.unheard(id)
		if i < 0 {
			if len(g.news) == maxNews {
				g.news = slices.Delete(g.news, 0, 1)
			}
			g.news, g.dirty = append(g.news, news{id: id}), true
			i = len(g.news) - 1
		}
		g.news[i].until = now + g.cfg.LostAfter
		if g.news[i].epoch != g.list.Epoch {
			g.tellOne(i)
		}
	}
	g.keep(timerTell, len(g.news) > 0, now+g.cfg.Retry)
}

// unheard is the place of id among those still to be told, -1 if it is not.
func (g *Guard) unheard(id string) int {
	return slices.IndexFunc(g.news, func(n news) bool { return n.id == id })
}

func (g *Guard) tell(now int64) {
	g.news = slices.DeleteFunc(g.news, func(n news) bool {
		old := now >= n.until && g.lost(n.id) && (g.over || !g.list.Has(n.id))
		g.dirty = g.dirty || old
		return old
	})
	for i := range g.news {
		g.tellOne(i)
	}
	g.keep(timerTell, len(g.news) > 0, now+g.cfg.Retry)
}

func (g *Guard) tellOne(i int) {
	n := &g.news[i]
	n.epoch = g.list.Epoch
	switch {
	case g.lost(n.id): // Up will tell it
	case g.ended:
		g.send(n.id, Message{Kind: KindEnded})
	default:
		g.send(n.id, Message{Kind: KindDecided, List: g.list})
	}
}

func (g *Guard) answered(id string) {
	if i := g.unheard(id); i >= 0 {
		g.news, g.dirty = slices.Delete(g.news, i, i+1), true
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
