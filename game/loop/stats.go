package loop

import (
	"sync/atomic"
	"time"
)

// Stats counts what matches do. One Stats serves all matches of a game on a node; it is written by their goroutines and read by
// anybody at any time.
type Stats struct {
	Ticks    atomic.Uint64 // ticks stepped
	Dropped  atomic.Uint64 // ticks dropped because the backlog was larger than the catch-up allows
	Overruns atomic.Uint64 // ticks that took longer than their interval
	Shed     atomic.Uint64 // state frames left out while catching up
	Panics   atomic.Uint64 // panics of the rules that were survived
	Failed   atomic.Uint64 // matches ended because their rules panicked twice

	Applied    atomic.Uint64 // samples applied, merged ones included
	Merged     atomic.Uint64 // samples merged into another of the same tick
	Late       atomic.Uint64 // samples refused: older than 250 ms
	Early      atomic.Uint64 // samples accepted for an earlier tick than they asked for
	Duplicate  atomic.Uint64 // samples ignored: seen before
	Flood      atomic.Uint64 // samples refused: the player's buffer was full
	Sequence   atomic.Uint64 // links closed: sequence number out of bounds
	Commands   atomic.Uint64 // commands applied
	InboxFull  atomic.Uint64 // items refused: the match's inbox was full
	Stale      atomic.Uint64 // items ignored: from a link that carries nobody any more
	Messages   atomic.Uint64 // reliable messages that gave way to newer ones
	HeldFull   atomic.Uint64 // links refused: too many answers wait for the standby
	Held       atomic.Uint64 // state frames never sent: the standby did not have them when the next one was due
	RecordLost atomic.Uint64 // recordings that ended early: disk slow or full

	Duration Histogram // time to step a tick and hand it over
	Lateness Histogram // start of a tick after its intended time
	Gate     Histogram // from the end of a tick's step until its output left; with a Replica only
}

// NewStats returns zeroed counters.
func NewStats() *Stats { return &Stats{} }

// Buckets are the upper bounds of a Histogram's buckets but the last, which has none.
var Buckets = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, time.Second,
}

// Histogram counts durations by bucket. Safe for concurrent use.
type Histogram struct {
	counts [len(Buckets) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (h *Histogram) add(d time.Duration) {
	i := 0
	for i < len(Buckets) && d > Buckets[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// Read returns the counts per bucket, not cumulated, and the sum of all durations.
func (h *Histogram) Read() (counts [len(Buckets) + 1]uint64, sum time.Duration) {
	for i := range h.counts {
		counts[i] = h.counts[i].Load()
	}
	return counts, time.Duration(h.sum.Load())
}
