package bots

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets whose width is 1/32 of their value, in microseconds up to 2^36 (19 hours), as
// G. Tene's HdrHistogram does. Any goroutine may use it; it never grows.
type histogram struct {
	counts [32 * 33]atomic.Uint64
	most   atomic.Uint64
}

const subBits = 5

func bucket(v uint64) int {
	v = min(v, 1<<36-1)
	if v < 1<<subBits {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)<<subBits + int(v>>shift) - 1<<subBits
}

// middle returns the value that stands for a bucket.
func middle(i int) float64 {
	if i < 1<<subBits {
		return float64(i)
	}
	shift := i>>subBits - 1
	low := uint64(1<<subBits+i&(1<<subBits-1)) << shift
	return float64(low) + float64(uint64(1)<<shift-1)/2
}

func (h *histogram) add(d time.Duration) {
	v := uint64(max(d, 0) / time.Microsecond)
	h.counts[bucket(v)].Add(1)
	for {
		most := h.most.Load()
		if v <= most || h.most.CompareAndSwap(most, v) {
			return
		}
	}
}

// reset forgets everything.
func (h *histogram) reset() {
	for i := range h.counts {
		h.counts[i].Store(0)
	}
	h.most.Store(0)
}

// quantiles returns, in ms, the values below which the shares lie, and the greatest value.
func (h *histogram) quantiles(shares ...float64) (ms []float64, most float64) {
	var total uint64
	for i := range h.counts {
		total += h.counts[i].Load()
	}
	most = float64(h.most.Load()) / 1000
	for _, share := range shares {
		rank, seen, at := uint64(share*float64(total)), uint64(0), 0.0
		for i := range h.counts {
			if seen += h.counts[i].Load(); seen > rank {
				at = middle(i) / 1000
				break
			}
		}
		if total > 0 && rank >= total {
			at = most
		}
		ms = append(ms, min(at, most))
	}
	return ms, most
}
