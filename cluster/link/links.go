package link

import (
	"context"
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
