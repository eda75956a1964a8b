package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"testing"
)

// mend puts right checksums on whatever blocks a file has, so that the fuzzer gets past them.
func mend(file []byte) []byte {
	b := bytes.Clone(file)
	at := copy(b, magic)
	for at+headSize <= len(b) {
		n := int(binary.LittleEndian.Uint32(b[at:]))
		if n > len(b)-at-headSize {
			binary.LittleEndian.PutUint32(b[at+13:], sum(b[at:at+13]))
			break
		}
		seal(b[at:at+headSize+n], Kind(b[at+4]), binary.LittleEndian.Uint32(b[at+5:]))
		at += headSize + n
	}
	return b
}

// FuzzReader reads any bytes, as they are and with mended checksums: no panic, one of the named errors at the end, ticks
// without a gap, memory in proportion to the file.
func FuzzReader(f *testing.F) {
	file, starts := smallJournal(f)
	f.Add(file)
	f.Add(file[:len(file)-5])
	f.Add(file[:starts[2]])
	huge := append(bytes.Clone(file[:starts[1]]), raw(KindCheckpoint, 1, nil)...)
	binary.LittleEndian.PutUint32(huge[starts[1]:], MaxState)
	f.Add(huge)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzRead(t, b)
		fuzzRead(t, mend(b))
	})
}

func fuzzRead(t *testing.T, b []byte) {
	r, err := NewReader(bytes.NewReader(b))
	last, records := uint32(0), 0
	for err == nil {
		var e Entry
		if e, err = r.Next(); err != nil {
			break
		}
		if e.Kind == KindRecord && (records > 0 && e.Tick != last+1 || e.Record.check() != nil) {
			t.Fatalf("record of tick %d after %d: %+v", e.Tick, last, e.Record)
		}
		if e.Kind == KindRecord {
			records++
		}
		last = e.Tick
	}
	torn, bad := (*TornError)(nil), (*CorruptError)(nil)
	if err != io.EOF && !errors.As(err, &torn) && !errors.As(err, &bad) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrVersion) {
		t.Fatalf("unnamed error: %v", err)
	}
	if r != nil && cap(r.buf) > 2*len(b)+2*fillStep {
		t.Fatalf("%d bytes of memory for a file of %d", cap(r.buf), len(b))
	}
}

// FuzzRecord decodes any payload; what is accepted survives being written and read again.
func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, tickRecord(9)), uint32(9))
	f.Add(appendRecord(nil, &Record{Tick: 1, Void: true}), uint32(1))
	f.Add(wrapping(), uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, tick uint32) {
		var r, again recordReader
		rec, err := r.decode(b, tick)
		if err != nil {
			return
		}
		back, err := again.decode(appendRecord(nil, rec), tick)
		if err != nil || !reflect.DeepEqual(clone(*rec), clone(*back)) {
			t.Fatalf("%+v became %+v, %v", rec, back, err)
		}
	})
}

// A head that announces 64 MiB over a few bytes must not get them.
func TestAnnouncedLengthCostsNothing(t *testing.T) {
	file, starts := smallJournal(t)
	b := append(bytes.Clone(file[:starts[1]]), raw(KindCheckpoint, 1, nil)...)
	binary.LittleEndian.PutUint32(b[starts[1]:], MaxState)
	b = mend(b)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readAll(b)
	runtime.ReadMemStats(&after)
	if torn := (*TornError)(nil); !errors.As(err, &torn) {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes allocated for a file of %d", got, len(b))
	}
}
