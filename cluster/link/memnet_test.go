package link

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memNet is a network in memory for virtual time: buffered connections with latency, deadlines, stalls and kills.
type memNet struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	conns     map[string][]*memConn // by the listener's address, both ends
	hang      map[string]bool       // dials to it are accepted by nobody, and end with their context
	latency   func() time.Duration  // of a new connection, one way
	dials     int
}

func newMemNet() *memNet {
	return &memNet{listeners: map[string]*memListener{}, conns: map[string][]*memConn{}, hang: map[string]bool{},
		latency: func() time.Duration { return 0 }}
}

func (n *memNet) listen(addr string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &memListener{addr: addr, queue: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l
}

func (n *memNet) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	n.dials++
	l, hang, late := n.listeners[addr], n.hang[addr], n.latency()
	n.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if l == nil {
		return nil, errors.New("connection refused")
	}
	select {
	case <-l.closed:
		return nil, errors.New("connection refused")
	default:
	}
	a, b := memPipe(late)
	l.queue <- b
	n.mu.Lock()
	n.conns[addr] = append(n.conns[addr], a, b)
	n.mu.Unlock()
	return a, nil
}

func (n *memNet) dialled() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// each does something to both ends of all connections that were made to an address.
func (n *memNet) each(addr string, do func(*memConn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns[addr] {
		do(c)
	}
}

type memListener struct {
	addr   string
	queue  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *memListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memListener) Addr() net.Addr { return memAddr(l.addr) }

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }

const memBuffer = 64 << 10 // bytes under way in one direction

// half is one direction.
type half struct {
	mu      sync.Mutex
	parts   []part
	size    int
	eof     bool // no more is written; what is there is read
	stalled bool // nothing is delivered
	changed chan struct{}
}

type part struct {
	due time.Time
	b   []byte
}

func (h *half) notify() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *half) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.eof = true
	h.notify()
}

func (h *half) stall(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stalled = on
	h.notify()
}

type memConn struct {
	in, out *half
	late    time.Duration
	once    sync.Once
	closed  chan struct{}

	mu     sync.Mutex
	rd, wd time.Time
	moved  chan struct{} // a deadline changed
}

func memPipe(late time.Duration) (a, b *memConn) {
	x, y := &half{changed: make(chan struct{})}, &half{changed: make(chan struct{})}
	mk := func(in, out *half) *memConn {
		return &memConn{in: in, out: out, late: late, closed: make(chan struct{}), moved: make(chan struct{})}
	}
	return mk(x, y), mk(y, x)
}

// stall stops what this end would receive and, so that both directions can be had, leaves the other alone.
func (c *memConn) stall(on bool) { c.in.stall(on) }

// block waits for a change, a deadline, the time due, or the end.
func (c *memConn) block(changed chan struct{}, deadline func() time.Time, due time.Time) error {
	c.mu.Lock()
	at, moved := deadline(), c.moved
	c.mu.Unlock()
	if !at.IsZero() && !time.Now().Before(at) {
		return os.ErrDeadlineExceeded
	}
	if at.IsZero() || !due.IsZero() && due.Before(at) {
		at = due
	}
	var timer <-chan time.Time
	if !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-changed:
	case <-moved:
	case <-timer:
	case <-c.closed:
		return net.ErrClosed
	}
	return nil
}

func (c *memConn) Read(b []byte) (int, error) {
	for {
		select {
		case <-c.closed:
			return 0, net.ErrClosed
		default:
		}
		h := c.in
		h.mu.Lock()
		var due time.Time
		if len(h.parts) > 0 && !h.stalled {
			if due = h.parts[0].due; !time.Now().Before(due) {
				n := copy(b, h.parts[0].b)
				if h.parts[0].b = h.parts[0].b[n:]; len(h.parts[0].b) == 0 {
					h.parts = h.parts[1:]
				}
				h.size -= n
				h.notify()
				h.mu.Unlock()
				return n, nil
			}
		}
		if h.eof && len(h.parts) == 0 && !h.stalled {
			h.mu.Unlock()
			return 0, io.EOF
		}
		changed := h.changed
		h.mu.Unlock()
		if err := c.block(changed, func() time.Time { return c.rd }, due); err != nil {
			return 0, err
		}
	}
}

func (c *memConn) Write(b []byte) (int, error) {
	for done := 0; ; {
		h := c.out
		h.mu.Lock()
		if h.eof {
			h.mu.Unlock()
			return done, io.ErrClosedPipe
		}
		if n := min(len(b)-done, memBuffer-h.size); n > 0 {
			h.parts = append(h.parts, part{due: time.Now().Add(c.late), b: append([]byte(nil), b[done:done+n]...)})
			h.size += n
			done += n
			h.notify()
		}
		changed := h.changed
		h.mu.Unlock()
		if done == len(b) {
			return done, nil
		}
		if err := c.block(changed, func() time.Time { return c.wd }, time.Time{}); err != nil {
			return done, err
		}
	}
}

func (c *memConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.out.end()
		c.in.end() // a writer at the other end fails
	})
	return nil
}

func (c *memConn) set(d *time.Time, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*d = t
	close(c.moved)
	c.moved = make(chan struct{})
	return nil
}

func (c *memConn) SetReadDeadline(t time.Time) error  { return c.set(&c.rd, t) }
func (c *memConn) SetWriteDeadline(t time.Time) error { return c.set(&c.wd, t) }
func (c *memConn) SetDeadline(t time.Time) error {
	return errors.Join(c.set(&c.rd, t), c.set(&c.wd, t))
}
func (c *memConn) LocalAddr() net.Addr  { return memAddr("here") }
func (c *memConn) RemoteAddr() net.Addr { return memAddr("there") }
