package cluster

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A standby that is too slow at once whenever it is tried is tried after 5, 10, 20, and then every 30 s; after a minute that went well it is as new.
func TestShunBacksOff(t *testing.T) {
	l, now := lags{}, int64(1000)
	for i, want := range []int64{5_000, 10_000, 20_000, 30_000, 30_000} {
		if got := l.add("a", now); got != want {
			t.Errorf("time %d: shunned for %d ms, want %d", i, got, want)
		}
		if got := l.add("b"+string(rune('0'+i)), now); got != 5_000 {
			t.Errorf("another node: shunned for %d ms", got)
		}
		if !slices.Contains(l.shunned(now+want-1), "a") || slices.Contains(l.shunned(now+want), "a") {
			t.Errorf("time %d: not shunned for %d ms", i, want)
		}
		now += want
	}
	if l.shunned(now + lagForget - 1); l.add("a", now+lagForget-1) != 30_000 {
		t.Error("forgotten too soon")
	}
	now += lagForget - 1 + 30_000
	if l.add("a", now+lagForget) != 5_000 {
		t.Error("not forgotten")
	}
	if l.shunned(now + 3*lagForget); len(l) != 0 {
		t.Errorf("%d nodes are remembered for ever", len(l))
	}
}

// Whatever a standby does once it is chosen again: it is never too slow more than four times within a minute, nor, after the first three times of a
// row, twice within 30 s.
func TestShunBoundsTheGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lags{}
		now := rapid.Int64Range(1, 200_000).Draw(t, "start")
		var gaps []int64
		row := 0
		for range rapid.IntRange(1, 40).Draw(t, "times") {
			well := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 2*lagForget)).Draw(t, "well")
			now += well
			if row++; well >= lagForget {
				row = 1
			}
			gaps = append(gaps, now)
			long := l.add("a", now)
			if row > 3 && long < lagShunMax || long < lagShun {
				t.Fatalf("time %d of a row: shunned for %d ms", row, long)
			}
			now += long
			if slices.Contains(l.shunned(now), "a") {
				t.Fatal("shunned for too long")
			}
		}
		for i := 4; i < len(gaps); i++ {
			if gaps[i]-gaps[i-4] < 60_000 {
				t.Fatalf("five gaps within %d ms", gaps[i]-gaps[i-4])
			}
		}
	})
}

// What a standby is late by is the time since all was acknowledged, without that in which the owner stood still.
func TestLateness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const pause = 150
		var x lateness
		now := rapid.Int64Range(1, 1e6).Draw(t, "start")
		if x.look(now, pause) != 0 {
			t.Fatal("late before anything was acknowledged")
		}
		want := int64(0)
		x.even(now)
		for range rapid.IntRange(1, 50).Draw(t, "looks") {
			d := rapid.OneOf(rapid.Int64Range(1, pause), rapid.Int64Range(pause+1, 5000)).Draw(t, "ms")
			now += d
			if d <= pause {
				want += d
			}
			if rapid.IntRange(0, 9).Draw(t, "even") == 0 {
				x.even(now)
				want = 0
			}
			if got := x.look(now, pause); got != want {
				t.Fatalf("late by %d ms, want %d", got, want)
			}
		}
	})
}
