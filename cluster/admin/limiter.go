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

// Limiter bounds how often one address may ask; the listener for players has one too. Its memory is bounded: addresses are in two tables,
// and when the newer is full it becomes the older and the older is forgotten, which gives back a full bucket at worst. Any goroutine may
// call its methods.
type Limiter struct {
	// static after NewLimiter
	limit netcode.Limit
	began time.Time
	size  int

	refused atomic.Uint64 // requests refused

	mu           sync.Mutex // guards the following
	newer, older map[netip.Addr]netcode.Bucket
}

// NewLimiter makes a limiter for rate requests a second and burst at once of each address. A table holds size addresses.
func NewLimiter(rate, burst, size int) *Limiter {
	return &Limiter{limit: netcode.PerSecond(rate, burst), began: time.Now(), size: size, newer: map[netip.Addr]netcode.Bucket{}}
}

// Allow takes one request of an address. Loopback is not limited: it is the operator himself, or a proxy that speaks for
// everybody and limits by itself.
func (l *Limiter) Allow(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.Unmap().IsLoopback() {
		return true
	}
	ok := l.take(network(addr))
	if !ok {
		l.refused.Add(1)
	}
	return ok
}

// Refused is how many requests were refused.
func (l *Limiter) Refused() uint64 { return l.refused.Load() }

func (l *Limiter) take(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.newer[addr]
	if !ok {
		b = l.older[addr]
		if len(l.newer) >= l.size {
			l.newer, l.older = make(map[netip.Addr]netcode.Bucket), l.newer
		}
	}
	allowed := b.Take(l.limit, int64(time.Since(l.began)), 1)
	l.newer[addr] = b
	return allowed
}

// network is what one customer of a provider has: an IPv4 address, or an IPv6 /64.
func network(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
