package guard

import "testing"

func TestNoRecordNoVote(t *testing.T) {
	var b Book
	l := List{Epoch: 4, Since: 2, Prev: 2, Owner: "n1"}
	for k := Kind(1); k < kindEnd; k++ {
		a, ok := b.Answer("m", &Message{Kind: k, Epoch: 3, Ballot: 1, List: l})
		if ok && a.Kind != KindRefuse && a.Kind != KindTold {
			t.Errorf("%s for an unknown match is answered with %s", kindNames[k], kindNames[a.Kind])
		}
	}
	if !b.Put("m", l, 100) || !b.Put("m", List{Epoch: 3}, 100) || b.Tomb("m") != l {
		t.Fatal("a tombstone fell back to an older epoch")
	}
	a, ok := b.Answer("m", &Message{Kind: KindPrepare, Epoch: 3})
	if !ok || a.Kind != KindDecided || a.List != l {
		t.Fatalf("%+v", a)
	}
	if a, ok = b.Answer("m", &Message{Kind: KindPrepare, Epoch: 4}); !ok || a.Kind != KindRefuse {
		t.Fatalf("%+v", a)
	}
	b.Expire(99)
	if b.Len() != 1 {
		t.Fatal("expired early")
	}
	b.Expire(100)
	if b.Len() != 0 {
		t.Fatal("kept for ever")
	}
}

// A member that was thrown away with its votes casts none in the epoch that its tombstone names.
func TestATombstoneDoesNotVote(t *testing.T) {
	l := List{Epoch: 4, Since: 2, Prev: 2, Owner: "n0", Standby: "n1", Witness: "n2"}
	g, err := Join(Config{Self: "n2", Match: "m"}, l)
	if err != nil {
		t.Fatal(err)
	}
	g.Receive(0, "n1", &Message{Kind: KindPropose, Epoch: 4, Ballot: 1, List: l, Value: Value{Owner: "n1"}})
	for _, a := range g.Actions() {
		if a.Kind == ActSend && a.Message.Kind == KindVote {
			t.Fatal("voted")
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{}, {Self: "n"}, {Self: "n", Match: "a b"}, {Self: "n", Match: "m", Pair: 2}, {Self: "n", Match: "m", Retry: -1},
		{Self: "n", Match: "m", BackoffMin: 200}} {
		if _, err := Birth(c, 0); err == nil {
			t.Errorf("%+v is taken", c)
		}
		if _, err := Join(c, List{}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// A tick of a protected match costs no allocation, at the owner or at the standby.
func TestATickDoesNotAllocate(t *testing.T) {
	s := newSim(t, 1, 5, Config{})
	o := s.protected(500)
	st := s.nodes[s.node(o.g.list.Standby)]
	i := max(o.g.index, st.g.index)
	var m Message
	n := testing.AllocsPerRun(1000, func() {
		i++
		o.g.Logged(s.now, i)
		o.g.Actions()
		if !st.g.Take(o.id, st.g.tenure) {
			t.Fatal("not taken")
		}
		st.g.Held(s.now, st.g.tenure, i, 7)
		m = st.g.Actions()[0].Message
		o.g.Receive(s.now, st.id, &m)
		if a := o.g.Actions(); len(a) != 1 || a[0].Kind != ActRelease || a[0].Index != i {
			t.Fatalf("%+v", a)
		}
	})
	if n > 0 {
		t.Fatalf("%v allocations a tick", n)
	}
}
