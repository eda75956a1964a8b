package replica

import (
	"fmt"
	"sync"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// Standby is the receiving half: what a standby or learner holds of a match. Its methods may be called from any goroutine;
// messages in the order in which they came, from one.
type Standby struct {
	cfg StandbyConfig // fixed

	mu sync.Mutex // guards the following

	// who speaks to it
	epoch  uint32 // it takes messages of this epoch only
	stream uint32 // tenure of the owner of that epoch
	frozen uint32 // it takes nothing of epochs up to this one
	spent  bool   // promoted
	asked  int    // a Need was sent: messages that may still not fit before it is sent again

	// how the match began, as the owner says
	encoded []byte // header, as it came
	header  journal.Header
	def     game.Def // that carries it, see tenure.go; New is nil: this node has none

	// the log
	loaded   bool
	head     journal.Header // of the owner that it is of: names the version of the rules that saved state
	rules    game.Def       // that load it
	since    uint32         // tenure of the owner that it is of
	tick     uint32         // last tick proven
	hash     uint64
	history  History
	inexact  bool   // the last tick came as a state difference
	diverged bool   // records lead to other hashes here: only differences and snapshots are taken
	state    []byte // saved bytes after tick
	spare    []byte
	core     *loop.Core     // the same state as state, of the version that head names; nil: made of it when needed
	rec      journal.Record // memory used again
}

// Position is what a standby holds.
type Position struct {
	Loaded  bool   // it holds a state; else Since, Tick and Hash mean nothing
	Epoch   uint32 // in which it acknowledges
	Since   uint32 // tenure of the owner that its log is of
	Tick    uint32 // last tick proven
	Hash    uint64 // state hash after it
	Frozen  bool
	Inexact bool // the match comes as state differences
}

// NewStandby returns a Standby that holds nothing yet: made for the first Begin of a match.
func NewStandby(cfg StandbyConfig) (*Standby, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Standby{cfg: cfg}, nil
}

// Position returns what the standby holds.
func (s *Standby) Position() Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position()
}

func (s *Standby) position() Position {
	return Position{Loaded: s.loaded, Epoch: s.epoch, Since: s.since, Tick: s.tick, Hash: s.hash,
		Frozen: s.isFrozen(), Inexact: s.inexact || s.diverged}
}

func (s *Standby) isFrozen() bool { return s.frozen > 0 && s.epoch <= s.frozen }

// Freeze makes the standby take and acknowledge nothing of epochs up to one (at least of its own), and returns what it holds
// (rule 4). Only the Begin of a later epoch ends it. It waits for a tick that is being applied.
func (s *Standby) Freeze(epoch uint32) Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = max(s.frozen, epoch, s.epoch, 1)
	return s.position()
}

// Version returns the version of the rules that what is held was saved by; 0 if nothing is.
func (s *Standby) Version() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.Version
}

// State appends the saved state after the last proven tick to b.
func (s *Standby) State(b []byte) (tick uint32, state []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return 0, b, ErrEmpty
	}
	return s.tick, append(b, s.state...), nil
}

// Promote hands over the match as of the last proven tick, to go on with by loop.Continue and a new [Source]. Where this node's rules
// are of another version than the match's, core and Handover are of the node's. The standby is
// spent afterwards. It need not be frozen: the target of a move is not. Errors: ErrSpent, ErrEmpty, ErrRules when the rules
// cannot load the state; the standby is as before then.
func (s *Standby) Promote() (*loop.Core, Handover, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.spent:
		return nil, Handover{}, ErrSpent
	case !s.loaded:
		return nil, Handover{}, ErrEmpty
	}
	if s.core == nil {
		core, err := build(s.rules, s.head, s.state)
		if err != nil {
			return nil, Handover{}, err
		}
		s.core = core
	}
	over := Handover{Header: s.head, Tick: s.tick, Hash: s.hash, History: s.history, Inexact: s.inexact || s.diverged}
	if s.rules.Version != s.head.Version {
		if err := over.upgrade(s.rules.Version, s.core); err != nil {
			s.core = nil
			return nil, Handover{}, err
		}
	}
	core := s.core
	s.spent, s.core, s.spare = true, nil, nil
	return core, over, nil
}

// build makes a core that holds a saved state: of def's version, also where another one saved it.
func build(def game.Def, head journal.Header, state []byte) (core *loop.Core, err error) {
	defer func() {
		if p := recover(); p != nil {
			core, err = nil, fmt.Errorf("%w: panic while loading: %v", ErrRules, p)
		}
	}()
	if core, err = loop.Upgrade(def, head, state); err != nil {
		return nil, fmt.Errorf("%w: load: %w", ErrRules, err)
	}
	return core, nil
}

// ack appends the answer that says what the standby holds.
func (s *Standby) ack(dst []byte) []byte {
	m := Message{Kind: KindAck, Match: []byte(s.cfg.Match), Epoch: s.epoch, Since: s.since, Tick: s.tick, Hash: s.hash}
	return m.Append(dst)
}

// askAgain is how many messages that do not fit may follow a request: those that were on the way. When more come, the
// request was lost.
const askAgain = 64

// need appends a request, unless one is open.
func (s *Standby) need(dst []byte, want Want, tick uint32, hash uint64) []byte {
	if s.asked > 0 {
		s.asked--
		return dst
	}
	s.asked = askAgain
	m := Message{Kind: KindNeed, Match: []byte(s.cfg.Match), Epoch: s.epoch, Want: want, Tick: tick, Hash: hash}
	return m.Append(dst)
}

// refuse appends the answer that this node cannot carry the match.
func (s *Standby) refuse(dst []byte, why error) []byte {
	text := why.Error()
	m := Message{Kind: KindNeed, Match: []byte(s.cfg.Match), Epoch: s.epoch, Want: WantNothing, Body: []byte(text[:min(len(text), MaxReason)])}
	return m.Append(dst)
}
