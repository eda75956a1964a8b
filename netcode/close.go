package netcode

import (
	"encoding/binary"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// What libraries report when there was no close code (RFC 6455 7.4.1); they never travel.
const (
	closeNoStatus schema.CloseCode = 1005 // a close frame without a code
	closeAbnormal schema.CloseCode = 1006 // no close frame
)

// gwsTooLarge is the reason that gws sends, with 1011, when a message inflates beyond the limit.
const gwsTooLarge = "gws: message too large"

// translateClose returns the code and reason to send for the payload of a close frame that gws wrote. gws reports
// everything that goes wrong while inflating as 1011 and puts the library's error text into the reason; here bad data
// is 1007, too much of it 1009. gws cuts other reasons to its own codes, which stay.
func translateClose(payload []byte) (code uint16, reason string) {
	if len(payload) < 2 {
		return 0, ""
	}
	code = binary.BigEndian.Uint16(payload)
	reason = string(payload[2:])
	if code != uint16(schema.CloseInternal) {
		return code, reason
	}
	if reason == gwsTooLarge {
		code = uint16(schema.CloseTooBig)
	} else {
		code = uint16(schema.CloseInconsistent)
	}
	return code, schema.CloseCode(code).String()
}

// CloseWith sends one close frame after everything that was written before, then half-closes, and ends the connection
// when the peer hangs up ([Conn.Linger]) or after CloseGrace. An empty reason stands for the code's own text; reasons
// are cut to 123 bytes. The first call wins, also over gws' own.
func (c *Conn) CloseWith(code schema.CloseCode, reason string) {
	if reason == "" {
		reason = code.String()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(uint16(code), reason)
}

func (c *Conn) closeLocked(code uint16, reason string) {
	if c.closing.Swap(true) {
		return
	}
	if code != 0 {
		c.setCause(uint32(code) | causeLocal)
	}
	frame := appendClose(nil, code, reason)
	c.framesOut.Add(1)
	_ = c.flushLocked()
	_ = c.put(frame)
	c.endLocked()
}

// endLocked half-closes once, and sees to it that the connection ends for good.
func (c *Conn) endLocked() {
	if c.ending {
		return
	}
	c.ending = true
	if c.hungUp.Load() {
		_ = c.nb.Close()
		return
	}
	if c.tls != nil && c.nb.started.Load() {
		_ = c.tls.CloseWrite() // an alert; nb does not block, unless the connection was passed on: then mu would be held until the peer takes it
	}
	c.nb.finish()
	c.grace = time.AfterFunc(c.cfg.CloseGrace, c.Abort)
}

// Close is called by gws after its close frame, and whenever it gives the connection up. It half-closes like
// [Conn.CloseWith], without a frame.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing.Store(true)
	_ = c.flushLocked()
	c.endLocked()
	return nil
}

// Abort ends the connection at once; what waits to be written is lost.
func (c *Conn) Abort() {
	c.closing.Store(true)
	_ = c.nb.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = true
	c.releaseLocked()
	if c.grace != nil {
		c.grace.Stop()
	}
}

// Linger must be called by the reading goroutine when gws' ReadLoop has returned or panicked. It waits until the peer
// hangs up, at most CloseGrace, and frees the socket.
func (c *Conn) Linger() {
	_ = c.Close()
	if !c.hungUp.Load() {
		var p [512]byte
		_ = c.discard(p[:])
	}
	c.Abort()
}

// setCause notes why the connection ends; the first wins.
func (c *Conn) setCause(v uint32) { c.cause.CompareAndSwap(0, v) }

// Cause returns why the connection ended: the close code that we sent (local) or that the peer sent, 1005 for a peer's
// close frame without a code, 1006 for no close frame at all. It is settled once ReadLoop has returned; before, the
// code may be 0.
func (c *Conn) Cause() (code schema.CloseCode, local bool) {
	v := c.cause.Load()
	return schema.CloseCode(v & 0xffff), v&causeLocal != 0
}
