package client

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"
	"pgregory.net/rapid"
)

// stream deflates messages as a server does that refers back to at most so many bytes, in messages of their own each.
type stream struct {
	back int
	last []byte
	w    *flate.Writer
}

func (s *stream) message(msg []byte) []byte {
	var z bytes.Buffer
	if s.w == nil {
		s.w, _ = flate.NewWriter(nil, 9) // fails for an unknown level only
	}
	s.w.ResetDict(&z, s.last)
	s.w.Write(msg)
	s.w.Flush()
	s.last = append(s.last, msg...)
	s.last = bytes.Clone(s.last[max(0, len(s.last)-s.back):])
	return z.Bytes()[:z.Len()-4]
}

// A window follows a stream, whatever its messages, as far back as the stream may refer, and keeps not much more.
func TestWindowFollowsAStream(t *testing.T) {
	words := make([]byte, 1<<16)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(words); i++ {
		words[i] = byte(r.Uint32())
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{0, 256, 4096, maxWindow, 1 << 20}).Draw(t, "size")
		w := window{size: size}
		s := stream{back: w.limit()}
		if size > maxWindow && w.limit() != maxWindow {
			t.Fatalf("a window of %d bytes", w.limit())
		}
		f := inflaters.Get().(*inflater)
		defer inflaters.Put(f)
		for range rapid.IntRange(1, 60).Draw(t, "messages") {
			from := rapid.IntRange(0, 500).Draw(t, "from")
			n := rapid.SampledFrom([]int{0, 1, 40, 300, 5000, 40_000}).Draw(t, "length")
			msg := words[from : from+n]
			got, err := f.inflate(s.message(msg), w.tail())
			if err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("%d bytes of %d: %v", len(got), len(msg), err)
			}
			w.push(got)
			if len(w.b) > 2*w.limit() || !bytes.HasSuffix(w.b, s.last) {
				t.Fatalf("%d bytes are kept of %d", len(w.b), w.limit())
			}
		}
	})
}

// A message that refers to what is not in the window is an error, not something else that looks like a message.
func TestWindowIsNotLeft(t *testing.T) {
	secret := bytes.Repeat([]byte("what was said long before"), 3)
	filler := make([]byte, 600)
	for i, r := 0, rand.New(rand.NewPCG(3, 4)); i < len(filler); i++ {
		filler[i] = byte(r.Uint32())
	}
	s := stream{back: maxWindow}
	w := window{size: 512}
	f := inflaters.New().(*inflater)
	for i, msg := range [][]byte{secret, filler, secret} {
		got, err := f.inflate(s.message(msg), w.tail())
		if i < 2 && (err != nil || !bytes.Equal(got, msg)) {
			t.Fatalf("message %d: %v", i, err)
		}
		if i == 2 && err == nil {
			t.Fatalf("took %q", got)
		}
		w.push(got)
	}
}
