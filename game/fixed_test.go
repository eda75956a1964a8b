package game

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Sin and Cos are within two units of 1/65536 of the true values at every angle, and exact at the quarters.
func TestSinCosAgainstFloat(t *testing.T) {
	for i := range 1 << 16 {
		a := Angle(i)
		x := float64(i) * 2 * math.Pi / (1 << 16)
		if d := float64(Sin(a)) - math.Sin(x)*One; math.Abs(d) > 2 {
			t.Fatalf("Sin(%d) is off by %.2f", i, d)
		}
		if d := float64(Cos(a)) - math.Cos(x)*One; math.Abs(d) > 2 {
			t.Fatalf("Cos(%d) is off by %.2f", i, d)
		}
	}
	if Sin(0) != 0 || Sin(0x4000) != One || Sin(0x8000) != 0 || Sin(0xc000) != -One || Cos(0) != One || Cos(0x4000) != 0 {
		t.Error("the quarters are not exact")
	}
}

func TestAtan2AgainstFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Int32().Draw(t, "x"), rapid.Int32().Draw(t, "y")
		if x == 0 && y == 0 {
			return
		}
		want := math.Atan2(float64(y), float64(x)) / (2 * math.Pi) * (1 << 16)
		d := math.Remainder(float64(Atan2(y, x))-want, 1<<16)
		if math.Abs(d) > 0.1/360*(1<<16) {
			t.Fatalf("Atan2(%d, %d) is off by %.3f degrees", y, x, d*360/(1<<16))
		}
	})
	if Atan2(0, 0) != 0 || Atan2(0, 5) != 0 || Atan2(5, 0) != 0x4000 || Atan2(0, -5) != 0x8000 || Atan2(-5, 0) != 0xc000 {
		t.Errorf("along the axes: %d %d %d %d", Atan2(0, 5), Atan2(5, 0), Atan2(0, -5), Atan2(-5, 0))
	}
}

// Turn is the short way: added to where it starts it gives where it ends, and it is at most half a circle.
func TestTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := Angle(rapid.Uint16().Draw(t, "from")), Angle(rapid.Uint16().Draw(t, "to"))
		d := Turn(from, to)
		if from+Angle(d) != to || d < -32768 || d > 32767 {
			t.Fatalf("Turn(%d, %d) = %d", from, to, d)
		}
	})
}

func TestSqrt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, math.MaxInt64).Draw(t, "n")
		r := Sqrt(n)
		if r < 0 || r > n/max(r, 1) || r < 3_037_000_499 && (r+1)*(r+1) <= n {
			t.Fatalf("Sqrt(%d) = %d", n, r)
		}
	})
	for n, want := range map[int64]int64{-4: 0, 0: 0, 1: 1, 3: 1, 4: 2, math.MaxInt64: 3_037_000_499} {
		if got := Sqrt(n); got != want {
			t.Errorf("Sqrt(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestLengthAndClamp(t *testing.T) {
	if got := Length(-3, 4); got != 5 {
		t.Errorf("Length(-3, 4) = %d", got)
	}
	if got := Length(math.MaxInt32, 0); got != math.MaxInt32 {
		t.Errorf("Length of the longest axis = %d", got)
	}
	if Clamp(5, -1, 3) != 3 || Clamp(-5, -1, 3) != -1 || Clamp(2, -1, 3) != 2 {
		t.Error("Clamp does not clamp")
	}
}
