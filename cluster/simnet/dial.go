package simnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	backlog    = 128              // connections that a process may leave unaccepted
	synTimeout = time.Second      // before a lost SYN is sent again, doubling
	dialLimit  = 30 * time.Second // a dial without a deadline gives up
)

// listener is an open port for streams.
type listener struct {
	h       *Host
	p       *process
	addr    *net.TCPAddr
	waiting chan *Conn
	done    chan struct{} // closed under the network's lock
}

// Listen opens a port for streams; 0 picks one. It panics when the port is open already or the process was killed.
func (h *Host) Listen(port int) net.Listener {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if h.proc == nil {
		panic("simnet: " + h.name + " was killed and not started again")
	}
	if port == 0 {
		port = h.port()
	}
	if h.proc.listeners[port] != nil {
		panic(fmt.Sprintf("simnet: port %d of %s is taken", port, h.name))
	}
	l := &listener{h: h, p: h.proc, addr: &net.TCPAddr{IP: h.ip, Port: port}, waiting: make(chan *Conn, backlog), done: make(chan struct{})}
	h.proc.listeners[port] = l
	return l
}

// port picks an unused port. The lock is held.
func (h *Host) port() int {
	h.nextPort++
	return h.nextPort
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	case c := <-l.waiting:
		l.h.gate()
		return c, nil
	}
}

func (l *listener) Close() error {
	l.h.n.mu.Lock()
	defer l.h.n.mu.Unlock()
	l.close()
	return nil
}

// close stops listening and resets what was not accepted. The lock is held.
func (l *listener) close() {
	select {
	case <-l.done:
		return
	default:
	}
	close(l.done)
	if l.p.listeners[l.addr.Port] == l {
		delete(l.p.listeners, l.addr.Port)
	}
	for {
		select {
		case c := <-l.waiting:
			c.abort()
		default:
			return
		}
	}
}

// Dial connects to HOST:PORT as net.Dialer.DialContext does. Names of hosts are known as well as addresses. network is
// ignored.
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	h.n.mu.Lock()
	p := h.proc
	h.n.mu.Unlock()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(dialLimit)
	}
	c, err := h.dial(p, addr, deadline, ctx.Done())
	if err != nil {
		if e := ctx.Err(); e != nil && !errors.Is(e, context.DeadlineExceeded) {
			err = e
		}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	return c, nil
}

// dial makes a connection for a process before the deadline or until cancel is closed.
func (h *Host) dial(p *process, addr string, deadline time.Time, cancel <-chan struct{}) (*Conn, error) {
	if p == nil {
		return nil, net.ErrClosed
	}
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, err
	}
	for again := synTimeout; ; again *= 2 {
		h.gate()
		pause, ok, err := h.handshake(host)
		if err != nil {
			return nil, err
		}
		if !ok {
			pause = again
		}
		if err := sleep(pause, deadline, p.dead, cancel); err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if c, err := h.connect(p, host, port); c != nil || err != nil {
			return c, err
		}
		if err := sleep(again, deadline, p.dead, cancel); err != nil { // a full backlog swallows the SYN
			return nil, err
		}
	}
}

// handshake draws how long it takes until a connection is answered; not ok: a packet of it got lost.
func (h *Host) handshake(host string) (d time.Duration, ok bool, err error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	to := h.n.lookup(host)
	if to == nil {
		return 0, false, syscall.EHOSTUNREACH
	}
	there, lost := h.n.transit(h, to)
	back, lostBack := h.n.transit(to, h)
	return there + back, !lost && !lostBack && !h.n.blocked(h, to) && !h.n.blocked(to, h), nil
}

// connect makes the two ends of a connection; nil without an error when the other side has too many waiting.
func (h *Host) connect(p *process, host string, port int) (*Conn, error) {
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.proc != p {
		return nil, net.ErrClosed
	}
	to := n.lookup(host)
	if to == nil || to.proc == nil || to.proc.listeners[port] == nil {
		return nil, syscall.ECONNREFUSED
	}
	l := to.proc.listeners[port]
	near, far := newPair(h, to, &net.TCPAddr{IP: h.ip, Port: h.port()}, l.addr)
	select {
	case l.waiting <- far:
	default:
		return nil, nil
	}
	p.conns[near], to.proc.conns[far] = struct{}{}, struct{}{}
	return near, nil
}

// sleep waits for d, unless the deadline comes first or one of the channels is closed.
func sleep(d time.Duration, deadline time.Time, dead, cancel <-chan struct{}) error {
	left := time.Until(deadline)
	var due <-chan time.Time
	if wait := min(d, left); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		due = t.C
	} else { // a timer that is due already must not be waited for: under the race detector two of a bubble at a time crash Go 1.26
		over := make(chan time.Time)
		close(over)
		due = over
	}
	select {
	case <-dead:
		return net.ErrClosed
	case <-cancel:
		return os.ErrDeadlineExceeded
	case <-due:
		if left < d {
			return os.ErrDeadlineExceeded
		}
		return nil
	}
}
