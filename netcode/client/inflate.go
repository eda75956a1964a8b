package client

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/overtime-server/overtime/schema"
)

// inflater inflates messages that stand alone (RFC 7692 without context takeover). Pooled: about as many exist as
// goroutines inflate at the same time.
type inflater struct {
	src bytes.Reader
	rd  io.ReadCloser
	out []byte
}

var inflaters = sync.Pool{New: func() any {
	f := &inflater{out: make([]byte, 0, 1024)}
	f.rd = flate.NewReader(&f.src)
	return f
}}

// tail ends a message for a decoder: the empty block that the sender left out (RFC 7692 section 7.2.2), and a last block.
var tail = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}

var errInflated = errors.New("client: inflated message too large")

// inflate returns the message, valid until the inflater is used again. It writes behind the end of b if there is room.
func (f *inflater) inflate(b []byte) ([]byte, error) {
	f.src.Reset(append(b, tail...))
	if err := f.rd.(flate.Resetter).Reset(&f.src, nil); err != nil {
		return nil, err
	}
	f.out = f.out[:0]
	for {
		if len(f.out) == cap(f.out) {
			f.out = append(f.out, 0)[:len(f.out)]
		}
		n, err := f.rd.Read(f.out[len(f.out):cap(f.out)])
		f.out = f.out[:len(f.out)+n]
		switch {
		case len(f.out) > schema.MaxServer:
			return nil, errInflated
		case err == io.EOF:
			return f.out, nil
		case err != nil:
			return nil, err
		}
	}
}
