package netcode

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/schema"
)

// Conn is the connection under gws: guard for what comes in, outbox for what goes out. From top to bottom:
//
//	gws.Conn   frames, inflation, control frames, messages to one player
//	Conn       guard, handshake answer, cork, close codes
//	tls.Conn   if the listener serves TLS
//	nbConn     writes that never block
//	TCP
//
// gws calls Read from its reading goroutine and Write from any; everything else may be called from any goroutine unless
// it says otherwise. No method blocks, but for Read and Linger.
type Conn struct {
	// Fixed at the start.
	top   net.Conn  // what is written to and read from: tls, or nb
	tls   *tls.Conn // nil without TLS
	nb    *nbConn
	cfg   *ConnConfig
	reply string // Sec-WebSocket-Extensions of the answer
	begin time.Time
	class cohort.Class

	// The reading goroutine's, or the match's while that reads (see park).
	early   []byte // to be read first: came with the handshake, or the match left it to gws
	guard   guard
	bad     *Violation // to be reported by the next Read
	now     int64      // Now, when what is being handled was read
	arrived int64      // and when it came, by the kernel's clock where that is known

	left   []byte // memory for what the match leaves to gws
	again  int64  // Now from which on the match may read again
	lifted bool   // it does

	taping bool   // keep what comes in
	tape   []byte // all that came in so far; at most tapeMax bytes, beyond that taping ends and it is nil

	// Any goroutine.
	cause     atomic.Uint32 // why it ended: code, and causeLocal; 0 not yet
	heard     atomic.Int64  // Now of the last bytes from the peer
	pulled    atomic.Bool   // the match wants to read
	closing   atomic.Bool   // our close frame was written, or the connection was given up: nothing more goes out
	hungUp    atomic.Bool   // reading failed: the peer is gone
	bytesIn   atomic.Uint64
	bytesOut  atomic.Uint64
	framesIn  atomic.Uint64
	framesOut atomic.Uint64
	skipped   atomic.Uint64

	// Under mu: the order of what goes out.
	mu     sync.Mutex
	shook  bool    // the handshake's answer was written
	ending bool    // half-closed, or hard closed
	corked int     // depth
	out    *[]byte // gathered while corked; from outPool
	grace  *time.Timer
}

const causeLocal = 1 << 16

// outPool holds buffers for corked output: few are in use at a time, many connections share them.
var outPool = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// newConn wraps top, which is an *nbConn, a *tls.Conn over one, or any other connection (tests), and switches it to
// writes that do not block. early is what the peer sent along with its handshake; cfg must be valid and stay unchanged.
func newConn(top net.Conn, early []byte, class cohort.Class, reply string, cfg *ConnConfig) *Conn {
	c := &Conn{top: top, cfg: cfg, class: class, reply: reply, begin: time.Now(), early: early}
	switch t := top.(type) {
	case *nbConn:
		c.nb = t
	case *tls.Conn:
		if nb, ok := t.NetConn().(*nbConn); ok {
			c.tls, c.nb = t, nb
		}
	}
	if c.nb == nil {
		c.nb = newNBConn(top)
		c.top = c.nb
	}
	c.nb.start(cfg.DrainTimeout)
	c.guard.limits = cfg.guardLimits()
	c.guard.deflate = class != cohort.Plain
	return c
}

// Reader returns the buffered reader that gws wants for this connection. Call it once.
func (c *Conn) Reader() *bufio.Reader { return bufio.NewReaderSize(c, readBuffer) }

// Class returns what was negotiated: frames with RSV1 may be sent unless it is [cohort.Plain].
func (c *Conn) Class() cohort.Class { return c.class }

// Now returns ns since the connection was made: the clock for its buckets.
func (c *Conn) Now() int64 { return int64(time.Since(c.begin)) }

// Idle returns the time since anything came from the peer.
func (c *Conn) Idle() time.Duration { return time.Duration(c.Now() - c.heard.Load()) }

// Read is called by gws. Bytes pass the guard first; a frame that breaks a rule never reaches gws, the frames before it
// do. After our own close frame the rest of what the peer sends is dropped.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.early) == 0 && c.bad == nil {
		c.stand()
	}
	if c.bad != nil {
		return 0, c.refuse()
	}
	if c.closing.Load() {
		return 0, c.discard(p)
	}
	n, err := c.receive(p)
	if c.closing.Load() && err == nil {
		return 0, c.discard(p)
	}
	if n == 0 {
		if err != nil {
			c.lost()
		}
		return 0, err
	}
	return c.check(p[:n])
}

// receive reads what was left over, then from the connection.
func (c *Conn) receive(p []byte) (n int, err error) {
	if len(c.early) > 0 {
		n = copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		c.now = c.Now()
		return n, nil
	}
	n, err = c.top.Read(p)
	c.now = c.Now()
	c.arrived = c.now
	return n, err
}

// check passes what was read by the guard and counts it.
func (c *Conn) check(p []byte) (int, error) {
	c.heard.Store(c.arrived)
	c.bytesIn.Add(uint64(len(p)))
	n, v := c.guard.scan(p, c.now)
	c.framesIn.Store(c.guard.count)
	if c.taping {
		c.record(p[:n])
	}
	if c.guard.done {
		c.setCause(uint32(c.guard.peer))
		if n == 0 {
			return 0, io.EOF
		}
		return n, nil
	}
	if v != nil {
		c.bad = v
		if n == 0 {
			return 0, c.refuse()
		}
	}
	return n, nil
}

// refuse closes the connection for the violation that the guard found.
func (c *Conn) refuse() error {
	c.CloseWith(c.bad.Code, c.bad.Reason)
	return c.bad
}

// lost notes that reading has failed.
func (c *Conn) lost() {
	c.hungUp.Store(true)
	if c.nb.failure() == errDrain {
		c.setCause(uint32(schema.CloseTooSlow) | causeLocal)
	}
	c.setCause(uint32(closeAbnormal))
}

// maxDiscard is how many bytes are read and dropped after our close frame before the connection is cut: unread bytes
// would turn the end of the connection into a reset, which can swallow the close frame. While that is on its way, it is not cut before
// CloseGrace is over.
const maxDiscard = 256 << 10

// discard reads until the peer hangs up, using p as a buffer. It returns io.EOF.
func (c *Conn) discard(p []byte) error {
	c.stand()
	for total := 0; total < maxDiscard || !c.nb.delivered(); {
		n, err := c.top.Read(p)
		total += n
		if err != nil {
			break
		}
	}
	c.lost()
	return io.EOF
}

// Write is called by gws with one whole frame, or with the answer to the handshake at first. It never blocks. gws' own
// close frames leave with the code that the protocol wants.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.shook {
		c.shook = true
		return len(p), c.put(answer(p, c.reply))
	}
	if c.closing.Load() || c.hungUp.Load() {
		return len(p), nil // gws says goodbye to a connection that is already closed
	}
	if len(p) > 1 && p[0]&15 == opClose {
		c.closeLocked(translateClose(p[2:]))
		return len(p), nil
	}
	return len(p), c.send(p)
}

// answer returns the handshake's answer with its extension header set to reply.
func answer(p []byte, reply string) []byte {
	const name = "\r\nSec-WebSocket-Extensions: "
	head, rest, found := bytes.Cut(p, []byte(name))
	if !found {
		return p
	}
	_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
	out := append([]byte(nil), head...)
	if reply != "" {
		out = append(append(out, name...), reply...)
	}
	return append(append(out, "\r\n"...), rest...)
}

// LocalAddr returns the server's address.
func (c *Conn) LocalAddr() net.Addr { return c.top.LocalAddr() }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.top.RemoteAddr() }

// SetDeadline does nothing: writes do not block, and who waits too long for the peer closes the connection.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, see SetDeadline.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, see SetDeadline.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
