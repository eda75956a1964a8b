package place

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return out
}

func TestRendezvousIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]{1,6}`), 1, 30, rapid.ID[string]).Draw(t, "ids")
		key := rapid.String().Draw(t, "key")
		order := Rendezvous(key, ids)
		shuffled := rapid.Permutation(ids).Draw(t, "shuffled")
		if got := Rendezvous(key, shuffled); !slices.Equal(got, order) {
			t.Fatalf("order depends on the order of ids: %v and %v", got, order)
		}
		gone := rapid.SampledFrom(ids).Draw(t, "gone")
		without := func(id string) bool { return id == gone }
		rest := Rendezvous(key, slices.DeleteFunc(slices.Clone(ids), without))
		if want := slices.DeleteFunc(slices.Clone(order), without); !slices.Equal(rest, want) {
			t.Fatalf("without %s the others are %v, want %v", gone, rest, want)
		}
		if h := Homes(key, ids); !slices.Equal(h, order[:min(3, len(order))]) {
			t.Fatalf("homes %v of order %v", h, order)
		}
	})
}

// The first two ranks are spread evenly over all ordered pairs, for keys and ids that differ in their last bytes only.
func TestRendezvousIsEven(t *testing.T) {
	for _, n := range []int{3, 5, 20} {
		ids := names("n", n)
		pairs := map[[2]string]int{}
		const keys = 20000
		for _, key := range names("match-", keys) {
			r := Rendezvous(key, ids)
			pairs[[2]string{r[0], r[1]}]++
		}
		cells := float64(n * (n - 1))
		want, chi := keys/cells, 0.0
		for _, a := range ids {
			for _, b := range ids {
				if a != b {
					d := float64(pairs[[2]string{a, b}]) - want
					chi += d * d / want
				}
			}
		}
		// Chi square with cells-1 degrees of freedom: 5 standard deviations.
		if limit := cells - 1 + 5*math.Sqrt(2*cells); chi > limit {
			t.Errorf("%d nodes: chi square %.0f, above %.0f", n, chi, limit)
		}
	}
}

func BenchmarkRendezvous100(b *testing.B) {
	ids := names("node", 100)
	for b.Loop() {
		Rendezvous("m0123456789abcdef", ids)
	}
}
