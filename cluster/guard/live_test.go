package guard

import "testing"

// protected waits until the match has an owner, a standby that counts and a witness.
func (s *sim) protected(within int64) *simNode {
	s.t.Helper()
	for end := s.now + within; s.now < end; s.run(1) {
		for _, n := range s.nodes {
			if n.g != nil && !n.dead && !n.paused && n.g.owning && n.g.Record().Protected && n.g.list.Epoch == s.epoch() {
				return n
			}
		}
	}
	s.fatalf("not protected within %d ms", within)
	return nil
}

func (s *sim) epoch() (e uint32) {
	for k := range s.lists {
		e = max(e, k)
	}
	return e
}

func (s *sim) node(id string) int { return s.nodes[0].index(id) }

func TestAMatchIsProtectedAfterBirth(t *testing.T) {
	s := newSim(t, 1, 5, Config{})
	n := s.protected(300)
	if n.i != 0 || n.g.list.Epoch != 2 {
		t.Fatalf("%+v", n.g.list)
	}
	s.run(200)
}

func TestKilledOwner(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 5, Config{})
		n := s.protected(300)
		s.run(500)
		s.kill(n.i)
		at, s0 := s.now, s.node(n.g.list.Standby)
		s.gaps = 0
		m := s.protected(500)
		if m.i != s0 || s.owns[0]-at > 10 || s.gaps > 60 {
			s.fatalf("owner %s, owns after %d ms, gap %d ms", m.id, s.owns[0]-at, s.gaps)
		}
	}
}

func TestSilentOwner(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 5, Config{})
		n := s.protected(300)
		s.run(500)
		s.vanish(n.i)
		s0 := s.node(n.g.list.Standby)
		s.gaps = 0
		m := s.protected(1500)
		if m.i != s0 || s.gaps > 650 {
			s.fatalf("owner %s, gap %d ms", m.id, s.gaps)
		}
	}
}

// A paused owner wakes up, learns what happened, and stops without having shown anything.
func TestZombie(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 5, Config{})
		n := s.protected(300)
		s.pause(n.i, true)
		s.run(2000)
		s.pause(n.i, false)
		s.run(1000)
		if n.runs {
			s.fatalf("the zombie still runs")
		}
		s.protected(1000)
	}
}

func TestCutBetweenOwnerAndStandby(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 5, Config{})
		n := s.protected(300)
		s.run(300)
		s.cut(n.i, s.node(n.g.list.Standby), true)
		s.gaps = 0
		if m := s.protected(1500); m != n || s.gaps > 500 {
			s.fatalf("the witness prefers the owner, but %s owns after a gap of %d ms", m.id, s.gaps)
		}
	}
}

func TestLostMembers(t *testing.T) {
	for seed := range uint64(20) {
		for who := 1; who <= 2; who++ {
			s := newSim(t, seed, 5, Config{})
			n := s.protected(300)
			s.run(300)
			gone := s.node(n.g.list.members()[who])
			s.kill(gone)
			s.gaps = 0
			if m := s.protected(500); m != n || s.gaps > 60 {
				s.fatalf("owner %s, gap %d ms", m.id, s.gaps)
			}
			s.run(300)
			s.vanish(s.node(n.g.list.members()[who]))
			if m := s.protected(1500); m != n || s.gaps > 420 {
				s.fatalf("owner %s, gap %d ms", m.id, s.gaps)
			}
		}
	}
}

// Every owner dies as soon as its match is protected again, until two nodes are left.
func TestChainOfDeaths(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 9, Config{})
		for range 7 {
			n := s.protected(1000)
			if seed%2 == 0 {
				s.kill(n.i)
			} else {
				s.vanish(n.i)
			}
		}
		s.run(2000)
		if s.now-s.last > 100 || len(s.owns) != 7 {
			s.fatalf("%d owners, silent for %d ms", len(s.owns), s.now-s.last)
		}
	}
}

func TestMove(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 6, Config{})
		for i := range 6 {
			n := s.protected(1500)
			s.run(200)
			target := n.g.list.Standby
			for j := range s.nodes {
				if id := s.nodes[j].id; i%2 == 0 && !n.g.list.Has(id) {
					target = id
				}
			}
			s.gaps = 0
			if !n.g.Move(s.now, target) {
				s.fatalf("%s does not move to %s", n.id, target)
			}
			n.act()
			s.run(1000)
			if m := s.protected(1500); m.id != target || s.gaps > simTick+10 || s.moves[ActThaw] > 0 {
				s.fatalf("owner %s, gap %d ms", m.id, s.gaps)
			}
		}
	}
}

func TestMoveOfAMatchAlone(t *testing.T) {
	for _, n := range []int{2, 3} {
		s := newSim(t, 1, n, Config{Pair: Available})
		if !s.nodes[0].g.Move(s.now, "n1") {
			t.Fatal("does not move")
		}
		s.nodes[0].act()
		s.run(1500)
		if !s.nodes[1].g.owning || s.gaps > 2*simTick {
			s.fatalf("n1 does not own, gap %d", s.gaps)
		}
	}
}

// The target dies at any moment of a move: the match goes on, here or there, without players seeing more than a failover.
func TestTargetDiesDuringMove(t *testing.T) {
	for after := int64(0); after < 460; after += 3 {
		s := newSim(t, uint64(after), 6, Config{})
		n := s.protected(500)
		target := -1
		for j := range s.nodes {
			if !n.g.list.Has(s.nodes[j].id) {
				target = j
			}
		}
		s.gaps = 0
		n.g.Move(s.now, s.nodes[target].id)
		n.act()
		s.run(after)
		s.kill(target)
		s.protected(2500)
		s.run(100)
		if s.gaps > 600 || s.fails > 0 {
			s.fatalf("after %d: gap %d ms", after, s.gaps)
		}
	}
}

func TestTwoNodes(t *testing.T) {
	for _, pair := range []Policy{Safe, Available} {
		s := newSim(t, 3, 2, Config{Pair: pair})
		s.run(500)
		if r := s.nodes[0].g.Record(); r.Protected != (pair == Available) || r.Standby != "n1" {
			t.Fatalf("%+v", r)
		}
		s.kill(0)
		s.run(1000)
		if own := s.nodes[1].g.owning; own != (pair == Available) {
			t.Fatalf("policy %d: owning %v", pair, own)
		}
		if pair == Available && !s.nodes[1].g.Record().Unsafe {
			t.Fatal("does not say that it is unsafe")
		}
		s.run(20_000)
		if pair == Safe && s.drops[Forsaken] != 1 {
			t.Fatal("the standby keeps a match that is lost")
		}
	}
	s := newSim(t, 3, 2, Config{Pair: Available})
	s.run(500)
	s.break_(0, 1, 0, Silence) // the owner hears nothing for a moment, and ends the connection
	s.run(3_000)
	if !s.nodes[0].g.owning || s.nodes[1].g.owning {
		t.Fatal("the end of a connection made the standby an owner")
	}
	s = newSim(t, 3, 2, Config{})
	s.run(500)
	s.vanish(1)
	s.run(1000)
	if r := s.nodes[0].g.Record(); r.Standby != "" || s.now-s.last > 100 {
		s.fatalf("the owner does not go on alone: %+v", r)
	}
}

func TestLastOfThree(t *testing.T) {
	for _, last := range []Policy{Safe, Available} {
		for left := range 2 {
			s := newSim(t, 4, 3, Config{Last: last})
			n := s.protected(500)
			l := n.g.list
			survivor := s.nodes[s.node(l.members()[left])]
			for _, m := range s.nodes {
				if m != survivor {
					s.vanish(m.i)
				}
			}
			s.run(14_000)
			if s.now-s.last < 13_000 {
				s.fatalf("one of three answers players")
			}
			s.run(3_000)
			if goes := survivor.g != nil && survivor.g.owning; goes != (last == Available) {
				s.fatalf("policy %d, seat %d: owning %v", last, left, goes)
			}
			if last == Safe && s.fails != 1-left {
				s.fatalf("%d failed", s.fails)
			}
		}
	}
}

func TestEnd(t *testing.T) {
	s := newSim(t, 5, 5, Config{})
	n := s.protected(500)
	n.runs = false
	n.g.End(s.now)
	n.act()
	s.run(100)
	if s.drops[Over] != 1 {
		s.fatalf("the standby keeps its copy")
	}
	s.run(70_000)
	for _, m := range s.nodes {
		if m.g != nil || len(m.fed) > 0 && m != n {
			s.fatalf("%s still has a guard", m.id)
		}
	}
}
