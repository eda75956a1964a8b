package member

import "sync"

const (
	windowBits = 4096              // sequence numbers back in which a message is told from a repeated one
	maxOrigins = 4096              // senders remembered
	noSequence = uint64(1<<63 - 1) // and above: nobody counts so far
)

// window remembers which of the last sequence numbers of a sender were seen. Older ones count as seen: the scheme by
// which IPsec refuses replayed packets (RFC 6479).
type window struct {
	top  uint64 // highest seen
	bits [windowBits / 64]uint64
}

// first reports whether seq is seen for the first time, and remembers it. Numbers start at 1.
func (w *window) first(seq uint64) bool {
	switch {
	case seq == 0 || seq >= noSequence || seq+windowBits <= w.top:
		return false
	case seq > w.top:
		if seq-w.top >= windowBits {
			clear(w.bits[:])
		} else {
			for s := w.top + 1; s < seq; s++ {
				w.bits[s/64%uint64(len(w.bits))] &^= 1 << (s % 64)
			}
		}
		w.top = seq
	case w.bits[seq/64%uint64(len(w.bits))]>>(seq%64)&1 == 1:
		return false
	}
	w.bits[seq/64%uint64(len(w.bits))] |= 1 << (seq % 64)
	return true
}

// origin is what was heard from one sender.
type origin struct {
	direct, gossip window
	load           uint64 // newest sequence
	left           bool
}

// origins tells new messages from repeated ones. Sequence numbers count per sender and kind.
type origins struct {
	mu sync.Mutex // guards all below
	by map[string]*origin
}

// outcome of origins.first.
type outcome uint8

const (
	isNew outcome = iota
	isRepeated
	isTooMany // senders are remembered already
)

// first reports whether a message is heard for the first time, and remembers it.
func (o *origins) first(e *envelope) outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := o.by[e.from]
	if from == nil {
		if len(o.by) >= maxOrigins {
			return isTooMany
		}
		from = &origin{}
		o.by[e.from] = from
	}
	fresh := false
	switch e.kind {
	case kindDirect:
		fresh = from.direct.first(e.seq)
	case kindGossip:
		fresh = from.gossip.first(e.seq)
	case kindLoad:
		if fresh = e.seq > from.load && e.seq < noSequence; fresh {
			from.load = e.seq
		}
	case kindLeft:
		fresh, from.left = !from.left, true
	}
	if fresh {
		return isNew
	}
	return isRepeated
}

// keep forgets every sender that is not wanted any more.
func (o *origins) keep(wanted func(id string) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range o.by {
		if !wanted(id) {
			delete(o.by, id)
		}
	}
}
