package replica

import "encoding/binary"

// decoder takes values off the front of a buffer. After the first thing that makes no sense bad is set and everything reads
// as zero.
type decoder struct {
	b   []byte
	bad bool
}

var zeros [8]byte

// take returns the next n bytes, clipped; or zeros, at most 8, when they are not there.
func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return zeros[:max(0, min(n, len(zeros)))]
	}
	s := d.b[:n:n]
	d.b = d.b[n:]
	return s
}

func (d *decoder) u8() byte    { return d.take(1)[0] }
func (d *decoder) u32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }
func (d *decoder) u64() uint64 { return binary.LittleEndian.Uint64(d.take(8)) }

// bool reads a byte that is 0 or 1.
func (d *decoder) bool() bool {
	v := d.u8()
	d.bad = d.bad || v > 1
	return v == 1
}

// uvarint reads a number of at most limit in its shortest form.
func (d *decoder) uvarint(limit uint64) int {
	v, n := binary.Uvarint(d.b)
	if d.bad || n <= 0 || v > limit || n > 1 && d.b[n-1] == 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

// bytes reads a length of at most limit and as many bytes; none are nil.
func (d *decoder) bytes(limit uint64) []byte {
	n := d.uvarint(limit)
	if n == 0 {
		return nil
	}
	return d.take(n)
}

// rest returns what is left, at most limit bytes; nothing is nil.
func (d *decoder) rest(limit int) []byte {
	if d.bad || len(d.b) > limit {
		d.bad = true
		return nil
	}
	if len(d.b) == 0 {
		return nil
	}
	return d.take(len(d.b))
}

// end makes bytes that are left an error.
func (d *decoder) end() { d.bad = d.bad || len(d.b) > 0 }

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// varint reads a zigzag number of at most 40 bits and a sign, so that sums of a few do not overflow.
func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if d.bad || n <= 0 || v > 1<<40 || v < -1<<40 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}
