package guard

import "testing"

// A standby and a witness that are to leave are replaced while they are alive; players hardly notice.
func TestPlannedReplacement(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 7, Config{})
		n := s.protected(500)
		s.run(200)
		old := n.g.list
		var fresh []string
		for _, m := range s.nodes {
			if !old.Has(m.id) {
				fresh = append(fresh, m.id)
			}
		}
		s.gaps = 0
		n.g.Offer(s.now, fresh[0], fresh[1])
		n.act()
		s.run(500)
		l := s.protected(500).g.list
		if l.Owner != old.Owner || l.Standby != fresh[0] || l.Witness != fresh[1] || l.Epoch != old.Epoch+2 || s.gaps > 2*simTick {
			s.fatalf("%+v, gap %d ms", l, s.gaps)
		}
		if st := s.nodes[s.node(old.Standby)]; len(st.log) > 0 {
			s.fatalf("the old standby keeps its copy")
		}
	}
}

func TestCancelledMoveSkipsNoTick(t *testing.T) {
	s := newSim(t, 1, 5, Config{})
	n := s.protected(500)
	if !n.g.Move(s.now, n.g.list.Standby) {
		t.Fatal("does not move")
	}
	n.act()
	s.run(200)
	n.g.CancelMove(s.now)
	n.act()
	s.gaps = 0
	s.run(1000)
	if !n.runs || s.gaps > simTick+5 || s.moves[ActThaw] != 1 || s.moves[ActMoveFailed] != 1 {
		s.fatalf("gap %d ms, %v", s.gaps, s.moves)
	}
}

func TestMoveIsRefused(t *testing.T) {
	s := newSim(t, 1, 5, Config{})
	n := s.protected(500)
	for _, target := range []string{"", n.id, n.g.list.Witness, "a b"} {
		if n.g.Move(s.now, target) {
			t.Errorf("moves to %q", target)
		}
	}
	if s.nodes[s.node(n.g.list.Standby)].g.Move(s.now, n.id) {
		t.Error("a standby moves a match")
	}
}

// The directory knows that a match has ended while its owner was away.
func TestEndedByTheDirectory(t *testing.T) {
	s := newSim(t, 1, 5, Config{})
	n := s.protected(500)
	n.g.Ended(s.now)
	n.act()
	if n.runs || s.drops[Over] != 2 { // ActStop and ActDrop
		s.fatalf("goes on: %v", s.drops)
	}
	s.run(3000)
	for _, m := range s.nodes {
		if m.g != nil && m.g.Role() != RoleNone {
			s.fatalf("%s did not hear of the end", m.id)
		}
	}
}

// Two nodes that went on by policy and meet again: the smaller id goes on, the other stops and says why.
func TestTwoVersionsMeet(t *testing.T) {
	var g [2]*Guard
	for i, id := range []string{"n0", "n1"} {
		var err error
		g[i], err = Join(Config{Self: id, Match: "m", Pair: Available}, List{Epoch: 1, Since: 1, Owner: "n0"})
		if err != nil {
			t.Fatal(err)
		}
	}
	l := List{Epoch: 2, Since: 1, Prev: 1, Owner: "n0", Standby: "n1"}
	g[0].tenure, g[0].owning = 1, true
	g[1].tenure = 1
	for i := range g {
		g[i].Receive(0, "nx", &Message{Kind: KindDecided, Epoch: 2, List: l})
		g[i].Actions()
	}
	for i := range g {
		g[i].Down(1, []string{"n1", "n0"}[i], EOF)
		if g[1].owning {
			t.Fatal("EOF was taken for the owner's death")
		}
		g[i].Down(1, []string{"n1", "n0"}[i], Gone) // which a rule of a firewall can make it look like
		g[i].Actions()
		if !g[i].owning || g[i].list.Epoch != 3 {
			t.Fatalf("n%d: %+v", i, g[i].list)
		}
	}
	if !g[1].Record().Unsafe {
		t.Fatal("does not say so")
	}
	for i := range g {
		other := g[1-i].list
		g[i].Receive(2, []string{"n1", "n0"}[i], &Message{Kind: KindDecided, Epoch: 3, List: other})
		if i == 0 {
			g[0].list.Owner = "n0"
		}
	}
	stopped := false
	for _, a := range g[1].Actions() {
		stopped = stopped || a.Kind == ActStop && a.Why == Conflict && a.Record.Owner == "n0"
	}
	if !stopped || g[1].owning || !g[0].owning {
		t.Fatal("both go on")
	}
}
