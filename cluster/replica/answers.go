package replica

import (
	"fmt"

	"github.com/overtime-server/overtime/game/loop"
)

// Receive takes an Ack or a Need of a receiver. What it changed is read from Progress. A *loop.DivergedError is returned once, for
// the message that made the match change to state differences: its Tick is the first that differs, Want the owner's hash (0 if it
// is too old), Got the receiver's. Other errors: ErrMatch, ErrKind, ErrPeer, ErrEpoch (an answer of another epoch, which
// does not count; usual around a change), ErrFork (it holds a state that is not ours, and gets a snapshot), ErrRefused.
func (s *Source) Receive(peer string, m *Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.receiver(peer)
	switch {
	case string(m.Match) != s.cfg.Match:
		return ErrMatch
	case m.Kind != KindAck && m.Kind != KindNeed:
		return ErrKind
	case r == nil:
		return ErrPeer
	case m.Epoch != s.epoch:
		s.cfg.Stats.StaleAcks.Add(1)
		return fmt.Errorf("%w: %d, not %d", ErrEpoch, m.Epoch, s.epoch)
	}
	r.heard = s.tick
	if m.Kind == KindAck {
		return s.ack(r, m)
	}
	return s.need(r, m)
}

// ack notes what a receiver holds. Its hash must be ours: only then is its log the beginning of this one.
func (s *Source) ack(r *receiver, m *Message) error {
	if !s.has(m.Tick, m.Hash) {
		if r.phase == Greeted || r.phase == Streaming {
			s.cfg.Stats.Foreign.Add(1)
			r.phase = Waiting
			s.pump(r)
		}
		return fmt.Errorf("%w: tick %d", ErrFork, m.Tick)
	}
	r.holds, r.held = true, m.Tick
	r.inEpoch, r.acked = true, max(r.acked, m.Tick)
	switch {
	case r.phase == Greeted:
		s.resume(r, m.Tick)
	case r.phase == Loading && m.Tick >= r.snap:
		r.phase, r.cursor = Streaming, m.Tick
		s.pump(r)
	case r.phase == Streaming: // the link has room again
		s.pump(r)
	}
	return nil
}

// resume goes on from a tick that a receiver has proven to hold, if the tail still does.
func (s *Source) resume(r *receiver, tick uint32) {
	if s.joins(tick) {
		s.cfg.Stats.Resumed.Add(1)
		r.phase, r.cursor = Streaming, tick
	} else {
		s.cfg.Stats.Overflow.Add(1)
		r.phase = Waiting
	}
	s.pump(r)
}

// need does what a receiver asks for.
func (s *Source) need(r *receiver, m *Message) (err error) {
	if r.phase == Down {
		return nil
	}
	switch m.Want {
	case WantSnapshot:
		if r.phase == Loading && m.Tick < r.snap { // said before it came; where it was no use, its tick is named
			return nil
		}
	case WantNothing:
		r.phase, r.holds = Refused, false
		return fmt.Errorf("%w: %q", ErrRefused, m.Body)
	case WantFrom:
		if s.has(m.Tick, m.Hash) {
			s.resume(r, m.Tick)
			return nil
		}
	case WantUpgrade:
		if !s.inexact {
			s.inexact = true
			s.cfg.Stats.Upgrades.Add(1)
		}
	case WantDiff:
		if !s.inexact {
			s.inexact = true
			s.cfg.Stats.Divergences.Add(1)
			want, _ := s.history.At(m.Tick)
			err = &loop.DivergedError{Tick: m.Tick, Want: want, Got: m.Hash}
		}
	}
	r.phase = Waiting
	s.pump(r)
	return err
}
