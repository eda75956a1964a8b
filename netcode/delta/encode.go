package delta

import (
	"encoding/binary"
	"math"

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
	ids, masks, small, removed []byte
	wide                       []int16
	wider                      []int32
	lastID, lastRemoved        uint32 // where the next gap starts
}

// Encode returns the message that takes a receiver from base to now: the usual delta if base is the state frame before, a
// catch-up delta if it is up to MaxGap frames before. If base is nil or cannot serve (another channel, too old, not older)
// the message is a keyframe. It is valid until the next call.
func (e *Encoder) Encode(base, now *Snapshot, o Options) []byte {
	e.ids, e.masks, e.small, e.removed = e.ids[:0], e.masks[:0], e.small[:0], e.removed[:0]
	e.wide, e.wider = e.wide[:0], e.wider[:0]
	e.lastID, e.lastRemoved = 0, 0
	frames := gapOf(base, now)
	var old []row
	if frames != 0 {
		old = base.rows
	}
	coded := frames != 1
	for i := range now.rows {
		r := &now.rows[i]
		for len(old) > 0 && old[0].id < r.id {
			e.remove(old[0].id)
			old = old[1:]
		}
		k := &now.tables.kinds[r.kind]
		var was *row
		if len(old) > 0 && old[0].id == r.id {
			was, old = &old[0], old[1:]
		}
		if was == nil || r.born > base.frame || was.kind != r.kind {
			e.put(int32(r.kind))
			e.mention(r.id, k, 1|e.residuals(k, zeros[:len(k.fields)], now.numbers(r), 0, coded), coded)
		} else if mask := e.residuals(k, base.numbers(was), now.numbers(r), int32(frames), coded); mask != 0 {
			e.mention(r.id, k, mask, coded)
		}
	}
	for i := range old {
		e.remove(old[i].id)
	}
	return e.finish(now, frames, o)
}

var zeros [maxStride]int32

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

// put appends a residual.
func (e *Encoder) put(r int32) {
	switch {
	case r >= -127 && r <= 127:
		e.small = append(e.small, byte(r))
	case r >= -32767 && r <= 32767:
		e.small = append(e.small, 0x80)
		e.wide = append(e.wide, int16(r))
	default:
		e.small = append(e.small, 0x80)
		e.wide = append(e.wide, math.MinInt16)
		e.wider = append(e.wider, r)
	}
}

// mention appends the id and the mask of a changed row.
func (e *Encoder) mention(id uint32, k *kind, mask uint64, coded bool) {
	e.ids = binary.AppendUvarint(e.ids, uint64(id-e.lastID))
	e.lastID = id
	for n := k.maskBytes(coded); n > 0; n-- {
		e.masks = append(e.masks, byte(mask))
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

func (e *Encoder) remove(id uint32) {
	e.removed = binary.AppendUvarint(e.removed, uint64(id-e.lastRemoved))
	e.lastRemoved = id
}

// finish writes the message.
func (e *Encoder) finish(now *Snapshot, frames uint32, o Options) []byte {
	if e.b == nil {
		e.b = flatbuffers.NewBuilder(1024)
	}
	b := e.b
	b.Reset()
	wider, wide := e.widerVector(), e.wideVector()
	removed, small, masks, ids := octets(b, e.removed), octets(b, e.small), octets(b, e.masks), octets(b, e.ids)
	wire.ServerMessageStart(b)
	if frames == 0 {
		wire.ServerMessageAddEpoch(b, o.Epoch)
	}
	if frames == 0 || o.FullHash {
		wire.ServerMessageAddHash(b, now.hash)
		wire.ServerMessageAddTick(b, now.tick)
	}
	wire.ServerMessageAddChannel(b, uint32(now.channel))
	wire.ServerMessageAddRemoved(b, removed)
	wire.ServerMessageAddWider(b, wider)
	wire.ServerMessageAddWide(b, wide)
	wire.ServerMessageAddSmall(b, small)
	wire.ServerMessageAddMasks(b, masks)
	wire.ServerMessageAddIds(b, ids)
	wire.ServerMessageAddHead(b, wire.CreateHead(b, uint16(now.tick), uint16(now.hash)))
	wire.ServerMessageAddKeyframe(b, frames == 0)
	if frames > 1 {
		wire.ServerMessageAddBase(b, byte(frames))
	}
	b.Finish(wire.ServerMessageEnd(b))
	return b.FinishedBytes()
}

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

func (e *Encoder) widerVector() flatbuffers.UOffsetT {
	if len(e.wider) == 0 {
		return 0
	}
	wire.ServerMessageStartWiderVector(e.b, len(e.wider))
	for i := len(e.wider) - 1; i >= 0; i-- {
		e.b.PrependInt32(e.wider[i])
	}
	return e.b.EndVector(len(e.wider))
}

// octets adds a vector of bytes; an empty one is left out.
func octets(b *flatbuffers.Builder, s []byte) flatbuffers.UOffsetT {
	if len(s) == 0 {
		return 0
	}
	return b.CreateByteVector(s)
}
