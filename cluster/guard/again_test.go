package guard

import "testing"

// An owner that was away hears from the directory, before it hears from the others, that the match is another's. It stops, and takes part
// again when it is wanted: in a cluster of three there is nobody else.
func TestEndedByHearsay(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, 3, Config{})
		n := s.protected(300)
		s.pause(n.i, true)
		s.run(2000)
		n.g.Ended(s.now)
		n.act()
		s.pause(n.i, false)
		m := s.protected(3000)
		if m == n || !m.g.list.Has(n.id) || n.runs {
			s.fatalf("%s has %+v", m.id, m.g.list)
		}
		if s.run(1000); len(n.g.news) > 0 {
			s.fatalf("still telling: %+v", n.g.news)
		}
	}
}

// A guard that takes no more part says so, so that another node is chosen; it neither promises nor votes.
func TestForsakenMemberRefuses(t *testing.T) {
	g, err := Join(Config{Self: "w", Match: "m"}, List{})
	if err != nil {
		t.Fatal(err)
	}
	one := List{Epoch: 1, Since: 1, Owner: "o"}
	list := List{Epoch: 2, Since: 1, Prev: 1, Owner: "o", Standby: "s", Witness: "w"}
	say := func(from string, m Message) (kinds []Kind) {
		g.Receive(0, from, &m)
		for _, a := range g.Actions() {
			if a.Kind == ActSend {
				kinds = append(kinds, a.Message.Kind)
			}
		}
		return kinds
	}
	say("o", Message{Kind: KindEnlist, Epoch: 1, List: one})
	say("o", Message{Kind: KindDecided, Epoch: 2, List: list})
	if g.Role() != RoleWitness {
		t.Fatalf("role %d", g.Role())
	}
	for _, peer := range []string{"o", "s"} {
		g.Down(0, peer, EOF)
	}
	g.Tick(g.Deadline()) // LostAfter
	if g.Role() != RoleNone || g.ended {
		t.Fatalf("role %d, ended %v", g.Role(), g.ended)
	}
	next := list
	next.Epoch, next.Base = 3, 7
	for _, m := range []Message{
		{Kind: KindPrepare, Epoch: 2, List: list, Ballot: 2},
		{Kind: KindPropose, Epoch: 2, List: list, Ballot: 1, Value: Value{Owner: "s"}},
		{Kind: KindDecided, Epoch: 3, List: next},
	} {
		if got := say("s", m); len(got) != 1 || got[0] != KindRefuse {
			t.Errorf("%s is answered with %v", show(&m), got)
		}
	}
	without := List{Epoch: 4, Since: 1, Prev: 1, Owner: "o"}
	if got := say("o", Message{Kind: KindDecided, Epoch: 4, List: without}); len(got) != 1 || got[0] != KindTold {
		t.Errorf("news is answered with %v", got)
	}
	if got := say("o", Message{Kind: KindEnlist, Epoch: 4, List: without}); len(got) != 1 || got[0] != KindEnlisted || g.Role() != RoleLearner {
		t.Errorf("an enlistment is answered with %v, role %d", got, g.Role())
	}
}

// The next standby does not wait for a witness that never answers.
func TestSilentNextWitness(t *testing.T) {
	g, err := Birth(Config{Self: "o", Match: "m"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	g.Offer(0, "s", "w")
	g.Up(0, "s")
	g.Up(0, "w")
	g.Receive(1, "s", &Message{Kind: KindEnlisted, Epoch: 1})
	index := uint32(0)
	for now := int64(2); g.List().Epoch == 1; now += 33 {
		if now > 1100 {
			t.Fatalf("after %d ms the match still waits for the witness", now)
		}
		index++
		g.Logged(now, index)
		g.Receive(now, "s", &Message{Kind: KindJack, Epoch: 1, Tenure: 1, Index: index})
		for g.Deadline() <= now {
			g.Tick(now)
		}
		g.Actions()
	}
	if l := g.List(); l.Standby != "s" || l.Witness != "" {
		t.Fatalf("%+v", l)
	}
}
