package link

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// drainTime is how long a connection that was let go delivers what is under way.
const drainTime = farewell

// shortLife is the age at which the end of a connection is no failure to reach the peer.
const shortLife = time.Second

// conn is one connection with frames. Two goroutines run it: read, which also calls Up, Message and Down, and write.
type conn struct {
	// static
	p    *peer
	l    *Links
	net  net.Conn
	id   uint64   // its name
	dial uint64   // number of the dial that made it
	mine bool     // this node dialled
	pin  [32]byte // the peer's certificate
	born time.Duration
	out  *outbox
	ctx  context.Context // ends with the connection; of calls that are served

	// any goroutine
	came, sent atomic.Bool // since the last tick
	live       atomic.Bool // Up was called
	doubt      atomic.Bool // the peer dialled anew: make sure that it still uses this one
	why        atomic.Pointer[error]
	cancel     context.CancelFunc
	calls      outgoing
	served     incoming
	once       sync.Once     // of close
	written    chan struct{} // closed when write is over
	done       chan struct{} // closed after Down

	// owned by the peer's goroutine
	pulse pulse

	// owned by read
	in   frameReader
	prev *conn // of the same peer: its Down comes before this one's Up
	err  error // why it ended; readable after close
}

// newConn makes a connection; start runs it.
func (p *peer) newConn(nc net.Conn, r io.Reader, cl claim, mine bool) *conn {
	c := &conn{
		p: p, l: p.l, net: nc, id: cl.id, dial: cl.dial, mine: mine, born: p.l.now(),
		out: newOutbox(p.l.cfg.MaxQueue), written: make(chan struct{}), done: make(chan struct{}),
		pulse: pulse{idleAfter: p.l.cfg.Idle},
	}
	c.ctx, c.cancel = context.WithCancel(p.l.ctx)
	c.calls.pending = map[uint64]chan result{}
	c.served.running = map[uint64]context.CancelFunc{}
	c.in.r = bufio.NewReaderSize(&tap{c: c, r: r}, readAhead)
	return c
}

// tap notes that bytes came, also in the midst of a long frame.
type tap struct {
	c *conn
	r io.Reader
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	if n > 0 {
		t.c.came.Store(true)
		t.c.p.heard.Store(int64(t.c.l.now()))
		t.c.l.count.bytesIn.Add(uint64(n))
	}
	return n, err
}

// start runs a connection that was adopted. After Close of Links it is ended instead.
func (c *conn) start() {
	if !c.l.enlist(c) {
		c.close(ErrClosed)
		close(c.written)
		close(c.done)
		return
	}
	go c.write()
	go c.read()
}

func (c *conn) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// read is the reading goroutine: the whole life of a connection as Config's functions see it.
func (c *conn) read() {
	defer c.l.wg.Done()
	if c.prev != nil {
		<-c.prev.done
		c.prev = nil
	}
	c.live.Store(true)
	c.l.cfg.Log.Info("link up", "peer", c.p.id, "dialled", c.mine)
	c.l.cfg.Up(c.p.id)
	c.ping()
	c.finish(c.frames())
}

// finish ends the connection after reading.
func (c *conn) finish(err error) {
	if c.why.Load() != nil && errors.Is(err, io.EOF) {
		<-c.written // what is queued may still be taken; bounded by drainTime
	}
	c.close(err)
	err = c.err
	c.calls.fail(err)
	lived := c.l.now() - c.born
	p, bad := c.p, false
	switch end := endReason(err); end {
	case endIdle, endReplaced, endClosed:
		c.l.count.ends.add(end)
	default:
		bad = lived < shortLife || end != endEOF
		c.l.count.ends.add(end)
	}
	p.ended(err, bad)
	<-c.written
	c.l.cfg.Log.Info("link down", "peer", p.id, "reason", err, "lived", lived)
	c.l.cfg.Down(p.id, err)
	c.l.delist(c)
	c.in = frameReader{} // the peer remembers its last connection, not that one's buffers
	close(c.done)
}

// endReason sorts the reasons of Down.
func endReason(err error) int {
	for i, sort := range []error{endSilence: ErrSilence, endIdle: ErrIdle, endSlow: ErrSlow, endReplaced: ErrReplaced,
		endProtocol: ErrProtocol, endUnknown: ErrUnknown, endClosed: ErrClosed} {
		if sort != nil && errors.Is(err, sort) {
			return i
		}
	}
	return endEOF
}

// frames reads until the connection ends.
func (c *conn) frames() error {
	for first := true; ; first = false {
		f, err := c.in.next()
		if err == nil {
			err = c.take(&f)
		}
		if err != nil {
			return err
		}
		if first {
			c.p.well()
		}
	}
}

// take handles one frame.
func (c *conn) take(f *frame) error {
	switch f.typ {
	case frameMessage:
		c.l.count.messagesIn.Add(1)
		c.l.cfg.Message(c.p.id, f.kind, f.body)
	case frameCall:
		return c.serve(f)
	case frameAnswer, frameFailure:
		c.answered(f)
	case frameCancel:
		c.served.cancel(f.num)
	case framePing:
		c.put(&frame{typ: framePong, num: f.num}, slack)
	case framePong:
		if took := c.l.now() - time.Duration(f.num); took > 0 && took <= c.l.now() {
			c.p.rtt.Store(int64(took))
		}
	case frameBye:
		c.bidden(f.kind)
	}
	return nil
}

// put queues a frame.
func (c *conn) put(f *frame, extra int) outcome {
	if f.typ < framePing {
		c.sent.Store(true)
	}
	return c.out.put(f, extra)
}

// must queues a frame that somebody waits for; a peer that lets even those pile up is given up.
func (c *conn) must(f *frame) {
	if c.put(f, slack) == full {
		c.l.count.drops.add(dropFull)
		c.close(ErrSlow)
	}
}

func (c *conn) ping() {
	c.l.count.pings.Add(1)
	c.put(&frame{typ: framePing, num: uint64(c.l.now())}, slack) // a full queue needs no ping
}

// close ends the connection at once. read does the rest. Where it was let go before, that is why it ended, and not what
// the system says of the last bytes.
func (c *conn) close(err error) {
	c.once.Do(func() {
		if why := c.why.Load(); why != nil {
			err = *why
		}
		c.err = err
		c.p.retire(c)
		c.cancel()
		c.out.close()
		rawClose(c.net)
	})
}
