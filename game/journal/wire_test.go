package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// What a link carries arrives as it was, also into memory that has been used before.
func TestWireRoundTrip(t *testing.T) {
	var into Record
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t, rapid.Uint32().Draw(t, "tick"))
		if err := DecodeRecord(AppendRecord([]byte("x"), &r)[1:], &into); err != nil || !reflect.DeepEqual(clone(into), clone(r)) {
			t.Fatalf("%+v became %+v, %v", r, into, err)
		}
	})
	var h Header
	if err := DecodeHeader(AppendHeader(nil, &testHeader), &h); err != nil || !reflect.DeepEqual(h, testHeader) {
		t.Errorf("%+v became %+v, %v", testHeader, h, err)
	}
}

// A record shares nothing with one decoded into the same memory later, but the lists that are said to be used again.
func TestWireMemory(t *testing.T) {
	b := AppendRecord(nil, tickRecord(9))
	var r Record
	if err := DecodeRecord(b, &r); err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(100, func() {
		if err := DecodeRecord(b, &r); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 6 { // samples, the reader, strings of the join
		t.Errorf("%v allocations for a record", allocs)
	}
}

// Whatever is cut off or put on is refused, and so is what is too long.
func TestWireRefuses(t *testing.T) {
	rec, head := AppendRecord(nil, tickRecord(9)), AppendHeader(nil, &testHeader)
	var r Record
	var h Header
	for n := range rec {
		if DecodeRecord(rec[:n], &r) == nil {
			t.Fatalf("decoded %d of %d bytes", n, len(rec))
		}
	}
	for n := range head {
		if DecodeHeader(head[:n], &h) == nil {
			t.Fatalf("decoded %d of %d bytes", n, len(head))
		}
	}
	if DecodeRecord(append(rec, 0), &r) == nil || DecodeHeader(append(head, 0), &h) == nil {
		t.Error("decoded with a byte too many")
	}
	long := make([]byte, MaxRecord+binary.MaxVarintLen32+1)
	if err := DecodeRecord(long, &r); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	if err := DecodeHeader(long[:maxHeader+1], &h); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// FuzzWireRecord decodes any bytes of a link; what is accepted survives being sent again, and costs no more than it has bytes.
func FuzzWireRecord(f *testing.F) {
	f.Add(AppendRecord(nil, tickRecord(9)))
	f.Add(AppendRecord(nil, &Record{Tick: 1<<32 - 1, Void: true}))
	f.Add(AppendRecord(nil, &Record{Tick: 3, Events: []Event{{Kind: EventPause, Number: 1}, {Kind: EventFinish, Data: []byte("r")}}}))
	f.Add(append([]byte{1}, wrapping()...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, back Record
		if DecodeRecord(b, &r) != nil {
			return
		}
		if err := DecodeRecord(AppendRecord(nil, &r), &back); err != nil || !reflect.DeepEqual(clone(r), clone(back)) {
			t.Fatalf("%+v became %+v, %v", r, back, err)
		}
		if len(r.Events)+len(r.Inputs) > len(b) {
			t.Fatalf("%d events, %d inputs from %d bytes", len(r.Events), len(r.Inputs), len(b))
		}
	})
}

// FuzzWireHeader decodes any bytes of a link; what is accepted is valid and survives being sent again.
func FuzzWireHeader(f *testing.F) {
	f.Add(AppendHeader(nil, &testHeader))
	f.Add(AppendHeader(nil, &Header{Game: "g", Hz: 1, Every: 1, Seats: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h, back Header
		if DecodeHeader(b, &h) != nil {
			return
		}
		if err := DecodeHeader(AppendHeader(nil, &h), &back); err != nil || !reflect.DeepEqual(h, back) || h.Validate() != nil {
			t.Fatalf("%+v became %+v, %v", h, back, err)
		}
		if !bytes.Equal(AppendHeader(nil, &h), AppendHeader(nil, &back)) {
			t.Fatal("coded differently")
		}
	})
}
