package link

import "sync"

const (
	writeChunk = 256 << 10 // bytes of one write at most
	slack      = 64 << 10  // bytes beyond the limit, for answers, cancellations and heartbeats
)

// outcome says what became of a frame that was put.
type outcome uint8

const (
	queued outcome = iota
	full
	gone // the connection ends: nothing was queued
)

// outbox is the queue of bytes to one peer: frames are encoded into one buffer, which the writer takes whole. Overflow
// refuses the newest.
type outbox struct {
	wake chan struct{} // tells the writer; capacity 1

	mu     sync.Mutex
	buf    []byte
	spare  []byte // the writer's last buffer, to be used again
	taken  int    // bytes that the writer holds
	limit  int
	ending bool // nothing more is taken, the rest is written
	closed bool
}

func newOutbox(limit int) *outbox {
	return &outbox{wake: make(chan struct{}, 1), limit: limit}
}

// put queues a frame; extra bytes beyond the limit are allowed.
func (o *outbox) put(f *frame, extra int) outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ending || o.closed:
		return gone
	case len(o.buf)+o.taken+len(f.body)+overhead > o.limit+extra:
		return full
	}
	o.buf = appendFrame(o.buf, f)
	o.signal()
	return queued
}

// raw queues bytes ahead of any frame.
func (o *outbox) raw(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, b...)
	o.signal()
}

// finish queues a last frame, if there is one, and takes nothing more.
func (o *outbox) finish(f *frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ending || o.closed {
		return
	}
	if f != nil {
		o.buf = appendFrame(o.buf, f)
	}
	o.ending = true
	o.signal()
}

// close drops everything.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.buf, o.spare = true, nil, nil
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns all that is queued, or nothing; last says that nothing follows.
func (o *outbox) take() (b []byte, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, o.buf, o.spare = o.buf, o.spare, nil
	o.taken = len(b)
	return b, o.ending || o.closed
}

// wrote tells that n bytes of what was taken are out.
func (o *outbox) wrote(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken -= n
}

// back returns the buffer of take.
func (o *outbox) back(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(b) <= keepFrame && !o.closed {
		if b = b[:0]; o.buf == nil {
			o.buf = b
		} else {
			o.spare = b
		}
	}
}
