package journal

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/overtime-server/overtime/game"
)

// decoder reads the content of one payload. The first thing that makes no sense sets bad, and everything after reads as zero.
type decoder struct {
	b   []byte
	bad bool
}

// uint reads a varint of at most limit.
func (d *decoder) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > limit {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) uint32() uint32 { return uint32(d.uint(math.MaxUint32)) }
func (d *decoder) uint16() uint16 { return uint16(d.uint(math.MaxUint16)) }

// int reads a zigzag varint from lo to hi.
func (d *decoder) int(lo, hi int64) int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 || v < lo || v > hi {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int32() int32 { return int32(d.int(math.MinInt32, math.MaxInt32)) }

// fixed returns the next n bytes, or nil. The slice is clipped and lies in the payload.
func (d *decoder) fixed(n int) []byte {
	if n > len(d.b) {
		d.bad, d.b = true, nil
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if v := d.fixed(1); v != nil {
		return v[0]
	}
	return 0
}

// flags reads a byte of which only the bits in known may be set.
func (d *decoder) flags(known byte) byte {
	v := d.byte()
	if v&^known != 0 {
		d.bad, d.b = true, nil
		return 0
	}
	return v
}

func (d *decoder) uint64() uint64 {
	if v := d.fixed(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

// bytes reads a length of at most limit and as many bytes; none are nil. The slice lies in the payload.
func (d *decoder) bytes(limit uint64) []byte {
	n := int(d.uint(limit))
	if n == 0 {
		return nil
	}
	return d.fixed(n)
}

func (d *decoder) string() string { return string(d.bytes(MaxString)) }

// done reports whether all was read and made sense.
func (d *decoder) done() bool { return !d.bad && len(d.b) == 0 }

// decodeHeader reads what appendHeader wrote. The result shares no memory with b.
func decodeHeader(b []byte) (Header, error) {
	d := decoder{b: b}
	h := Header{
		Match:    d.string(),
		Epoch:    d.uint32(),
		Game:     d.string(),
		Version:  d.uint32(),
		Seed:     d.uint64(),
		Hz:       int(d.uint16()),
		Every:    int(d.uint16()),
		Seats:    int(d.uint16()),
		SeatHold: d.uint32(),
		Pause:    d.int32(),
		Settings: append([]byte(nil), d.bytes(MaxSettings)...),
		Started:  d.int(math.MinInt64, math.MaxInt64),
	}
	if !d.done() {
		return Header{}, errContent
	}
	return h, h.Validate()
}

// recordReader decodes records into memory that it uses again: a record is valid until the next one.
type recordReader struct {
	rec     Record
	samples []game.Input // of all players; Record.Inputs point into it
}

// decode reads what appendRecord wrote. Data of events lies in b.
func (r *recordReader) decode(b []byte, tick uint32) (*Record, error) {
	d := decoder{b: b}
	rec := &r.rec
	rec.Tick, rec.Events, rec.Inputs = tick, rec.Events[:0], rec.Inputs[:0]
	rec.Void = d.flags(flagVoid)&flagVoid != 0
	rec.Hash = d.uint64()
	for n := d.uint(MaxEvents); n > 0 && !d.bad; n-- {
		rec.Events = append(rec.Events, decodeEvent(&d))
	}
	r.samples = r.samples[:0]
	player := uint32(0)
	n := d.uint(MaxInputs)
	r.samples = slices.Grow(r.samples, min(int(n)*game.MaxInputsTick, len(d.b)/minSample)) // else earlier inputs stay behind as it grows
	for ; n > 0 && !d.bad; n-- {
		in := r.inputs(&d, tick, player)
		if in.Player <= player { // no gap, or one that wraps
			return nil, errContent
		}
		player = in.Player
		rec.Inputs = append(rec.Inputs, in)
	}
	if !d.done() {
		return nil, errContent
	}
	return rec, rec.check()
}

func decodeEvent(d *decoder) Event {
	e := Event{Kind: EventKind(d.byte()), Player: d.uint32(), Number: d.uint32(), Data: d.bytes(MaxData)}
	if e.Kind != game.EventJoin {
		return e
	}
	e.Join = Join{ID: d.string(), Name: d.string(), Team: d.uint32()}
	flags := d.flags(flagBot | flagSpectator)
	e.Join.Bot, e.Join.Spectator = flags&flagBot != 0, flags&flagSpectator != 0
	return e
}

func (r *recordReader) inputs(d *decoder, tick, before uint32) Inputs {
	in := Inputs{Player: before + d.uint32()}
	flags := d.flags(flagSamples | flagCounts)
	in.Ack, in.MessageAck = d.uint32(), d.uint32()
	if flags&flagCounts != 0 {
		in.Merged, in.Late, in.Refused = d.uint16(), d.uint16(), d.uint16()
	}
	at := len(r.samples)
	for n := flags & flagSamples; n > 0 && !d.bad; n-- {
		r.samples = append(r.samples, decodeSample(d, in.Ack, tick))
	}
	in.Samples = r.samples[at:len(r.samples):len(r.samples)]
	return in
}

func decodeSample(d *decoder, ack, tick uint32) (s game.Input) {
	flags := d.flags(flagRepeated | flagButtons | (1<<game.NumAxes-1)*flagAxis)
	s.Repeated = flags&flagRepeated != 0
	s.Frac = d.byte()
	s.Seq = ack - uint32(d.int32())
	s.Seen = tick - uint32(d.int32())
	if flags&flagButtons != 0 {
		s.Buttons = d.uint16()
	}
	for i := range s.Axes {
		if flags&(flagAxis<<i) != 0 {
			s.Axes[i] = int16(d.int(math.MinInt16, math.MaxInt16))
		}
	}
	return s
}
