package schema

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/schema/wire"
)

// raw builds a message by hand: root offset, vtable, table, then what follows, all little-endian.
type raw []byte

func (r raw) u16(v ...int) raw {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint16(r, uint16(x))
	}
	return r
}

func (r raw) u32(v ...int) raw {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint32(r, uint32(x))
	}
	return r
}

// oneField is a message whose table has one field of four bytes, of that id and value. The table is at at, the field at at+4.
func oneField(id, value int) (m raw, at int) {
	vlen := 4 + 2*(id+1)
	at = (4 + vlen + 3) &^ 3
	m = raw{}.u32(at).u16(vlen, 8)
	for range id {
		m = m.u16(0)
	}
	m = m.u16(4)
	for len(m) < at {
		m = append(m, 0)
	}
	return m.u32(at-4, value), at
}

// Ids of fields.
const (
	idSamples, idAck, idCommand, idHello = 0, 1, 4, 8
	idWide, idMessages, idRoster         = 3, 10, 11
	idWelcome, idResume                  = 13, 14
)

func TestForgedClientMessages(t *testing.T) {
	ack, _ := oneField(idAck, 7)
	if m, err := VerifyClient(ack); err != nil || m.AckTick() != 7 {
		t.Fatalf("a good one: %v", err)
	}
	vector := func(id, offset, length int, rest int) raw {
		m, _ := oneField(id, offset)
		return append(m.u32(length), make([]byte, rest)...)
	}
	if _, err := VerifyClient(vector(idCommand, 4, 3, 3)); err != nil {
		t.Fatalf("a good vector: %v", err)
	}
	patch := func(at int, v uint32) raw {
		m := bytes.Clone(ack)
		binary.LittleEndian.PutUint32(m[at:], v)
		return m
	}
	patch16 := func(at int, v uint16) raw {
		m := bytes.Clone(ack)
		binary.LittleEndian.PutUint16(m[at:], v)
		return m
	}
	_, table := oneField(idAck, 7)
	loop, at := oneField(idHello, 0)
	wrap := bytes.Clone(loop)
	binary.LittleEndian.PutUint32(wrap[at+4:], uint32(-4&math.MaxUint32)) // 2^32 - 4: back to the root's own table
	cases := map[string]raw{
		"empty":                        nil,
		"seven bytes":                  make(raw, 7),
		"zeros":                        make(raw, 8),
		"root beyond the end":          patch(0, 1000),
		"root at the end":              patch(0, uint32(len(ack)-2)),
		"root wraps":                   patch(0, math.MaxUint32),
		"vtable before the start":      patch(table, 1000),
		"vtable beyond the end":        patch(table, uint32(-1000&math.MaxUint32)),
		"vtable is the table itself":   patch(table, 0),
		"vtable longer than the rest":  patch16(4, 1000),
		"vtable of odd length":         patch16(4, 7),
		"vtable too short":             patch16(4, 2),
		"table longer than the rest":   patch16(6, 1000),
		"table too short":              patch16(6, 2),
		"field in the vtable's offset": patch16(10, 2),
		"field beyond the table":       patch16(10, 6),
		"vector longer than the rest":  vector(idCommand, 4, 4, 3),
		"vector beyond its limit":      vector(idCommand, 4, MaxCommand+1, MaxCommand+1),
		"vector of 2^32-1":             vector(idCommand, 4, math.MaxUint32, 3),
		"vector beyond the end":        vector(idCommand, 5, 3, 3)[:24],
		"offset wraps":                 vector(idCommand, math.MaxUint32-3, 3, 3),
		"samples whose size wraps":     vector(idSamples, 4, math.MaxUint32/sampleSize+2, sampleSize),
		"too many samples":             vector(idSamples, 4, MaxSamples+1, (MaxSamples+1)*sampleSize),
		"200 Mi samples":               vector(idSamples, 4, 200<<20, 64),
		"a hello that is no table":     loop,
		"a hello that is its parent":   wrap,
		"too long":                     append(bytes.Clone(ack), make([]byte, MaxClient)...),
	}
	for name, m := range cases {
		if _, err := VerifyClient(m); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A message inside a larger buffer does not reach what lies behind it, however it was forged.
func TestClippedToItsLength(t *testing.T) {
	m, _ := oneField(idCommand, 4)
	m = append(m.u32(64), make([]byte, 64)...)
	buffer := append(bytes.Clone(m), "another player's message"...)
	for n := range len(m) {
		if _, err := VerifyClient(buffer[:n]); err == nil {
			t.Fatalf("%d of %d bytes pass", n, len(m))
		}
	}
	pong := append(new(ServerWriter).Pong(Pong{}), "more"...)
	if m, err := VerifyServer(pong[:len(pong)-4]); err != nil || cap(m.Table().Bytes) != len(pong)-4 {
		t.Fatalf("%v, or a server message that is not clipped", err)
	}
	got, err := VerifyClient(buffer[:len(m)])
	if err != nil {
		t.Fatal(err)
	}
	if tab := got.Table(); cap(tab.Bytes) != len(m) {
		t.Fatalf("capacity %d of a message of %d bytes", cap(tab.Bytes), len(m))
	}
}

func TestForgedServerMessages(t *testing.T) {
	table := func(id, offset, length int, rest ...int) raw {
		m, _ := oneField(id, offset)
		return m.u32(length).u32(rest...)
	}
	good := table(idWide, 4, 2, 7)
	if _, err := VerifyServer(good); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	cases := map[string]raw{
		"wide longer than the rest":      table(idWide, 4, 3, 7),
		"wide whose size wraps":          table(idWide, 4, 1<<31+1, 7),
		"messages without tables":        table(idMessages, 4, 1, 0),
		"messages beyond the end":        table(idMessages, 4, 1, 1000),
		"too many messages":              append(table(idMessages, 4, MaxMessages+1), make([]byte, 8*MaxMessages)...),
		"too large a roster":             append(table(idRoster, 4, MaxRoster+1), make([]byte, 8*MaxRoster)...),
		"a welcome that is no table":     table(idWelcome, 4, 0),
		"a resume token longer than may": append(table(idResume, 4, MaxToken+1), make([]byte, MaxToken+1)...),
		"too long":                       append(bytes.Clone(good), make([]byte, MaxServer)...),
	}
	for name, m := range cases {
		if _, err := VerifyServer(m); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Messages that share one payload would be copied again and again: a small message that reads as a huge one is refused.
func TestSharedPayloadIsRefused(t *testing.T) {
	build := func(share bool) []byte {
		b := flatbuffers.NewBuilder(0)
		payload := b.CreateByteVector(make([]byte, 500))
		var off []flatbuffers.UOffsetT
		for range 8 {
			if !share {
				payload = b.CreateByteVector(make([]byte, 500))
			}
			wire.MessageStart(b)
			wire.MessageAddData(b, payload)
			off = append(off, wire.MessageEnd(b))
		}
		vec := b.CreateVectorOfTables(off)
		wire.ServerMessageStart(b)
		wire.ServerMessageAddMessages(b, vec)
		b.Finish(wire.ServerMessageEnd(b))
		return b.FinishedBytes()
	}
	if _, err := VerifyServer(build(false)); err != nil {
		t.Errorf("a payload each: %v", err)
	}
	if _, err := VerifyServer(build(true)); !errors.Is(err, ErrMalformed) {
		t.Errorf("shared: %v", err)
	}
}

// A field that a newer version added is passed over.
func TestUnknownFieldsPass(t *testing.T) {
	m, _ := oneField(40, math.MaxUint32)
	if _, err := VerifyClient(m); err != nil {
		t.Errorf("client: %v", err)
	}
	if _, err := VerifyServer(m); err != nil {
		t.Errorf("server: %v", err)
	}
}
