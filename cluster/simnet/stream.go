package simnet

import (
	"slices"
	"syscall"
	"time"
)

const (
	window     = 256 << 10              // bytes on the way and unread in one direction before a writer waits
	retransmit = 200 * time.Millisecond // until a lost segment is sent again, doubling up to maxRetry
	maxRetry   = time.Second
	giveUp     = 30 * time.Second // a segment that does not get through for so long breaks the connection
)

// Kinds of chunk.
const (
	kindData = iota
	kindEnd
	kindReset
)

// chunk is a piece of a stream on its way.
type chunk struct {
	at   time.Time // arrives
	sent time.Time
	kind int
	b    []byte
	lost bool // on the way, this time
}

// half is one direction of a connection; the network's lock guards it.
type half struct {
	writer, reader *Conn
	flight         []chunk // in order
	flying         int     // bytes in flight
	buf            []byte  // arrived and unread
	end            bool    // nothing comes after buf
	retry          time.Duration
}

// send puts a chunk on its way. The lock is held.
func (f *half) send(c chunk) {
	n, from, to := f.writer.h.n, f.writer.h, f.reader.h
	delay, lost := n.transit(from, to)
	c.sent, c.lost = time.Now(), lost
	c.at = c.sent.Add(delay)
	if k := len(f.flight); k > 0 && f.flight[k-1].at.After(c.at) {
		c.at = f.flight[k-1].at // TCP keeps the order
	}
	f.flight = append(f.flight, c)
	f.flying += len(c.b)
	time.AfterFunc(time.Until(c.at), f.deliver)
}

// deliver moves what has arrived to the reader. It runs on a timer.
func (f *half) deliver() {
	n := f.writer.h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for len(f.flight) > 0 && !f.flight[0].at.After(now) {
		c := &f.flight[0]
		if c.lost && now.Sub(c.at) >= retransmit { // sent again while it waited for one before it
			_, c.lost = n.transit(f.writer.h, f.reader.h)
		}
		if c.lost || n.blocked(f.writer.h, f.reader.h) {
			f.stall(c, now)
			return
		}
		f.retry = 0
		f.flying -= len(c.b)
		f.take(*c)
		if len(f.flight) > 0 {
			f.flight = slices.Delete(f.flight, 0, 1)
		}
	}
}

// stall sends the first chunk again later, or breaks the connection at the writer's end. The lock is held.
func (f *half) stall(c *chunk, now time.Time) {
	if now.Sub(c.sent) > giveUp {
		f.flight, f.flying = nil, 0
		f.writer.fail(syscall.ETIMEDOUT)
		return
	}
	f.retry = min(max(2*f.retry, retransmit), maxRetry)
	delay, lost := f.writer.h.n.transit(f.writer.h, f.reader.h) // as the network is now: losses may have ended
	c.lost, c.at = lost, now.Add(f.retry+delay)
	time.AfterFunc(f.retry+delay, f.deliver)
}

// take hands an arrived chunk to the reader's end. The lock is held.
func (f *half) take(c chunk) {
	if f.reader.closed {
		if c.kind == kindData { // nobody there: answered with a reset
			f.reader.out.bounce()
		}
		return
	}
	switch c.kind {
	case kindData:
		f.buf = append(f.buf, c.b...)
	case kindEnd:
		f.end = true
	case kindReset:
		f.reader.fail(syscall.ECONNRESET)
	}
	f.reader.notify()
}

// bounce resets the other end at once, past what is in flight. The lock is held.
func (f *half) bounce() {
	n := f.writer.h.n
	delay, lost := n.transit(f.writer.h, f.reader.h)
	if lost || n.blocked(f.writer.h, f.reader.h) {
		return
	}
	time.AfterFunc(delay, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		f.reader.fail(syscall.ECONNRESET)
	})
}
