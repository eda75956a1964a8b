package journal

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/overtime-server/overtime/game"
	"pgregory.net/rapid"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		h := testHeader
		h.Epoch, h.Seed = rapid.Uint32().Draw(t, "epoch"), rapid.Uint64().Draw(t, "seed")
		h.Pause, h.Started = rapid.Int32().Draw(t, "pause"), rapid.Int64().Draw(t, "started")
		h.Hz = rapid.IntRange(1, game.MaxHz).Draw(t, "hz")
		h.Settings = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "settings")
		w, err := NewWriter(&file, h)
		must(t, err)
		var want []Entry
		tick := uint32(0)
		if rapid.Bool().Draw(t, "goes on") {
			tick = rapid.Uint32Range(0, 1<<32-100).Draw(t, "tick")
			must(t, w.WriteCheckpoint(tick, []byte("begin")))
			want = append(want, Entry{Kind: KindCheckpoint, Tick: tick, State: []byte("begin")})
		}
		for range rapid.IntRange(0, 10).Draw(t, "ticks") {
			tick++
			r := clone(drawRecord(t, tick))
			must(t, w.WriteRecord(&r))
			want = append(want, Entry{Kind: KindRecord, Tick: tick, Record: &r})
			if rapid.Bool().Draw(t, "checkpoint") {
				state := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "state")
				must(t, w.WriteCheckpoint(tick, state))
				want = append(want, Entry{Kind: KindCheckpoint, Tick: tick, State: state})
			}
		}
		must(t, w.End("over"))
		want = append(want, Entry{Kind: KindEnd, Tick: tick, Reason: "over"})
		if w.Bytes() != int64(file.Len()) {
			t.Fatalf("Bytes is %d, the file has %d", w.Bytes(), file.Len())
		}

		r, err := NewReader(bytes.NewReader(file.Bytes()))
		must(t, err)
		if got := r.Header(); !reflect.DeepEqual(got, h) {
			t.Fatalf("header %+v, want %+v", got, h)
		}
		got, err := readAll(file.Bytes())
		if err != io.EOF {
			t.Fatalf("after the end: %v", err)
		}
		for i := range got {
			got[i].Offset = 0
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// A reader must not depend on how the bytes arrive.
func TestReadsByteByByte(t *testing.T) {
	file, _ := smallJournal(t)
	r, err := NewReader(iotest.OneByteReader(bytes.NewReader(file)))
	n := 0
	for ; err == nil; n++ {
		_, err = r.Next()
	}
	if err != io.EOF || n != 6 {
		t.Fatalf("%d calls of Next, then %v", n, err)
	}
}

func TestReadErrorIsNotTorn(t *testing.T) {
	file, _ := smallJournal(t)
	broken := errors.New("disk on fire")
	r, err := NewReader(io.MultiReader(bytes.NewReader(file[:len(file)-3]), iotest.ErrReader(broken)))
	for err == nil {
		_, err = r.Next()
	}
	if torn := (*TornError)(nil); !errors.Is(err, broken) || errors.As(err, &torn) {
		t.Fatalf("got %v", err)
	}
}

func TestWriterRefuses(t *testing.T) {
	big := make([]byte, MaxData+1)
	many := make([]Event, 70)
	for i := range many {
		many[i] = Event{Kind: game.EventAdmin, Data: big[:MaxData]}
	}
	cases := map[string]struct {
		write func(w *Writer) error
		want  error
	}{
		"gap":              {func(w *Writer) error { return w.WriteRecord(&Record{Tick: 3}) }, ErrOrder},
		"twice":            {func(w *Writer) error { return w.WriteRecord(&Record{Tick: 1}) }, ErrOrder},
		"early checkpoint": {func(w *Writer) error { return w.WriteCheckpoint(2, nil) }, ErrOrder},
		"state":            {func(w *Writer) error { return w.WriteCheckpoint(1, make([]byte, MaxState+1)) }, ErrLimit},
		"data":             {func(w *Writer) error { return w.WriteRecord(&Record{Tick: 2, Events: []Event{{Kind: 1, Data: big}}}) }, ErrLimit},
		"event of no kind": {func(w *Writer) error { return w.WriteRecord(&Record{Tick: 2, Events: []Event{{}}}) }, ErrLimit},
		"events":           {func(w *Writer) error { return w.WriteRecord(&Record{Tick: 2, Events: make([]Event, MaxEvents+1)}) }, ErrLimit},
		"record":           {func(w *Writer) error { return w.WriteRecord(&Record{Tick: 2, Events: many}) }, ErrLimit},
		"player 0":         {func(w *Writer) error { return w.WriteRecord(&Record{Tick: 2, Inputs: []Inputs{{}}}) }, ErrLimit},
		"players descend": {func(w *Writer) error {
			return w.WriteRecord(&Record{Tick: 2, Inputs: []Inputs{{Player: 2}, {Player: 1}}})
		}, ErrLimit},
		"too many samples": {func(w *Writer) error {
			return w.WriteRecord(&Record{Tick: 2, Inputs: []Inputs{{Player: 1, Samples: make([]game.Input, 3)}}})
		}, ErrLimit},
		"name of 257 bytes": {func(w *Writer) error {
			return w.WriteRecord(&Record{Tick: 2, Events: []Event{{Kind: 1, Join: Join{Name: strings.Repeat("x", 257)}}}})
		}, ErrLimit},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			w, err := NewWriter(&file, testHeader)
			if err == nil {
				err = w.WriteRecord(&Record{Tick: 1})
			}
			if err != nil {
				t.Fatal(err)
			}
			size := file.Len()
			if err := c.write(w); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err := w.WriteRecord(&Record{Tick: 2}); !errors.Is(err, c.want) || !errors.Is(w.Err(), c.want) || file.Len() != size {
				t.Fatalf("the error does not stick: %v, %d bytes more", err, file.Len()-size)
			}
		})
	}
}

func TestHeaderValidate(t *testing.T) {
	bad := map[string]func(h *Header){
		"no game": func(h *Header) { h.Game = "" },
		"hz":      func(h *Header) { h.Hz = game.MaxHz + 1 },
		"every":   func(h *Header) { h.Every = 0 },
		"seats":   func(h *Header) { h.Seats = 0 },
		"id":      func(h *Header) { h.Match = strings.Repeat("x", MaxString+1) },
	}
	for name, change := range bad {
		h := testHeader
		change(&h)
		if w, err := NewWriter(io.Discard, h); err == nil {
			t.Errorf("%s: accepted: %v", name, w)
		}
	}
}

func TestEndIsTheEnd(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, testHeader)
	if err == nil {
		err = w.End(strings.Repeat("y", MaxReason+9))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteRecord(&Record{Tick: 1}); !errors.Is(err, ErrOrder) {
		t.Fatalf("record after the end: %v", err)
	}
	got, err := readAll(file.Bytes())
	if err != io.EOF || len(got) != 1 || len(got[0].Reason) != MaxReason {
		t.Fatalf("%d entries, %v", len(got), err)
	}
}
