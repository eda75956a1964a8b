package admin

import (
	"sync/atomic"
	"time"
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
