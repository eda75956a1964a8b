package directory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// MaxMessage is how many bytes of records fit one best-effort message with room for gossip's own headers.
const MaxMessage = 1200

// MaxDigest bounds the owners that Diff reads from one digest.
const MaxDigest = 1 << 16

// Errors of Parse and Diff.
var (
	ErrShort   = errors.New("directory: bytes end early")
	ErrVersion = errors.New("directory: unknown version")
	ErrField   = errors.New("directory: field out of bounds")
)

// version is in the upper half of a record's first byte and is the first byte of a digest.
const version = 1

// Append appends records to dst. Each is: version and state, epoch, sequence, epoch - since, age as varints, then match, owner,
// standby, witness, each with its length before it. About 70 bytes with ids of 17.
func Append(dst []byte, recs ...Record) []byte {
	for i := range recs {
		r := &recs[i]
		dst = append(dst, version<<4|byte(r.State))
		for _, v := range [...]uint32{r.Epoch, r.Seq, r.Epoch - r.Since, uint32(r.Age)} {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
		for _, s := range [...]string{r.Match, r.Owner, r.Standby, r.Witness} {
			dst = append(append(dst, byte(len(s))), s...)
		}
	}
	return dst
}

// Messages appends records to as few messages of at most limit bytes as fit in their order; limit is at least 300, which
// holds any one record.
func Messages(limit int, recs ...Record) [][]byte {
	var out [][]byte
	var msg []byte
	for i := range recs {
		n := len(msg)
		msg = Append(msg, recs[i])
		if n > 0 && len(msg) > limit {
			out = append(out, msg[:n:n])
			msg = slices.Clone(msg[n:])
		}
	}
	if len(msg) > 0 {
		out = append(out, msg)
	}
	return out
}

// Parse reads the records of one message or pull. The result shares no memory with b. The first malformed record fails all.
func Parse(b []byte) ([]Record, error) {
	var recs []Record
	for at := 0; at < len(b); {
		r, n, err := parse(b[at:])
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(recs), err)
		}
		recs = append(recs, r)
		at += n
	}
	return recs, nil
}

// parse reads one record and returns its length.
func parse(b []byte) (r Record, n int, err error) {
	c := cursor{b: b}
	head := c.byte()
	if c.bad == nil && head>>4 != version {
		return r, 0, ErrVersion
	}
	r.State = State(head & 15)
	r.Epoch, r.Seq = uint32(c.uvarint(MaxCount)), uint32(c.uvarint(MaxCount))
	r.Since = r.Epoch - uint32(c.uvarint(uint64(r.Epoch)))
	r.Age = uint16(c.uvarint(MaxAge))
	r.Match, r.Owner, r.Standby, r.Witness = c.text(), c.text(), c.text(), c.text()
	if c.bad == nil && !r.valid() {
		c.bad = ErrField
	}
	return r, len(b) - len(c.b), c.bad
}

// cursor reads fields; after the first error it reads zeros.
type cursor struct {
	b   []byte
	bad error
}

func (c *cursor) take(n int) []byte {
	if c.bad == nil && n > len(c.b) {
		c.bad = ErrShort
	}
	if c.bad != nil {
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uvarint(limit uint64) uint64 {
	if c.bad != nil {
		return 0
	}
	v, n := binary.Uvarint(c.b)
	switch {
	case n == 0:
		c.bad = ErrShort
	case n < 0 || v > limit:
		c.bad = ErrField
	default:
		c.b = c.b[n:]
		return v
	}
	return 0
}

func (c *cursor) text() string {
	n := c.byte()
	if n > MaxID {
		c.bad = ErrField
	}
	return string(c.take(int(n)))
}
