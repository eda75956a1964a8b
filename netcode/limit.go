package netcode

import "time"

// Limit is a rate limit: so many units a second, so many at once. The zero value limits nothing. It is read-only and
// shared by all buckets of a sort.
type Limit struct {
	unit  int64 // ns that one unit costs
	depth int64 // ns that a bucket holds: units at once times unit
}

// PerSecond makes a limit of rate units a second, with burst units (at least 1) at once. A rate of 0 or less limits
// nothing. Rates over 10^6 are rounded to whole nanoseconds per unit, those over 10^9 limit nothing.
func PerSecond(rate, burst int) Limit {
	if rate <= 0 || rate > int(time.Second) {
		return Limit{}
	}
	unit := int64(time.Second) / int64(rate)
	return Limit{unit: unit, depth: int64(max(burst, 1)) * unit}
}

// Bucket is a token bucket in its leanest form, the generic cell rate algorithm (ITU-T I.371): one number, the time at
// which the bucket would be full again. The zero value is full. It belongs to one goroutine at a time.
type Bucket struct {
	full int64 // ns on the caller's clock
}

// Take takes n units at time now, in ns of any monotonic clock that starts at 0 or above. It reports false, and takes
// nothing, if the bucket holds fewer.
func (b *Bucket) Take(l Limit, now int64, n int) bool {
	if l.unit == 0 {
		return true
	}
	full := max(b.full, now)
	if int64(n) > (l.depth-(full-now))/l.unit {
		return false
	}
	b.full = full + int64(n)*l.unit
	return true
}
