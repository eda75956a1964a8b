package netcode

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// Pulling: what players send is used at ticks, so the match's goroutine reads their sockets right before each, all in one go. A goroutine that the
// runtime's poller wakes for every message costs several times what the read does. Messages in simple frames are handled at
// once; everything else is handed to gws in the connection's own goroutine, which waits in Conn.Read, and counts for the next tick only. It
// gets the connection back when reading fails, when bytes wait for the kernel, when we close, when the match does not tick, and for good
// when a message comes compressed, as browsers send them.
const (
	pullHz     = 16                     // ticks a second from which on matches pull: a pong can say that its ping waited for 65 ms
	pullSize   = 8 << 10                // bytes read from a connection at a tick; the rest comes with the next
	lonelyFor  = time.Second            // without a tick after which a connection is read by its own goroutine again
	pullAgain  = int64(2 * time.Second) // for which a connection that was given back is left alone
	lowerAgain = 50 * time.Millisecond  // until it is tried again to give a connection back for which there was no descriptor
	maxSlew    = time.Millisecond       // of the wall clock against the monotonic one from tick to tick; more is a clock that was set
)

// raise lifts the connection if the match wants to read it, and reports whether it did. Called by the reading goroutine.
func (c *Conn) raise() bool {
	if c.guard.compressed {
		c.pulled.Store(false) // for good: only gws can read what he sends, and would get it when the tick has begun already
	}
	if c.lifted || !c.pulled.Load() || c.tls != nil || c.closing.Load() || c.Now() < c.again || !c.nb.lift() {
		return false
	}
	c.lifted = true
	c.nb.park.looked.Store(c.Now())
	return true
}

// stand has the reading goroutine stand aside while the match reads. It returns when there is something for it to do.
func (c *Conn) stand() {
	c.raise()
	if !c.lifted {
		return
	}
	p, pulled := &c.nb.park, c.pulled.Load()
	if pulled {
		p.wait()
	}
	if !pulled || p.leave.Load() {
		for !c.nb.lower() {
			time.Sleep(lowerAgain)
		}
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
	now := time.Now()
	if m.wall.since.IsZero() {
		m.wall.since = now
	}
	stamped := m.wall.steady(now.UnixNano(), int64(now.Sub(m.wall.since)))
	var in *inlet
	for _, x := range m.members {
		if x.nb.park.take() {
			if in == nil {
				in = inlets.Get().(*inlet)
			}
			x.pull(in, now, stamped)
		}
	}
	if in != nil {
		inlets.Put(in)
	}
}

// inlets are shared by all that read: as many are in use as goroutines read at a time.
var inlets = sync.Pool{New: func() any { return newInlet(pullSize) }}

// wall watches the wall clock, which the kernel's time stamps are of.
type wall struct {
	since time.Time // when the watch began
	ahead int64     // ns that the wall clock is ahead of the monotonic one
}

// steady reports whether the wall clock was not set since the last call. Both times are now, in ns from any start. The first call is
// not steady.
func (w *wall) steady(clock, monotonic int64) bool {
	slew := clock - monotonic - w.ahead
	w.ahead += slew
	return -int64(maxSlew) <= slew && slew <= int64(maxSlew)
}

// pull reads once and handles what came. It has the baton. stamped says that the kernel's time stamps can be compared with now.
func (x *session) pull(in *inlet, now time.Time, stamped bool) {
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
	if at != 0 && stamped {
		x.arrived -= max(0, now.UnixNano()-at)
	}
	if len(p) == 0 || x.take(p) {
		x.nb.park.release()
	} else {
		x.nb.park.hand()
	}
}

// take handles simple frames. It returns false if something is left for gws, or for Read to report.
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
		if p[0]&15 == opPong {
			x.ponged()
		} else {
			x.receive(unmask(p[:size]))
		}
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
