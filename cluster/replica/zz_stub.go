package replica

import "github.com/overtime-server/overtime/game/journal"
import "github.com/overtime-server/overtime/game/loop"

// Source is the owner's half of one match's replication: the Replica of a loop.Match for one tenure. Record and Checkpoint are
// called by the match's goroutine, everything else from any goroutine.
type Source struct{}

// NewSource returns a Source without receivers.
func NewSource(cfg SourceConfig) (*Source, error) { return nil, ErrConfig }

// Bind tells how to ask the match for a checkpoint: (*loop.Match).Snapshot. Called once, after loop.Start or Continue.
func (s *Source) Bind(snapshot func()) {}

// Record takes a tick. Implements loop.Replica.
func (s *Source) Record(rec *journal.Record) {}

// Checkpoint takes the state after the last tick. Implements loop.Replica.
func (s *Source) Checkpoint(tick uint32, state []byte) {}

// Enter goes over to a later epoch of the same tenure: a Begin goes to every receiver that is up. Receivers that were in step stay
// so; what they acknowledged in the epoch before no longer counts until they have said it in this one.
func (s *Source) Enter(epoch uint32, config []byte) {}

// Add makes a peer a receiver, or says that the link to a receiver is up again: it gets a Begin, and answers with what it holds.
func (s *Source) Add(peer string) {}

// Down says that the link to a receiver broke: nothing is sent until the next Add. What it needs is kept within the bounds.
func (s *Source) Down(peer string) {}

// Remove forgets a receiver.
func (s *Source) Remove(peer string) {}

// BulkFailed says that the last snapshot did not reach a receiver. Another one is made within about a second.
func (s *Source) BulkFailed(peer string) {}

// Receive takes an Ack or a Need of a receiver. Read what it changed from Progress. A *loop.DivergedError is reported once, by
// the message that made the match change to state differences.
func (s *Source) Receive(peer string, m *Message) error { return nil }

// Progress says how far a receiver is; ok is false for a peer that is none.
func (s *Source) Progress(peer string) (p Progress, ok bool) { return }

// Last returns the last tick recorded and its state hash.
func (s *Source) Last() (tick uint32, hash uint64) { return }

// Progress is how far a receiver is.
type Progress struct {
	Phase   Phase
	Acked   uint32 // last tick that it acknowledged in the Source's present epoch, hash compared
	InEpoch bool   // it has acknowledged something in the present epoch: Acked counts
	Lag     uint32 // ticks between the last recorded and the last acknowledged in any epoch
}

// Phase is what a Source does about a receiver.
type Phase uint8

// Phases of a receiver.
const (
	Down      Phase = iota // no link
	Greeted                // Begin was sent, no answer yet
	Waiting                // needs a snapshot that is not made yet
	Loading                // a snapshot is on its way
	Streaming              // gets every tick
	Refused                // it cannot carry the match
)

// Standby is the receiving half: what a standby or learner holds of a match. Its methods may be called from any goroutine;
// messages in the order in which they came, from one.
type Standby struct{}

// NewStandby returns a Standby that holds nothing yet: made for the first Begin of a match.
func NewStandby(cfg StandbyConfig) (*Standby, error) { return nil, ErrConfig }

// Receive takes a Begin, Record or Diff and appends the answer to dst, nothing if there is none. The answer is to be sent also
// when there is an error: it is what heals it. Takes as long as the rules take for a tick.
func (s *Standby) Receive(dst []byte, m *Message) ([]byte, error) { return dst, nil }

// Swap replaces what the standby holds by a snapshot, at one stroke, and appends the answer to dst. It may run beside Receive.
func (s *Standby) Swap(dst []byte, snap *Snapshot) ([]byte, error) { return dst, nil }

// Freeze makes the standby take and acknowledge nothing more in its epoch, and returns what it holds (rule 4). Only the Begin of a later
// epoch ends it.
func (s *Standby) Freeze() Position { return Position{} }

// Position returns what the standby holds.
func (s *Standby) Position() Position { return Position{} }

// Promote hands over the match as of the last proven tick, to go on with by loop.Continue. The standby is spent afterwards.
func (s *Standby) Promote() (*loop.Core, Handover, error) { return nil, Handover{}, ErrSpent }

// Position is what a standby holds.
type Position struct {
	Loaded  bool   // it holds a state; else Since, Tick and Hash mean nothing
	Epoch   uint32 // in which it acknowledges
	Since   uint32 // tenure of its log
	Tick    uint32 // last tick proven
	Hash    uint64 // state hash after it
	Frozen  bool
	Inexact bool // the match comes as state differences
}

// Snapshot is a whole state on its way to a receiver.
type Snapshot struct {
	Match string
	Epoch uint32 // in which it was made
	Since uint32 // tenure of the owner
	Tick  uint32
	Hash  uint64 // state hash
	Diff  bool   // ticks after it come as state differences
	State []byte
}
