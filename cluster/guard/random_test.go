package guard

import (
	"flag"
	"fmt"
	"testing"
)

var seeds = flag.Int("seeds", 100, "how many random clusters to simulate")

// One fault at a time, each only when the match is protected: it is never lost, whatever the faults are, and it is
// protected again within two seconds of the fault (rules 8 and 10).
func TestOneFaultAtATime(t *testing.T) {
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newSim(t, seed, 6, Config{})
			for range 6 {
				n := s.protected(3000)
				s.run(s.rng.Int64N(400))
				s.gaps = 0
				undo := s.fault(n)
				s.run(400 + s.rng.Int64N(1200)) // it is noticed
				undo()
				s.protected(3500)
				if s.gaps > 1200 {
					s.fatalf("players saw nothing for %d ms", s.gaps)
				}
			}
			if s.fails > 0 || s.drops[Forsaken] > 0 {
				s.fatalf("lost")
			}
		})
	}
}

// fault does something bad to the match that n owns, and returns what ends it. A killed node is replaced by a new one.
func (s *sim) fault(n *simNode) (undo func()) {
	l := n.g.list
	member := s.node(l.members()[s.rng.IntN(3)])
	other := s.rng.IntN(len(s.nodes))
	if member < 0 {
		return func() {}
	}
	switch s.rng.IntN(7) {
	case 0:
		s.kill(member)
		return func() { s.revive(member) }
	case 1:
		s.vanish(member)
		return func() { s.revive(member) }
	case 2:
		s.pause(member, true)
		return func() { s.pause(member, false) }
	case 3:
		if other != member {
			s.cut(member, other, true)
			return func() { s.cut(member, other, false) }
		}
	case 4:
		if other != member {
			s.logf("RESET n%d n%d", member, other)
			s.break_(min(member, other), max(member, other), member, EOF)
		}
	case 5:
		if other != member {
			s.logf("ONE WAY n%d n%d", member, other)
			k, d := s.link(member, other)
			k.cut[d] = true
			return func() { k.cut = [2]bool{} }
		}
	case 6:
		target := s.nodes[other]
		if n.g.Move(s.now, target.id) {
			s.logf("MOVE to %s", target.id)
		}
		n.act()
		s.run(s.rng.Int64N(500))
		if s.rng.IntN(2) == 0 {
			s.kill(other)
			return func() { s.revive(other) }
		}
	}
	return func() {}
}

// revive starts a new process in the place of a dead one: a new id in production; here the same name without any memory would
// break the rule that votes are not forgotten, so it is a new node at the end of the list.
func (s *sim) revive(dead int) {
	i := len(s.nodes)
	c := s.nodes[dead].cfg
	c.Self, c.Seed = fmt.Sprintf("n%d", i), s.rng.Uint64()
	s.nodes = append(s.nodes, &simNode{s: s, i: i, id: c.Self, cfg: c, fed: map[int]bool{}, banned: map[string]bool{}})
	for j := range i {
		s.links[[2]int{j, i}] = &simLink{redial: s.now}
	}
}

// Anything at any time, several faults at once: nobody ever sees two versions, and when it is over and the match has
// not been given up, it goes on.
func TestAnyFaults(t *testing.T) {
	lost := 0
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newSim(t, seed+1000, 5, Config{LostAfter: 3000})
			var undo []func()
			for range 12 {
				s.run(s.rng.Int64N(700))
				for _, n := range s.nodes {
					if n.g != nil && !n.dead && !n.paused && n.g.owning && n.g.list.voted() && s.rng.IntN(2) == 0 && s.alive() > 3 {
						undo = append(undo, s.fault(n))
					}
				}
				if len(undo) > 0 && s.rng.IntN(2) == 0 {
					undo[0]()
					undo = undo[1:]
				}
			}
			for _, f := range undo {
				f()
			}
			s.run(5_000)
			if s.now-s.last < 200 {
				s.protected(100)
				return
			}
			lost++
			if s.possible() {
				s.fatalf("stuck for %d ms", s.now-s.last)
			}
		})
	}
	t.Logf("%d of %d matches were lost with the nodes that held them", lost, *seeds)
	if lost > *seeds/2 {
		t.Error("too many to say anything")
	}
}

func (s *sim) alive() (n int) {
	for _, m := range s.nodes {
		if !m.dead && !m.paused {
			n++
		}
	}
	return n
}

// possible says whether the match could go on: a node of the highest list that is alive holds what counts, and a majority of
// that list is alive.
func (s *sim) possible() bool {
	l := s.lists[s.epoch()]
	up := func(id string) bool { return id != "" && !s.nodes[s.node(id)].dead }
	if !l.voted() {
		return up(l.Owner)
	}
	n := 0
	for _, id := range l.members() {
		if up(id) {
			n++
		}
	}
	sb := s.nodes[s.node(l.Standby)]
	return n >= 2 && (up(l.Owner) || !sb.dead && sb.g != nil && sb.g.promotable())
}
