package journal

import (
	"encoding/binary"
	"fmt"
)

// AppendRecord appends a record for a link between nodes: its tick as a varint, then the payload of a record's block. It is for a
// record that a match has made; one that breaks the limits is refused by who reads it. b may be nil.
func AppendRecord(b []byte, r *Record) []byte {
	return appendRecord(binary.AppendUvarint(b, uint64(r.Tick)), r)
}

// DecodeRecord reads what AppendRecord wrote, from bytes that nobody vouches for, into r. The lists of r are used again; the data of
// its events lies in b. After an error r is of no use. Errors wrap ErrLimit or say that the content makes no sense.
func DecodeRecord(b []byte, r *Record) error {
	if len(b) > MaxRecord+binary.MaxVarintLen32 {
		return fmt.Errorf("%w: record of %d bytes", ErrLimit, len(b))
	}
	d := decoder{b: b}
	tick := d.uint32()
	if d.bad {
		return errContent
	}
	into := recordReader{rec: *r}
	rec, err := into.decode(d.b, tick)
	if err != nil {
		return err
	}
	*r = *rec
	return nil
}

// AppendHeader appends a header for a link between nodes: the payload of a header's block. b may be nil.
func AppendHeader(b []byte, h *Header) []byte { return appendHeader(b, h) }

// DecodeHeader reads what AppendHeader wrote, from bytes that nobody vouches for, into h, which shares no memory with b. Errors wrap
// ErrLimit or say what makes no sense.
func DecodeHeader(b []byte, h *Header) error {
	if len(b) > maxHeader {
		return fmt.Errorf("%w: header of %d bytes", ErrLimit, len(b))
	}
	got, err := decodeHeader(b)
	if err != nil {
		return err
	}
	*h = got
	return nil
}
