package netcode

import (
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/netcode/delta"
)

// stream is one shared channel (All, or a team's) of a match: its snapshots, and this tick's frames, each encoded at most
// once. Owned by the match's goroutine.
type stream struct {
	channel game.Channel
	ring    *delta.Ring
	base    *delta.Snapshot // last state frame that was sent; nil at the start
	now     *delta.Snapshot
	members int

	diff, key prebuilt // from base, and without one
}

// prebuilt is one message as WebSocket frames, plain and deflated.
type prebuilt struct {
	done     bool
	plain    []byte
	deflated []byte // same as plain where deflating does not pay
	buf      []byte // memory of deflated
}

// ringSize is the number of snapshots kept. After a burst of ticks that were not sent the base is a few frames back.
const ringSize = 8

func newStream(t *delta.Tables, c game.Channel) *stream {
	return &stream{channel: c, ring: delta.NewRing(t, c, ringSize)}
}

// next takes in a tick's rows. sent says whether the tick before it went out.
func (s *stream) next(tick, frame uint32, rows *game.Rows, sent bool) {
	if sent {
		s.base = s.now
	}
	s.now = s.ring.Add(tick, frame, rows.Channel(s.channel), rows)
	s.diff.done, s.key.done = false, false
}

// hasBase reports whether a client whose last state frame is has can be sent the delta.
func (s *stream) hasBase(has uint32) bool {
	return s.base != nil && s.base.Frame() == has && s.now.Frame()-has < 256
}

// build encodes a message into frames. scratch is memory for the deflated payload and is returned.
func (p *prebuilt) build(msg []byte, z *cohort.Compressor, st *Stats, scratch []byte) []byte {
	p.done = true
	p.plain = AppendFrame(p.plain[:0], false, msg)
	p.deflated = p.plain
	out, ok := z.Append(scratch[:0], msg)
	if ok {
		p.buf = AppendFrame(p.buf[:0], true, out)
		p.deflated = p.buf
	}
	st.RawBytes.Add(uint64(len(p.plain)))
	st.DeflatedBytes.Add(uint64(len(p.deflated)))
	return out
}

// frame returns the form for a class of client.
func (p *prebuilt) frame(c cohort.Class) []byte {
	if c == cohort.Plain {
		return p.plain
	}
	return p.deflated
}
