package delta

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
)

// The model is the specification in doc.go written down a second time, with maps and 64-bit arithmetic, as slow and plain
// as possible.

type modelRow struct {
	kind uint8
	vals []int32
	disp []int32 // of every field, 0 for those that are not linear
}

type model map[uint32]modelRow

// wrapTo reduces x modulo 2^bits to the range that starts at lo.
func wrapTo(x int64, bits uint8, lo int64) int32 {
	size := int64(1) << bits
	return int32(((x-lo)%size+size)%size + lo)
}

func modelValue(f game.Field, v int32) int32 {
	switch {
	case !f.Wrap:
		return v
	case f.Signed:
		return wrapTo(int64(v), f.Bits, -(int64(1) << (f.Bits - 1)))
	}
	return wrapTo(int64(v), f.Bits, 0)
}

func modelDisplacement(f game.Field, from, to int32) int32 {
	d := wrapTo(int64(to)-int64(from), 32, -(int64(1) << 31))
	if f.Wrap {
		d = wrapTo(int64(to)-int64(from), f.Bits, -(int64(1) << (f.Bits - 1)))
	}
	if f.Jump != 0 && (int64(d) > int64(f.Jump) || int64(d) < -int64(f.Jump)) {
		return 0
	}
	return d
}

// next returns the model one state frame later, with those rows (disp ignored).
func (m model) next(kinds []game.Kind, rows model) model {
	out := model{}
	for id, r := range rows {
		n := modelRow{kind: r.kind, vals: make([]int32, len(r.vals)), disp: make([]int32, len(r.vals))}
		old, ok := m[id]
		for i, f := range kinds[r.kind].Fields {
			n.vals[i] = modelValue(f, r.vals[i])
			if ok && old.kind == r.kind && f.Linear {
				n.disp[i] = modelDisplacement(f, old.vals[i], n.vals[i])
			}
		}
		out[id] = n
	}
	return out
}

func modelMix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x7feb352d
	h ^= h >> 15
	h *= 0x846ca68b
	h ^= h >> 16
	return h
}

func (m model) hash(kinds []game.Kind) (sum uint32) {
	for id, r := range m {
		h := modelMix(id*0x9e3779b1 + uint32(r.kind))
		for _, v := range r.vals {
			h = (h ^ uint32(v)) * 0x7feb352d
			h ^= h >> 15
		}
		for i, f := range kinds[r.kind].Fields {
			if f.Linear {
				h = (h ^ uint32(r.disp[i])) * 0x7feb352d
				h ^= h >> 15
			}
		}
		sum += modelMix(h)
	}
	return sum
}

// fill puts the rows into r; ids in any order, since Sort is the loop's duty.
func (m model) fill(r *game.Rows, c game.Channel) {
	for id, row := range m {
		copy(r.Put(c, id, row.kind), row.vals)
	}
}

// same fails the test if what v shows is not the union of the models.
func same(t interface {
	Helper()
	Fatalf(string, ...any)
}, kinds []game.Kind, v game.View, ms ...model) {
	t.Helper()
	for k := range kinds {
		type seen struct {
			id   uint32
			vals []int32
		}
		var got, want []seen
		v.Each(uint8(k), func(id uint32, row []int32) { got = append(got, seen{id, slices.Clone(row)}) })
		for _, m := range ms {
			for _, id := range slices.Sorted(maps.Keys(m)) {
				if int(m[id].kind) == k {
					want = append(want, seen{id, m[id].vals})
				}
			}
		}
		slices.SortStableFunc(want, func(a, b seen) int { return int(int64(a.id) - int64(b.id)) })
		if !slices.EqualFunc(got, want, func(a, b seen) bool { return a.id == b.id && slices.Equal(a.vals, b.vals) }) {
			t.Fatalf("kind %d: rows %v, want %v", k, got, want)
		}
	}
}

// drawKinds draws field tables, now and then with as many fields as there may be.
func drawKinds(t *rapid.T) []game.Kind {
	kinds := make([]game.Kind, rapid.IntRange(1, 3).Draw(t, "kinds"))
	for i := range kinds {
		n := rapid.SampledFrom([]int{1, 2, 3, 7, 8, game.MaxFields}).Draw(t, "fields")
		kinds[i] = game.Kind{Name: string(rune('a' + i)), Fields: make([]game.Field, n)}
		for j := range kinds[i].Fields {
			kinds[i].Fields[j] = game.Field{
				Bits:   uint8(rapid.SampledFrom([]int{1, 8, 10, 16, 31, 32}).Draw(t, "bits")),
				Signed: rapid.Bool().Draw(t, "signed"), Wrap: rapid.Bool().Draw(t, "wrap"), Linear: rapid.Bool().Draw(t, "linear"),
				Jump: rapid.SampledFrom([]int32{0, 0, 1, 200, 1<<31 - 1}).Draw(t, "jump"),
			}
		}
	}
	return kinds
}

var extremes = []int32{0, 1, -1, 127, 128, -127, -128, -129, 255, 32767, 32768, -32767, -32768, -32769, 65535, 1<<31 - 1, -1 << 31}

// mutate returns other rows for the next state frame: some moved steadily, some changed anyhow, some gone, some new, some with
// another kind.
func (m model) mutate(t *rapid.T, kinds []game.Kind) model {
	out := model{}
	for _, id := range slices.Sorted(maps.Keys(m)) {
		r := m[id]
		vals := slices.Clone(r.vals)
		switch rapid.IntRange(0, 9).Draw(t, "fate") {
		case 0:
			continue // gone
		case 1:
			r.kind = uint8(rapid.IntRange(0, len(kinds)-1).Draw(t, "kind"))
			vals = make([]int32, len(kinds[r.kind].Fields))
		case 2:
			vals[rapid.IntRange(0, len(vals)-1).Draw(t, "field")] = rapid.SampledFrom(extremes).Draw(t, "value")
		case 3:
			vals[rapid.IntRange(0, len(vals)-1).Draw(t, "field")] += rapid.SampledFrom(extremes).Draw(t, "step")
		case 4, 5, 6, 7: // as predicted
			for i := range vals {
				vals[i] += r.disp[i]
			}
		}
		out[id] = modelRow{kind: r.kind, vals: vals}
	}
	for range rapid.IntRange(0, 2).Draw(t, "births") {
		kind := uint8(rapid.IntRange(0, len(kinds)-1).Draw(t, "kind"))
		vals := make([]int32, len(kinds[kind].Fields))
		vals[0] = rapid.SampledFrom(extremes).Draw(t, "value")
		out[rapid.SampledFrom([]uint32{0, 1, 2, 3, 127, 128, 300, 70000, 1<<32 - 1}).Draw(t, "id")] = modelRow{kind: kind, vals: vals}
	}
	return out
}

// apply sends a message through the verifier into a state.
func apply(t interface {
	Helper()
	Fatalf(string, ...any)
}, s *State, msg []byte) Result {
	t.Helper()
	res, err := tryApply(s, msg)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return res
}

func tryApply(s *State, msg []byte) (Result, error) {
	m, err := schema.VerifyServer(msg)
	if err != nil {
		return Result{}, err
	}
	return s.Apply(&m)
}

// mustTables and mustState are for kinds that are right.
func mustTables(kinds []game.Kind) *Tables {
	t, err := NewTables(kinds)
	if err != nil {
		panic(err)
	}
	return t
}

func mustState(kinds []game.Kind, every int) *State {
	s, err := NewState(kinds, every)
	if err != nil {
		panic(err)
	}
	return s
}
