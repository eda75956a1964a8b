package link

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Stats counts what a Links did since New. Bytes are those of frames, before encryption.
type Stats struct {
	Connected     int // peers with a connection now
	BreakersOpen  int // peers whose calls fail at once now
	BulkOpen      int // bulk connections now, both ways
	Dials         uint64
	Accepts       uint64
	MessagesOut   uint64
	MessagesIn    uint64
	BytesOut      uint64
	BytesIn       uint64
	Writes        uint64 // each carries all frames that were queued, up to 256 KiB
	CallsOut      uint64
	CallsIn       uint64
	Pings         uint64
	TLSRefused    uint64            // handshakes with an unknown or wrong certificate
	CallErrors    map[string]uint64 // calls of this node that failed: down, timeout, cancelled, full, peer
	Refused       map[string]uint64 // what peers asked for and were refused: busy, bulk, race, malformed, panic
	Drops         map[string]uint64 // frames that were not sent or had no taker: down, full, late_answer, leaving
	Disconnects   map[string]uint64 // ends of connections: eof, silence, idle, slow, replaced, protocol, unknown, closed
	DialsFailed   uint64
	BreakerOpened uint64 // times
}

// tally is a fixed set of counters with names.
type tally struct {
	names []string
	n     []atomic.Uint64
}

func newTally(names ...string) *tally {
	return &tally{names: names, n: make([]atomic.Uint64, len(names))}
}

// add counts one more of i, an index into names.
func (t *tally) add(i int) { t.n[i].Add(1) }

func (t *tally) read() map[string]uint64 {
	out := make(map[string]uint64, len(t.names))
	for i, name := range t.names {
		out[name] = t.n[i].Load()
	}
	return out
}

// Indices of the tallies.
const (
	callDown = iota
	callTimeout
	callCancelled
	callFull
	callPeer
)

const (
	refusedBusy = iota
	refusedBulk
	refusedRace
	refusedMalformed
	refusedPanic
)

const (
	dropDown = iota
	dropFull
	dropLate
	dropLeaving
)

const (
	endEOF = iota
	endSilence
	endIdle
	endSlow
	endReplaced
	endProtocol
	endUnknown
	endClosed
)

// counters are what Stats reads; any goroutine adds.
type counters struct {
	dials, accepts, messagesOut, messagesIn, bytesOut, bytesIn, writes atomic.Uint64
	callsOut, callsIn, pings, refused, dialsFailed, breakerOpened      atomic.Uint64
	callErrors, refusals, drops, ends                                  *tally
}

func newCounters() counters {
	return counters{
		callErrors: newTally("down", "timeout", "cancelled", "full", "peer"),
		refusals:   newTally("busy", "bulk", "race", "malformed", "panic"),
		drops:      newTally("down", "full", "late_answer", "leaving"),
		ends:       newTally("eof", "silence", "idle", "slow", "replaced", "protocol", "unknown", "closed"),
	}
}

// Stats returns the counters.
func (l *Links) Stats() Stats {
	c := &l.count
	s := Stats{
		Dials: c.dials.Load(), Accepts: c.accepts.Load(), MessagesOut: c.messagesOut.Load(), MessagesIn: c.messagesIn.Load(),
		BytesOut: c.bytesOut.Load(), BytesIn: c.bytesIn.Load(), Writes: c.writes.Load(), CallsOut: c.callsOut.Load(),
		CallsIn: c.callsIn.Load(), Pings: c.pings.Load(), TLSRefused: c.refused.Load(), DialsFailed: c.dialsFailed.Load(),
		BreakerOpened: c.breakerOpened.Load(), CallErrors: c.callErrors.read(), Refused: c.refusals.read(),
		Drops: c.drops.read(), Disconnects: c.ends.read(),
	}
	l.mu.RLock()
	peers := slices.Collect(maps.Values(l.peers))
	l.mu.RUnlock()
	now := time.Now()
	for _, p := range peers {
		p.mu.Lock()
		if p.cur.Load() != nil {
			s.Connected++
		} else if p.brk.open(now) {
			s.BreakersOpen++
		}
		s.BulkOpen += len(p.bulks)
		p.mu.Unlock()
	}
	return s
}
