package replica

import (
	"errors"
	"fmt"

	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// Receive takes a Begin, Record or Diff and appends the answer to dst, nothing if there is none. The answer is to be sent
// also when there is an error: it is what heals it. It takes as long as the rules take for a tick.
//
// Errors that are usual around changes of ownership: ErrEpoch, ErrFrozen, ErrSpent, ErrEmpty, ErrGap, ErrFork. Errors to log: *loop.DivergedError
// and ErrRules (the match's ticks lead elsewhere here; differences are asked for), ErrMessage, ErrGame (this node cannot carry the match).
func (s *Standby) Receive(dst []byte, m *Message) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(m.Match) != s.cfg.Match {
		return dst, ErrMatch
	}
	if err := s.admits(m); err != nil {
		s.cfg.Stats.Refused.Add(1)
		return dst, err
	}
	if m.Kind == KindBegin {
		return s.begin(dst, m)
	}
	return s.follow(dst, m)
}

// admits reports why a message may not be taken in this epoch, or nil.
func (s *Standby) admits(m *Message) error {
	switch {
	case m.Kind != KindBegin && m.Kind != KindRecord && m.Kind != KindDiff:
		return ErrKind
	case s.spent:
		return ErrSpent
	case m.Epoch <= s.frozen:
		return ErrFrozen
	case m.Epoch < s.epoch, m.Kind != KindBegin && m.Epoch != s.epoch:
		return fmt.Errorf("%w: %d, not %d", ErrEpoch, m.Epoch, s.epoch)
	}
	return nil
}

// begin takes the owner's introduction and answers with what is held.
func (s *Standby) begin(dst []byte, m *Message) ([]byte, error) {
	s.epoch, s.stream, s.asked, s.diverged = m.Epoch, m.Since, 0, false
	if err := s.introduced(m); errors.Is(err, ErrGame) {
		return s.refuse(dst, err), err
	} else if err != nil {
		return dst, err
	}
	if s.loaded && m.Tick == s.tick && m.Hash == s.hash { // what is held is all of the new owner's log
		s.since = m.Since
		s.adopt()
	}
	switch {
	case s.upgrades() && !m.Diff:
		return s.need(dst, WantUpgrade, 0, 0), nil
	case !s.loaded:
		return s.need(dst, WantSnapshot, 0, 0), nil
	}
	return s.ack(dst), nil
}

// follow takes a tick if it is the next one.
func (s *Standby) follow(dst []byte, m *Message) ([]byte, error) {
	switch {
	case s.def.New == nil:
		return dst, ErrGame
	case s.upgrades() && m.Kind == KindRecord:
		return s.need(dst, WantUpgrade, 0, 0), nil // until a difference or a snapshot comes
	case !s.loaded:
		return s.need(dst, WantSnapshot, 0, 0), ErrEmpty
	case m.Tick <= s.tick && s.had(m):
		return s.ack(dst), nil
	case m.From > s.tick:
		s.cfg.Stats.Gaps.Add(1)
		return s.need(dst, WantFrom, s.tick, s.hash), fmt.Errorf("%w: %d after %d", ErrGap, m.From, s.tick)
	case m.From < s.tick || m.Before != s.hash:
		return s.fork(dst, m)
	}
	s.adopt()
	switch {
	case m.Kind == KindDiff:
		return s.diff(dst, m)
	case s.diverged:
		return s.need(dst, WantDiff, m.Tick, 0), nil // until a difference or a snapshot comes
	default:
		return s.record(dst, m)
	}
}

// had reports whether a tick that is not a new one is part of the log: it came before, or a snapshot overtook it.
func (s *Standby) had(m *Message) bool {
	if hash, ok := s.history.At(m.Tick); ok {
		return hash == m.Hash
	}
	return s.since == s.stream || s.tick-m.Tick >= Hashes
}

// fork asks for a snapshot: what is held is not the beginning of the owner's log.
func (s *Standby) fork(dst []byte, m *Message) ([]byte, error) {
	s.cfg.Stats.Forks.Add(1)
	return s.need(dst, WantSnapshot, 0, 0), fmt.Errorf("%w: tick %d", ErrFork, m.Tick)
}

// diff takes a state difference.
func (s *Standby) diff(dst []byte, m *Message) ([]byte, error) {
	state, err := applyDiff(s.spare[:0], s.state, m.Body, s.cfg.MaxState)
	s.spare = state
	if err == nil && loop.StateHash(state) != m.Hash {
		err = errDiff
	}
	if err != nil {
		s.cfg.Stats.Malformed.Add(1)
		return s.need(dst, WantSnapshot, 0, 0), fmt.Errorf("%w: tick %d: %w", ErrMessage, m.Tick, err)
	}
	s.state, s.spare = state, s.state
	s.core, s.inexact, s.diverged = nil, true, false
	s.proven(m)
	if err := s.rehearse(); err != nil {
		return s.refuse(dst, err), err
	}
	return s.ack(dst), nil
}

// record takes a journal record: applies it, and proves the outcome.
func (s *Standby) record(dst []byte, m *Message) ([]byte, error) {
	hash, err := s.apply(m)
	if err == nil && hash != m.Hash {
		err = &loop.DivergedError{Tick: m.Tick, Want: m.Hash, Got: hash}
	}
	if err != nil { // the core is somewhere else now; state is still what it was before this tick
		s.cfg.Stats.Diverged.Add(1)
		s.core, s.diverged = nil, true
		return s.need(dst, WantDiff, m.Tick, hash), err
	}
	s.state = append(s.state[:0], s.core.Save()...)
	s.inexact = false
	s.proven(m)
	return s.ack(dst), nil
}

// apply steps the core, and survives rules that panic.
func (s *Standby) apply(m *Message) (hash uint64, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Stats.Panics.Add(1)
			err = fmt.Errorf("%w: tick %d: panic: %v", ErrRules, m.Tick, p)
		}
	}()
	if err = journal.DecodeRecord(m.Body, &s.rec); err != nil {
		s.cfg.Stats.Malformed.Add(1)
		return 0, fmt.Errorf("%w: tick %d: %w", ErrMessage, m.Tick, err)
	}
	if s.core == nil {
		if s.core, err = build(s.def, s.header, s.state); err != nil {
			return 0, err
		}
	}
	if err = s.core.Apply(&s.rec); err != nil {
		return 0, fmt.Errorf("%w: tick %d: %w", ErrRules, m.Tick, err)
	}
	return s.core.Hash(), nil
}

// proven notes that the state after a message's tick is held and has the owner's hash.
func (s *Standby) proven(m *Message) {
	s.cfg.Stats.Applied.Add(1)
	s.tick, s.hash, s.since, s.asked = m.Tick, m.Hash, s.stream, 0
	s.history.Put(m.Tick, m.Hash)
}
