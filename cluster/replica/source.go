package replica

import (
	"slices"
	"sync"

	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// Source is the owner's half of one match's replication: the Replica of a loop.Match for one tenure. Record and Checkpoint are
// called by the match's goroutine, everything else from any goroutine.
type Source struct {
	// fixed
	cfg    SourceConfig
	match  []byte
	header []byte // encoded

	mu sync.Mutex // guards the following

	// the owner
	epoch    uint32
	config   []byte
	snapshot func() // asks the match for a checkpoint; nil before Bind
	asked    bool   // one was asked for and has not come

	// the log
	started bool // tick, hash and end mean something
	tick    uint32
	hash    uint64
	history History
	inexact bool  // the tail goes on in differences, from the next checkpoint on at the latest
	based   bool  // it does: save is the state at end
	save    saved // last checkpoint
	tail    tail
	end     uint32 // tick to which the tail leads
	differ  differ

	// who gets it
	receivers []*receiver
	buf       []byte // the message being sent
}

// saved is a copy of a checkpoint.
type saved struct {
	ok    bool
	tick  uint32
	hash  uint64
	state []byte
}

var _ loop.Replica = (*Source)(nil)

// NewSource returns a Source without receivers. Errors wrap [ErrConfig].
func NewSource(cfg SourceConfig) (*Source, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg, match: []byte(cfg.Match), epoch: cfg.Epoch, config: cfg.Config, inexact: !cfg.Exact}
	s.header = journal.AppendHeader(nil, &cfg.Header)
	s.tail = tail{maxTicks: cfg.MaxTicks, maxBytes: cfg.MaxBytes}
	if h := cfg.From; h != nil {
		s.started, s.tick, s.hash, s.end, s.history = true, h.Tick, h.Hash, h.Tick, h.History
		s.inexact = s.inexact || h.Inexact
		s.cfg.From = nil // not needed any more, and large
	}
	return s, nil
}

// Bind tells how to ask the match for a checkpoint: (*loop.Match).Snapshot. Called once, after loop.Start or loop.Continue; it
// must not call the Source.
func (s *Source) Bind(snapshot func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snapshot = snapshot
	if s.asked {
		snapshot()
	}
}

// ask asks the match for a checkpoint, unless one is on its way.
func (s *Source) ask() {
	if s.asked {
		return
	}
	s.asked = true
	s.cfg.Stats.Asked.Add(1)
	if s.snapshot != nil {
		s.snapshot()
	}
}

// Record takes a tick. Implements loop.Replica.
func (s *Source) Record(rec *journal.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, first := s.hash, !s.started
	if s.started && rec.Tick != s.tick+1 { // never done by a loop: what receivers hold leads nowhere
		first = true
	}
	s.started, s.tick, s.hash = true, rec.Tick, rec.Hash
	s.history.Put(rec.Tick, rec.Hash)
	switch {
	case s.inexact && (s.based || !s.cfg.Exact): // the checkpoint that follows makes the difference
	case first:
		s.cut()
	default:
		s.addRecord(rec, before)
	}
	if s.inexact {
		s.ask()
	}
	s.pumpAll()
}

// addRecord puts a tick into the tail as a record.
func (s *Source) addRecord(rec *journal.Record, before uint64) {
	body := journal.AppendRecord(s.tail.buffer(), rec)
	if !s.fits(body) {
		s.cut()
		return
	}
	s.tail.add(entry{kind: KindRecord, from: rec.Tick - 1, tick: rec.Tick, before: before, hash: rec.Hash, body: body})
	s.end = rec.Tick
}

// fits reports whether a body can be sent as a message.
func (s *Source) fits(body []byte) bool {
	if len(body)+MaxMatch+64 <= s.cfg.MaxMessage {
		return true
	}
	s.cfg.Stats.Oversize.Add(1)
	return false
}

// cut ends the tail: nothing that receivers hold leads to the present tick, they need a snapshot of it or of a later one.
func (s *Source) cut() {
	s.tail.clear()
	s.end = s.tick
}

// Checkpoint takes the state after the last tick. Implements loop.Replica.
func (s *Source) Checkpoint(tick uint32, state []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started, s.tick, s.hash, s.end = true, tick, loop.StateHash(state), tick
		s.history.Put(tick, s.hash)
	}
	if tick != s.tick || len(state) > journal.MaxState {
		return
	}
	s.asked = false
	if s.inexact {
		s.addDiff(state)
	}
	s.save.ok, s.save.tick, s.save.hash = true, tick, s.hash
	s.save.state = append(s.save.state[:0], state...)
	s.trim()
	s.pumpAll()
}

// addDiff puts the way from the last checkpoint to a state into the tail; the first time it only ends the records.
func (s *Source) addDiff(state []byte) {
	switch {
	case !s.based:
		s.based = true
		if s.end != s.tick {
			s.cut()
		}
	case s.tick > s.end:
		body := s.differ.append(s.tail.buffer(), s.save.state, state)
		if !s.fits(body) {
			s.cut()
			return
		}
		s.tail.add(entry{kind: KindDiff, from: s.end, tick: s.tick, before: s.save.hash, hash: s.hash, body: body})
		s.end = s.tick
	}
}

// joins reports whether the tail goes on from a tick.
func (s *Source) joins(tick uint32) bool {
	return s.started && (tick == s.end || s.tail.after(tick) != nil)
}

// has reports whether this log had a state hash after a tick, as far as it is remembered.
func (s *Source) has(tick uint32, hash uint64) bool {
	if s.history.Has(tick, hash) {
		return true
	}
	e := s.tail.after(tick)
	return e != nil && e.before == hash
}

// trim forgets what neither the last checkpoint nor a receiver needs.
func (s *Source) trim() {
	low := s.save.tick
	for _, r := range s.receivers {
		if tick, ok := r.needs(); ok {
			low = min(low, tick)
		}
	}
	s.tail.trim(low)
}

// Enter goes over to a later epoch of the same tenure: a Begin goes to every receiver that is up. Receivers that were in
// step stay so; what they acknowledged in the epoch before does not count until they have said it in this one. An epoch that
// is not later has no effect.
func (s *Source) Enter(epoch uint32, config []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch <= s.epoch || len(config) > MaxConfig {
		return
	}
	s.epoch, s.config = epoch, config
	for _, r := range s.receivers {
		r.inEpoch, r.acked = false, 0
		r.greet = r.phase != Down && r.phase != Refused
	}
	s.pumpAll()
}

// Last returns the last tick recorded and its state hash; ok is false before the first.
func (s *Source) Last() (tick uint32, hash uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tick, s.hash, s.started
}

// Inexact reports whether the match is carried as state differences.
func (s *Source) Inexact() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inexact
}

// receiver returns a peer's entry, or nil.
func (s *Source) receiver(peer string) *receiver {
	if i := slices.IndexFunc(s.receivers, func(r *receiver) bool { return r.peer == peer }); i >= 0 {
		return s.receivers[i]
	}
	return nil
}
