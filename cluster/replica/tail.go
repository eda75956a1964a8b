package replica

import "slices"

// entry is one message of the tail, without the epoch: it is written when the message is sent, since an entry may be sent again in a
// later one.
type entry struct {
	kind         Kind // KindRecord or KindDiff
	from, tick   uint32
	before, hash uint64
	body         []byte
}

// entryCost is about how many bytes of memory an entry takes beside its body.
const entryCost = 64

// tail is the chain of the newest messages, oldest first: each begins where the one before ends. Bodies are used again.
type tail struct {
	maxTicks, maxBytes int

	entries []entry // those before head are gone
	head    int
	bytes   int
	free    [][]byte
}

const (
	maxFree     = 64      // bodies kept for use again
	maxFreeBody = 4 << 10 // bytes of one
)

func (t *tail) len() int { return len(t.entries) - t.head }

// buffer returns an empty body to fill.
func (t *tail) buffer() []byte {
	if n := len(t.free); n > 0 {
		b := t.free[n-1]
		t.free = t.free[:n-1]
		return b[:0]
	}
	return nil
}

// add appends an entry, and drops old ones that are beyond a bound. The tail owns the body.
func (t *tail) add(e entry) {
	t.entries = append(t.entries, e)
	t.bytes += cap(e.body) + entryCost
	for t.len() > t.maxTicks || t.bytes > t.maxBytes && t.len() > 0 {
		t.drop()
	}
}

// drop forgets the oldest entry.
func (t *tail) drop() {
	e := &t.entries[t.head]
	t.bytes -= cap(e.body) + entryCost
	if len(t.free) < maxFree && cap(e.body) <= maxFreeBody {
		t.free = append(t.free, e.body)
	}
	*e = entry{}
	if t.head++; t.head*2 >= len(t.entries) {
		n := copy(t.entries, t.entries[t.head:])
		clear(t.entries[n:])
		t.entries, t.head = t.entries[:n], 0
	}
}

// trim forgets the entries up to a tick.
func (t *tail) trim(tick uint32) {
	for t.len() > 0 && t.entries[t.head].tick <= tick {
		t.drop()
	}
}

// clear forgets everything.
func (t *tail) clear() {
	for t.len() > 0 {
		t.drop()
	}
}

// after returns the entry that goes on from a tick, or nil.
func (t *tail) after(tick uint32) *entry {
	live := t.entries[t.head:]
	i, ok := slices.BinarySearchFunc(live, tick, func(e entry, n uint32) int { return int(int64(e.from) - int64(n)) })
	if !ok {
		return nil
	}
	return &live[i]
}
