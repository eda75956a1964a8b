package netcode

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// Pulling: what players send is used at ticks, so the match's goroutine reads their sockets right before each, all in one go. A goroutine that the
// runtime's poller wakes for every message costs several times what the read does. Messages in simple frames are handled at
// once; everything else is handed to gws in the connection's own goroutine, which waits in Conn.Read. It gets the connection back for good
// when reading fails, when bytes wait for the kernel, when we close, and when the match does not tick.
const (
	pullHz    = 10                     // ticks a second from which on matches pull; below that, closes and pings would wait for long
	pullSize  = 8 << 10                // bytes read from a connection at a tick; the rest comes with the next
	lonelyFor = time.Second            // without a tick after which a connection is read by its own goroutine again
	pullAgain = int64(2 * time.Second) // for which a connection that was given back is left alone
	maxWaited = time.Second            // that a message can have waited in the kernel; more is a clock that was set
)

// stand has the reading goroutine stand aside while the match reads. It returns when there is something for it to do.
func (c *Conn) stand() {
	p := &c.nb.park
	if !c.lifted {
		if !c.pulled.Load() || c.tls != nil || c.closing.Load() || c.Now() < c.again || !c.nb.lift() {
			return
		}
		c.lifted = true
		p.looked.Store(c.Now())
	}
	p.wait()
	if p.leave.Load() {
		c.nb.lower()
		c.lifted, c.again = false, c.Now()+pullAgain
	}
}

// unattended gives a connection back to its goroutine that the match should read and does not. Called by the sweeper.
func (c *Conn) unattended() {
	p := &c.nb.park
	if p.baton.Load() == parked && c.Now()-p.looked.Load() > int64(lonelyFor) {
		p.recall()
	}
}

// Gather implements loop.Gatherer: it reads from everybody whose connection the match reads.
func (m *Match) Gather() {
	if len(m.members) == 0 {
		return
	}
	if m.inlet == nil {
		m.inlet = newInlet(pullSize)
	}
	now := time.Now()
	for _, x := range m.members {
		if x.nb.park.take() {
			x.pull(m.inlet, now)
		}
	}
}

// pull reads once and handles what came. It has the baton.
func (x *session) pull(in *inlet, now time.Time) {
	defer func() {
		if p := recover(); p != nil {
			x.failed(p)
			x.nb.park.release()
		}
	}()
	x.now = int64(now.Sub(x.begin))
	x.nb.park.looked.Store(x.now)
	p, at, err := x.nb.pull(in)
	if err != nil { // the reading goroutine shall see it
		x.nb.park.leave.Store(true)
		p = nil
	}
	x.arrived = x.now
	if at != 0 {
		x.arrived -= max(0, min(now.UnixNano()-at, int64(maxWaited)))
	}
	if len(p) == 0 || x.take(p) {
		x.nb.park.release()
	} else {
		x.nb.park.hand()
	}
}

// take handles simple messages. It returns false if something is left for gws, or for Read to report.
func (x *session) take(p []byte) bool {
	x.heard.Store(x.arrived)
	for len(p) > 0 && !x.closing.Load() {
		size, ok := x.guard.simple(p)
		if !ok {
			x.leave(p)
			return false
		}
		x.bytesIn.Add(uint64(size))
		if _, x.bad = x.guard.scan(p[:size], x.now); x.bad != nil {
			return false
		}
		x.framesIn.Store(x.guard.count)
		x.receive(unmask(p[:size]))
		p = p[size:]
	}
	return true
}

// leave has gws handle p.
func (c *Conn) leave(p []byte) {
	c.early = append(c.left[:0], p...)
	if c.left = nil; cap(c.early) <= readBuffer {
		c.left = c.early
	}
}

// failed ends a connection whose handling panicked.
func (x *session) failed(p any) {
	x.srv.stats.Panics.Add(1)
	x.srv.cfg.Log.Error("connection failed", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
	x.CloseWith(schema.CloseInternal, "")
}
