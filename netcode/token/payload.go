package token

import (
	"encoding/binary"
	"math"
	"time"
)

// writer builds a payload: unsigned LEB128 numbers, texts with their length in front.
type writer struct {
	p   []byte
	bad bool
}

func (w *writer) number(n uint32) { w.p = binary.AppendUvarint(w.p, uint64(n)) }

func (w *writer) text(s string) {
	w.number(uint32(len(s)))
	w.p = append(w.p, s...)
}

// expiry writes a time as Unix seconds, rounded down; it must lie in 1970 to 9999.
func (w *writer) expiry(t time.Time) {
	u := t.Unix()
	if u <= 0 || u > maxUnix {
		w.bad = true
		return
	}
	w.p = binary.AppendUvarint(w.p, uint64(u))
}

// maxUnix is the last second of the year 9999.
const maxUnix = 253402300799

// reader takes a payload apart. After the first thing that does not fit it is bad and returns zero values. Only the one
// encoding that writer makes is accepted.
type reader struct {
	p       []byte
	bad     bool
	expires time.Time
}

func (r *reader) uvarint(limit uint64) uint64 {
	n, size := binary.Uvarint(r.p)
	if size <= 0 || n > limit || (size > 1 && r.p[size-1] == 0) { // too long an encoding ends in 0
		r.bad, r.p = true, nil
		return 0
	}
	r.p = r.p[size:]
	return n
}

func (r *reader) number() uint32 { return uint32(r.uvarint(math.MaxUint32)) }

func (r *reader) text() string {
	n := r.uvarint(MaxSize)
	if n > uint64(len(r.p)) {
		r.bad, r.p = true, nil
		return ""
	}
	s := string(r.p[:n])
	r.p = r.p[n:]
	return s
}

func (r *reader) id() string {
	s := r.text()
	r.bad = r.bad || !ValidID(s)
	return s
}

func (r *reader) name() string {
	s := r.text()
	r.bad = r.bad || !ValidName(s)
	return s
}

func (r *reader) expiry() time.Time { return time.Unix(int64(r.uvarint(maxUnix)), 0) }

// end says whether everything was there, and nothing else.
func (r *reader) end() bool { return !r.bad && len(r.p) == 0 }
