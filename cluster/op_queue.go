package cluster

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	maxWaiting   = 10_000           // results that wait to be delivered; beyond, the oldest gives way
	firstRetry   = time.Second      // after the first failure of a delivery, give or take; doubled with each
	lastRetry    = 5 * time.Minute  // at most
	breakAfter   = 5                // failures in a row after which the receiver is left alone
	firstPause   = 2 * time.Second  // for so long at first, give or take; doubled with each probe that fails
	lastPause    = time.Minute      // at most
	maxAskedWait = 10 * time.Minute // that a receiver may ask for with Retry-After
)

// delivery is a result on its way to the receiver.
type delivery struct {
	seq   uint64 // of its file
	tries int
	due   time.Time
}

// verdict is what became of an attempt.
type verdict uint8

const (
	delivered verdict = 1 + iota
	refused           // the receiver answers, but does not take this one
	failed            // the receiver does not answer, or says that it cannot now
)

// deliveries says which result to deliver when: every failure makes a result wait longer, and a receiver that fails again and again is left
// alone until one attempt succeeds (a circuit breaker). It is pure: time comes in, and nothing is done. Not safe for concurrent use.
type deliveries struct {
	rand   *rand.Rand
	limit  int         // attempts at a time
	most   int         // results that may wait
	wait   []*delivery // ascending by seq
	flying int

	failures int // in a row, of any result
	pauses   int // in a row
	until    time.Time
}

// add queues a result. It returns the number of one that gave way for it, 0 if none did.
func (d *deliveries) add(now time.Time, seq uint64) (gone uint64) {
	if len(d.wait) >= d.most {
		gone = d.wait[0].seq
		d.wait = append(d.wait[:0], d.wait[1:]...)
	}
	d.insert(&delivery{seq: seq, due: now})
	return gone
}

// next takes the result that is to be delivered now; nil if there is none, then after says when to ask again, 0 for never by itself.
func (d *deliveries) next(now time.Time) (x *delivery, after time.Duration) {
	limit := d.limit
	if d.open() {
		if left := d.until.Sub(now); left > 0 {
			return nil, left
		}
		limit = 1 // a probe
	}
	if d.flying >= limit || len(d.wait) == 0 {
		return nil, 0
	}
	first := 0
	for i, w := range d.wait {
		if w.due.Before(d.wait[first].due) {
			first = i
		}
	}
	x = d.wait[first]
	if left := x.due.Sub(now); left > 0 {
		return nil, left
	}
	d.wait = append(d.wait[:first], d.wait[first+1:]...)
	d.flying++
	return x, 0
}

// done notes what became of an attempt. asked is for how long the receiver wants to be left alone, 0 if it said nothing.
func (d *deliveries) done(now time.Time, x *delivery, v verdict, asked time.Duration) {
	d.flying--
	if v != failed {
		d.failures, d.pauses = 0, 0
	}
	if v == delivered {
		return
	}
	x.due = now.Add(max(d.spread(firstRetry, lastRetry, x.tries), min(asked, maxAskedWait)))
	x.tries++
	d.insert(x)
	if v != failed {
		return
	}
	if d.failures++; d.failures >= breakAfter && !now.Before(d.until) {
		d.until = now.Add(max(d.spread(firstPause, lastPause, d.pauses), min(asked, maxAskedWait)))
		d.pauses++
	}
}

// insert puts a result back where its number belongs.
func (d *deliveries) insert(x *delivery) {
	i := 0
	for i < len(d.wait) && d.wait[i].seq < x.seq {
		i++
	}
	d.wait = append(d.wait, nil)
	copy(d.wait[i+1:], d.wait[i:])
	d.wait[i] = x
}

// open reports whether the receiver is left alone, or probed.
func (d *deliveries) open() bool { return d.failures >= breakAfter }

// spread is an exponential back-off with jitter: half of it is sure, half random, so that several nodes do not come at once.
func (d *deliveries) spread(first, most time.Duration, n int) time.Duration {
	b := most
	if n < 20 {
		b = min(most, first<<n)
	}
	return b/2 + time.Duration(d.rand.Int64N(int64(b/2)+1))
}

// holds says whether a result waits; one that is on its way does not.
func (d *deliveries) holds(seq uint64) bool {
	return slices.ContainsFunc(d.wait, func(x *delivery) bool { return x.seq == seq })
}

// take gives up a result that waits; false if it does not.
func (d *deliveries) take(seq uint64) bool {
	before := len(d.wait)
	d.wait = slices.DeleteFunc(d.wait, func(x *delivery) bool { return x.seq == seq })
	return len(d.wait) < before
}

// pending is how many results are not delivered yet.
func (d *deliveries) pending() int { return len(d.wait) + d.flying }
