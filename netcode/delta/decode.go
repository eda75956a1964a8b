package delta

import (
	"encoding/binary"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/schema/wire"
)

// none is the id after the last one of a list: above every real id.
const none = math.MaxUint64

// reader reads the vectors of one state frame, from bytes that nobody has checked beyond the bounds of the vectors.
// The first violation sets bad; what it returns after that means nothing.
type reader struct {
	rows    []byte
	small   []byte
	wide    []byte // little-endian int16
	last    uint64 // id read last
	changed int    // rows mentioned so far
	bad     bool
}

// read points the reader at a message's vectors.
func (r *reader) read(m *wire.ServerMessage) {
	t := m.Table()
	*r = reader{rows: vector(&t, 1, 1), small: vector(&t, 2, 1), wide: vector(&t, 3, 2)}
}

// vector returns the bytes of a vector field. The generated accessors read an element at a time, with a search for the field each time.
func vector(t *flatbuffers.Table, id, size int) []byte {
	o := flatbuffers.UOffsetT(t.Offset(flatbuffers.VOffsetT(4 + 2*id)))
	if o == 0 {
		return nil
	}
	at, n := int(t.Vector(o)), t.VectorLen(o)
	return t.Bytes[at : at+n*size]
}

// next returns the next id, or none.
func (r *reader) next() uint64 {
	if len(r.rows) == 0 {
		return none
	}
	gap, n := uint64(r.rows[0]), 1
	if gap >= 0x80 {
		gap, n = binary.Uvarint(r.rows)
	}
	id := r.last + gap
	if n <= 0 || gap > math.MaxUint32 || id > math.MaxUint32 || (gap == 0 && r.changed > 0) {
		r.bad = true
		return none
	}
	r.rows, r.last = r.rows[n:], id
	r.changed++
	return id
}

// residual returns the next residual.
func (r *reader) residual() int32 {
	if len(r.small) == 0 {
		r.bad = true
		return 0
	}
	v := int32(int8(r.small[0]))
	r.small = r.small[1:]
	switch v {
	case escapeShort:
		return int32(int16(r.short()))
	case escapeLong:
		low := r.short()
		return int32(uint32(low) | uint32(r.short())<<16)
	}
	return v
}

func (r *reader) short() uint16 {
	if len(r.wide) < 2 {
		r.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint16(r.wide)
	r.wide = r.wide[2:]
	return v
}

// mask returns the next mask, of n bits.
func (r *reader) mask(n int) (mask uint64) {
	size := (n + 7) / 8
	if len(r.rows) < size {
		r.bad = true
		return 0
	}
	for i, b := range r.rows[:size] {
		mask |= uint64(b) << (8 * i)
	}
	r.rows = r.rows[size:]
	if mask>>n != 0 {
		r.bad = true
	}
	return mask
}

// finished reports whether everything was well formed and used up.
func (r *reader) finished() bool {
	return !r.bad && len(r.rows)+len(r.small)+len(r.wide) == 0
}

// decode makes s what the frame in r says, coded against base (nil for a keyframe), which is some state frames before; s has
// been reset. It reports whether the frame was well formed. The work is bounded by the rows of the base and the bytes of
// the frame, the memory by MaxRows.
func (s *Snapshot) decode(base *Snapshot, frames uint32, r *reader) bool {
	var old []row
	if base != nil {
		old = base.rows
	}
	for !r.bad {
		id := r.next()
		for len(old) > 0 && uint64(old[0].id) < id {
			if !s.carryOver(base, &old[0], frames) {
				return false
			}
			old = old[1:]
		}
		if id == none {
			break
		}
		var was *row
		if len(old) > 0 && uint64(old[0].id) == id {
			was, old = &old[0], old[1:]
		}
		s.change(uint32(id), base, was, frames, r)
	}
	return r.finished()
}

func (s *Snapshot) carryOver(base *Snapshot, r *row, frames uint32) bool {
	if len(s.rows) == MaxRows {
		return false
	}
	s.carry(r, base.numbers(r), int32(frames))
	return true
}

// change adds the row that the frame mentions next, unless it is gone; was is the row of that id in the base, nil if there
// is none.
func (s *Snapshot) change(id uint32, base *Snapshot, was *row, frames uint32, r *reader) {
	if len(r.rows) == 0 {
		r.bad = true
		return
	}
	coded := frames != 1
	if r.rows[0]&1 == 0 { // not new
		if was == nil {
			r.bad = true
			return
		}
		k := &s.tables.kinds[was.kind]
		mask := r.mask(k.maskBits(coded))
		if mask == 0 || !s.room(r) {
			return
		}
		now := s.grow(len(k.fields))
		k.apply(base.numbers(was), now, int32(frames), mask, coded, r)
		s.push(id, was.kind, was.born, k.hash(id, was.kind, now))
		return
	}
	n := r.residual()
	if n < 0 || int(n) >= len(s.tables.kinds) || !s.room(r) {
		r.bad = true
		return
	}
	k := &s.tables.kinds[n]
	now := s.grow(len(k.fields))
	k.apply(zeros[:len(k.fields)], now, 0, r.mask(k.maskBits(coded)), true, r)
	s.push(id, uint8(n), s.frame, k.hash(id, uint8(n), now))
}

// room reports whether there may be another row.
func (s *Snapshot) room(r *reader) bool {
	r.bad = r.bad || len(s.rows) == MaxRows
	return !r.bad
}

// apply computes a row's numbers from earlier ones and the residuals that the mask announces. Without coded
// displacements they follow from the values. A new row is a change of zeros with coded displacements, which the mask of a
// frame without them leaves at zero.
func (k *kind) apply(was, now []int32, frames int32, mask uint64, coded bool, r *reader) {
	mask >>= 1
	d := k.values
	for i := range k.fields[:k.values] {
		f := &k.fields[i]
		v := was[i]
		if f.linear {
			v += frames * was[d]
		}
		if mask&1 != 0 {
			v += r.residual()
		}
		v = f.value(v)
		mask >>= 1
		now[i] = v
		if f.linear {
			if !coded {
				now[d] = f.displacement(was[i], v)
			}
			d++
		}
	}
	if !coded {
		return
	}
	for i := k.values; i < len(k.fields); i++ {
		v := was[i]
		if mask&1 != 0 {
			v = k.fields[i].diff(v + r.residual())
		}
		mask >>= 1
		now[i] = v
	}
}
