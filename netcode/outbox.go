package netcode

import (
	"net"

	"github.com/overtime-server/overtime/schema"
)

// Cork makes everything that is written until Flush leave in one write, from whichever goroutine it comes. Corks nest.
func (c *Conn) Cork() {
	c.mu.Lock()
	c.corked++
	c.mu.Unlock()
}

// Flush ends a cork. The last one writes what was gathered.
func (c *Conn) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corked > 0 {
		c.corked--
	}
	if c.corked > 0 || c.closing.Load() {
		return nil
	}
	return c.flushLocked()
}

// Busy says that bytes still wait for the kernel: the peer is slow, and a state frame would only grow old in a queue.
func (c *Conn) Busy() bool { return c.nb.queued() > 0 }

// SendFrame sends a state frame, one that [AppendFrame] has built, or drops it: false means that the connection is
// busy or closed and that the newest state has to be sent later. It keeps no reference to frame.
func (c *Conn) SendFrame(frame []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing.Load() {
		return false
	}
	if c.Busy() {
		c.skipped.Add(1)
		return false
	}
	return c.send(frame) == nil
}

// SendReliable sends a frame that must not be dropped. If the connection is busy the frame waits; if more than PendMax
// bytes wait, the connection is closed with 4011 instead.
func (c *Conn) SendReliable(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(frame)
}

// send gathers or writes one frame, with mu held.
func (c *Conn) send(frame []byte) error {
	if c.closing.Load() {
		return net.ErrClosed
	}
	c.framesOut.Add(1)
	if c.corked == 0 {
		return c.bounded(frame)
	}
	if c.out == nil {
		c.out = outPool.Get().(*[]byte)
	}
	*c.out = append(*c.out, frame...)
	if len(*c.out) < c.cfg.PendMax/2 {
		return nil
	}
	return c.flushLocked()
}

// flushLocked writes what was gathered, with mu held.
func (c *Conn) flushLocked() error {
	if c.out == nil {
		return nil
	}
	defer c.releaseLocked()
	if len(*c.out) == 0 {
		return nil
	}
	if c.closing.Load() { // the close frame that follows must be the last thing that waits
		return c.put(*c.out)
	}
	return c.bounded(*c.out)
}

// releaseLocked gives the buffer back, unless it has grown out of what is usual.
func (c *Conn) releaseLocked() {
	if c.out != nil && cap(*c.out) <= 16<<10 {
		*c.out = (*c.out)[:0]
		outPool.Put(c.out)
	}
	c.out = nil
}

// bounded writes p unless too much waits already.
func (c *Conn) bounded(p []byte) error {
	if q := c.nb.queued(); q > 0 && q+len(p) > c.cfg.PendMax {
		c.closing.Store(true)
		c.setCause(uint32(schema.CloseTooSlow) | causeLocal)
		_ = c.put(appendClose(nil, uint16(schema.CloseTooSlow), schema.CloseTooSlow.String()))
		c.endLocked()
		return net.ErrClosed
	}
	return c.put(p)
}

// put writes p below, with mu held: the one place where bytes leave.
func (c *Conn) put(p []byte) error {
	c.bytesOut.Add(uint64(len(p)))
	_, err := c.top.Write(p)
	return err
}

// ConnStats counts what a connection carried, in bytes and frames of the WebSocket, without TLS. The first frame out
// is not the handshake's answer, but BytesOut includes it.
type ConnStats struct {
	BytesIn, BytesOut, FramesIn, FramesOut uint64
	Skipped                                uint64 // state frames dropped because the connection was busy
}

// Stats returns the counters so far.
func (c *Conn) Stats() ConnStats {
	return ConnStats{
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		FramesIn: c.framesIn.Load(), FramesOut: c.framesOut.Load(), Skipped: c.skipped.Load(),
	}
}
