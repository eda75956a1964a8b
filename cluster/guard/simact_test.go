package guard

import "slices"

// receive is what a driver does with what comes over a link.
func (n *simNode) receive(p packet) {
	s := n.s
	if p.body == nil {
		n.takeJournal(p)
		return
	}
	match, rest, err := Split(p.body)
	var m Message
	if err == nil {
		err = Parse(rest, &m)
	}
	if err != nil || string(match) != "m" {
		s.fatalf("n%d: cannot parse %x: %v", n.i, p.body, err)
	}
	from := n.peer(p.from)
	if n.g == nil {
		if m.Kind != KindEnlist {
			if a, ok := n.book.Answer("m", &m); ok {
				s.send(packet{from: n.i, to: p.from, body: Append(nil, "m", &a)})
			}
			return
		}
		g, err := Join(n.cfg, n.book.Tomb("m"))
		if err != nil {
			s.fatalf("join: %v", err)
		}
		n.g = g
	}
	n.g.Receive(s.now, from, &m)
	n.act()
}

func (n *simNode) takeJournal(p packet) {
	from := n.peer(p.from)
	if n.g == nil || !n.g.Take(from, p.tenure) {
		return
	}
	if !p.snapshot {
		if int(p.start) > len(n.log) || p.start > 0 && (n.log[p.start-1] != p.journal0(n)) || n.tenure != p.tenure && int(p.start) != len(n.log) {
			return // a gap, or another log: the owner is asked again by the guard
		}
		n.log = append(n.log[:p.start], p.journal...)
	} else {
		n.log = slices.Clone(p.journal)
	}
	n.tenure = p.tenure
	n.g.Held(n.s.now, p.tenure, uint32(len(n.log)), n.hash())
	n.act()
}

// journal0 is the hash before a journal record; records carry it, here it is looked up in the sender's log.
func (p *packet) journal0(n *simNode) uint64 {
	if l := n.s.nodes[p.from].log; int(p.start) <= len(l) {
		return l[p.start-1]
	}
	return 0
}

func (n *simNode) hash() uint64 {
	if len(n.log) == 0 {
		return 0
	}
	return n.log[len(n.log)-1]
}

// act carries out what the guard wants.
func (n *simNode) act() {
	s := n.s
	for again := true; again; {
		acts := slices.Clone(n.g.Actions())
		again = false
		for i := range acts {
			again = n.one(&acts[i]) || again
		}
	}
	if l := n.g.List(); l.Epoch > 0 {
		if was, ok := s.lists[l.Epoch]; ok && was != l {
			s.fatalf("I1: two lists of epoch %d: %+v and %+v", l.Epoch, was, l)
		}
		s.lists[l.Epoch] = l
		if l.Epoch < n.epochs {
			s.fatalf("epoch of %s fell", n.id)
		}
		n.epochs = l.Epoch
	}
}

func (n *simNode) one(a *Action) (again bool) {
	s := n.s
	switch a.Kind {
	case ActSend:
		if a.Message.Kind != KindJack {
			s.logf("%s -> %s %s", n.id, a.Peer, show(&a.Message))
		}
		s.send(packet{from: n.i, to: n.index(a.Peer), body: Append(nil, "m", &a.Message)})
		return false
	case ActRelease:
		n.release(a.Index)
		return false
	case ActWatch:
		for _, id := range n.g.Peers(nil) {
			if l, _ := s.link(n.i, n.index(id)); n.g.link(id) == linkUnknown {
				if l.up {
					n.g.Up(s.now, id)
				} else if s.nodes[n.index(id)].dead {
					n.g.Down(s.now, id, EOF)
				}
			}
		}
		return true
	}
	s.logf("%s: %s", n.id, showAction(a))
	s.moves[a.Kind]++
	switch a.Kind {
	case ActOwn:
		n.own(a)
	case ActStop:
		n.runs, n.stopAt = false, 0
		clear(n.fed)
		s.drops[a.Why]++
	case ActDrop:
		n.log, n.tenure = nil, 0
		s.drops[a.Why]++
	case ActFail:
		n.runs = false
		s.fails++
	case ActFeed:
		n.feed(a)
	case ActUnfeed:
		delete(n.fed, n.index(a.Peer))
	case ActNeed:
		n.need, n.offer = *a, s.now+5
	case ActMoveReady:
		n.g.MoveAt(s.now, uint32(len(n.log))+10)
		return true
	case ActFreeze:
		n.stopAt = a.Index
	case ActThaw:
		n.stopAt = 0
	}
	return false
}

func (n *simNode) own(a *Action) {
	s := n.s
	n.runs, n.stopAt, n.tenure = true, 0, a.Record.Since
	s.owns = append(s.owns, s.now)
	if int(a.Index) != len(n.log) {
		s.fatalf("%s is to own at %d and has %d", n.id, a.Index, len(n.log))
	}
	for i, h := range s.shown {
		if h != 0 && (i >= len(n.log) || n.log[i] != h) {
			s.fatalf("I2: %s owns epoch %d without entry %d that players saw (%d shown, it has %d)", n.id, a.Record.Epoch, i+1, len(s.shown), len(n.log))
		}
	}
}

func (n *simNode) release(i uint32) {
	s := n.s
	if !n.runs || int(i) > len(n.log) {
		s.fatalf("%s releases %d of %d, running %v", n.id, i, len(n.log), n.runs)
	}
	for int(i) > len(s.shown) {
		s.shown = append(s.shown, 0)
	}
	for k := range int(i) {
		if s.shown[k] != 0 && s.shown[k] != n.log[k] {
			s.fatalf("I2: %s shows another entry %d", n.id, k+1)
		}
		s.shown[k] = n.log[k]
	}
	s.last = s.now
}

func (n *simNode) feed(a *Action) {
	to, at := n.index(a.Peer), a.Message
	have := int(at.Index)
	keeps := have <= len(n.log) && (have == 0 || n.log[have-1] == at.Hash)
	p := packet{from: n.i, to: to, tenure: n.tenureOf()}
	if keeps {
		p.start, p.journal = uint32(have), slices.Clone(n.log[have:])
	} else {
		p.snapshot, p.journal = true, slices.Clone(n.log)
	}
	if n.s.nodes[to].unable {
		n.later(func() { n.g.Unable(n.s.now, a.Peer) })
		return
	}
	n.fed[to] = true
	n.s.send(p)
}

// answerNeed offers what is alive, in random order.
func (n *simNode) answerNeed() {
	var ids []string
	l := n.g.List()
	for _, m := range n.s.nodes {
		if k, _ := n.s.link2(n.i, m.i); k != nil && k.up && !m.dead && !m.unable && !n.banned[m.id] && m.id != l.Standby && (m.id != l.Witness || n.need.Standby) {
			ids = append(ids, m.id)
		}
	}
	n.s.rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	ids = append(ids, "", "")
	if !n.need.Standby {
		n.g.Offer(n.s.now, "", ids[0])
	} else if n.need.Witness {
		n.g.Offer(n.s.now, ids[0], ids[1])
	} else {
		n.g.Offer(n.s.now, ids[0], "")
	}
	n.act()
}
