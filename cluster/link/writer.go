package link

import (
	"errors"
	"net"
	"time"
)

// write is the writing goroutine: everything queued goes out in one write, with a deadline.
func (c *conn) write() {
	defer c.l.wg.Done()
	defer close(c.written)
	for {
		b, last := c.out.take()
		if len(b) > 0 {
			if err := c.writeOut(b); err != nil {
				c.broke(writeError(err))
				return
			}
			c.out.back(b)
			continue
		}
		if last {
			c.endWriting()
			return
		}
		<-c.out.wake
	}
}

func (c *conn) writeOut(b []byte) error {
	for len(b) > 0 {
		chunk := b[:min(len(b), writeChunk)]
		if err := c.net.SetWriteDeadline(time.Now().Add(c.l.cfg.WriteTimeout)); err != nil {
			return err
		}
		n, err := c.net.Write(chunk)
		if err != nil {
			return err
		}
		c.out.wrote(n)
		c.l.count.writes.Add(1)
		c.l.count.bytesOut.Add(uint64(n))
		b = b[n:]
	}
	return nil
}

// broke ends a connection that cannot be written to any more. One that the peer closed is read first, for a heartbeat at
// most, like one that is replaced: its bye may have come and not been read, and tells which calls were not served.
func (c *conn) broke(err error) {
	if errors.Is(err, ErrSlow) {
		c.close(err)
		return
	}
	c.p.retire(c)
	c.out.close()
	time.AfterFunc(c.l.cfg.Heartbeat, func() { c.close(err) })
}

// endWriting says that nothing follows.
func (c *conn) endWriting() {
	if w, ok := c.net.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite() // the connection is closed soon anyway
	}
}

// writeError tells a peer that takes nothing from a connection that broke.
func writeError(err error) error {
	var t net.Error
	if errors.As(err, &t) && t.Timeout() {
		return ErrSlow
	}
	return err
}
