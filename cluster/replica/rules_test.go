package replica

import (
	"errors"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/tag"
)

// nextRecord steps the owner and takes the tick's message off the link.
func (w *world) nextRecord(n *node) *Message {
	w.t.Helper()
	w.owner.step(w.t)
	m, err := Parse(n.down[len(n.down)-1])
	if err != nil || m.Kind != KindRecord {
		w.t.Fatalf("%s: %v", m.Kind, err)
	}
	n.down = n.down[:len(n.down)-1]
	return &m
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
}

// A frozen standby takes and acknowledges nothing, by record, snapshot or Begin, until the Begin of a later epoch.
func TestFreeze(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	n := w.join("s")
	w.run(50, false)
	if pos := n.standby.Freeze(2); !pos.Frozen || pos.Tick != 50 {
		t.Fatalf("%+v", pos)
	}
	m := w.nextRecord(n)
	answer, err := n.standby.Receive(nil, m)
	wantErr(t, err, ErrFrozen)
	begin := Message{Kind: KindBegin, Match: m.Match, Epoch: 2, Since: 1, Header: w.owner.src.header}
	more, err := n.standby.Receive(answer, &begin)
	wantErr(t, err, ErrFrozen)
	_, state, _ := n.standby.State(nil)
	snap := Snapshot{Match: testMatch, Epoch: 1, Since: 1, Tick: 50, Hash: w.owner.hashes[50], State: state}
	more, err = n.standby.Swap(more, &snap)
	wantErr(t, err, ErrFrozen)
	if len(more) > 0 {
		t.Fatalf("a frozen standby says %x", more)
	}
	begin.Epoch = 3
	answer, err = n.standby.Receive(nil, &begin)
	if err != nil || n.standby.Position().Frozen {
		t.Fatal(err)
	}
	if ack, err := Parse(answer); err != nil || ack.Kind != KindAck || ack.Epoch != 3 || ack.Tick != 50 || ack.Since != 1 {
		t.Fatalf("%+v %v", ack, err)
	}
	m.Epoch = 1
	_, err = n.standby.Receive(nil, m) // of a zombie
	wantErr(t, err, ErrFrozen)
	m.Epoch = 4
	_, err = n.standby.Receive(nil, m) // its Begin did not come
	wantErr(t, err, ErrEpoch)
	m.Epoch = 3
	if _, err = n.standby.Receive(nil, m); err != nil || n.standby.Position().Tick != 51 {
		t.Fatal(err)
	}
}

// An acknowledgement counts in its own epoch only, and only with the owner's hash.
func TestAcknowledgementsOfAnEpoch(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	n := w.join("s")
	w.run(50, false)
	old := Message{Kind: KindAck, Match: []byte(testMatch), Epoch: 1, Since: 1, Tick: 50, Hash: w.owner.hashes[50]}
	w.owner.src.Enter(2, nil)
	wantErr(t, w.owner.src.Receive("s", &old), ErrEpoch)
	if p, _ := w.owner.src.Progress("s"); p.InEpoch || p.Acked != 0 || p.Phase != Streaming {
		t.Fatalf("an acknowledgement of epoch 1 counts in 2: %+v", p)
	}
	wrong := old
	wrong.Epoch, wrong.Hash = 2, 5
	wantErr(t, w.owner.src.Receive("s", &wrong), ErrFork)
	if p, _ := w.owner.src.Progress("s"); p.InEpoch {
		t.Fatalf("a foreign state counts: %+v", p)
	}
	n.bulk = nil
	w.cut(n)
	w.mend(n)
	w.run(1, false)
	w.settled()
	wantErr(t, w.owner.src.Receive("x", &old), ErrPeer)
	old.Match = []byte("other")
	wantErr(t, w.owner.src.Receive("s", &old), ErrMatch)
	wantErr(t, w.owner.src.Receive("s", &Message{Kind: KindBegin, Match: []byte(testMatch)}), ErrKind)
}

// Under a new owner a receiver keeps its log where it is the beginning of the owner's, and loads a snapshot where it ran ahead
// with ticks that the new owner never had; until then it may stand with what it holds.
func TestNewOwner(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	a, b, c := w.join("a"), w.join("b"), w.join("c")
	w.run(100, false)
	for i := range 4 { // b gets all of these, a and c two
		w.owner.step(t)
		w.toNode(b)
		if i < 2 {
			w.toNode(a)
			w.toNode(c)
		}
	}
	snaps, foreign, resumed := w.stats.Snapshots.Load(), w.stats.Foreign.Load(), w.stats.Resumed.Load()
	w.promote(a)
	if pos := b.standby.Position(); pos.Tick != 104 || pos.Since != 1 {
		t.Fatalf("b holds %+v", pos)
	}
	w.toNode(b)
	w.toNode(c)
	if pos := b.standby.Position(); pos.Tick != 104 || pos.Since != 1 || pos.Epoch != 2 {
		t.Fatalf("b stands with %+v", pos)
	}
	if pos := c.standby.Position(); pos.Tick != 102 || pos.Since != 2 {
		t.Fatalf("c has the new owner's whole log, says %+v", pos)
	}
	w.run(30, false)
	w.settled()
	if w.stats.Foreign.Load()-foreign != 1 || w.stats.Snapshots.Load()-snaps != 1 || w.stats.Resumed.Load()-resumed != 1 {
		t.Fatalf("%d foreign, %d snapshots, %d resumed", w.stats.Foreign.Load()-foreign, w.stats.Snapshots.Load()-snaps, w.stats.Resumed.Load()-resumed)
	}
	for _, n := range []*node{b, c} {
		if pos := n.standby.Position(); pos.Since != 2 {
			t.Fatalf("%s: %+v", n.name, pos)
		}
		_, from, err := n.standby.Promote()
		if err != nil {
			t.Fatal(err)
		}
		for tick := range from.Tick { // of the log that was given up nothing is left
			if hash, ok := from.History.At(tick); ok && hash != w.owner.hashes[tick] {
				t.Fatalf("%s remembers another tick %d", n.name, tick)
			}
		}
	}
}

// A receiver that comes back gets what it missed; one that stayed away for too long gets a snapshot, which is counted.
func TestReconnect(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, func(c *SourceConfig) { c.MaxTicks = 100 })
	n := w.join("s")
	w.run(70, false)
	w.cut(n)
	w.run(90, false)
	w.mend(n)
	w.run(1, false)
	w.settled()
	if w.stats.Snapshots.Load() != 1 || w.stats.Overflow.Load() != 0 {
		t.Fatalf("%d snapshots", w.stats.Snapshots.Load())
	}
	w.cut(n)
	w.run(150, false)
	if got := w.owner.src.tail.len(); got > 100 {
		t.Fatalf("tail of %d", got)
	}
	w.mend(n)
	w.run(2, false)
	w.settled()
	if w.stats.Snapshots.Load() != 2 || w.stats.Overflow.Load() != 1 {
		t.Fatalf("%d snapshots, %d overflows", w.stats.Snapshots.Load(), w.stats.Overflow.Load())
	}
	w.owner.src.Remove("s")
	if _, ok := w.owner.src.Progress("s"); ok {
		t.Fatal("removed, and still there")
	}
}

// A transfer that fails, and an answer that is lost, are made good for.
func TestSnapshotIsSentAgain(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, func(c *SourceConfig) { c.MaxTicks = 400 })
	n := w.join("s")
	for w.owner.src.receiver("s").phase != Loading {
		w.owner.step(t)
		w.toNode(n)
		w.toOwner(n)
	}
	w.load(n, true)
	w.run(10, false)
	if p, _ := w.owner.src.Progress("s"); p.Phase != Waiting {
		t.Fatalf("%+v within a third of a second", p)
	}
	for n.bulk == nil {
		w.owner.step(t)
	}
	w.load(n, false)
	n.in = nil // the answer
	w.run(299, false)
	if p, _ := w.owner.src.Progress("s"); p.Phase != Loading {
		t.Fatalf("%+v", p)
	}
	w.run(3, false)
	w.settled()
	if got := w.stats.Snapshots.Load(); got != 2 {
		t.Fatalf("%d snapshots", got)
	}
}

// A tick that no message can hold costs a snapshot, not the standby.
func TestOversizedTick(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, func(c *SourceConfig) { c.MaxMessage = 4 << 10 })
	w.join("s")
	w.run(70, false)
	rec := w.owner.script.next(71)
	for range 8 {
		rec.Events = append(rec.Events, eventOf(game.EventAdmin, make([]byte, 1000)))
	}
	w.owner.apply(t, rec)
	w.run(2, false)
	w.settled()
	if w.stats.Oversize.Load() != 1 || w.stats.Snapshots.Load() != 2 {
		t.Fatalf("%d oversized, %d snapshots", w.stats.Oversize.Load(), w.stats.Snapshots.Load())
	}
}

// A node without the rules says so and is left alone.
func TestUnknownGame(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	n := w.join("s")
	n.standby = newStandby(t, drift(1, true, false), w.stats)
	w.owner.step(t)
	m, _ := Parse(n.down[0])
	answer, err := n.standby.Receive(nil, &m)
	wantErr(t, err, ErrGame)
	m, _ = Parse(answer)
	wantErr(t, w.owner.src.Receive("s", &m), ErrRefused)
	n.down = nil
	w.owner.src.Enter(2, nil)
	w.run(70, false)
	if p, _ := w.owner.src.Progress("s"); p.Phase != Refused || n.bulk != nil || len(n.down) > 0 {
		t.Fatalf("%+v", p)
	}
}
