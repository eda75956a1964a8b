package admin

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/netcode"
)

// Limits of requests. Loopback has no rate limit: it is the operator himself, or a proxy that limits by itself.
const (
	maxBody   = 256 << 10 // bytes of one body
	maxBodies = 16 << 20  // bytes of all bodies that are read or answered at a time
	readBody  = 10 * time.Second

	rate      = 50 // requests of one address a second
	burst     = 200
	addresses = 4096 // in each of the limiter's two tables
)

// limiter bounds how often one address may ask. Its memory is bounded: when the newer of two tables is full it becomes the older, and the
// older is forgotten, which gives back a full bucket at worst.
type limiter struct {
	// static
	limit netcode.Limit
	began time.Time

	refused atomic.Uint64

	mu           sync.Mutex // guards the following
	newer, older map[netip.Addr]netcode.Bucket
}

func newLimiter() *limiter {
	return &limiter{limit: netcode.PerSecond(rate, burst), began: time.Now(), newer: map[netip.Addr]netcode.Bucket{}}
}

// allow takes one request of its caller's address.
func (l *limiter) allow(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	addr = addr.Unmap().WithZone("")
	if err == nil && addr.IsLoopback() {
		return true
	}
	if addr.Is6() { // what one customer of a provider has
		if p, err := addr.Prefix(64); err == nil {
			addr = p.Addr()
		}
	}
	ok := l.take(addr)
	if !ok {
		l.refused.Add(1)
	}
	return ok
}

func (l *limiter) take(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.newer[addr]
	if !ok {
		b = l.older[addr]
		if len(l.newer) >= addresses {
			l.newer, l.older = make(map[netip.Addr]netcode.Bucket), l.newer
		}
	}
	allowed := b.Take(l.limit, int64(time.Since(l.began)), 1)
	l.newer[addr] = b
	return allowed
}

// room is a number of bytes that all requests share.
type room struct{ used atomic.Int64 }

// take reserves bytes. It reports false, and reserves nothing, where there are not as many.
func (m *room) take(n int64) bool {
	if m.used.Add(n) > maxBodies {
		m.used.Add(-n)
		return false
	}
	return true
}

func (m *room) give(n int64) { m.used.Add(-n) }
