package simnet

import (
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

// Conn is one end of a stream.
type Conn struct {
	h             *Host
	local, remote *net.TCPAddr

	// Guarded by the network's lock.
	in, out *half
	closed  bool  // by Close, or its process was killed
	ended   bool  // by CloseWrite
	broken  error // reset or timed out
	readBy  time.Time
	writeBy time.Time
	changed chan struct{} // closed and replaced when something happened
}

var _ net.Conn = (*Conn)(nil)

// newPair makes the two ends of a connection. The lock is held.
func newPair(from, to *Host, local, remote *net.TCPAddr) (near, far *Conn) {
	near = &Conn{h: from, local: local, remote: remote, changed: make(chan struct{})}
	far = &Conn{h: to, local: remote, remote: local, changed: make(chan struct{})}
	near.out = &half{writer: near, reader: far}
	far.out = &half{writer: far, reader: near}
	near.in, far.in = far.out, near.out
	return near, far
}

// LocalAddr returns this end's address.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read returns what has arrived, or waits.
func (c *Conn) Read(b []byte) (int, error) {
	k, err := c.until(&c.readBy, func() (int, bool, error) {
		switch {
		case len(c.in.buf) > 0:
			k := copy(b, c.in.buf)
			if c.in.buf = c.in.buf[k:]; len(c.in.buf) == 0 {
				c.in.buf = nil
			}
			c.in.writer.notify() // there is room
			return k, true, nil
		case c.broken != nil:
			return 0, true, c.broken
		case c.in.end:
			return 0, true, io.EOF
		}
		return 0, len(b) == 0, nil
	})
	return k, c.wrap("read", err)
}

// Write sends b, and waits while too much is unread at the other end.
func (c *Conn) Write(b []byte) (int, error) {
	sent := 0
	_, err := c.until(&c.writeBy, func() (int, bool, error) {
		switch {
		case c.broken != nil:
			return 0, true, c.broken
		case c.ended:
			return 0, true, syscall.EPIPE
		}
		if room := min(window-c.out.flying-len(c.out.buf), len(b)-sent); room > 0 {
			c.out.send(chunk{kind: kindData, b: slices.Clone(b[sent : sent+room])})
			sent += room
		}
		return 0, sent == len(b), nil
	})
	return sent, c.wrap("write", err)
}

// until calls try, under the lock, each time something happened until it is done, the end is closed or the deadline
// passes. A stopped process waits for all of these.
func (c *Conn) until(deadline *time.Time, try func() (k int, done bool, err error)) (int, error) {
	for {
		c.h.gate()
		c.h.n.mu.Lock()
		if c.h.resume != nil {
			c.h.n.mu.Unlock()
			continue
		}
		by, changed := *deadline, c.changed
		if c.closed || (!by.IsZero() && !by.After(time.Now())) {
			closed := c.closed
			c.h.n.mu.Unlock()
			if closed {
				return 0, net.ErrClosed
			}
			return 0, os.ErrDeadlineExceeded
		}
		k, done, err := try()
		c.h.n.mu.Unlock()
		if done {
			return k, err
		}
		wait(changed, by)
	}
}

// wait returns when changed is closed or at the deadline, if there is one.
func wait(changed <-chan struct{}, by time.Time) {
	if by.IsZero() {
		<-changed
		return
	}
	t := time.NewTimer(time.Until(by))
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	}
}

// CloseWrite ends what this end sends; it can still read. In a stopped process that happens when it goes on. It does not wait for that, and
// neither do Close and Reset: callers hold locks, and virtual time stands still for as long as anybody waits for one.
func (c *Conn) CloseWrite() error {
	if c.h.stopped() {
		go func() { c.h.gate(); _ = c.CloseWrite() }() // ends when the process goes on or is killed
		return nil
	}
	c.h.n.mu.Lock()
	defer c.h.n.mu.Unlock()
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	if !c.ended {
		c.ended = true
		c.out.send(chunk{kind: kindEnd})
		c.notify()
	}
	return nil
}

// Close ends both directions. What was written still arrives.
func (c *Conn) Close() error {
	if c.h.stopped() {
		go func() { c.h.gate(); _ = c.Close() }()
		return nil
	}
	c.h.n.mu.Lock()
	defer c.h.n.mu.Unlock()
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	if !c.ended && c.broken == nil {
		c.out.send(chunk{kind: kindEnd})
	}
	c.ended = true
	c.shut()
	return nil
}

// Reset ends both directions with a reset, as closing with SO_LINGER 0 does. What was not read is lost.
func (c *Conn) Reset() {
	if c.h.stopped() {
		go func() { c.h.gate(); c.Reset() }()
		return
	}
	c.h.n.mu.Lock()
	defer c.h.n.mu.Unlock()
	c.abort()
}

// abort is Reset under the lock.
func (c *Conn) abort() {
	if c.closed {
		return
	}
	c.out.send(chunk{kind: kindReset})
	c.shut()
}

// shut marks the end as closed and forgets it. The lock is held.
func (c *Conn) shut() {
	c.closed = true
	c.in.buf = nil
	if c.h.proc != nil {
		delete(c.h.proc.conns, c)
	}
	c.notify()
	c.in.writer.notify()
}

// fail breaks the connection at this end. The lock is held.
func (c *Conn) fail(err error) {
	if c.broken == nil {
		c.broken = err
	}
	c.notify()
}

// notify wakes whoever waits at this end. The lock is held.
func (c *Conn) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// SetDeadline sets both deadlines; the zero time is none.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadlines(&t, &t) }

// SetReadDeadline sets when a Read gives up.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(&t, nil) }

// SetWriteDeadline sets when a Write gives up.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(nil, &t) }

func (c *Conn) setDeadlines(read, write *time.Time) error {
	c.h.n.mu.Lock()
	defer c.h.n.mu.Unlock()
	if c.closed {
		return c.wrap("set", net.ErrClosed)
	}
	if read != nil {
		c.readBy = *read
	}
	if write != nil {
		c.writeBy = *write
	}
	c.notify()
	return nil
}

// wrap gives errors the form that those of package net have.
func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
