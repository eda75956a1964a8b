package replica

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/tag"
)

// examples are messages of every kind.
func examples() []Message {
	head := testHeader(tag.Game(), 4)
	header := journal.AppendHeader(nil, &head)
	match := []byte(testMatch)
	return []Message{
		{Kind: KindBegin, Match: match, Epoch: 3, Since: 2, Tick: 9, Hash: 77, Diff: true, Header: header, Config: []byte("list")},
		{Kind: KindBegin, Match: []byte("m"), Epoch: 1, Since: 1},
		{Kind: KindRecord, Match: match, Epoch: 3, From: 9, Tick: 10, Before: 77, Hash: 1 << 63, Body: []byte{0, 1, 2}},
		{Kind: KindDiff, Match: match, Epoch: 3, From: 9, Tick: 12, Before: 77, Hash: 78, Body: []byte{1, 1, 5}},
		{Kind: KindAck, Match: match, Epoch: 3, Since: 2, Tick: 10, Hash: 78},
		{Kind: KindNeed, Match: match, Epoch: 3, Want: WantDiff, Tick: 10, Hash: 78},
		{Kind: KindNeed, Match: match, Epoch: 3, Want: WantNothing, Body: []byte("no rules")},
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	for _, m := range examples() {
		b := m.Append([]byte("x"))[1:]
		got, err := Parse(b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", m.Kind, err, got, m)
		}
		for n := range b {
			if got, err := Parse(b[:n]); err == nil && (m.Kind != KindRecord && m.Kind != KindDiff && m.Want != WantNothing || n < len(b)-len(m.Body)) {
				t.Errorf("%s cut to %d of %d bytes is taken for %+v", m.Kind, n, len(b), got)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range examples() {
		f.Add(m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		if again := m.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}

func TestSnapshotRoundTrip(t *testing.T) {
	s := Snapshot{Match: testMatch, Epoch: 4, Since: 3, Tick: 60, Hash: 5, Diff: true, State: bytes.Repeat([]byte("state"), 50)}
	b := s.Append(nil)
	raw, err := ReadSnapshot(bytes.NewReader(append(bytes.Clone(b), "more"...)), 250)
	if err != nil || !bytes.Equal(raw, b) {
		t.Fatal(err)
	}
	got, err := ParseSnapshot(raw)
	if err != nil || !reflect.DeepEqual(got, &s) {
		t.Fatalf("%v %+v", err, got)
	}
	if _, err := ReadSnapshot(bytes.NewReader(b), 100); err == nil {
		t.Error("limit ignored")
	}
	for i := range b {
		if _, err := ReadSnapshot(bytes.NewReader(b[:i]), 0); err == nil {
			t.Errorf("cut at %d was read", i)
		}
		bad := bytes.Clone(b)
		bad[i] ^= 0x40
		if _, err := ParseSnapshot(bad); err == nil {
			t.Errorf("damage at %d was not seen", i)
		}
	}
}

func FuzzSnapshot(f *testing.F) {
	s := Snapshot{Match: testMatch, Epoch: 4, Since: 3, Tick: 60, Hash: 5, State: []byte("state")}
	f.Add(s.Append(nil))
	f.Add([]byte(snapshotMagic + "\xff\xff\xff\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, err := ReadSnapshot(bytes.NewReader(b), 0)
		if err != nil {
			return
		}
		if s, err := ParseSnapshot(raw); err == nil && !bytes.Equal(s.Append(nil), raw) {
			t.Fatal("written in another way")
		}
	})
}

// Whatever an owner sends, a standby reports it, keeps the state that it has proven, and can still be promoted.
func FuzzStandby(f *testing.F) {
	def := tag.Game()
	w := newWorld(f, def, 1, 3, nil)
	w.join("s")
	w.run(30, false)
	tick, state, err := w.nodes[0].standby.State(nil)
	if err != nil {
		f.Fatal(err)
	}
	begin := Message{Kind: KindBegin, Match: []byte(testMatch), Epoch: 1, Since: 1, Tick: tick, Header: w.owner.src.header}
	hash := w.owner.hashes[tick]
	snap := Snapshot{Match: testMatch, Epoch: 1, Since: 1, Tick: tick, Hash: hash, State: state}

	script := newScript(rand.New(rand.NewPCG(4, 4)), 9)
	for range 20 { // records of another match: they do not fit
		rec := script.next(tick + 1)
		f.Add(byte(KindRecord), journal.AppendRecord(nil, rec))
	}
	var d differ
	f.Add(byte(KindDiff), d.append(nil, state, state[1:]))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		s := newStandby(t, def, nil)
		if _, err := s.Receive(nil, &begin); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Swap(nil, &snap); err != nil {
			t.Fatal(err)
		}
		m := Message{Kind: Kind(kind), Match: []byte(testMatch), Epoch: 1, From: tick, Tick: tick + 1, Before: hash, Hash: 1, Body: body}
		if _, err := s.Receive(nil, &m); err == nil {
			t.Fatal("a tick whose hash cannot be right was taken")
		}
		core, _, err := s.Promote()
		if err != nil || core.Tick() != tick || core.Hash() != hash {
			t.Fatalf("%v", err)
		}
	})
}
