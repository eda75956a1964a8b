package netcode

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

// park is where the reading goroutine of a lifted connection waits while the match reads in its place. Whoever has the baton owns all that
// belongs to the reading goroutine: it itself, or the match's goroutine between take and release. That one gives it back to the park, or, by
// return, to the reading goroutine.
type park struct {
	baton  atomic.Int32
	leave  atomic.Bool // the reading goroutine is wanted back, to lower the connection
	looked atomic.Int64
	wake   chan struct{} // of size 1; made by the reading goroutine at the first lift
}

// Where the baton is.
const (
	withReader int32 = iota // the zero value
	parked                  // the match may take it
	withMatch
)

// wait parks the reading goroutine, and returns when it has the baton again.
func (p *park) wait() {
	p.baton.Store(parked)
	if p.leave.Load() && p.baton.CompareAndSwap(parked, withReader) {
		return
	}
	<-p.wake
}

// take gives the match the baton, if it is in the park.
func (p *park) take() bool {
	return p.baton.Load() == parked && p.baton.CompareAndSwap(parked, withMatch)
}

// release puts the baton back into the park.
func (p *park) release() {
	p.baton.Store(parked)
	if p.leave.Load() {
		p.recall()
	}
}

// hand gives the baton to the reading goroutine, which will park again.
func (p *park) hand() {
	p.baton.Store(withReader)
	p.wake <- struct{}{} // whoever takes the baton out of the park sends once, and the reader has received before it parks again
}

// recall has the reading goroutine lower the connection. Any goroutine.
func (p *park) recall() {
	p.leave.Store(true)
	if p.baton.CompareAndSwap(parked, withReader) {
		p.wake <- struct{}{}
	}
}

// lift takes the connection out of the runtime's poller: from now on it is read with pull. It returns false if it is no plain
// socket, or bytes wait for it. Called by the reading goroutine.
func (c *nbConn) lift() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw == nil || c.err != nil || c.fin || c.draining || !c.raw.lift(c.via) {
		return false
	}
	if c.park.wake == nil {
		c.park.wake = make(chan struct{}, 1)
	}
	c.park.leave.Store(false)
	return true
}

// lower gives a lifted connection back to the runtime's poller. It returns false if there is no descriptor left for that: then it is to
// be called again later. Called by the reading goroutine.
func (c *nbConn) lower() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.raw.lifted() {
		return true // it was closed meanwhile
	}
	via, err := c.raw.lower()
	switch {
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return false
	case err != nil:
		c.fail(err)
		return true
	}
	c.via = via
	if c.draining {
		go c.drain()
	}
	return true
}

// pull reads what has come on a lifted connection, without waiting. See rawSocket.read.
func (c *nbConn) pull(in *inlet) (p []byte, at int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.raw.lifted() {
		return nil, 0, net.ErrClosed
	}
	return c.raw.read(in)
}
