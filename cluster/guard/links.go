package guard

import "slices"

// Loss says how a link broke.
type Loss uint8

const (
	EOF     Loss = 1 + iota // the connection ended: most likely the process died, but the peer may only have given this node up
	Silence                 // nothing came for 300 ms
	Gone                    // where the peer listened nobody listens any more: its process has ended
)

// linkState is what is known of the way to a peer.
type linkState uint8

const (
	linkUnknown linkState = iota
	linkUp
	linkEOF
	linkSilent
	linkGone    // its process has ended
	linkRefused // the peer does not know the match; stays until it is enlisted anew
)

type peer struct {
	id    string
	state linkState
}

// Up says that there is a connection to peer. Also called after ActWatch for a peer whose link is up already.
func (g *Guard) Up(now int64, peer string) {
	g.heard(peer)
	if g.list.Owner == peer && g.patron == peer && !g.over {
		g.sendAt(now) // what was on its way is lost
	}
	if i := g.unheard(peer); i >= 0 {
		g.tellOne(i)
	}
	if g.prop.phase == preparing || g.prop.phase == proposing {
		g.retry(now)
	}
	g.settle(now)
}

// Down says that the connection to peer was lost, or could not be made. It may be said again with more that is known.
func (g *Guard) Down(now int64, peer string, why Loss) {
	if p := g.peer(peer); p != nil && p.state < linkGone {
		p.state = [...]linkState{EOF: linkEOF, Silence: linkSilent, Gone: linkGone}[why]
	}
	if g.request.from != "" && peer == g.list.Owner && why != Silence {
		g.grant(now)
	}
	g.settle(now)
}

// heard notes a sign of life.
func (g *Guard) heard(id string) {
	p := g.peer(id)
	if p == nil || p.state == linkRefused {
		return
	}
	p.state = linkUp
	if id == g.list.Owner {
		g.suspect = false
		g.stop(timerSuspect)
	}
}

func (g *Guard) peer(id string) *peer {
	for i := range g.peers {
		if g.peers[i].id == id {
			return &g.peers[i]
		}
	}
	return nil
}

func (g *Guard) link(id string) linkState {
	if p := g.peer(id); p != nil {
		return p.state
	}
	return linkUnknown
}

func (g *Guard) lost(id string) bool { return g.link(id) >= linkEOF }

// gone: more than silent. Enough to ask for a vote, which decides.
func (g *Guard) gone(id string) bool {
	l := g.link(id)
	return l == linkEOF || l == linkGone || l == linkRefused
}

// noContact: silence from the very beginning is silence.
func (g *Guard) noContact() {
	for i := range g.peers {
		if g.peers[i].state == linkUnknown {
			g.peers[i].state = linkSilent
		}
	}
}

// suspectOwner runs the standby's patience with a silent owner.
func (g *Guard) suspectOwner(now int64) {
	silent := g.Role() == RoleStandby && g.link(g.list.Owner) == linkSilent
	g.keep(timerSuspect, silent && !g.suspect, now+g.cfg.Suspect)
}

// watch notices that other links matter now.
func (g *Guard) watch(now int64) {
	if g.dirty {
		g.dirty = false
		g.rewatch()
	}
	unknown := slices.ContainsFunc(g.peers, func(p peer) bool { return p.state == linkUnknown })
	g.keep(timerContact, unknown, now+g.cfg.Contact)
}

func (g *Guard) rewatch() {
	var room [8]string
	ids := g.Peers(room[:0])
	if slices.Equal(ids, g.watched) {
		return
	}
	g.watched = append(g.watched[:0], ids...)
	g.peers = slices.DeleteFunc(g.peers, func(p peer) bool { return !slices.Contains(ids, p.id) })
	for _, id := range ids {
		if g.peer(id) == nil {
			g.peers = append(g.peers, peer{id: id})
		}
	}
	g.do(Action{Kind: ActWatch})
}
