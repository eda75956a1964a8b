package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

// A difference turns one saved state into the next. It is
//
//	length   uvarint  bytes of the new state
//	then, until the new state is complete:
//	literal  uvarint  bytes that follow here and are appended
//	         bytes
//	skip     varint   added to the place in the old state (zigzag)
//	copy     uvarint  bytes appended from the old state at that place
//
// where the place starts at 0 and moves on with every byte appended, literal or copied; skip and copy are left out when the
// literal completes the state. A state of fixed-width numbers whose values change is all literals and copies with no skip;
// where rows were added or removed, one skip brings both back into step. Places for skips are found as in Tridgell and
// Mackerras, "The rsync algorithm" (1996), with fixed blocks of the old state in a table.

const (
	diffBlock = 16 // bytes of the old state that the table knows by one entry
	diffRun   = 4  // equal bytes that are worth ending a literal for
	diffLost  = 32 // unequal bytes after which the table is asked
)

// differ makes differences. It keeps its table between calls; the zero value is ready.
type differ struct {
	table []int32 // place of a block in the old state plus 1, by hash
	shift uint
	built bool // for the old state of this call
}

// append appends the difference from old to now to b.
func (d *differ) append(b, old, now []byte) []byte {
	d.built = false
	b = binary.AppendUvarint(b, uint64(len(now)))
	from := 0 // in now: what is before it has been written
	at := 0   // place in old that goes with from
	for from < len(now) {
		lit, place := d.next(old, now, from, at)
		b = appendBytes(b, now[from:lit])
		if lit == len(now) {
			break
		}
		n := common(old[place:], now[lit:])
		b = binary.AppendVarint(b, int64(place-(at+lit-from)))
		b = binary.AppendUvarint(b, uint64(n))
		from, at = lit+n, place+n
	}
	return b
}

// next finds where the literal that begins at from ends, and the place in old that goes on from there.
func (d *differ) next(old, now []byte, from, at int) (lit, place int) {
	shift := at - from
	for i := from; i < len(now); i++ {
		if p := i + shift; p >= 0 && p < len(old) && old[p] == now[i] {
			n := common(old[p:], now[i:])
			if n >= diffRun || i+n == len(now) || i == from {
				return i, p
			}
		}
		if i-from >= diffLost || i+shift >= len(old) {
			if p, ok := d.find(old, now, i); ok {
				return i, p
			}
		}
	}
	return len(now), 0
}

// find looks for a block of old that equals now at i.
func (d *differ) find(old, now []byte, i int) (place int, ok bool) {
	if i+diffBlock > len(now) || len(old) < diffBlock {
		return 0, false
	}
	if !d.built {
		d.build(old)
	}
	p := int(d.table[d.hash(now[i:])]) - 1
	if p < 0 || p+diffBlock > len(old) || !bytes.Equal(old[p:p+diffBlock], now[i:i+diffBlock]) {
		return 0, false
	}
	return p, true
}

// build fills the table with the blocks of old. The first of equal blocks is found.
func (d *differ) build(old []byte) {
	size := 1 << max(8, bits.Len(uint(len(old)/diffBlock)))
	if cap(d.table) < size {
		d.table = make([]int32, size)
	}
	d.table = d.table[:size]
	clear(d.table)
	d.shift, d.built = uint(64-bits.Len(uint(size-1))), true
	for p := (len(old)/diffBlock - 1) * diffBlock; p >= 0; p -= diffBlock {
		d.table[d.hash(old[p:])] = int32(p + 1)
	}
}

// hash mixes diffBlock bytes into an index of the table.
func (d *differ) hash(b []byte) uint64 {
	x := binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[8:]), 29)
	return (x * 0x9e3779b97f4a7c15) >> d.shift
}

// common returns how many bytes a and b have in common at their beginning.
func common(a, b []byte) (n int) {
	m := min(len(a), len(b))
	for ; n+8 <= m; n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < m && a[n] == b[n] {
		n++
	}
	return n
}

var errDiff = errors.New("state difference makes no sense")

// applyDiff appends to dst, which must not overlap old, the state that diff makes of old: at most limit bytes.
func applyDiff(dst, old, diff []byte, limit int) ([]byte, error) {
	d := decoder{b: diff}
	want, start, at := d.uvarint(uint64(limit)), len(dst), 0
	for !d.bad && len(dst)-start < want {
		lit := d.bytes(uint64(want - (len(dst) - start)))
		dst = append(dst, lit...)
		if at += len(lit); len(dst)-start == want {
			break
		}
		skip, n := d.varint(), d.uvarint(uint64(want-(len(dst)-start)))
		if place := int64(at) + skip; d.bad || n == 0 || place < 0 || place > int64(len(old)-n) {
			return dst, errDiff
		}
		at += int(skip)
		dst = append(dst, old[at:at+n]...)
		at += n
	}
	if d.end(); d.bad {
		return dst, errDiff
	}
	return dst, nil
}
