package replica

import (
	"bytes"
	"fmt"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// Swap replaces what the standby holds by a snapshot, at one stroke, and appends the answer to dst; as with Receive it is to
// be sent also when there is an error. The state is loaded and proven before anything is replaced, beside Receive and Freeze
// if need be. The snapshot's State is copied. Errors: ErrMatch, ErrSpent, ErrFrozen, ErrEpoch (of another tenure), ErrSnapshot,
// ErrRules, *loop.DivergedError (saving what was loaded gives other bytes: differences are asked for).
func (s *Standby) Swap(dst []byte, snap *Snapshot) ([]byte, error) {
	s.mu.Lock()
	err := s.welcomes(snap)
	def, head := s.def, s.header
	s.mu.Unlock()
	if err != nil {
		s.cfg.Stats.Refused.Add(1)
		return dst, err
	}
	core, proof := prove(def, head, snap)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.welcomes(snap); err != nil {
		s.cfg.Stats.Refused.Add(1)
		return dst, err
	}
	if s.loaded && s.since == s.stream && s.tick >= snap.Tick && s.history.Has(snap.Tick, snap.Hash) {
		return s.ack(dst), nil // overtaken by messages
	}
	s.asked = 0
	if proof.err != nil {
		return s.unproven(dst, snap, proof)
	}
	s.cfg.Stats.Swaps.Add(1)
	s.core, s.state = core, append(s.state[:0], snap.State...)
	s.loaded, s.since, s.tick, s.hash = true, snap.Since, snap.Tick, snap.Hash
	s.inexact, s.diverged = snap.Diff, false
	s.history = History{}
	s.history.Put(s.tick, s.hash)
	s.head, s.rules = head, def
	return s.ack(dst), nil
}

// welcomes reports why a snapshot may not be loaded now, or nil.
func (s *Standby) welcomes(snap *Snapshot) error {
	switch {
	case snap.Match != s.cfg.Match:
		return ErrMatch
	case s.spent:
		return ErrSpent
	case s.isFrozen():
		return ErrFrozen
	case snap.Since != s.stream || s.def.New == nil: // of the same tenure it may be ahead of the Begin of its epoch
		return fmt.Errorf("%w: snapshot of tenure %d, not %d", ErrEpoch, snap.Since, s.stream)
	case len(snap.State) > s.cfg.MaxState:
		return fmt.Errorf("%w: %d bytes", ErrSnapshot, len(snap.State))
	}
	return nil
}

// proof is what is wrong with a snapshot, and what to ask for then.
type proof struct {
	err  error
	want Want
	hash uint64
}

// prove loads a snapshot's state and compares hashes: of the bytes, and, for a game that is still taken for exact, of what is saved
// after loading them. The core is nil for a game that is not.
func prove(def game.Def, head journal.Header, snap *Snapshot) (*loop.Core, proof) {
	if h := loop.StateHash(snap.State); h != snap.Hash {
		return nil, proof{fmt.Errorf("%w: state hash %016x, want %016x", ErrSnapshot, h, snap.Hash), WantSnapshot, 0}
	}
	core, err := build(def, head, snap.State)
	if err == nil && core.Tick() != snap.Tick {
		err = fmt.Errorf("%w: state of tick %d, not %d", ErrSnapshot, core.Tick(), snap.Tick)
	}
	var saved []byte
	if err == nil {
		saved, err = save(core)
	}
	switch {
	case err != nil:
		return nil, proof{err, WantNothing, 0}
	case snap.Diff, def.Version != head.Version:
		return nil, proof{}
	case !bytes.Equal(saved, snap.State):
		h := loop.StateHash(saved)
		return nil, proof{&loop.DivergedError{Tick: snap.Tick, Want: snap.Hash, Got: h}, WantDiff, h}
	}
	return core, proof{}
}

// save returns a core's saved bytes, and survives rules that panic.
func save(core *loop.Core) (b []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: panic while saving: %v", ErrRules, p)
		}
	}()
	return core.Save(), nil
}

// unproven answers a snapshot that cannot be used.
func (s *Standby) unproven(dst []byte, snap *Snapshot, p proof) ([]byte, error) {
	switch p.want {
	case WantNothing:
		return s.refuse(dst, p.err), p.err
	case WantDiff:
		s.cfg.Stats.Diverged.Add(1)
	}
	return s.need(dst, p.want, snap.Tick, p.hash), p.err
}
