package guard

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrMessage is returned for bytes that are no message.
var ErrMessage = errors.New("guard: malformed message")

// MaxMessage bounds an encoded message in bytes.
const MaxMessage = 600

// fields says what a kind carries besides the epoch, in the order of the bits.
type fields uint8

const (
	hasList fields = 1 << iota
	hasBallot
	hasVoted
	hasValue
	hasTenure
	hasIndex
	hasHash
)

var layout = [kindEnd]fields{
	KindEnlist:  hasList,
	KindPrepare: hasList | hasBallot,
	KindPromise: hasBallot | hasVoted | hasValue,
	KindPropose: hasList | hasBallot | hasValue,
	KindVote:    hasBallot,
	KindNack:    hasBallot | hasVoted,
	KindDecided: hasList,
	KindAt:      hasTenure | hasIndex | hasHash,
	KindJack:    hasTenure | hasIndex,
}

const (
	bitLearn   = 0x40 // of the kind's byte
	bitSuspect = 0x80
)

// Append appends the encoding of m, a message about match: length and bytes of the match, a byte of kind and flags, then
// what the kind carries: numbers as uvarints, ids with their length, hashes as 8 bytes, little endian. A list's epoch is the
// message's. A promise without a vote has no value.
func Append(dst []byte, match string, m *Message) []byte {
	dst = appendID(dst, match)
	k := byte(m.Kind)
	if m.Learn {
		k |= bitLearn
	}
	if m.Suspect {
		k |= bitSuspect
	}
	dst = append(dst, k)
	dst = binary.AppendUvarint(dst, uint64(m.Epoch))
	f := layout[m.Kind]
	if f&hasList != 0 {
		dst = appendNumbers(dst, m.List.Since, m.List.Prev)
		dst = appendValue(dst, m.List.value(m.List.Base))
	}
	for _, n := range [...]struct {
		f fields
		n uint32
	}{{hasBallot, m.Ballot}, {hasVoted, m.Voted}, {hasTenure, m.Tenure}, {hasIndex, m.Index}} {
		if f&n.f != 0 {
			dst = binary.AppendUvarint(dst, uint64(n.n))
		}
	}
	if f&hasValue != 0 && (m.Kind != KindPromise || m.Voted > 0) {
		dst = appendValue(dst, m.Value)
	}
	if f&hasHash != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, m.Hash)
	}
	return dst
}

func appendID(dst []byte, id string) []byte {
	return append(append(dst, byte(len(id))), id...)
}

func appendNumbers(dst []byte, n ...uint32) []byte {
	for _, v := range n {
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	return dst
}

func appendValue(dst []byte, v Value) []byte {
	dst = binary.AppendUvarint(dst, uint64(v.Base))
	return appendID(appendID(appendID(dst, v.Owner), v.Standby), v.Witness)
}

// Split separates the match of an encoded message from its rest, for Parse. Both alias b.
func Split(b []byte) (match, rest []byte, err error) {
	if len(b) > MaxMessage || len(b) < 2 || b[0] == 0 || b[0] > MaxID || len(b) < 1+int(b[0]) {
		return nil, nil, ErrMessage
	}
	return b[1 : 1+b[0]], b[1+b[0]:], nil
}

// Parse decodes what Split left into m, which it overwrites. Only the canonical encoding of a message that makes sense
// by itself is taken.
func Parse(rest []byte, m *Message) error {
	d := decoder{b: rest}
	k := d.byte()
	*m = Message{Kind: Kind(k &^ (bitLearn | bitSuspect)), Learn: k&bitLearn != 0, Suspect: k&bitSuspect != 0}
	if m.Kind == 0 || m.Kind >= kindEnd || m.Learn && m.Kind != KindEnlist ||
		m.Suspect && m.Kind != KindPrepare && m.Kind != KindPropose {
		return ErrMessage
	}
	m.Epoch = d.number()
	f := layout[m.Kind]
	if f&hasList != 0 {
		m.List = List{Epoch: m.Epoch, Since: d.number(), Prev: d.number()}
		v := d.value()
		m.List.Base, m.List.Owner, m.List.Standby, m.List.Witness = v.Base, v.Owner, v.Standby, v.Witness
		d.bad = d.bad || !m.List.sound()
	}
	for _, n := range [...]struct {
		f fields
		n *uint32
	}{{hasBallot, &m.Ballot}, {hasVoted, &m.Voted}, {hasTenure, &m.Tenure}, {hasIndex, &m.Index}} {
		if f&n.f != 0 {
			*n.n = d.number()
		}
	}
	if f&hasValue != 0 && (m.Kind != KindPromise || m.Voted > 0) {
		m.Value = d.value()
		d.bad = d.bad || !m.Value.sound()
	}
	if f&hasHash != 0 {
		m.Hash = d.hash()
	}
	if d.bad || len(d.b) != 0 || m.Epoch == 0 {
		return ErrMessage
	}
	return nil
}

// decoder reads fields off the front; after the first mistake it is bad and yields zeros.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) number() uint32 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > math.MaxUint32 || n > 1 && d.b[n-1] == 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return uint32(v)
}

func (d *decoder) id() string {
	n := int(d.byte())
	if n > MaxID || n > len(d.b) {
		d.bad, d.b = true, nil
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) value() Value {
	return Value{Base: d.number(), Owner: d.id(), Standby: d.id(), Witness: d.id()}
}

func (d *decoder) hash() uint64 {
	if len(d.b) < 8 {
		d.bad, d.b = true, nil
		return 0
	}
	h := binary.LittleEndian.Uint64(d.b)
	d.b = d.b[8:]
	return h
}
