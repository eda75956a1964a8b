package game

import (
	"testing"

	"pgregory.net/rapid"
)

var twoKinds = []Kind{
	{Name: "one", Fields: []Field{{Name: "a", Bits: 32}}},
	{Name: "three", Fields: []Field{{Name: "a", Bits: 32}, {Name: "b", Bits: 32}, {Name: "c", Bits: 32}}},
}

// Whatever is put in whatever order comes back per channel, ascending by id, with its values.
func TestRowsAgainstMap(t *testing.T) {
	type key struct {
		c  Channel
		id uint32
	}
	channels := []Channel{All, Team(1), Team(2), Own(1), Own(77)}
	r := NewRows(twoKinds)
	rapid.Check(t, func(t *rapid.T) {
		r.Reset()
		want := map[key]int32{}
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			k := key{rapid.SampledFrom(channels).Draw(t, "channel"), rapid.Uint32Range(0, 50).Draw(t, "id")}
			if _, dup := want[k]; dup {
				continue
			}
			kind := rapid.Uint8Range(0, 1).Draw(t, "kind")
			v := r.Put(k.c, k.id, kind)
			if len(v) != len(twoKinds[kind].Fields) || v[0] != 0 {
				t.Fatalf("Put gives %v", v)
			}
			want[k] = int32(len(want) + 1)
			v[len(v)-1] = want[k]
		}
		r.Sort()
		if len(r.All()) != len(want) {
			t.Fatalf("%d rows of %d", len(r.All()), len(want))
		}
		found := 0
		for _, c := range channels {
			last := int64(-1)
			for _, row := range r.Channel(c) {
				v := r.Values(row)
				if row.Channel != c || int64(row.ID) <= last || v[len(v)-1] != want[key{c, row.ID}] {
					t.Fatalf("channel %#x: row %+v with %v after id %d", c, row, v, last)
				}
				last = int64(row.ID)
				found++
			}
		}
		if found != len(want) {
			t.Fatalf("the channels hold %d rows of %d", found, len(want))
		}
	})
}

// A row's values end where they end: growing them by accident does not write into the next row.
func TestPutDoesNotOverlap(t *testing.T) {
	r := NewRows(twoKinds)
	a := r.Put(All, 1, 0)
	b := r.Put(All, 2, 0)
	_ = append(a, 9)
	if b[0] != 0 {
		t.Error("a row grew into its neighbour")
	}
}

func TestRowsDoNotAllocate(t *testing.T) {
	r := NewRows(twoKinds)
	n := testing.AllocsPerRun(100, func() {
		r.Reset()
		for id := range uint32(100) {
			r.Put(Own(id%7), 100-id, uint8(id%2))
		}
		r.Sort()
	})
	if n > 0 {
		t.Errorf("%v allocations a tick", n)
	}
}
