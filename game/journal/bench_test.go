package journal

import (
	"bytes"
	"io"
	"testing"
)

// countWrites counts calls, to hold that a block is one Write.
type countWrites struct{ n int }

func (c *countWrites) Write(b []byte) (int, error) { c.n++; return len(b), nil }

func TestWriteIsOneCallWithoutAllocation(t *testing.T) {
	c := &countWrites{}
	w, err := NewWriter(c, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	r, state := tickRecord(1), make([]byte, 10_000)
	step := func() {
		if err := w.WriteRecord(r); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteCheckpoint(r.Tick, state); err != nil {
			t.Fatal(err)
		}
		r.Tick++
	}
	step()
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for a record and a checkpoint", n)
	}
	if blocks := 1 + 2*int(r.Tick-1); c.n != blocks {
		t.Errorf("%d writes for %d blocks", c.n, blocks)
	}
}

// BenchmarkWriteRecord writes the record of a busy tick of 16 players.
func BenchmarkWriteRecord(b *testing.B) {
	w, err := NewWriter(io.Discard, testHeader)
	if err != nil {
		b.Fatal(err)
	}
	r := tickRecord(1)
	b.ReportAllocs()
	start := w.Bytes()
	for b.Loop() {
		if err := w.WriteRecord(r); err != nil {
			b.Fatal(err)
		}
		r.Tick++
	}
	b.SetBytes((w.Bytes() - start) / int64(b.N))
}

// BenchmarkReadRecord reads such records. The join in each costs two allocations for its names.
func BenchmarkReadRecord(b *testing.B) {
	var file bytes.Buffer
	w, err := NewWriter(&file, testHeader)
	const ticks = 1000
	for tick := uint32(1); err == nil && tick <= ticks; tick++ {
		err = w.WriteRecord(tickRecord(tick))
	}
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var r *Reader
	left := 0
	for b.Loop() {
		if left == 0 {
			if r, err = NewReader(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
			left = ticks
		}
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
		left--
	}
}

// BenchmarkLog appends such records to a log, with a checkpoint of 4 kB every 60.
func BenchmarkLog(b *testing.B) {
	l, r, state := NewLog(LogConfig{}), tickRecord(1), make([]byte, 4000)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Append(r); err != nil {
			b.Fatal(err)
		}
		if r.Tick%60 == 0 {
			if err := l.Checkpoint(r.Tick, state); err != nil {
				b.Fatal(err)
			}
		}
		r.Tick++
	}
}
