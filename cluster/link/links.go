package link

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// farewell is how long Close writes out what is queued.
const farewell = 250 * time.Millisecond

// Links are a node's connections to its peers. All methods may be called from any goroutine.
type Links struct {
	// static
	cfg   Config
	start time.Time
	ctx   context.Context // ends with Close
	stop  context.CancelFunc

	count counters
	dials atomic.Uint64 // numbers dials

	wg sync.WaitGroup // every goroutine

	mu     sync.RWMutex
	closed bool // nothing is spawned any more
	peers  map[string]*peer
	conns  map[*conn]struct{} // all whose goroutines run, in use or not
}

// New checks the configuration. Nothing is dialled before somebody asks.
func New(cfg Config) (*Links, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Links{cfg: cfg, start: time.Now(), count: newCounters(), peers: map[string]*peer{}, conns: map[*conn]struct{}{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l, nil
}

// errNotServed says that a call failed before it could be served, so that it may be made again.
var errNotServed = errors.New("link: not served")

// Call asks a peer and waits for its answer, until ctx ends and at most for Config.CallTimeout; the peer's handler is
// given the time that is left. It connects first where there is no connection. Errors: ErrUnknown, ErrDown, ErrFull,
// ErrTooLarge, ErrClosed, *Error from the peer, context.DeadlineExceeded, context.Canceled. body may be reused when Call has
// returned; the answer is the caller's.
func (l *Links) Call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	if len(body) > MaxBody || !validName(method) {
		return nil, ErrTooLarge
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.CallTimeout)
	defer cancel()
	l.count.callsOut.Add(1)
	var answer []byte
	err := ctx.Err()
	if err == nil {
		answer, err = l.call(ctx, peer, method, body)
	}
	l.countCall(err)
	return answer, err
}

// call tries again on a new connection where the old was let go as the call came.
func (l *Links) call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	p, err := l.known(peer)
	if err != nil {
		return nil, err
	}
	for range 3 {
		var c *conn
		if c, err = p.connect(ctx); err != nil {
			return nil, err
		}
		var answer []byte
		if answer, err = c.call(ctx, method, body); !errors.Is(err, errNotServed) {
			return answer, err
		}
	}
	return nil, downError(err)
}

func (l *Links) countCall(err error) {
	var failure *Error
	switch {
	case err == nil:
	case errors.As(err, &failure):
		l.count.callErrors.add(callPeer)
	case errors.Is(err, context.DeadlineExceeded):
		l.count.callErrors.add(callTimeout)
	case errors.Is(err, context.Canceled):
		l.count.callErrors.add(callCancelled)
	case errors.Is(err, ErrFull):
		l.count.callErrors.add(callFull)
	default:
		l.count.callErrors.add(callDown)
	}
}

// Send queues a one-way message and never blocks. Messages arrive in order, or are lost with the connection (Down says so).
// ErrDown when there is no connection: one is being made. ErrFull, ErrUnknown, ErrTooLarge, ErrClosed. body may be reused
// when Send has returned.
func (l *Links) Send(peer string, kind uint8, body []byte) error {
	if len(body) > MaxBody {
		return ErrTooLarge
	}
	p, err := l.known(peer)
	if err != nil {
		l.count.drops.add(dropDown)
		return err
	}
	c := p.cur.Load()
	if c == nil {
		l.count.drops.add(dropDown)
		p.ask()
		return ErrDown
	}
	switch c.put(&frame{typ: frameMessage, kind: kind, body: body}, 0) {
	case full:
		l.count.drops.add(dropFull)
		return ErrFull
	case gone:
		l.count.drops.add(dropLeaving)
		p.ask()
		return ErrDown
	}
	l.count.messagesOut.Add(1)
	return nil
}

// Watch keeps a connection to the peer up until release is called: it is dialled again with back-off, and silence is
// noticed. Watches are counted; release may be called more than once. A peer that is not known yet is dialled once it is.
func (l *Links) Watch(peer string) (release func()) {
	p := l.watch(peer)
	if p == nil {
		return func() {}
	}
	return sync.OnceFunc(func() { p.watch(-1) })
}

// watch counts a watch at the peer's entry, which must not be one that is just being forgotten.
func (l *Links) watch(id string) *peer {
	for {
		p := l.entry(id)
		if p == nil || p.watch(1) {
			return p
		}
	}
}

// Silent returns the time since anything came from a peer on its connection, now or before; the largest duration if
// nothing ever came.
func (l *Links) Silent(peer string) time.Duration {
	l.mu.RLock()
	p := l.peers[peer]
	l.mu.RUnlock()
	if p == nil || p.heard.Load() == 0 {
		return math.MaxInt64
	}
	return l.now() - time.Duration(p.heard.Load())
}

// RTT returns the last round trip of a ping to a peer; 0 if there was none. Connections begin with a ping, watched and
// quiet ones repeat it.
func (l *Links) RTT(peer string) time.Duration {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if p := l.peers[peer]; p != nil {
		return time.Duration(p.rtt.Load())
	}
	return 0
}

// Close tells the peers, writes out what is queued for at most 250 ms, ends everything and waits for all goroutines,
// handlers of calls and bulk connections included (their contexts end, their connections are closed).
func (l *Links) Close() {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	peers, conns := make([]*peer, 0, len(l.peers)), make([]*conn, 0, len(l.conns))
	for _, p := range l.peers {
		peers = append(peers, p)
	}
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	if first {
		l.stop()
		for _, p := range peers {
			p.shut()
		}
		for _, c := range conns {
			c.leave(ErrClosed, byeClosed)
		}
	}
	l.wg.Wait()
}

// now is the time since New, never 0.
func (l *Links) now() time.Duration { return time.Since(l.start) + 1 }

// chance is a random number in [0,1).
func (l *Links) chance() float64 { return rand.Float64() }

// spawn runs f in a goroutine that Close waits for. False after Close.
func (l *Links) spawn(f func()) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return false
	}
	l.wg.Go(f)
	return true
}

// known returns the entry of a peer that Config.Peer knows.
func (l *Links) known(id string) (*peer, error) {
	l.mu.RLock()
	p, closed := l.peers[id], l.closed
	l.mu.RUnlock()
	switch {
	case closed:
		return nil, ErrClosed
	case p != nil && p.cur.Load() != nil:
		return p, nil
	}
	if _, ok := l.cfg.Peer(id); !ok || id == l.cfg.ID {
		return nil, ErrUnknown
	}
	if p == nil {
		p = l.entry(id)
	}
	if p == nil {
		return nil, ErrClosed
	}
	return p, nil
}

// entry returns the entry of a peer, made if need be; nil after Close and for this node itself.
func (l *Links) entry(id string) *peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.peers[id]; p != nil || l.closed || id == l.cfg.ID {
		return p
	}
	p := newPeer(l, id)
	l.peers[id] = p
	l.wg.Go(p.run)
	return p
}

// forget removes the entry of a peer that is gone.
func (l *Links) forget(p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.peers[p.id] == p {
		delete(l.peers, p.id)
	}
}

// enlist notes a connection, so that Close finds it. False after Close.
func (l *Links) enlist(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.conns[c] = struct{}{}
	l.wg.Add(2)
	return true
}

func (l *Links) delist(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// rawClose ends a connection at once: closing TLS may wait for a peer that takes nothing.
func rawClose(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	_ = c.Close() // nothing can be done about it, and the end is noticed by reading
}
