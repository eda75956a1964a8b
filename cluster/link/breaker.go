package link

import "time"

// breaker decides when a peer is dialled: pure, with time as argument. Failures in a row lengthen the wait; from after of
// them on calls fail at once (open) until the wait is over, then one attempt is made for all to see (half open).
type breaker struct {
	after    int
	min, max time.Duration

	fails int
	until time.Time // background attempts wait until then
}

// fail counts a failure. r in [0,1) is the chance that spreads the waits of many nodes. It reports whether the breaker
// opened just now.
func (b *breaker) fail(now time.Time, r float64) bool {
	b.fails++
	wait := b.max
	if shift := b.fails - 1; shift < 16 {
		wait = min(b.max, b.min<<shift)
	}
	b.until = now.Add(wait - time.Duration(r*float64(wait/2)))
	return b.fails == b.after
}

// ok forgets failures: the peer is well.
func (b *breaker) ok() { b.fails, b.until = 0, time.Time{} }

// tripped says that so many attempts failed that callers do not wait for the next.
func (b *breaker) tripped() bool { return b.fails >= b.after }

// open says that callers are refused at once.
func (b *breaker) open(now time.Time) bool { return b.tripped() && now.Before(b.until) }

// next returns when the next attempt may be made: at once if a caller asks, unless tripped.
func (b *breaker) next(asked bool) time.Time {
	if asked && !b.tripped() {
		return time.Time{}
	}
	return b.until
}
