package game

import "math/bits"

// Angles are 16-bit binary angles: 65536 to the full circle, 0 along +x, growing towards +y. They wrap by themselves.
type Angle uint16

// One is 1.0 in the 16.16 fixed point that Sin and Cos return.
const One = 1 << 16

// quarter holds sin(i/256 * 90 degrees) in 16.16 for i = 0 to 256, made by makeQuarter so that it is the same everywhere.
var quarter = makeQuarter()

// makeQuarter evaluates the Taylor series of the sine in integers with 30 fraction bits, which no compiler may fuse or
// reorder; the error is below 1/65536.
func makeQuarter() (q [257]int32) {
	const frac = 30
	const halfPi = 1686629713 // pi/2 * 2^30
	for i := range q {
		x := int64(halfPi) * int64(i) >> 8
		x2 := x * x >> frac
		term, sum := x, x
		for k := int64(1); k <= 6; k++ {
			term = -(term * x2 >> frac) / (2 * k * (2*k + 1))
			sum += term
		}
		q[i] = int32((sum + 1<<(frac-17)) >> (frac - 16))
	}
	return q
}

// Sin returns the sine of an angle in 16.16 fixed point, interpolated from a table of 256 steps a quadrant.
func Sin(a Angle) int32 {
	i := uint32(a) & 0x3fff
	if a&0x4000 != 0 {
		i = 0x4000 - i
	}
	k, f := i>>6, int32(i&63)
	v := quarter[k]
	if f != 0 {
		v += (quarter[k+1] - v) * f >> 6
	}
	if a&0x8000 != 0 {
		return -v
	}
	return v
}

// Cos returns the cosine of an angle in 16.16 fixed point.
func Cos(a Angle) int32 { return Sin(a + 0x4000) }

// Atan2 returns the angle of the vector (x, y); of the null vector it is 0. The error is below 0.1 degrees. It bisects
// on Sin and Cos, so it agrees with them on every machine.
func Atan2(y, x int32) Angle {
	if x == 0 && y == 0 {
		return 0
	}
	var base Angle
	ax, ay := int64(x), int64(y)
	switch { // turn the vector into the first quadrant
	case ax > 0 && ay >= 0:
	case ay > 0:
		base, ax, ay = 0x4000, ay, -ax
	case ax < 0:
		base, ax, ay = 0x8000, -ax, -ay
	default:
		base, ax, ay = 0xc000, -ay, ax
	}
	lo, hi := Angle(0), Angle(0x4000)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if ay*int64(Cos(mid)) >= ax*int64(Sin(mid)) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return base + lo
}

// Turn returns the shortest way from one angle to another: -32768 to 32767.
func Turn(from, to Angle) int32 { return int32(int16(to - from)) }

// Sqrt returns the integer square root, rounded down, of a number that is not negative.
func Sqrt(n int64) int64 {
	if n <= 0 {
		return 0
	}
	var r int64
	bit := int64(1) << ((bits.Len64(uint64(n)) - 1) &^ 1) // the largest power of 4 up to n
	for bit != 0 {
		if n >= r+bit {
			n -= r + bit
			r = r>>1 + bit
		} else {
			r >>= 1
		}
		bit >>= 2
	}
	return r
}

// Length returns the length of the vector (x, y), rounded down.
func Length(x, y int32) int32 { return int32(Sqrt(int64(x)*int64(x) + int64(y)*int64(y))) }

// Clamp returns v limited to lo..hi.
func Clamp(v, lo, hi int32) int32 { return max(lo, min(hi, v)) }
