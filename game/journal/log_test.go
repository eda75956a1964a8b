package journal

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/overtime-server/overtime/game"
	"pgregory.net/rapid"
)

// The log against a model that keeps everything.
func TestLogAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := NewLog(LogConfig{})
		var all []Record // of ticks 1 to len
		var state []byte
		tick, saved := uint32(0), false
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "what") > 0 {
				r := drawRecord(t, uint32(len(all))+1)
				all = append(all, clone(r))
				must(t, l.Append(&r))
				scribble(&r)
			} else {
				tick, saved = rapid.Uint32Range(tick, uint32(len(all))).Draw(t, "tick"), true
				state = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "state")
				given := bytes.Clone(state)
				must(t, l.Checkpoint(tick, given))
				clear(given)
			}
			at, got, ok := l.State()
			if at != tick || ok != saved || !bytes.Equal(got, state) || l.Last() != uint32(len(all)) {
				t.Fatalf("state of tick %d (%v) is %x, last %d; want tick %d (%v), %x, last %d", at, ok, got, l.Last(), tick, saved, state, len(all))
			}
			since := []Record{}
			for _, r := range l.Since() {
				since = append(since, clone(r))
			}
			if want := append([]Record{}, all[tick:]...); !reflect.DeepEqual(since, want) {
				t.Fatalf("since tick %d: %+v, want %+v", tick, since, want)
			}
		}
	})
}

// scribble destroys everything that a record points to.
func scribble(r *Record) {
	for i := range r.Events {
		clear(r.Events[i].Data)
	}
	clear(r.Events)
	for i := range r.Inputs {
		clear(r.Inputs[i].Samples)
	}
	clear(r.Inputs)
}

func TestLogBounds(t *testing.T) {
	for name, c := range map[string]LogConfig{"records": {MaxRecords: 3}, "bytes": {MaxBytes: 3*recordBytes(tickRecord(1)) + 5}} {
		t.Run(name, func(t *testing.T) {
			l := NewLog(c)
			for tick := uint32(1); tick <= 3; tick++ {
				if err := l.Append(tickRecord(tick)); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Append(tickRecord(4)); !errors.Is(err, ErrFull) || l.Refused() != 1 || l.Last() != 3 {
				t.Fatalf("fourth record: %v, refused %d, last %d", err, l.Refused(), l.Last())
			}
			if err := l.Append(tickRecord(5)); !errors.Is(err, ErrOrder) {
				t.Fatalf("fifth record: %v", err)
			}
			if err := l.Checkpoint(5, nil); err != nil || len(l.Since()) != 0 {
				t.Fatalf("checkpoint: %v, %d records left", err, len(l.Since()))
			}
			if err := l.Append(tickRecord(6)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestLogRefuses(t *testing.T) {
	l := NewLog(LogConfig{})
	if err := l.Checkpoint(10, []byte("s")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want error }{
		"gap":              {l.Append(&Record{Tick: 12}), ErrOrder},
		"again":            {l.Append(&Record{Tick: 10}), ErrOrder},
		"bad record":       {l.Append(&Record{Tick: 11, Inputs: []Inputs{{}}}), ErrLimit},
		"older checkpoint": {l.Checkpoint(9, nil), ErrOrder},
		"big state":        {l.Checkpoint(11, make([]byte, MaxState+1)), ErrLimit},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	if tick, state, _ := l.State(); tick != 10 || string(state) != "s" || l.Last() != 10 {
		t.Errorf("refused calls changed the log: tick %d, state %q, last %d", tick, state, l.Last())
	}
	if (LogConfig{MaxRecords: -1, MaxBytes: 1}).Validate() == nil || (LogConfig{}).WithDefaults().Validate() != nil {
		t.Error("Validate is wrong about a negative bound or about the defaults")
	}
}

// recordBytes must not promise more than the types really take.
func TestRecordBytes(t *testing.T) {
	size := func(v any) int { return int(reflect.TypeOf(v).Size()) }
	if reflect.TypeFor[uintptr]().Size() != 8 {
		t.Skip("sizes are those of 64-bit machines")
	}
	r := Record{Events: []Event{{Data: make([]byte, 5)}}, Inputs: []Inputs{{Samples: make([]game.Input, 2)}}}
	want := size(r) + size(Event{}) + 5 + size(Inputs{}) + 2*size(game.Input{})
	if got := recordBytes(&r); got != want {
		t.Errorf("recordBytes is %d, the types take %d", got, want)
	}
}

// One cycle of the loop: 60 ticks, then a checkpoint. Nothing may be allocated once the memory has grown.
func TestLogAllocatesNothing(t *testing.T) {
	l, r, state, tick := NewLog(LogConfig{}), tickRecord(1), make([]byte, 4000), uint32(0)
	cycle := func() {
		for range 60 {
			tick++
			r.Tick = tick
			if err := l.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Checkpoint(tick, state); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	if n := testing.AllocsPerRun(20, cycle); n != 0 {
		t.Errorf("%v allocations in 60 ticks", n)
	}
}
