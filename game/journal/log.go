package journal

import (
	"errors"
	"fmt"

	"github.com/overtime-server/overtime/game"
)

// ErrFull is returned by Log.Append when a bound is reached: a checkpoint makes room.
var ErrFull = errors.New("journal log is full")

// LogConfig bounds a Log.
type LogConfig struct {
	MaxRecords int // records kept since the last checkpoint; 0 means 1024 (34 s at 30 Hz), at most 1<<20
	MaxBytes   int // bytes of memory that they may take (spare room not counted); 0 means 8 MiB, at most 1 GiB
}

// WithDefaults returns c with zero values replaced.
func (c LogConfig) WithDefaults() LogConfig {
	if c.MaxRecords == 0 {
		c.MaxRecords = 1024
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 8 << 20
	}
	return c
}

// Validate reports the first thing wrong with a configuration (after WithDefaults), or nil.
func (c LogConfig) Validate() error {
	if c.MaxRecords < 1 || c.MaxRecords > 1<<20 || c.MaxBytes < 1 || c.MaxBytes > 1<<30 {
		return fmt.Errorf("journal log: %d records, %d bytes", c.MaxRecords, c.MaxBytes)
	}
	return nil
}

// Log is a journal in memory: the last checkpoint and a copy of every record since. From it the state before any later
// tick can be made again: load the checkpoint and run the records. It is used by the goroutine that owns the match.
// It allocates nothing once its memory has grown to what two checkpoints apart need.
type Log struct {
	cfg     LogConfig
	seq     sequence
	refused uint64 // appends refused by a bound

	// The last checkpoint.
	tick  uint32
	state []byte
	saved bool

	// Records after it, and the memory that the next checkpoint moves newer records to.
	kept, spare arena
}

// NewLog returns an empty log: no state, next record of tick 1. It panics if c is not valid.
func NewLog(c LogConfig) *Log {
	c = c.WithDefaults()
	if err := c.Validate(); err != nil {
		panic(err)
	}
	return &Log{cfg: c}
}

// Checkpoint copies the state after a tick, not earlier than the last checkpoint's, and drops the records up to it; later
// ones stay. A tick after Last is taken too: so a log begins in the middle of a match, and goes on after ErrFull. State is
// at most MaxState bytes.
func (l *Log) Checkpoint(tick uint32, state []byte) error {
	switch {
	case len(state) > MaxState:
		return fmt.Errorf("%w: state of tick %d has %d bytes", ErrLimit, tick, len(state))
	case tick < l.tick:
		return fmt.Errorf("%w: checkpoint of tick %d after one of tick %d", ErrOrder, tick, l.tick)
	}
	l.tick, l.saved = tick, true
	l.state = append(l.state[:0], state...)
	l.spare.reset()
	for i := range l.kept.records {
		if r := &l.kept.records[i]; r.Tick > tick {
			l.spare.add(r)
		}
	}
	l.kept, l.spare = l.spare, l.kept
	l.seq = sequence{last: max(tick, l.seq.last), started: true}
	return nil
}

// Append copies the record of the tick after Last. Errors: ErrLimit, ErrOrder, and ErrFull when a bound is reached; nothing is
// taken then, and since the order may not have a gap nothing will be until the match's next Checkpoint.
func (l *Log) Append(r *Record) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Tick != l.seq.last+1 {
		return fmt.Errorf("%w: record of tick %d after tick %d", ErrOrder, r.Tick, l.seq.last)
	}
	if len(l.kept.records) >= l.cfg.MaxRecords || l.kept.bytes+recordBytes(r) > l.cfg.MaxBytes {
		l.refused++
		return ErrFull
	}
	l.kept.add(r)
	return l.seq.record(r.Tick)
}

// State returns the last checkpoint; ok is false if there is none yet, and the match begins with its Header. The bytes
// are valid until the next Checkpoint and must not be changed.
func (l *Log) State() (tick uint32, state []byte, ok bool) { return l.tick, l.state, l.saved }

// Since returns the records after the checkpoint, ascending by tick. They are valid until the next Append or Checkpoint and
// must not be changed.
func (l *Log) Since() []Record { return l.kept.records }

// Last returns the last tick that the log knows: of its newest record, or of its checkpoint.
func (l *Log) Last() uint32 { return l.seq.last }

// Refused returns how many appends a bound has refused.
func (l *Log) Refused() uint64 { return l.refused }

// arena holds copies of records in a few slices that are used again. When a slice grows, older records keep pointing into
// the old one, which stays as it was.
type arena struct {
	records []Record
	events  []Event
	inputs  []Inputs
	samples []game.Input
	data    []byte
	bytes   int
}

// reset forgets all records and keeps the memory, but not the names in it.
func (a *arena) reset() {
	clear(a.events)
	a.records, a.events, a.inputs = a.records[:0], a.events[:0], a.inputs[:0]
	a.samples, a.data, a.bytes = a.samples[:0], a.data[:0], 0
}

// add appends a deep copy of r.
func (a *arena) add(r *Record) {
	c := *r
	at := len(a.events)
	for i := range r.Events {
		e := r.Events[i]
		from := len(a.data)
		a.data = append(a.data, e.Data...)
		e.Data = a.data[from:len(a.data):len(a.data)]
		a.events = append(a.events, e)
	}
	c.Events = a.events[at:len(a.events):len(a.events)]
	at = len(a.inputs)
	for i := range r.Inputs {
		in := r.Inputs[i]
		from := len(a.samples)
		a.samples = append(a.samples, in.Samples...)
		in.Samples = a.samples[from:len(a.samples):len(a.samples)]
		a.inputs = append(a.inputs, in)
	}
	c.Inputs = a.inputs[at:len(a.inputs):len(a.inputs)]
	a.records = append(a.records, c)
	a.bytes += recordBytes(r)
}

// recordBytes is about how much memory a record takes in an arena, on a 64-bit machine.
func recordBytes(r *Record) int {
	const record, event, inputs, sample = 64, 80, 48, 24
	n := record + len(r.Events)*event + len(r.Inputs)*inputs
	for i := range r.Events {
		n += len(r.Events[i].Data) + len(r.Events[i].Join.ID) + len(r.Events[i].Join.Name)
	}
	for i := range r.Inputs {
		n += len(r.Inputs[i].Samples) * sample
	}
	return n
}
