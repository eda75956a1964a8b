package client

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/flate"

	"github.com/overtime-server/overtime/schema"
)

// frame is a WebSocket frame as a server sends it.
func frame(head byte, payload []byte) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{head, byte(n)}, payload...)
	default:
		return append([]byte{head, 126, byte(n >> 8), byte(n)}, payload...)
	}
}

// FuzzSocket: however the bytes are cut into reads, the compression bits come out of the data frames and nothing else
// changes.
func FuzzSocket(f *testing.F) {
	response := []byte("HTTP/1.1 101 Switching Protocols\r\n\r\n")
	f.Add(append(bytes.Clone(response), frame(0xc2, make([]byte, 200))...), uint8(3))
	f.Add(append(append(bytes.Clone(response), frame(0xc2, []byte("abc"))...), frame(0x82, nil)...), uint8(1))
	f.Add(append(append(append(bytes.Clone(response), frame(0x42, []byte("ab"))...), frame(0x89, []byte("c"))...), frame(0x80, nil)...), uint8(2))
	f.Add(append(bytes.Clone(response), 0xc2, 127, 0xff, 0, 0, 0, 0, 0, 0, 1), uint8(5))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		whole, cut := &socket{deflate: true}, &socket{deflate: true}
		a, z := bytes.Clone(b), bytes.Clone(b)
		okA, okZ := whole.scan(a), true
		for at := 0; at < len(z) && okZ; at += int(step) + 1 {
			okZ = cut.scan(z[at:min(len(z), at+int(step)+1)])
		}
		if okA != okZ {
			t.Fatalf("accepted whole: %v, in steps: %v", okA, okZ)
		}
		if !okA {
			return
		}
		if !bytes.Equal(a, z) {
			t.Fatal("whole and in steps differ")
		}
		for i := range b {
			if a[i] != b[i] && a[i] != b[i]&^0x40 {
				t.Fatalf("byte %d became %#x from %#x", i, a[i], b[i])
			}
		}
		for range len(whole.deflated) {
			if whole.popDeflated() != cut.popDeflated() {
				t.Fatal("bits differ")
			}
		}
	})
}

// TestSocketBits: which frames are compressed, and that the bit is gone.
func TestSocketBits(t *testing.T) {
	s := &socket{deflate: true}
	b := []byte("HTTP/1.1 101 x\r\n\r\n")
	at := len(b)
	b = append(b, frame(0xc2, []byte("one"))...)
	b = append(b, frame(0x89, []byte("ping"))...)
	b = append(b, frame(0x82, make([]byte, 300))...)
	b = append(b, frame(0x42, []byte("start"))...)
	b = append(b, frame(0x80, []byte("end"))...)
	if !s.scan(b) || b[at] != 0x82 {
		t.Fatal("not taken out")
	}
	for i, want := range []bool{true, false, true, false} {
		if got := s.popDeflated(); got != want {
			t.Errorf("message %d: %v", i, got)
		}
	}
	plain := &socket{}
	if c := frame(0xc2, []byte("one")); !plain.scan(append([]byte("\r\n\r\n"), c...)) || plain.popDeflated() {
		t.Error("taken out though it was not negotiated")
	}
	if s.scan([]byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}) {
		t.Error("a negative length was accepted")
	}
}

// FuzzInflate: what deflates inflates to itself; rubbish gives an error or something bounded, never a panic.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("hello hello hello hello"))
	f.Add([]byte{})
	f.Add([]byte{0xff, 0, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		x := inflaters.Get().(*inflater)
		defer inflaters.Put(x)
		if out, err := x.inflate(bytes.Clone(b), nil); err == nil && len(out) > schema.MaxServer {
			t.Fatalf("%d bytes", len(out))
		}
		var z bytes.Buffer
		w, _ := flate.NewWriter(&z, 7)
		w.Write(b)
		w.Flush()
		if got, err := x.inflate(z.Bytes()[:z.Len()-4], nil); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%q came back as %q, %v", b, got, err)
		}
	})
}

// TestBomb: a message that inflates past the limit is refused.
func TestBomb(t *testing.T) {
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, 9)
	w.Write(make([]byte, schema.MaxServer+1))
	w.Flush()
	if _, err := inflaters.New().(*inflater).inflate(z.Bytes()[:z.Len()-4], nil); err != errInflated {
		t.Errorf("%d bytes: %v", z.Len(), err)
	}
}
