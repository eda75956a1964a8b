package replica

import (
	"errors"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/game/tag"
)

// parsed reads an answer; nil if there is none.
func parsed(t *testing.T, b []byte) *Message {
	t.Helper()
	if len(b) == 0 {
		return nil
	}
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return &m
}

// A tick for another state than the one held is not taken; a snapshot is asked for, again when the request was lost.
func TestForkAsksForSnapshot(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	n := w.join("s")
	w.run(50, false)
	m := w.nextRecord(n)
	m.Before++
	asked := 0
	for range 2 * (askAgain + 1) {
		answer, err := n.standby.Receive(nil, m)
		wantErr(t, err, ErrFork)
		if a := parsed(t, answer); a != nil {
			if asked++; a.Kind != KindNeed || a.Want != WantSnapshot {
				t.Fatalf("%+v", a)
			}
		}
	}
	if pos := n.standby.Position(); pos.Tick != 50 || asked != 2 {
		t.Fatalf("%+v, asked %d times", pos, asked)
	}
}

// A snapshot that is older than what is held is acknowledged and not loaded, and messages that a snapshot overtook do no harm.
func TestOvertaken(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	n := w.join("s")
	w.run(50, false)
	_, state, _ := n.standby.State(nil)
	snap := &Snapshot{Match: testMatch, Epoch: 1, Since: 1, Tick: 50, Hash: w.owner.hashes[50], State: state}
	late := w.nextRecord(n)
	w.owner.src.Checkpoint(51, w.owner.core.Save())
	if _, err := n.standby.Receive(nil, late); err != nil {
		t.Fatal(err)
	}
	answer, err := n.standby.Swap(nil, snap)
	if a := parsed(t, answer); err != nil || a.Kind != KindAck || a.Tick != 51 {
		t.Fatalf("%+v %v", a, err)
	}

	fresh := newStandby(t, w.def, nil)
	begin := &Message{Kind: KindBegin, Match: []byte(testMatch), Epoch: 1, Since: 1, Header: w.owner.src.header}
	if _, err := fresh.Receive(nil, begin); err != nil {
		t.Fatal(err)
	}
	_, state, _ = n.standby.State(nil)
	if _, err := fresh.Swap(nil, &Snapshot{Match: testMatch, Epoch: 1, Since: 1, Tick: 51, Hash: w.owner.hashes[51], State: state}); err != nil {
		t.Fatal(err)
	}
	earlier := *late
	earlier.From, earlier.Tick = 49, 50
	answer, err = fresh.Receive(nil, &earlier)
	if a := parsed(t, answer); err != nil || a.Kind != KindAck || a.Tick != 51 {
		t.Fatalf("%+v %v", a, err)
	}
}

// What is wrong with a snapshot is found before anything is replaced.
func TestBadSnapshot(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	n := w.join("s")
	w.run(50, false)
	_, state, _ := n.standby.State(nil)
	good := Snapshot{Match: testMatch, Epoch: 1, Since: 1, Tick: 60, Hash: loop.StateHash(state), State: state}
	for name, c := range map[string]struct {
		change func(*Snapshot)
		err    error
		want   Want // 0: no answer
	}{
		"hash":   {func(s *Snapshot) { s.Hash++ }, ErrSnapshot, WantSnapshot},
		"tick":   {func(s *Snapshot) {}, ErrSnapshot, WantNothing},
		"state":  {func(s *Snapshot) { s.State = []byte{2}; s.Hash = loop.StateHash(s.State) }, ErrRules, WantNothing},
		"match":  {func(s *Snapshot) { s.Match = "m" }, ErrMatch, 0},
		"tenure": {func(s *Snapshot) { s.Since++ }, ErrEpoch, 0},
	} {
		snap := good
		c.change(&snap)
		answer, err := n.standby.Swap(nil, &snap)
		a := parsed(t, answer)
		if !errors.Is(err, c.err) || (a == nil) != (c.want == 0) || a != nil && a.Want != c.want {
			t.Errorf("%s: %v, answer %+v", name, err, a)
		}
		if pos := n.standby.Position(); pos.Tick != 50 || pos.Hash != w.owner.hashes[50] {
			t.Errorf("%s: %+v", name, pos)
		}
	}
}

// forgetful is a game whose Load loses something that Save wrote.
func forgetful() game.Def {
	def := drift(1<<30, true, false)
	inner := def.New
	def.New = func(s game.Setup) (game.Match, error) {
		m, err := inner(s)
		return &forgetfulWorld{m.(*driftWorld)}, err
	}
	return def
}

type forgetfulWorld struct{ *driftWorld }

func (w *forgetfulWorld) Load(b []byte) error {
	err := w.driftWorld.Load(b)
	w.cells[9] = 0
	return err
}

// A game that does not load what it saved is carried as differences from its first snapshot on.
func TestForgetfulGame(t *testing.T) {
	w := newWorld(t, forgetful(), 1, 3, nil)
	w.run(100, false)
	n := w.join("s")
	w.run(60, false)
	w.settled()
	if !n.standby.Position().Inexact || w.stats.Divergences.Load() != 1 || w.diverged[0] != 60 { // the checkpoint's tick
		t.Fatalf("%+v, differs at %d", n.standby.Position(), w.diverged)
	}
}

// The tail holds no more than the ticks since the checkpoint where everybody keeps up, and no more than its bytes where not.
func TestTailIsBounded(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, func(c *SourceConfig) { c.MaxBytes = 16 << 10 })
	n := w.join("s")
	most := 0
	for range 300 {
		w.run(1, false)
		most = max(most, w.owner.src.tail.len())
	}
	if most > 61 {
		t.Fatalf("tail of %d ticks", most)
	}
	w.cut(n)
	for range 300 {
		w.run(1, false)
		if tail := &w.owner.src.tail; tail.bytes > 16<<10 || cap(tail.entries) > 1024 || len(tail.free) > maxFree {
			t.Fatalf("tail of %d bytes, %d entries", tail.bytes, cap(tail.entries))
		}
	}
	w.mend(n)
	w.run(2, false)
	w.settled()
}

// A lost Begin is said again, the first as well as that of a later epoch; a Begin while a snapshot is on its way makes no second one.
func TestBeginIsSaidAgain(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	w.run(10, false)
	n := w.join("s")
	n.down = nil
	w.run(32, false)
	w.settled()
	w.owner.src.Enter(2, nil)
	n.down = nil
	w.run(62, false)
	w.settled()

	late := w.join("t")
	w.toNode(late)
	w.toOwner(late)
	if late.bulk == nil {
		w.owner.step(t)
	}
	snaps := w.stats.Snapshots.Load()
	w.owner.src.Enter(3, nil)
	w.toNode(late)
	w.toOwner(late)
	w.run(3, false)
	w.settled()
	if got := w.stats.Snapshots.Load(); got != snaps {
		t.Fatalf("%d more snapshots", got-snaps)
	}
}
