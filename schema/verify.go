package schema

import (
	"encoding/binary"
	"errors"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/schema/wire"
)

// ErrMalformed says that a message is not a well-formed root table of its direction, or is beyond a limit.
var ErrMalformed = errors.New("malformed message")

// VerifyClient checks every offset, size and limit of a client message before any accessor runs, and returns its root.
// The root aliases b, clipped to its length, so an accessor cannot reach what lies behind b. Fields unknown to this
// version are neither checked nor reachable. The order of samples is checked by AppendSamples. It does not allocate; an
// error is ErrMalformed.
func VerifyClient(b []byte) (wire.ClientMessage, error) {
	var m wire.ClientMessage
	if len(b) > MaxClient {
		return m, ErrMalformed
	}
	b = b[:len(b):len(b)]
	v := verifier{b: b, budget: len(b)}
	t := v.root()
	v.vector(t, 0, sampleSize, MaxSamples)
	v.inline(t, 1, 4)             // ack_tick
	v.inline(t, 2, 4)             // ack_message
	v.inline(t, 3, 4)             // command_number
	v.vector(t, 4, 1, MaxCommand) // command
	v.inline(t, 5, 4)             // ping
	v.inline(t, 6, 1)             // keyframe
	v.inline(t, 7, 1)             // leave
	if h := v.table(t, 8); h.pos != 0 {
		v.inline(h, 0, 2)           // version
		v.vector(h, 1, 1, MaxToken) // token
		v.vector(h, 2, 1, MaxToken) // resume
		for slot := uint32(3); slot <= 6; slot++ {
			v.inline(h, slot, 4) // epoch, tick, view_hash, message
		}
	}
	if v.bad {
		return m, ErrMalformed
	}
	m.Init(b, flatbuffers.UOffsetT(t.pos))
	return m, nil
}

// Sizes of the structs.
const (
	sampleSize = 24
	headSize   = 2
	pongSize   = 16
)

// verifier walks one message. The first violation sets bad; what it returns after that is harmless and means nothing.
type verifier struct {
	b      []byte
	budget int // bytes that vectors and strings may still hold: overlapping ones cannot make a small message large
	bad    bool
}

// table is a table whose vtable and inline part lie inside the message. The zero value has no fields.
type table struct {
	pos  uint32 // of the table, never 0 in a real one
	vt   uint32 // of its vtable
	vlen uint32 // bytes of the vtable
	size uint32 // bytes of the inline part
}

// in reports whether n bytes at p lie inside the message.
func (v *verifier) in(p, n uint64) bool { return p+n <= uint64(len(v.b)) }

func (v *verifier) fail() table {
	v.bad = true
	return table{}
}

func (v *verifier) root() table {
	if len(v.b) < 8 {
		return v.fail()
	}
	return v.open(uint64(binary.LittleEndian.Uint32(v.b)))
}

func (v *verifier) open(pos uint64) table {
	if pos == 0 || !v.in(pos, 4) {
		return v.fail()
	}
	vt := int64(pos) - int64(int32(binary.LittleEndian.Uint32(v.b[pos:])))
	if vt < 0 || !v.in(uint64(vt), 4) {
		return v.fail()
	}
	vlen := uint32(binary.LittleEndian.Uint16(v.b[vt:]))
	size := uint32(binary.LittleEndian.Uint16(v.b[vt+2:]))
	if vlen < 4 || vlen&1 != 0 || size < 4 || !v.in(uint64(vt), uint64(vlen)) || !v.in(pos, uint64(size)) {
		return v.fail()
	}
	return table{pos: uint32(pos), vt: uint32(vt), vlen: vlen, size: size}
}

// inline checks a field of n bytes inside a table and returns its position in the message, 0 if it is absent.
func (v *verifier) inline(t table, slot, n uint32) uint32 {
	o := 4 + 2*slot
	if o >= t.vlen {
		return 0
	}
	f := uint32(binary.LittleEndian.Uint16(v.b[t.vt+o:]))
	if f == 0 {
		return 0
	}
	if f < 4 || f+n > t.size {
		v.bad = true
		return 0
	}
	return t.pos + f
}

// target follows the offset in a field; ok is false if it is absent or wrong.
func (v *verifier) target(t table, slot uint32) (p uint64, ok bool) {
	at := v.inline(t, slot, 4)
	if at == 0 {
		return 0, false
	}
	return v.follow(at)
}

func (v *verifier) follow(at uint32) (p uint64, ok bool) {
	// The runtime adds in 32 bits; the sum of 64 bits that stays inside the message cannot wrap.
	p = uint64(at) + uint64(binary.LittleEndian.Uint32(v.b[at:]))
	if !v.in(p, 4) {
		v.bad = true
		return 0, false
	}
	return p, true
}

// vector checks a vector or string of at most max elements of size bytes, and returns the position of its first element
// and their number.
func (v *verifier) vector(t table, slot, size, max uint32) (first, n uint32) {
	p, ok := v.target(t, slot)
	if !ok {
		return 0, 0
	}
	n = binary.LittleEndian.Uint32(v.b[p:])
	if n > max || !v.in(p+4, uint64(n)*uint64(size)) {
		v.bad = true
		return 0, 0
	}
	if v.budget -= int(n * size); v.budget < 0 {
		v.bad = true
		return 0, 0
	}
	return uint32(p) + 4, n
}

// table opens the table that a field points at; its pos is 0 if the field is absent or wrong.
func (v *verifier) table(t table, slot uint32) table {
	p, ok := v.target(t, slot)
	if !ok {
		return table{}
	}
	return v.open(p)
}

// element opens the i-th table of a vector of tables.
func (v *verifier) element(first, i uint32) table {
	p, ok := v.follow(first + 4*i)
	if !ok {
		return table{}
	}
	return v.open(p)
}
