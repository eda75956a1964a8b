package netcode

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// errDrain says that bytes waited for longer than DrainTimeout.
var errDrain = errors.New("netcode: write timed out")

// WrapListener prepares l for player connections: what it accepts can later be switched to writes that never block
// (see [Hijack]). With t it serves TLS, with records of full size so that a frame is one record and one write.
func WrapListener(l net.Listener, cfg *ConnConfig, t *tls.Config) net.Listener {
	w := &listener{Listener: l, cfg: cfg}
	if t == nil {
		return w
	}
	t = t.Clone()
	t.DynamicRecordSizingDisabled = true
	t.NextProtos = []string{"http/1.1"} // a WebSocket cannot be had over HTTP/2 here
	return tls.NewListener(w, t)
}

type listener struct {
	net.Listener
	cfg *ConnConfig
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if t, ok := c.(*net.TCPConn); ok {
		setSocketOptions(t, l.cfg.NotSentLowat, l.cfg.UserTimeout)
	}
	return newNBConn(c), nil
}

// nbConn is the lowest layer of a player connection. It starts as an ordinary connection, for net/http and the TLS
// handshake. After start its writes never block: what the kernel does not take at once waits in pend and is written by a
// goroutine that lives as long as bytes wait. Where there are no raw writes (not Linux, or no socket) that goroutine does
// all the writing. The bound on what may wait is its owner's duty, see queued.
type nbConn struct {
	net.Conn // as it was accepted: its addresses

	started atomic.Bool   // the next two are set before
	raw     *rawSocket    // nil: write through the drain goroutine only; used under mu
	timeout time.Duration // for bytes that wait

	via  net.Conn // what it is now; written under mu, by the reading goroutine only, which alone may read it without
	park park     // where the reading goroutine waits while the match reads

	waiting atomic.Int64 // bytes in pend and in the drain goroutine's hands

	mu       sync.Mutex // the rest
	sent     uint64     // bytes accepted since start
	pend     []byte     // not yet in the drain goroutine's hands
	draining bool
	fin      bool  // half-close once all is written
	err      error // why it is dead; sticky
}

func newNBConn(c net.Conn) *nbConn { return &nbConn{Conn: c, via: c} }

// Read reads what has come, or waits for it. It is the reading goroutine's, and not to be called between lift and lower.
func (c *nbConn) Read(p []byte) (int, error) { return c.via.Read(p) }

// start switches to writes that do not block. No write may be under way.
func (c *nbConn) start(timeout time.Duration) {
	c.timeout = timeout
	c.raw = newRawSocket(c.Conn)
	c.started.Store(true)
}

// block switches back to writes that block, as soon as nothing waits. It returns false if that takes too long, or the
// connection is dead. Nobody may write meanwhile.
func (c *nbConn) block(timeout time.Duration) bool {
	for end := time.Now().Add(timeout); ; time.Sleep(blockPoll) {
		c.mu.Lock()
		dead, busy := c.err != nil || c.fin, c.draining
		if !dead && !busy {
			c.started.Store(false)
		}
		c.mu.Unlock()
		if dead || !busy {
			return !dead
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// blockPoll is how often block looks: a ping may wait for a moment, more is rare.
const blockPoll = 2 * time.Millisecond

// queued returns how many bytes wait for the kernel. Any goroutine.
func (c *nbConn) queued() int { return int(c.waiting.Load()) }

// Write hands p to the kernel or keeps a copy of what it refuses. After start it never blocks.
func (c *nbConn) Write(p []byte) (int, error) {
	if !c.started.Load() {
		return c.via.Write(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if c.fin {
		return 0, net.ErrClosed
	}
	n := 0
	c.sent += uint64(len(p))
	if !c.draining && c.raw != nil {
		var err error
		if n, err = c.raw.write(p); err != nil {
			c.fail(err)
			return 0, err
		}
	}
	if n < len(p) {
		c.pend = append(c.pend, p[n:]...)
		c.waiting.Add(int64(len(p) - n))
		if !c.draining {
			c.draining = true
			c.drainLocked()
		}
	}
	return len(p), nil
}

// traffic returns how much was sent, and how much of that the peer's kernel has not acknowledged. It makes a system call.
func (c *nbConn) traffic() traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw == nil || c.err != nil {
		return traffic{}
	}
	queued, ok := c.raw.queued()
	return traffic{known: ok, sent: c.sent, queued: queued + uint64(c.waiting.Load())}
}

// delivered reports whether nothing is known to be on its way to the peer. It makes a system call.
func (c *nbConn) delivered() bool { return c.queued() == 0 && c.traffic().queued == 0 }

// drainLocked starts the drain goroutine, which needs the runtime's poller: a lifted connection has its reader lower it first.
func (c *nbConn) drainLocked() {
	if c.raw != nil && c.raw.lifted() {
		c.park.recall()
	} else {
		go c.drain()
	}
}

// drain writes what waits until nothing does. What is not written within the timeout ends the connection.
func (c *nbConn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pend) > 0 && c.err == nil {
		p, via := c.pend, c.via
		c.pend = nil
		c.mu.Unlock()
		_ = via.SetWriteDeadline(time.Now().Add(c.timeout))
		_, err := via.Write(p)
		c.mu.Lock()
		c.waiting.Add(-int64(len(p)))
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				err = errDrain
			}
			c.fail(err)
		}
	}
	c.draining = false
	if c.err != nil {
		return
	}
	_ = c.via.SetWriteDeadline(time.Time{}) // a past deadline would fail raw writes too
	if c.fin {
		c.halfClose()
	}
}

// finish half-closes the connection as soon as nothing waits: the peer reads everything, then the end.
func (c *nbConn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fin || c.err != nil {
		return
	}
	c.fin = true
	if !c.draining {
		c.halfClose()
	}
}

// halfClose is called with mu held.
func (c *nbConn) halfClose() {
	if c.raw != nil && c.raw.lifted() {
		c.raw.halfClose()
		c.park.recall() // to see the other end's
	} else if h, ok := c.via.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
	}
}

// fail makes the connection dead, with mu held. The reading side sees the end at once.
func (c *nbConn) fail(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.pend = nil
	if c.raw != nil && c.raw.lifted() {
		c.raw.close()
		c.park.recall()
	} else {
		_ = c.via.Close()
	}
}

// failure returns why the connection is dead, or nil.
func (c *nbConn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection at once; what waits is lost.
func (c *nbConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.fail(net.ErrClosed)
	}
	return nil
}

// SetDeadline is SetReadDeadline once writes do not block: those have their own timeout.
func (c *nbConn) SetDeadline(t time.Time) error {
	if c.started.Load() {
		return c.via.SetReadDeadline(t)
	}
	return c.via.SetDeadline(t)
}

// SetWriteDeadline does nothing once writes do not block.
func (c *nbConn) SetWriteDeadline(t time.Time) error {
	if c.started.Load() {
		return nil
	}
	return c.via.SetWriteDeadline(t)
}
