package client

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// Stats is what a client has counted since it began. Numbers only grow.
type Stats struct {
	BytesIn, BytesOut uint64 // on the socket: after compression, headers and handshakes included
	MessagesIn        uint64 // data messages received
	Frames            uint64 // state frames applied, keyframes included
	Keyframes         uint64 // of these, keyframes
	Changed           uint64 // rows mentioned in state frames of channel All
	HashChecks        uint64 // frames whose view hash was compared, of all channels
	HashMismatches    uint64
	DecodeErrors      uint64 // messages that were malformed or could not be inflated
	KeyframeRequests  uint64
	Sent              uint64 // samples, each counted once
	Answered          uint64 // samples that the server has answered
	Abandoned         uint64 // samples given up unanswered, because too many were waiting
	Resent            uint64 // samples sent again after a resume
	Commands          uint64 // commands accepted from the handler
	Messages          uint64 // reliable messages handed to the handler
	Repeated          uint64 // reliable messages that came again and were left out
	Connects          uint64 // connections that got a welcome
	Reconnects        uint64 // of these, all but the first
	Moves             uint64 // times that the server sent the client elsewhere
	Races             uint64 // times that several nodes were tried at once
	Silences          uint64 // connections given up since nothing came any more, with a standby to go to
	Stale             uint64 // connections given up since they were of an epoch that is over
	FailedAttempts    uint64 // attempts to connect that did not get a welcome
	// Answers by name, from the server's own row since the player joined.
	Applied, Merged, Late, Refused uint64
	// RTT is the shortest of the last round trips of clock pings.
	RTT time.Duration
	// Closes counts close codes received; 1006 stands for a connection that broke without one.
	Closes map[schema.CloseCode]uint64
}

// counters is where the client counts; any goroutine may read.
type counters struct {
	bytesIn, bytesOut, messagesIn, frames, keyframes, changed         atomic.Uint64
	hashChecks, hashMismatches, decodeErrors, keyframeRequests        atomic.Uint64
	sent, answered, abandoned, resent, commands, messages, repeated   atomic.Uint64
	connects, moves, failed, applied, merged, late, refused, rttNanos atomic.Uint64

	races, silences, stale atomic.Uint64

	mu     sync.Mutex // guards closes
	closes map[schema.CloseCode]uint64
}

func (c *counters) closed(code schema.CloseCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes == nil {
		c.closes = map[schema.CloseCode]uint64{}
	}
	c.closes[code]++
}

// Stats returns the counters. Any goroutine may call it.
func (c *Client) Stats() Stats {
	n := &c.count
	s := Stats{
		BytesIn: n.bytesIn.Load(), BytesOut: n.bytesOut.Load(), MessagesIn: n.messagesIn.Load(),
		Frames: n.frames.Load(), Keyframes: n.keyframes.Load(), Changed: n.changed.Load(),
		HashChecks: n.hashChecks.Load(), HashMismatches: n.hashMismatches.Load(),
		DecodeErrors: n.decodeErrors.Load(), KeyframeRequests: n.keyframeRequests.Load(),
		Sent: n.sent.Load(), Answered: n.answered.Load(), Abandoned: n.abandoned.Load(), Resent: n.resent.Load(),
		Commands: n.commands.Load(), Messages: n.messages.Load(), Repeated: n.repeated.Load(),
		Connects: n.connects.Load(), Moves: n.moves.Load(), Races: n.races.Load(), Silences: n.silences.Load(), Stale: n.stale.Load(), FailedAttempts: n.failed.Load(),
		Applied: n.applied.Load(), Merged: n.merged.Load(), Late: n.late.Load(), Refused: n.refused.Load(),
		RTT: time.Duration(n.rttNanos.Load()),
	}
	s.Reconnects = max(s.Connects, 1) - 1
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Closes = maps.Clone(n.closes)
	return s
}
