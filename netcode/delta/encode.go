package delta

import (
	"encoding/binary"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/schema/wire"
)

// Options are what a state frame says beside its rows.
type Options struct {
	FullHash bool   // all 32 bits of tick and hash; once a second. Keyframes have them anyway
	Epoch    uint32 // written in keyframes only
}

// Encoder builds state frames. The zero value is ready; it is used by one goroutine. After warm-up it does not allocate.
type Encoder struct {
	b *flatbuffers.Builder

	// The vectors of the frame under construction.
	rows, small []byte
	wide        []int16
	lastID      uint32 // where the next gap starts
}

// Encode returns the message that takes a receiver from base to now: the usual delta if base is the state frame before, a
// catch-up delta if it is up to MaxGap frames before. If base is nil or cannot serve (another channel, too old, not older)
// the message is a keyframe. It is valid until the next call.
func (e *Encoder) Encode(base, now *Snapshot, o Options) []byte {
	e.rows, e.small, e.wide, e.lastID = e.rows[:0], e.small[:0], e.wide[:0], 0
	frames := gapOf(base, now)
	var old []row
	if frames != 0 {
		old = base.rows
	}
	coded := frames != 1
	for i := range now.rows {
		r := &now.rows[i]
		for len(old) > 0 && old[0].id < r.id {
			e.mention(old[0].id, &now.tables.kinds[old[0].kind], 0, coded) // it is gone
			old = old[1:]
		}
		k := &now.tables.kinds[r.kind]
		var was *row
		if len(old) > 0 && old[0].id == r.id {
			was, old = &old[0], old[1:]
		}
		if was != nil && r.rested(base.frame) {
			continue
		}
		if was == nil || r.born > base.frame || was.kind != r.kind {
			e.put(int32(r.kind))
			e.mention(r.id, k, 1|e.residuals(k, zeros[:len(k.fields)], now.numbers(r), 0, coded), coded)
		} else if mask := e.residuals(k, base.numbers(was), now.numbers(r), int32(frames), coded); mask != 0 {
			e.mention(r.id, k, mask, coded)
		}
	}
	for i := range old {
		e.mention(old[i].id, &now.tables.kinds[old[i].kind], 0, coded)
	}
	return e.finish(now, frames, o)
}

var zeros [maxStride]int32

// rested reports whether a row of a state frame is known to have been the same at an earlier one, and to have no displacement.
func (r *row) rested(frame uint32) bool { return r.rest <= frame }

// gapOf returns how many state frames base is before now, 0 if it cannot be a base.
func gapOf(base, now *Snapshot) uint32 {
	if base == nil || base.channel != now.channel || base.tables != now.tables || base.frame >= now.frame || now.frame-base.frame > MaxGap {
		return 0
	}
	return now.frame - base.frame
}

// Predicted reports whether now is exactly what a receiver that has base predicts, so that the frame of a channel other
// than All may be left out. It is false if base cannot be a base.
func Predicted(base, now *Snapshot) bool {
	frames := gapOf(base, now)
	if frames == 0 || len(base.rows) != len(now.rows) {
		return false
	}
	for i := range now.rows {
		r, was := &now.rows[i], &base.rows[i]
		if r.id != was.id || r.kind != was.kind || r.born > base.frame {
			return false
		}
		if r.rested(base.frame) {
			continue
		}
		k := &now.tables.kinds[r.kind]
		if !k.predicts(base.numbers(was), now.numbers(r), int32(frames)) {
			return false
		}
	}
	return true
}

// predicts reports whether a row's numbers are what is predicted some state frames after others. The displacements count
// also after one frame: they then follow from the values, so they never add a difference.
func (k *kind) predicts(was, now []int32, frames int32) bool {
	d := k.values
	for i := range k.fields[:k.values] {
		f := &k.fields[i]
		p := was[i]
		if f.linear {
			if now[d] != was[d] {
				return false
			}
			p += frames * was[d]
			d++
		}
		if f.diff(now[i]-p) != 0 {
			return false
		}
	}
	return true
}

// residuals appends what differs from the prediction and returns the mask of it, without bit 0.
func (e *Encoder) residuals(k *kind, was, now []int32, frames int32, coded bool) (mask uint64) {
	d := k.values
	for i := range k.fields[:k.values] {
		f := &k.fields[i]
		p := was[i]
		if f.linear {
			p += frames * was[d]
			d++
		}
		if r := f.diff(now[i] - p); r != 0 {
			mask |= 2 << i
			e.put(r)
		}
	}
	if !coded {
		return mask
	}
	for i := k.values; i < len(k.fields); i++ {
		if r := k.fields[i].diff(now[i] - was[i]); r != 0 {
			mask |= 2 << i
			e.put(r)
		}
	}
	return mask
}

// The values of small that are no residuals: the residual is the next of wide, or the next two, its lower half first.
const (
	escapeShort = -128
	escapeLong  = -127
)

// put appends a residual.
func (e *Encoder) put(r int32) {
	switch {
	case r > escapeLong && r <= 127:
		e.small = append(e.small, byte(r))
	case r == int32(int16(r)):
		e.small = append(e.small, byte(escapeShort&0xff))
		e.wide = append(e.wide, int16(r))
	default:
		e.small = append(e.small, byte(escapeLong&0xff))
		e.wide = append(e.wide, int16(r), int16(r>>16))
	}
}

// mention appends the id and the mask of a row that is changed, new or, with an empty mask, gone.
func (e *Encoder) mention(id uint32, k *kind, mask uint64, coded bool) {
	e.rows = binary.AppendUvarint(e.rows, uint64(id-e.lastID))
	e.lastID = id
	for n := k.maskBytes(coded); n > 0; n-- {
		e.rows = append(e.rows, byte(mask))
		mask >>= 8
	}
}

// maskBits returns the bits of a row's mask; maskBytes its bytes.
func (k *kind) maskBits(coded bool) int {
	if coded {
		return 1 + len(k.fields)
	}
	return 1 + k.values
}

func (k *kind) maskBytes(coded bool) int { return (k.maskBits(coded) + 7) / 8 }

// finish writes the message. The order of the vectors and that of their offsets is the one that deflates best: the offsets
// of vectors in the order of their addresses, and the longest last, so that fewer offsets change.
func (e *Encoder) finish(now *Snapshot, frames uint32, o Options) []byte {
	if e.b == nil {
		e.b = flatbuffers.NewBuilder(1024)
	}
	b := e.b
	b.Reset()
	small, rows, wide := octets(b, e.small), octets(b, e.rows), e.wideVector()
	wire.ServerMessageStart(b)
	if frames == 0 {
		wire.ServerMessageAddEpoch(b, o.Epoch)
	}
	if frames == 0 || o.FullHash {
		wire.ServerMessageAddHash(b, now.hash)
		wire.ServerMessageAddTick(b, now.tick)
	}
	wire.ServerMessageAddChannel(b, uint32(now.channel))
	wire.ServerMessageAddWide(b, wide)
	wire.ServerMessageAddRows(b, rows)
	wire.ServerMessageAddSmall(b, small)
	wire.ServerMessageAddHead(b, wire.CreateHead(b, checkOf(now.tick, now.hash)))
	wire.ServerMessageAddKeyframe(b, frames == 0)
	if frames > 1 {
		wire.ServerMessageAddBase(b, byte(frames))
	}
	b.Finish(wire.ServerMessageEnd(b))
	return b.FinishedBytes()
}

// checkOf returns what a frame's head says about its tick and the view hash.
func checkOf(tick, hash uint32) uint16 { return uint16(tick ^ hash) }

func (e *Encoder) wideVector() flatbuffers.UOffsetT {
	if len(e.wide) == 0 {
		return 0
	}
	wire.ServerMessageStartWideVector(e.b, len(e.wide))
	for i := len(e.wide) - 1; i >= 0; i-- {
		e.b.PrependInt16(e.wide[i])
	}
	return e.b.EndVector(len(e.wide))
}

// octets adds a vector of bytes; an empty one is left out.
func octets(b *flatbuffers.Builder, s []byte) flatbuffers.UOffsetT {
	if len(s) == 0 {
		return 0
	}
	return b.CreateByteVector(s)
}
