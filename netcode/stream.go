package netcode

import (
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/netcode/delta"
)

// stream is one shared channel (All, or a team's) of a match: its snapshots, and this tick's messages, one per base that somebody
// needs, each encoded once. Owned by the match's goroutine.
type stream struct {
	channel game.Channel
	ring    *delta.Ring
	now     *delta.Snapshot

	coded []*coded // of this tick, the first used of them; the memory is used again
	used  int
}

// coded is one message of a tick: the plain frame, and on demand the frame deflated by itself.
type coded struct {
	key       bool   // no base
	base      uint32 // state frame that it starts from
	predicted bool   // it says nothing that the receiver does not predict
	head      int    // length of the frame's header
	plain     []byte
	deflated  []byte // empty: not asked for yet
}

// msg is the message itself.
func (c *coded) msg() []byte { return c.plain[c.head:] }

// Bounds of a stream's ring: the last three seconds, at most 96 state frames, and at most about 4 MiB by the size of
// a crowded world.
const (
	ringSeconds = 3
	ringFrames  = 96
	ringBytes   = 4 << 20
	seatBytes   = 400 // of a snapshot, for each seat
)

// ringSize returns how many snapshots a match keeps per channel.
func ringSize(framesPerSecond, seats int) int {
	return max(8, min(ringSeconds*framesPerSecond, ringFrames, ringBytes/(seats*seatBytes)))
}

func newStream(t *delta.Tables, c game.Channel, size int) *stream {
	return &stream{channel: c, ring: delta.NewRing(t, c, size)}
}

// next takes in a tick's rows.
func (s *stream) next(tick, frame uint32, rows *game.Rows) {
	s.now = s.ring.Add(tick, frame, rows.Channel(s.channel), rows)
	s.used = 0
}

// maxBase is how many state frames back a delta may start.
const maxBase = 255

// has reports whether a delta from a state frame can be made.
func (s *stream) has(frame uint32) bool {
	return s.now != nil && s.now.Frame()-frame <= maxBase && s.ring.At(frame) != nil
}

// message returns this tick's message from a base that the ring has, or the keyframe. It is valid until the next tick.
func (m *Match) message(s *stream, t *tick, key bool, base uint32) *coded {
	for _, c := range s.coded[:s.used] {
		if c.key == key && (key || c.base == base) {
			return c
		}
	}
	if s.used == len(s.coded) {
		s.coded = append(s.coded, new(coded))
	}
	c := s.coded[s.used]
	s.used++
	c.key, c.base, c.predicted, c.deflated = key, base, false, c.deflated[:0]
	var from *delta.Snapshot
	if !key {
		from = s.ring.At(base)
		c.predicted = !t.opt.FullHash && delta.Predicted(from, s.now)
	}
	msg := m.enc.Encode(from, s.now, t.opt)
	c.plain = AppendFrame(c.plain[:0], false, msg)
	c.head = len(c.plain) - len(msg)
	return c
}

// alone returns the frame for a client outside of a cohort: deflated by itself where the client can inflate and it pays.
func (m *Match) alone(c *coded, class cohort.Class) []byte {
	if class == cohort.Plain {
		return c.plain
	}
	if len(c.deflated) == 0 {
		out, ok := m.srv.deflate.Append(m.scratch[:0], c.msg())
		m.scratch = out
		if ok {
			c.deflated = AppendFrame(c.deflated, true, out)
		} else {
			c.deflated = append(c.deflated, c.plain...)
		}
	}
	return c.deflated
}
