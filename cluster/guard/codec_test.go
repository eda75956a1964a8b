package guard

import (
	"testing"

	"pgregory.net/rapid"
)

func anyID(t *rapid.T, name string) string {
	return rapid.StringMatching(`[!-~]{1,64}`).Draw(t, name)
}

func anyValue(t *rapid.T, name string) Value {
	v := Value{Base: rapid.Uint32().Draw(t, name+" base"), Owner: "o" + anyID(t, name+" owner")[1:]}
	if n := rapid.IntRange(1, 3).Draw(t, name+" size"); n > 1 {
		v.Standby = "s" + anyID(t, name+" standby")[1:]
		if n > 2 {
			v.Witness = "w" + anyID(t, name+" witness")[1:]
		}
	}
	return v
}

func anyMessage(t *rapid.T) Message {
	m := Message{Kind: Kind(rapid.IntRange(1, int(kindEnd)-1).Draw(t, "kind")), Epoch: rapid.Uint32Min(1).Draw(t, "epoch")}
	f := layout[m.Kind]
	if f&hasList != 0 {
		v := anyValue(t, "list")
		since := rapid.Uint32Range(1, m.Epoch).Draw(t, "since")
		m.List = List{m.Epoch, since, rapid.Uint32Range(0, m.Epoch-1).Draw(t, "prev"), v.Base, v.Owner, v.Standby, v.Witness}
	}
	num := func(w fields, to *uint32) {
		if f&w != 0 {
			*to = rapid.Uint32().Draw(t, "number")
		}
	}
	num(hasBallot, &m.Ballot)
	num(hasVoted, &m.Voted)
	num(hasTenure, &m.Tenure)
	num(hasIndex, &m.Index)
	if f&hasValue != 0 && (m.Kind != KindPromise || m.Voted > 0) {
		m.Value = anyValue(t, "value")
	}
	if f&hasHash != 0 {
		m.Hash = rapid.Uint64().Draw(t, "hash")
	}
	m.Learn = m.Kind == KindEnlist && rapid.Bool().Draw(t, "learn")
	m.Suspect = (m.Kind == KindPrepare || m.Kind == KindPropose) && rapid.Bool().Draw(t, "suspect")
	return m
}

func TestMessagesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, match := anyMessage(t), anyID(t, "match")
		b := Append(nil, match, &m)
		if len(b) > MaxMessage {
			t.Fatalf("%d bytes", len(b))
		}
		id, rest, err := Split(b)
		var got Message
		if err == nil {
			err = Parse(rest, &got)
		}
		if err != nil || string(id) != match || got != m {
			t.Fatalf("%v: %q %+v, want %q %+v", err, id, got, match, m)
		}
		if n := len(rest); n > 0 {
			if Parse(rest[:rapid.IntRange(0, n-1).Draw(t, "cut")], &got) == nil {
				t.Fatal("a part of a message was taken for one")
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	l := List{3, 2, 1, 70, "n1", "n2", "n3"}
	for _, m := range []Message{
		{Kind: KindEnlist, Epoch: 3, List: l, Learn: true},
		{Kind: KindPropose, Epoch: 3, List: l, Ballot: 1, Suspect: true, Value: Value{71, "n2", "", ""}},
		{Kind: KindPromise, Epoch: 3, Ballot: 4, Voted: 1, Value: Value{71, "n2", "", ""}},
		{Kind: KindAt, Epoch: 3, Tenure: 2, Index: 99, Hash: 1 << 60},
		{Kind: KindJack, Epoch: 3, Tenure: 2, Index: 99},
		{Kind: KindRefuse, Epoch: 3},
	} {
		f.Add(Append(nil, "m", &m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		id, rest, err := Split(b)
		if err != nil {
			return
		}
		var m Message
		if Parse(rest, &m) != nil {
			return
		}
		if again := Append(nil, string(id), &m); string(again) != string(b) {
			t.Fatalf("%x is %+v, which is %x", b, m, again)
		}
		feedGuards(t, &m)
	})
}

// feedGuards gives a message from a peer to guards in every role: none of them may panic or start to own.
func feedGuards(t *testing.T, m *Message) {
	s := newSim(t, 1, 5, Config{})
	s.protected(500)
	for _, n := range s.nodes {
		if n.g == nil {
			n.g, _ = Join(n.cfg, List{})
		}
		owned := n.g.owning
		for _, from := range s.nodes {
			n.g.Receive(s.now, from.id, m)
			n.g.Tick(s.now + 1000)
			n.g.Actions()
		}
		if n.g.owning && !owned && m.Kind != KindDecided && m.List.Epoch == 0 {
			t.Fatalf("%+v made %s an owner", m, n.id)
		}
	}
}
