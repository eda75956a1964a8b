package guard

import "testing"

// A match goes to a node that the rest cannot follow: it goes on alone at once, and takes another standby.
func TestHandOverToWhomTheOwnerCannotFollow(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 5, Config{})
		n := s.protected(300)
		s.run(200)
		n.unable, s.gaps = true, 0
		target := n.g.list.Standby
		if !n.g.Move(s.now, target) {
			s.fatalf("%s does not move to %s", n.id, target)
		}
		n.act()
		s.run(1000)
		if m := s.protected(1500); m.id != target || m.g.list.Standby == n.id || s.gaps > 2*simTick {
			s.fatalf("owner %s, standby %s, gap %d ms", m.id, m.g.list.Standby, s.gaps)
		}
	}
}

// A candidate that cannot carry the match is given up, and a move to it fails; who is neither is nothing to the guard.
func TestUnableCandidate(t *testing.T) {
	s := newSim(t, 1, 5, Config{})
	n := s.protected(300)
	s.run(200)
	target := ""
	for _, x := range s.nodes {
		if !n.g.list.Has(x.id) {
			target, x.unable = x.id, true
		}
	}
	list := n.g.list
	n.g.Unable(s.now, "nobody")
	n.g.Unable(s.now, "")
	s.nodes[s.node(list.Standby)].g.Unable(s.now, n.id) // not an owner
	if !n.g.Move(s.now, target) {
		t.Fatal("does not move")
	}
	n.act()
	s.run(100)
	if standby, _ := n.g.Candidates(); standby != "" || s.moves[ActMoveFailed] != 1 || n.g.list != list || !n.g.Record().Protected {
		s.fatalf("candidate %q, %+v", standby, n.g.list)
	}
}
