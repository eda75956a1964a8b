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
	ids, removed gaps
	masks        []byte
	small        []byte
	wide, wider  []byte // little-endian int16 and int32
	changed      int    // rows mentioned so far
	bad          bool
}

// gaps is what is left of a list of ascending ids.
type gaps struct {
	b    []byte
	last uint64
	any  bool // an id was read
}

// read points the reader at a message's vectors.
func (r *reader) read(m *wire.ServerMessage) {
	t := m.Table()
	*r = reader{
		ids: gaps{b: vector(&t, 1, 1)}, masks: vector(&t, 2, 1), small: vector(&t, 3, 1),
		wide: vector(&t, 4, 2), wider: vector(&t, 5, 4), removed: gaps{b: vector(&t, 6, 1)},
	}
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
func (g *gaps) next(bad *bool) uint64 {
	if len(g.b) == 0 {
		return none
	}
	gap, n := uint64(g.b[0]), 1
	if gap >= 0x80 {
		gap, n = binary.Uvarint(g.b)
	}
	id := g.last + gap
	if n <= 0 || gap > math.MaxUint32 || id > math.MaxUint32 || (gap == 0 && g.any) {
		*bad = true
		return none
	}
	g.b, g.last, g.any = g.b[n:], id, true
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
	if v != math.MinInt8 {
		return v
	}
	return r.escaped()
}

func (r *reader) escaped() int32 {
	if len(r.wide) < 2 {
		r.bad = true
		return 0
	}
	v := int32(int16(binary.LittleEndian.Uint16(r.wide)))
	r.wide = r.wide[2:]
	if v != math.MinInt16 {
		return v
	}
	if len(r.wider) < 4 {
		r.bad = true
		return 0
	}
	v = int32(binary.LittleEndian.Uint32(r.wider))
	r.wider = r.wider[4:]
	return v
}

// mask returns the next mask, of n bits.
func (r *reader) mask(n int) (mask uint64) {
	size := (n + 7) / 8
	if len(r.masks) < size {
		r.bad = true
		return 0
	}
	for i, b := range r.masks[:size] {
		mask |= uint64(b) << (8 * i)
	}
	r.masks = r.masks[size:]
	if mask>>n != 0 {
		r.bad = true
	}
	return mask
}

// finished reports whether everything was well formed and used up.
func (r *reader) finished() bool {
	return !r.bad && len(r.ids.b)+len(r.removed.b)+len(r.masks)+len(r.small)+len(r.wide)+len(r.wider) == 0
}

// decode makes s what the frame in r says, coded against base (nil for a keyframe), which is some state frames before; s has
// been reset. It reports whether the frame was well formed. The work is bounded by the rows of the base and the bytes of
// the frame, the memory by MaxRows.
func (s *Snapshot) decode(base *Snapshot, frames uint32, r *reader) bool {
	var old []row
	if base != nil {
		old = base.rows
	}
	removed := r.removed.next(&r.bad)
	for !r.bad {
		id := r.ids.next(&r.bad)
		for len(old) > 0 && uint64(old[0].id) < id {
			if uint64(old[0].id) == removed {
				removed = r.removed.next(&r.bad)
				r.changed++
			} else if !s.carryOver(base, &old[0], frames) {
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
		if removed <= id || len(s.rows) == MaxRows { // removed: it is not in the base, or is mentioned twice
			return false
		}
		s.change(uint32(id), base, was, frames, r)
	}
	return removed == none && r.finished()
}

func (s *Snapshot) carryOver(base *Snapshot, r *row, frames uint32) bool {
	if len(s.rows) == MaxRows {
		return false
	}
	s.carry(r, base.numbers(r), int32(frames))
	return true
}

// change adds the row that the frame mentions next; was is the row of that id in the base, nil if there is none.
func (s *Snapshot) change(id uint32, base *Snapshot, was *row, frames uint32, r *reader) {
	r.changed++
	if len(r.masks) == 0 {
		r.bad = true
		return
	}
	coded := frames != 1
	if r.masks[0]&1 == 0 { // not new
		if was == nil {
			r.bad = true
			return
		}
		k := &s.tables.kinds[was.kind]
		now := s.grow(len(k.fields))
		k.apply(base.numbers(was), now, int32(frames), r.mask(k.maskBits(coded)), coded, r)
		s.push(id, was.kind, was.born, k.hash(id, was.kind, now))
		return
	}
	n := r.residual()
	if n < 0 || int(n) >= len(s.tables.kinds) {
		r.bad = true
		return
	}
	k := &s.tables.kinds[n]
	now := s.grow(len(k.fields))
	k.apply(zeros[:len(k.fields)], now, 0, r.mask(k.maskBits(coded)), true, r)
	s.push(id, uint8(n), s.frame, k.hash(id, uint8(n), now))
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
