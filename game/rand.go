package game

import "math/bits"

// Rand is a small seeded generator (PCG-XSL-RR 128/64 of M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient
// Statistically Good Algorithms for Random Number Generation", 2014). Its 16 bytes of state are part of the match's
// state; the same seed gives the same numbers on every machine. Not for secrets.
type Rand struct{ Hi, Lo uint64 }

// NewRand returns a generator for a seed.
func NewRand(seed uint64) *Rand {
	r := &Rand{Hi: seed ^ 0x9e3779b97f4a7c15, Lo: seed*0xbf58476d1ce4e5b9 + 1}
	r.Uint64()
	r.Uint64()
	return r
}

// Uint64 returns 64 random bits.
func (r *Rand) Uint64() uint64 {
	const mulHi, mulLo = 2549297995355413924, 4865540595714422341
	const incHi, incLo = 6364136223846793005, 1442695040888963407
	hi, lo := bits.Mul64(r.Lo, mulLo)
	hi += r.Hi*mulLo + r.Lo*mulHi
	lo, c := bits.Add64(lo, incLo, 0)
	hi, _ = bits.Add64(hi, incHi, c)
	r.Hi, r.Lo = hi, lo
	return bits.RotateLeft64(hi^lo, -int(hi>>58))
}

// IntN returns a number from 0 to n-1. It panics if n is not positive.
func (r *Rand) IntN(n int) int {
	if n <= 0 {
		panic("game: IntN of a number that is not positive")
	}
	hi, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(hi)
}

// Range returns a number from lo to hi, both included.
func (r *Rand) Range(lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// Chance reports true with probability num in den.
func (r *Rand) Chance(num, den int) bool { return r.IntN(den) < num }
