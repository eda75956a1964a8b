package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"
)

// blockAt returns which of the blocks beginning at starts holds the offset; -1 is the preamble.
func blockAt(starts []int64, offset int64) int {
	n := -1
	for n+1 < len(starts) && starts[n+1] <= offset {
		n++
	}
	return n
}

// A file cut anywhere gives every whole block and then says where it is torn.
func TestTornAtEveryByte(t *testing.T) {
	file, starts := smallJournal(t)
	whole, err := readAll(file)
	if err != io.EOF {
		t.Fatal(err)
	}
	for cut := range file {
		got, err := readAll(file[:cut])
		torn := (*TornError)(nil)
		if !errors.As(err, &torn) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		at, entries, tick := blockAt(starts, int64(cut)), 0, uint32(0)
		want := TornError{}
		if at >= 0 {
			want.Offset, entries = starts[at], max(at-1, 0)
		}
		if entries > 0 {
			tick = whole[entries-1].Tick
		}
		want.Rest, want.Tick = int64(cut)-want.Offset, tick
		if *torn != want {
			t.Fatalf("cut at %d: %+v, want %+v", cut, *torn, want)
		}
		if len(got) != entries || entries > 0 && !reflect.DeepEqual(got, whole[:entries]) {
			t.Fatalf("cut at %d: %d entries, want %d", cut, len(got), entries)
		}
	}
}

// Whatever one byte is changed to, the block it is in is named, everything before is read and nothing after it.
func TestEveryFlippedByteIsNamed(t *testing.T) {
	file, starts := smallJournal(t)
	whole, _ := readAll(file)
	for i := range file {
		for _, flip := range []byte{1, 0x10, 0x80, 0xff} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			got, err := readAll(bad)
			checkFlip(t, whole, got, err, starts, i)
		}
	}
}

func checkFlip(t *testing.T, whole, got []Entry, err error, starts []int64, i int) {
	t.Helper()
	at := blockAt(starts, int64(i))
	if at < 0 {
		if want := ErrFormat; !errors.Is(err, want) && (i != len(magic)-1 || !errors.Is(err, ErrVersion)) {
			t.Fatalf("byte %d of the preamble: %v", i, err)
		}
		return
	}
	bad := (*CorruptError)(nil)
	if !errors.As(err, &bad) || bad.Offset != starts[at] {
		t.Fatalf("byte %d in block %d at %d: %v", i, at, starts[at], err)
	}
	if n := max(at-1, 0); len(got) != n || n > 0 && !reflect.DeepEqual(got, whole[:n]) {
		t.Fatalf("byte %d: %d entries, want %d", i, len(got), n)
	}
	if inPayload := int64(i) >= starts[at]+headSize; inPayload && at > 0 && bad.Tick != whole[at-1].Tick {
		t.Fatalf("byte %d: tick %d, want %d", i, bad.Tick, whole[at-1].Tick)
	}
}

// raw makes a block with right checksums around anything.
func raw(k Kind, tick uint32, payload []byte) []byte {
	b := append(make([]byte, headSize), payload...)
	seal(b, k, tick)
	return b
}

// Blocks with right checksums are still not believed.
func TestNonsense(t *testing.T) {
	file, starts := smallJournal(t)
	begin := file[:starts[1]]
	record := appendRecord(nil, &Record{Tick: 1})
	long := raw(KindRecord, 1, nil)
	binary.LittleEndian.PutUint32(long, MaxRecord+1)
	binary.LittleEndian.PutUint32(long[13:], sum(long[:13]))
	cases := map[string]struct {
		blocks [][]byte
		want   error
	}{
		"gap":                {[][]byte{raw(KindRecord, 2, record)}, ErrOrder},
		"record twice":       {[][]byte{raw(KindRecord, 1, record), raw(KindRecord, 1, record)}, ErrOrder},
		"checkpoint ahead":   {[][]byte{raw(KindRecord, 1, record), raw(KindCheckpoint, 2, nil)}, ErrOrder},
		"end elsewhere":      {[][]byte{raw(KindRecord, 1, record), raw(KindEnd, 2, nil)}, ErrOrder},
		"second header":      {[][]byte{raw(KindHeader, 0, appendHeader(nil, &testHeader))}, errHeader},
		"unknown kind":       {[][]byte{raw(9, 1, nil)}, errKind},
		"length over limit":  {[][]byte{long}, ErrLimit},
		"after the end":      {[][]byte{raw(KindEnd, 0, nil), {0}}, errTrailing},
		"empty record":       {[][]byte{raw(KindRecord, 1, nil)}, errContent},
		"bytes left over":    {[][]byte{raw(KindRecord, 1, append(bytes.Clone(record), 0))}, errContent},
		"unknown flag":       {[][]byte{raw(KindRecord, 1, append([]byte{2}, record[1:]...))}, errContent},
		"events that lack":   {[][]byte{raw(KindRecord, 1, append(bytes.Clone(record[:9]), 5, 0))}, errContent},
		"players that wrap":  {[][]byte{raw(KindRecord, 1, wrapping())}, errContent},
		"three samples":      {[][]byte{raw(KindRecord, 1, append(bytes.Clone(record[:10]), append([]byte{1, 1, 3, 0, 0}, make([]byte, 12)...)...))}, ErrLimit},
		"event of kind zero": {[][]byte{raw(KindRecord, 1, append(bytes.Clone(record[:9]), 1, 0, 0, 0, 0, 0))}, ErrLimit},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := readAll(append(bytes.Clone(begin), bytes.Join(c.blocks, nil)...))
			if bad := (*CorruptError)(nil); !errors.As(err, &bad) || !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("no header", func(t *testing.T) {
		if _, err := NewReader(bytes.NewReader(append([]byte(magic), raw(KindRecord, 1, record)...))); !errors.Is(err, errNoHeader) {
			t.Fatalf("got %v", err)
		}
	})
}

// wrapping is a record whose second player number wraps around to that of the first.
func wrapping() []byte {
	b := appendRecord(nil, &Record{Tick: 1})
	b = append(b[:10], 2)
	b = append(b, 5, 0, 0, 0)
	b = binary.AppendUvarint(b, 1<<32-1)
	return append(b, 0, 0, 0)
}
