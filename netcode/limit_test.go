package netcode

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// In any stretch of time a bucket gives no more than the burst and what the rate adds, and never refuses what a bucket
// counted in exact fractions holds.
func TestBucketAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate, burst := rapid.IntRange(1, 1000).Draw(t, "rate"), rapid.IntRange(1, 100).Draw(t, "burst")
		l := PerSecond(rate, burst)
		unit := int64(1e9) / int64(rate)
		var b Bucket
		now, have := rapid.Int64Range(0, 1<<40).Draw(t, "start"), int64(burst)*unit // the model counts ns
		for range 60 {
			dt := rapid.Int64Range(0, 3*unit).Draw(t, "dt")
			now += dt
			have = min(have+dt, int64(burst)*unit)
			n := rapid.IntRange(1, burst+1).Draw(t, "n")
			want := int64(n)*unit <= have
			if got := b.Take(l, now, n); got != want {
				t.Fatalf("take %d of %d/%d: %v", n, have, unit, got)
			}
			if want {
				have -= int64(n) * unit
			}
		}
	})
}

func TestLimitOff(t *testing.T) {
	var b Bucket
	for _, l := range []Limit{{}, PerSecond(0, 5), PerSecond(-1, 5), PerSecond(math.MaxInt, 1)} {
		if !b.Take(l, 0, 1<<40) {
			t.Errorf("%+v limits", l)
		}
	}
	if l := PerSecond(10, 0); !b.Take(l, 0, 1) || b.Take(l, 0, 1) {
		t.Error("a burst of 0 is not taken as 1")
	}
}
