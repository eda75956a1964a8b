package delta_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/delta"
)

// How the recorded state becomes rows. A word is one field or, cut at a bit, two. The words of an entity are spread over a row
// that every entity has and rows that it has while anything in them is not zero; those of the player state likewise.

// q3Field is one field: the bits from lo on of a word's number, n of them or, if n is 0, all.
type q3Field struct {
	word   int
	as     q3Number
	lo, n  uint8
	linear bool
}

// q3Number is the number that stands for a word.
type q3Number uint8

const (
	q3Plain q3Number = iota // the word
	q3Whole                 // a float that is nearly always whole: its value if it is and is small, otherwise its bits
	q3Angle                 // a float that is nearly always a multiple of 360/65536 degrees: which, otherwise its bits
)

const q3Small = 1 << 22 // numbers beyond it are bits

// of is one to one: the few words that are small numbers themselves (floats next to zero) change places with those floats.
func (a q3Number) of(w uint32) int32 {
	if v := int32(w); a != q3Plain && v > -q3Small && v < q3Small {
		return int32(a.float(v))
	}
	if n := a.nearest(w); a != q3Plain && n > -q3Small && n < q3Small && a.float(int32(n)) == w {
		return int32(n)
	}
	return int32(w)
}

// word is the inverse of of, which is of itself.
func (a q3Number) word(v int32) uint32 { return uint32(a.of(uint32(v))) }

// float returns the bits of the float that a number stands for.
func (a q3Number) float(v int32) uint32 {
	if a == q3Angle {
		return math.Float32bits(float32(float64(v) * (360.0 / 65536)))
	}
	return math.Float32bits(float32(v))
}

// nearest returns the number next to a float, or something large.
func (a q3Number) nearest(w uint32) float64 {
	f := float64(math.Float32frombits(w))
	if a == q3Angle {
		f *= 65536.0 / 360
	}
	if math.Abs(f) < q3Small {
		return math.Round(f)
	}
	return math.MaxInt32
}

// q3Row is one kind of row.
type q3Row struct {
	name   string
	fields []q3Field
	always bool // also if all of it is zero
}

func (r *q3Row) put(words []uint32, values []int32) {
	for i, f := range r.fields {
		v := f.as.of(words[f.word]) >> f.lo
		if f.n != 0 {
			v &= 1<<f.n - 1
		}
		values[i] = v
	}
}

// get is the inverse of put; words must be zero where the row has any.
func (r *q3Row) get(values []int32, words []uint32) {
	for i, f := range r.fields {
		words[f.word] |= uint32(values[i]) << f.lo
	}
	for _, f := range r.fields {
		if f.lo == 0 {
			words[f.word] = f.as.word(int32(words[f.word]))
		}
	}
}

func (r *q3Row) zero(words []uint32) bool {
	for _, f := range r.fields {
		if words[f.word] != 0 {
			return false
		}
	}
	return true
}

func (r *q3Row) kind() game.Kind {
	k := game.Kind{Name: r.name}
	for _, f := range r.fields {
		x := game.Field{Name: fmt.Sprintf("w%d.%d", f.word, f.lo), Bits: 32, Signed: true, Linear: f.linear}
		if f.n != 0 {
			x.Bits, x.Signed, x.Wrap = f.n, false, true
		}
		k.Fields = append(k.Fields, x)
	}
	return k
}

// q3Layout is the rows of entities and of the player state.
type q3Layout struct {
	entity, player []q3Row
}

// newQ3Layout completes the rows by ones for the words that none has. Word 0 of an entity is its number, which is in the id.
func newQ3Layout(players int) *q3Layout {
	return &q3Layout{
		entity: q3Rest("entity", q3EntityRows(), 1, q3Words),
		player: q3Rest("player", q3PlayerRows(players-1), 0, players),
	}
}

func q3Rest(name string, rows []q3Row, from, words int) []q3Row {
	had := map[int]bool{}
	for _, r := range rows {
		for _, f := range r.fields {
			had[f.word] = true
		}
	}
	var left []q3Field
	for w := from; w < words; w++ {
		if !had[w] {
			left = append(left, q3Field{word: w})
		}
	}
	for i := 0; len(left) > 0; i++ {
		n := min(15, len(left))
		rows = append(rows, q3Row{name: fmt.Sprintf("%s rest %d", name, i), fields: left[:n]})
		left = left[n:]
	}
	return rows
}

func (l *q3Layout) kinds() (kinds []game.Kind) {
	for _, r := range slices.Concat(l.entity, l.player) {
		kinds = append(kinds, r.kind())
	}
	return kinds
}

// entityID gives the ids: the rows of the player state, then the first row of every entity, then the second, ...
func (l *q3Layout) entityID(part int, number uint16) uint32 {
	return uint32(len(l.player) + part*q3Entities + int(number))
}

// rows puts a snapshot into r.
func (l *q3Layout) rows(s *q3Snapshot, r *game.Rows) {
	r.Reset()
	for i := range l.player {
		if p := &l.player[i]; p.always || !p.zero(s.player) {
			p.put(s.player, r.Put(game.All, uint32(i), uint8(len(l.entity)+i)))
		}
	}
	for i := range l.entity {
		p := &l.entity[i]
		for _, n := range s.live {
			if w := s.entity[n][:]; p.always || !p.zero(w) {
				p.put(w, r.Put(game.All, l.entityID(i, n), uint8(i)))
			}
		}
	}
	r.Sort()
}

// q3Decoded is a snapshot as it is read back from rows.
type q3Decoded struct {
	layout *q3Layout
	live   []uint16
	entity [q3Entities][q3Words]uint32
	player []uint32
}

// read fills d from the rows of a receiver.
func (d *q3Decoded) read(s *delta.State) {
	for _, n := range d.live {
		d.entity[n] = [q3Words]uint32{}
	}
	d.live = d.live[:0]
	clear(d.player)
	l := d.layout
	for i := range l.player {
		s.Each(uint8(len(l.entity)+i), func(_ uint32, values []int32) { l.player[i].get(values, d.player) })
	}
	for i := range l.entity {
		s.Each(uint8(i), func(id uint32, values []int32) {
			n := uint16(id - l.entityID(i, 0))
			if i == 0 {
				d.live = append(d.live, n)
				d.entity[n][0] = uint32(n)
			}
			l.entity[i].get(values, d.entity[n][:])
		})
	}
}

// equal reports whether d is s.
func (d *q3Decoded) equal(s *q3Snapshot) bool {
	if len(d.live) != len(s.live) {
		return false
	}
	for i, n := range s.live {
		if d.live[i] != n || d.entity[n] != s.entity[n] {
			return false
		}
	}
	for i, w := range s.player {
		if d.player[i] != w {
			return false
		}
	}
	return true
}
