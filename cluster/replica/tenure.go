package replica

import (
	"bytes"
	"fmt"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// introduced takes in how the owner says that the match began, and finds rules that carry it. What is held stays of the owner that
// it came from, and is all that counts until this one's has come.
func (s *Standby) introduced(m *Message) error {
	if bytes.Equal(m.Header, s.encoded) && s.def.New != nil {
		return nil
	}
	s.encoded, s.def = nil, game.Def{}
	var head journal.Header
	if err := journal.DecodeHeader(m.Header, &head); err != nil {
		s.cfg.Stats.Malformed.Add(1)
		return fmt.Errorf("%w: header: %w", ErrMessage, err)
	}
	def, ok := s.cfg.Game(head.Game, head.Version)
	if !ok || !def.CanLoad(head.Version) {
		return fmt.Errorf("%w: %s version %d", ErrGame, head.Game, head.Version)
	}
	s.encoded, s.header, s.def = bytes.Clone(m.Header), head, def
	return nil
}

// upgrades reports whether this node's rules are of another version than those of the match: they load its states, and cannot
// replay its records.
func (s *Standby) upgrades() bool { return s.def.Version != s.header.Version }

// adopt notes that what is held is the owner's, byte by byte: by a message that goes on from its hash.
func (s *Standby) adopt() {
	if s.head.Version != s.header.Version || s.rules.New == nil {
		s.core = nil // of other rules
	}
	s.head, s.rules = s.header, s.def
}

// rehearsals is how many seconds lie between two attempts to load what is held under rules of another version.
const rehearsals = 2

// rehearse tries from time to time whether Promote would find a state that this node's rules load: they have not stepped to it.
func (s *Standby) rehearse() error {
	if !s.upgrades() || s.tick%uint32(rehearsals*s.header.Hz) != 0 {
		return nil
	}
	core, err := build(s.def, s.header, s.state)
	if err == nil {
		_, err = save(core)
	}
	return err
}

// upgrade makes a Handover one of the version that loaded the state: the state has another hash now, and all others that are
// known are of states that nobody under this version has.
func (h *Handover) upgrade(version uint32, core *loop.Core) error {
	saved, err := save(core)
	if err != nil {
		return err
	}
	h.Header.Version, h.Hash, h.Inexact = version, loop.StateHash(saved), false
	h.History = History{}
	h.History.Put(h.Tick, h.Hash)
	return nil
}
