package link

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// peer is all about one other node. Its goroutine (run) decides when to dial, beats, and lets go.
type peer struct {
	// static
	l    *Links
	id   string
	kick chan struct{} // tells run that something changed; capacity 1

	// any goroutine
	cur     atomic.Pointer[conn] // the connection in use; written under mu
	heard   atomic.Int64         // Links.now of the last byte that came; 0: never
	rtt     atomic.Int64         // of the last ping
	serving gate                 // calls of this peer

	mu       sync.Mutex
	watchers int
	waiters  int  // calls that wait for a connection
	asked    bool // somebody found no connection, and no dial began since
	gone     bool // forgotten: a new entry must be made
	shutDown bool // Links is closed
	dial     *attempt
	hold     time.Time // no dial before: the peer's own was better
	brk      breaker
	changed  chan struct{} // closed and made anew when waiters should look again
	failures uint64        // attempts that failed
	failed   error         // the last
	last     uint64        // id of the connection that ended last
	tail     *conn         // the connection made last, for the order of Up and Down
	bulks    map[*bulk]struct{}
	accepted int // of bulks: those that the peer opened
}

// attempt is one dial under way.
type attempt struct {
	claim
	cancel context.CancelFunc
}

func newPeer(l *Links, id string) *peer {
	return &peer{
		l: l, id: id, kick: make(chan struct{}, 1), changed: make(chan struct{}), bulks: map[*bulk]struct{}{},
		serving: gate{calls: l.cfg.MaxCalls, bytes: l.cfg.MaxQueue},
		brk:     breaker{after: l.cfg.BreakerAfter, min: l.cfg.BackoffMin, max: l.cfg.BackoffMax},
	}
}

// poke makes run look again.
func (p *peer) poke() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// watch adds n watchers. False if this entry is forgotten.
func (p *peer) watch(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers += n
	p.poke()
	return !p.gone
}

// ask notes that somebody would like a connection.
func (p *peer) ask() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked {
		p.asked = true
		p.poke()
	}
}

// connect returns the connection, and waits for one until an attempt fails or ctx ends.
func (p *peer) connect(ctx context.Context) (*conn, error) {
	if c := p.cur.Load(); c != nil {
		return c, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	failures := p.failures
	for {
		switch c := p.cur.Load(); {
		case c != nil:
			return c, nil
		case p.shutDown:
			return nil, ErrClosed
		case p.gone:
			return nil, ErrUnknown
		case p.failures != failures, p.brk.open(time.Now()), p.brk.tripped() && p.dial != nil:
			return nil, downError(p.failed)
		}
		if err := p.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// wait gives mu up until something changed.
func (p *peer) wait(ctx context.Context) error {
	changed := p.changed
	p.waiters++
	p.asked = true // until a dial begins; whoever still waits when it is over asks again
	p.poke()
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.waiters--
	}()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wakeLocked makes the waiters look again.
func (p *peer) wakeLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
	p.poke()
}

// downError says why there is no connection.
func downError(cause error) error {
	if cause == nil {
		return ErrDown
	}
	return fmt.Errorf("%w: %w", ErrDown, cause)
}

// adoptLocked makes c the connection in use. Its goroutines are started by the caller.
func (p *peer) adoptLocked(c *conn) {
	c.prev, p.tail = p.tail, c
	p.cur.Store(c)
	p.asked = false
	p.hold = time.Time{}
	p.wakeLocked()
}

// retire takes c out of use.
func (p *peer) retire(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cur.CompareAndSwap(c, nil) {
		p.last = c.id
		p.wakeLocked()
	}
}

// ended takes the end of a connection into account; bad says that it counts as a failure to reach the peer.
func (p *peer) ended(err error, bad bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bad {
		p.failLocked(err)
	}
}

// failLocked counts a failure to reach the peer.
func (p *peer) failLocked(err error) {
	p.failures++
	p.failed = err
	if p.brk.fail(time.Now(), p.l.chance()) {
		p.l.count.breakerOpened.Add(1)
		p.l.cfg.Log.Warn("peer cannot be reached", "peer", p.id, "failures", p.brk.fails, "error", err)
	}
	p.wakeLocked()
}

// well notes that the peer answers.
func (p *peer) well() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.brk.ok()
}

// shut ends what is under way, at Close.
func (p *peer) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shutDown = true
	p.cancelDialLocked()
	for b := range p.bulks {
		rawClose(b.Conn)
	}
	p.wakeLocked()
}

func (p *peer) cancelDialLocked() {
	if p.dial != nil {
		p.dial.cancel()
		p.dial = nil
	}
}
