package client

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// network is an in-memory network with buffers, as tests in virtual time need them: nobody blocks in Write.
type network struct {
	accept func(net.Conn) // called on a goroutine of its own for each connection
	down   atomic.Bool    // dialling fails
	dials  atomic.Int32
	rtt    time.Duration
}

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	n.dials.Add(1)
	if n.down.Load() {
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}
	up, down := newHalf(n.rtt/2), newHalf(n.rtt/2)
	go n.accept(&end{in: up, out: down})
	return &end{in: down, out: up}, nil
}

// half is one direction: what was written arrives after the delay, in order.
type half struct {
	mu       sync.Mutex
	cond     *sync.Cond
	delay    time.Duration
	queue    []parcel
	deadline time.Time
	closed   bool // by the reader
}

// parcel is what was written at once; nil data is the end.
type parcel struct {
	due  time.Time
	data []byte
}

func newHalf(delay time.Duration) *half {
	h := &half{delay: delay}
	h.cond = sync.NewCond(&h.mu)
	return h
}

// wake makes whoever waits look again, now and at a time.
func (h *half) wake(at time.Time) {
	h.cond.Broadcast()
	if d := time.Until(at); d > 0 {
		time.AfterFunc(d, h.cond.Broadcast)
	}
}

func (h *half) put(b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	due := time.Now().Add(h.delay)
	h.queue = append(h.queue, parcel{due, b})
	h.wake(due)
}

// end is one end of a connection.
type end struct{ in, out *half }

func (e *end) Read(p []byte) (int, error) {
	h := e.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case h.closed:
			return 0, net.ErrClosed
		case len(h.queue) > 0 && !h.queue[0].due.After(now):
			x := &h.queue[0]
			if x.data == nil {
				return 0, io.EOF
			}
			n := copy(p, x.data)
			if x.data = x.data[n:]; len(x.data) == 0 {
				h.queue = h.queue[1:]
			}
			return n, nil
		case !h.deadline.IsZero() && !now.Before(h.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		h.cond.Wait()
	}
}

func (e *end) Write(p []byte) (int, error) {
	e.in.mu.Lock()
	closed := e.in.closed
	e.in.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	e.out.put(append([]byte{}, p...))
	return len(p), nil
}

func (e *end) Close() error {
	e.in.mu.Lock()
	e.in.closed = true
	e.in.cond.Broadcast()
	e.in.mu.Unlock()
	e.out.put(nil)
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	e.in.deadline = t
	e.in.wake(t)
	return nil
}

func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil }
func (e *end) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e *end) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
