package game

import "testing"

// The sequence is fixed: recorded matches depend on it.
func TestRandIsFixed(t *testing.T) {
	want := [4]uint64{0xff2c7b24ffa6bf42, 0xa85d210ff27bd69d, 0x6ade26e5a49eb1e0, 0xfafbc011690ee56a}
	r := NewRand(1)
	for i, w := range want {
		if got := r.Uint64(); got != w {
			t.Errorf("number %d of seed 1 is %#x, want %#x", i, got, w)
		}
	}
}

// A copy of the state goes on like the original; another seed does not.
func TestRandState(t *testing.T) {
	a, other := NewRand(7), NewRand(8)
	a.Uint64()
	b := Rand{Hi: a.Hi, Lo: a.Lo}
	same := 0
	for range 100 {
		x := a.Uint64()
		if y := b.Uint64(); x != y {
			t.Fatalf("the copy gives %#x, the original %#x", y, x)
		}
		if x == other.Uint64() {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d of 100 numbers are those of another seed", same)
	}
}

// Small ranges are even: a chi-square test with 9 degrees of freedom, whose 0.1 % limit is 27.9; the seed is fixed.
func TestIntNIsEven(t *testing.T) {
	const n, draws = 10, 100_000
	var count [n]float64
	r := NewRand(3)
	for range draws {
		count[r.IntN(n)]++
	}
	chi := 0.0
	for _, c := range count {
		d := c - draws/n
		chi += d * d / (draws / n)
	}
	if chi > 27.9 {
		t.Errorf("chi-square is %.1f: %v", chi, count)
	}
}

func TestRangeAndChance(t *testing.T) {
	r := NewRand(5)
	var seen [4]bool
	hits := 0
	for range 1000 {
		v := r.Range(-1, 2)
		if v < -1 || v > 2 {
			t.Fatalf("Range(-1, 2) gives %d", v)
		}
		seen[v+1] = true
		if r.Chance(1, 4) {
			hits++
		}
	}
	if seen != [4]bool{true, true, true, true} || hits < 200 || hits > 300 {
		t.Errorf("seen %v; a chance of 1 in 4 came %d times of 1000", seen, hits)
	}
	defer func() {
		if recover() == nil {
			t.Error("IntN(0) does not panic")
		}
	}()
	r.IntN(0)
}
