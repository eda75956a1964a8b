package client

import (
	"math/rand/v2"
	"time"
)

// backoff is exponential back-off with full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015). Pure.
type backoff struct {
	base, most time.Duration
	rng        *rand.Rand
}

// wait returns how long to wait before an attempt, counted from 0: uniform in 0 to base*2^n, at most most.
func (b *backoff) wait(n int) time.Duration {
	top := b.most
	if n < 30 {
		top = min(top, b.base<<n)
	}
	return time.Duration(b.rng.Int64N(int64(top) + 1))
}
