package netcode

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/overtime-server/overtime/schema"
)

// Stats counts what the edge does. The fields are read and written from any goroutine; all but Connections, Passing and Reduced only grow.
type Stats struct {
	Connections atomic.Int64 // open WebSocket connections
	Passing     atomic.Int64 // of those, passed on to another node
	Reduced     atomic.Int64 // players whose line has no room for all rows, and who are sent some

	Accepted         atomic.Uint64 // connections upgraded
	Joined           atomic.Uint64 // players and spectators let into a match, first time or again
	Reconnected      atomic.Uint64 // of those, with a resume token
	Questions        atomic.Uint64 // hellos for a match that was not here, put to Config.Route
	Moved            atomic.Uint64 // players sent to another node
	Passed           atomic.Uint64 // connections passed on to another node
	MessagesIn       atomic.Uint64
	MessagesOut      atomic.Uint64 // state frames and other messages
	StateFrames      atomic.Uint64 // state frames of channel All delivered
	Keyframes        atomic.Uint64 // of those, keyframes
	FramesSkipped    atomic.Uint64 // state frames that a slow connection missed
	RowsLeft         atomic.Uint64 // rows that such a player's frame left as he predicts them, though they were not so
	KeyframeRequests atomic.Uint64 // clients whose view hash differed
	RowsDropped      atomic.Uint64 // rows left out because the rules put them twice: a bug in the game
	Panics           atomic.Uint64 // panics below a connection, survived
	RawBytes         atomic.Uint64 // shared state frames before compression
	DeflatedBytes    atomic.Uint64 // the same after it

	mu      sync.Mutex
	in, out uint64 // bytes of connections that have ended
	closes  map[schema.CloseCode]uint64
	refused map[string]uint64
}

func newStats() *Stats {
	return &Stats{closes: map[schema.CloseCode]uint64{}, refused: map[string]uint64{}}
}

// Closes returns how many connections ended with each close code.
func (s *Stats) Closes() map[schema.CloseCode]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.closes)
}

// Refused returns how many handshakes and hellos were refused, by reason. The reasons are a fixed set.
func (s *Stats) Refused() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.refused)
}

func (s *Stats) refuse(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[reason]++
}

// ended adds a finished connection up.
func (s *Stats) ended(code schema.CloseCode, c ConnStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code != 0 { // the other node counts what it was passed
		s.closes[code]++
	}
	s.in += c.BytesIn
	s.out += c.BytesOut
}
