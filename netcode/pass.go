package netcode

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// Limits of a connection that is passed on to another node.
const (
	maxHops     = 2                        // nodes that a connection passes through before the one that plays
	passIdle    = silenceLimit + pingEvery // the playing node pings every 5 s, so both ends speak more often than that
	passGrace   = 3 * time.Second          // from the end of one direction to the end of the other
	passTapeMax = 2 << 10                  // bytes besides the largest message that may come before the hello: control frames, headers
	downBuffer  = 8 << 10                  // bytes read at a time from the playing node
	upBuffer    = 2 << 10                  // and from the player
)

var errDetached = errors.New("netcode: the connection is closing")

// record keeps what came in, for the node that it may be passed on to.
func (c *Conn) record(p []byte) {
	if len(c.tape)+len(p) > c.cfg.MaxMessage+passTapeMax {
		c.tape, c.taping = nil, false
		return
	}
	c.tape = append(c.tape, p...)
}

// pass connects a player to the node that plays his match: it is told the handshake and every byte that came since, then bytes go to and fro as
// they are, so compression stays a matter of the two ends. It returns when the connection has ended. Called by the read goroutine.
func (x *session) pass(dial func(context.Context) (net.Conn, error)) {
	if x.shake.hops >= maxHops || !x.taping || x.bad != nil || x.guard.done {
		x.refuse(schema.CloseUnavailable, "passed on too often")
		return
	}
	owner, head, err := x.connect(dial)
	if err != nil {
		x.srv.cfg.Log.Debug("cannot pass a player on", "err", err)
		x.refuse(schema.CloseUnavailable, ErrBusy.Error())
		return
	}
	defer owner.Close()
	if err := x.detach(); err != nil {
		return // it is closing: its end was said already
	}
	x.passed = true
	x.srv.stats.Passed.Add(1)
	x.srv.stats.Passing.Add(1)
	defer x.srv.stats.Passing.Add(-1)
	x.splice(owner, head)
}

// connect dials the playing node and shakes hands in the player's name. head is what came behind the answer.
func (x *session) connect(dial func(context.Context) (net.Conn, error)) (owner net.Conn, head io.Reader, err error) {
	ctx, cancel := context.WithTimeout(x.srv.ctx, routeTimeout)
	defer cancel()
	owner, err = dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { owner.Close() })
	head, err = x.shake.replay(owner, x.reply)
	if err == nil {
		_, err = owner.Write(x.tape)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		owner.Close()
		return nil, nil, err
	}
	return owner, head, nil
}

// detach takes the connection away from gws: nothing that this node writes goes out any more, and writes block again.
func (c *Conn) detach() error {
	c.mu.Lock()
	was := c.closing.Swap(true)
	if !was {
		c.releaseLocked()
	}
	c.mu.Unlock()
	if was || !c.nb.block(c.cfg.DrainTimeout) {
		return errDetached
	}
	return nil
}

// splice copies both ways until both directions have ended, one has failed, or the server stops.
func (x *session) splice(owner net.Conn, head io.Reader) {
	end := func() { x.Abort(); closeNow(owner) }
	defer end()
	stop := context.AfterFunc(x.srv.ctx, end)
	defer stop()
	// A direction that ends is half-closed on the other side; the close frames have passed by then.
	over := func(err error, half net.Conn) {
		if err != io.EOF || !closeWrite(half) {
			end()
			return
		}
		time.AfterFunc(passGrace, end)
	}
	var down sync.WaitGroup
	down.Go(func() {
		over(x.flow(x.top, owner, head, downBuffer), x.top)
	})
	over(x.flow(owner, x.top, nil, upBuffer), owner)
	down.Wait()
}

// flow copies head, then src, to dst until src ends (io.EOF) or either fails. A destination that does not take what it is
// given within DrainTimeout has failed, so no more than a buffer waits here.
func (x *session) flow(dst, src net.Conn, head io.Reader, size int) error {
	count := &x.bytesIn
	if dst == x.top {
		count = &x.bytesOut
	}
	p := make([]byte, size)
	for from := head; ; {
		if from == nil {
			from = src
		}
		_ = src.SetReadDeadline(time.Now().Add(passIdle)) // fails only where the connection is gone
		n, err := from.Read(p)
		if n > 0 {
			count.Add(uint64(n))
			_ = dst.SetWriteDeadline(time.Now().Add(x.cfg.DrainTimeout))
			if _, err := dst.Write(p[:n]); err != nil {
				return err
			}
		}
		if err != nil && from != src && err == io.EOF {
			from = src
			continue
		}
		if err != nil {
			return err
		}
	}
}

// closeNow ends a connection without the alert that TLS ends with: that would wait for a peer that takes nothing.
func closeNow(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close() // whoever reads or writes it sees the end
}

// closeWrite half-closes a connection; false if it cannot.
func closeWrite(c net.Conn) bool {
	switch c := c.(type) {
	case *nbConn:
		return closeWrite(c.via)
	case interface{ CloseWrite() error }:
		return c.CloseWrite() == nil
	}
	return false
}
