package client

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/overtime-server/overtime/schema"
)

// inflater inflates one message at a time. Pooled: about as many exist as goroutines inflate at the same time; what a
// connection keeps is its window.
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

// inflate returns the message, valid until the inflater is used again; it may refer back to what is in the window. It writes
// behind the end of b if there is room.
func (f *inflater) inflate(b, window []byte) ([]byte, error) {
	f.src.Reset(append(b, tail...))
	if err := f.rd.(flate.Resetter).Reset(&f.src, window); err != nil {
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

// maxWindow is how far back a message may refer (RFC 7692 section 7.1.2.1), unless the welcome promises less.
const maxWindow = 32 << 10

// window holds the end of what a connection was sent in compressed messages.
type window struct {
	size int // bytes that must be kept; 0: maxWindow
	b    []byte
}

func (w *window) limit() int {
	if w.size > 0 {
		return min(w.size, maxWindow)
	}
	return maxWindow
}

// tail returns what the next message may refer to.
func (w *window) tail() []byte { return w.b[max(0, len(w.b)-w.limit()):] }

// push takes in an inflated message. The memory is at most twice what must be kept.
func (w *window) push(msg []byte) {
	n := w.limit()
	msg = msg[max(0, len(msg)-n):]
	if len(w.b)+len(msg) > 2*n {
		w.b = append(w.b[:0], w.tail()...)
	}
	w.b = append(w.b, msg...)
}
