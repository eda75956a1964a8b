package replica

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestDiffRoundTrip(t *testing.T) {
	var d differ
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "old")
		now := bytes.Clone(old)
		for range rapid.IntRange(0, 8).Draw(t, "edits") {
			at := rapid.IntRange(0, len(now)).Draw(t, "at")
			to := min(len(now), at+rapid.IntRange(0, 60).Draw(t, "cut"))
			put := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "put")
			now = bytes.Join([][]byte{now[:at], put, now[to:]}, nil)
		}
		diff := d.append(nil, old, now)
		got, err := applyDiff([]byte("x"), old, diff, len(now))
		if err != nil || string(got) != "x"+string(now) {
			t.Fatalf("%v\n%x\n%x", err, got, now)
		}
		if _, err := applyDiff(nil, old, diff, len(now)-1); len(now) > 0 && err == nil {
			t.Fatal("limit ignored")
		}
	})
}

// Changed numbers and moved rows cost about what they are, not the whole state.
func TestDiffIsSmall(t *testing.T) {
	old := make([]byte, 30_000)
	for i := range old {
		old[i] = byte(i * i >> 3)
	}
	for name, c := range map[string]struct {
		now  []byte
		most int
	}{
		"same":   {old, 10},
		"one":    {replace(old, 1000, 4), 24},
		"insert": {append(append(bytes.Clone(old[:7000]), "a row of forty-one bytes is inserted here"...), old[7000:]...), 120},
		"delete": {append(bytes.Clone(old[:7000]), old[7041:]...), 80},
		"cut":    {old[:20_000], 10},
	} {
		var d differ
		diff := d.append(nil, old, c.now)
		if got, err := applyDiff(nil, old, diff, 1<<20); err != nil || !bytes.Equal(got, c.now) {
			t.Errorf("%s: %v", name, err)
		}
		if len(diff) > c.most {
			t.Errorf("%s: %d bytes, at most %d", name, len(diff), c.most)
		}
	}
}

func replace(b []byte, at, n int) []byte {
	b = bytes.Clone(b)
	for i := range n {
		b[at+i] ^= 0xff
	}
	return b
}

func FuzzApplyDiff(f *testing.F) {
	var d differ
	old := bytes.Repeat([]byte("0123456789abcdef"), 20)
	f.Add(old, d.append(nil, old, replace(old, 100, 9)))
	f.Add(old, d.append(nil, old, old[33:]))
	f.Add([]byte{}, []byte{0})
	f.Add(old, []byte{0xff, 0xff, 0x7f, 0, 0, 0xff, 1})
	f.Fuzz(func(t *testing.T, old, diff []byte) {
		const limit = 1 << 16
		got, err := applyDiff(nil, old, diff, limit)
		if err != nil {
			return
		}
		if len(got) > limit {
			t.Fatal(len(got))
		}
		var d differ
		again, err := applyDiff(nil, old, d.append(nil, old, got), limit)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatal(err)
		}
	})
}
