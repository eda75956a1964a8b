package cohort

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// inflate does what a client does with a compressed message whose window is empty.
func inflate(t interface{ Fatal(...any) }, p []byte) []byte {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(p), bytes.NewReader([]byte("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal("a client cannot inflate it: ", err)
	}
	return out
}

// message draws bytes as a state frame has them: small numbers, runs, some noise.
func message(t *rapid.T) []byte {
	var m []byte
	for range rapid.IntRange(0, 40).Draw(t, "parts") {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		switch rapid.IntRange(0, 2).Draw(t, "sort") {
		case 0:
			m = append(m, bytes.Repeat([]byte{rapid.Byte().Draw(t, "b")}, n)...)
		case 1:
			m = append(m, rapid.SliceOfN(rapid.ByteRange(0, 9), n, n).Draw(t, "small")...)
		default:
			m = append(m, rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "noise")...)
		}
	}
	return m
}

// Every frame inflates to its message whatever was compressed before, and is sent compressed only if that is smaller.
func TestCompressorRoundTrip(t *testing.T) {
	c := NewCompressor()
	rapid.Check(t, func(t *rapid.T) {
		m, prefix := message(t), []byte("prefix")
		out, ok := c.Append(prefix, m)
		if !bytes.HasPrefix(out, prefix) {
			t.Fatal("what was in dst is gone")
		}
		p := out[len(prefix):]
		if !ok {
			if len(p) != 0 {
				t.Fatal("not compressed, but something was appended")
			}
			return
		}
		if len(p) >= len(m) {
			t.Fatalf("%d bytes for %d", len(p), len(m))
		}
		if !bytes.Equal(inflate(t, p), m) {
			t.Fatal("another message comes out")
		}
	})
}

// What compresses is compressed, what does not is not.
func TestCompressorPays(t *testing.T) {
	c := NewCompressor()
	if out, ok := c.Append(nil, bytes.Repeat([]byte{0, 1, 0, 2}, 40)); !ok || len(out) > 20 {
		t.Errorf("a repetitive message: %d bytes, %v", len(out), ok)
	}
	noise := make([]byte, 256)
	for i := range noise {
		noise[i] = byte(i * 167)
	}
	for _, m := range [][]byte{nil, {7}, noise} {
		if out, ok := c.Append(nil, m); ok || len(out) != 0 {
			t.Errorf("%d bytes that do not compress became %d", len(m), len(out))
		}
	}
}

func TestCompressorDoesNotAllocate(t *testing.T) {
	c, m, dst := NewCompressor(), bytes.Repeat([]byte{0, 1, 0, 2}, 40), make([]byte, 0, 512)
	for range cap(c.free) {
		e := <-c.free
		if e == nil {
			e = newEngine()
		}
		c.free <- e
	}
	c.Append(dst, m)
	if n := testing.AllocsPerRun(100, func() { c.Append(dst, m) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// Many matches share the engines.
func TestCompressorConcurrent(t *testing.T) {
	c := NewCompressor()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			m := bytes.Repeat([]byte(fmt.Sprint("match ", g, " ")), 20)
			for range 20 {
				out, ok := c.Append(nil, m)
				if !ok || !bytes.Equal(inflate(t, out), m) {
					t.Errorf("match %d got another's bytes", g)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(c.free); n != cap(c.free) {
		t.Errorf("%d of %d engines came back", n, cap(c.free))
	}
}
