package place

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestChoose(t *testing.T) {
	told := func(load float64) Reservation { return Reservation{Status: Told, Load: load} }
	for _, c := range []struct {
		name string
		all  []Reservation
		want int
	}{
		{"none", nil, -1},
		{"all refused", []Reservation{{Status: Refused}, {Status: Refused}}, -1},
		{"lowest", []Reservation{told(3), told(1), told(2)}, 1},
		{"first of equals", []Reservation{told(3), told(1), told(1)}, 1},
		{"refused is passed over", []Reservation{{Status: Refused}, told(5)}, 1},
		{"what exists wins", []Reservation{told(0), {Status: Exists, Load: 9}}, 1},
	} {
		if got := Choose(c.all); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestSearchStepByStep(t *testing.T) {
	s := NewSearch([]string{"a", "b"}, []string{"c"})
	expect := func(want ...Ask) {
		t.Helper()
		if got := s.Next(); !slices.Equal(got, want) {
			t.Fatalf("asks %v, want %v", got, want)
		}
	}
	expect(Ask{Node: "a"}, Ask{Node: "b"})
	s.Answer(Reservation{Node: "a", Load: 4})
	s.Answer(Reservation{Node: "a", Status: Held}) // nobody waits for this one
	s.Answer(Reservation{Node: "x", Status: Held})
	expect() // b has not answered
	s.Answer(Reservation{Node: "b", Load: 2})
	expect(Ask{Node: "b", Hold: true, Limit: 4})
	s.Answer(Reservation{Node: "b", Status: Risen, Load: 5})
	expect(Ask{Node: "a", Hold: true, Limit: 5})
	s.Answer(Reservation{Node: "a", Status: Refused})
	expect(Ask{Node: "b", Hold: true, Limit: Any})
	s.Answer(Reservation{Node: "b", Status: Refused})
	expect(Ask{Node: "c"})
	s.Answer(Reservation{Node: "c", Load: math.NaN()})
	expect()
	if node, ok := s.Winner(); ok {
		t.Fatalf("%s won although all refused", node)
	}
}

// A retry finds the match where the first try made it, whatever the loads are now.
func TestSearchFindsWhatExists(t *testing.T) {
	s := NewSearch([]string{"a", "b", "c"})
	s.Next()
	s.Answer(Reservation{Node: "a", Load: 0})
	s.Answer(Reservation{Node: "b", Status: Exists, Load: 99})
	if node, ok := s.Winner(); !ok || node != "b" || s.Next() != nil {
		t.Fatalf("%q won, %v", node, ok)
	}
}

// Whatever nodes answer, a search ends, holds at most one place, asks everybody before it fails and keeps the tiers.
func TestSearchEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tiers := [][]string{names("a", rapid.IntRange(0, 20).Draw(t, "first")), names("b", rapid.IntRange(0, 20).Draw(t, "second"))}
		all := slices.Concat(tiers...)
		s := NewSearch(tiers...)
		held, seen := "", map[string]bool{}
		for rounds := 0; ; rounds++ {
			asks := s.Next()
			if asks == nil {
				break
			}
			if rounds > 200 {
				t.Fatal("does not end")
			}
			for _, a := range asks {
				seen[a.Node] = true
				r := Reservation{Node: a.Node, Load: rapid.Float64().Draw(t, "load"), Status: Status(rapid.IntRange(0, 4).Draw(t, "status"))}
				switch {
				case !a.Hold && (r.Status == Held || r.Status == Risen):
					r.Status = Told
				case a.Hold && r.Status == Told:
					r.Status = Held
				case a.Hold && a.Limit == Any && r.Status == Risen:
					r.Status = Held
				}
				if r.Status == Held {
					if held != "" {
						t.Fatalf("%s and %s hold a place", held, a.Node)
					}
					held = a.Node
				}
				s.Answer(r)
			}
		}
		node, ok := s.Winner()
		if held != "" && node != held {
			t.Fatalf("%s holds a place, %q won", held, node)
		}
		if !ok && len(seen) != len(all) {
			t.Fatalf("gave up after %d of %d", len(seen), len(all))
		}
		if i, j := slices.Index(all, node), len(tiers[0]); ok && i >= j {
			for _, id := range tiers[0] {
				if !seen[id] {
					t.Fatalf("%s won before %s was asked", node, id)
				}
			}
		}
	})
}
