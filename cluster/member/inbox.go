package member

import (
	"sync"

	"github.com/hashicorp/memberlist"
)

// Bounds of what waits for the callbacks. Events of membership and loads are kept per node, the newest wins, so that
// none is lost for good; messages beyond the bounds are dropped.
const (
	inboxItems = 8192
	inboxBytes = 16 << 20
)

// item is a message or the user's part of a push/pull.
type item struct {
	from  string
	body  []byte
	merge bool
	join  bool // of a merge
}

// change is the newest that memberlist said of a node.
type change struct {
	node  memberlist.Node
	alive bool
}

// batch is what came in since the last look.
type batch struct {
	nodes map[string]change
	loads map[string]nodeLoad
	left  map[string]struct{}
	items []item
	bytes int
}

// inbox passes what memberlist's callbacks bring to the goroutine of Members. Its methods never block.
type inbox struct {
	wake chan struct{} // has one when something is in it

	mu sync.Mutex // guards all below
	in batch
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1), in: newBatch()} }

func newBatch() batch {
	return batch{nodes: map[string]change{}, loads: map[string]nodeLoad{}, left: map[string]struct{}{}}
}

// take empties the inbox.
func (b *inbox) take() batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.in
	if len(got.nodes)+len(got.loads)+len(got.left) > 0 {
		b.in = newBatch()
	} else {
		b.in.items, b.in.bytes = nil, 0
		got.nodes, got.loads, got.left = nil, nil, nil // stay here
	}
	return got
}

// node notes that a node is there or gone.
func (b *inbox) node(n memberlist.Node, alive bool) {
	b.mu.Lock()
	b.in.nodes[n.Name] = change{n, alive}
	b.mu.Unlock()
	b.ring()
}

// load notes the load of a node, unless a newer one waits already.
func (b *inbox) load(l nodeLoad) {
	b.mu.Lock()
	if _, known := b.in.loads[l.id]; (known || len(b.in.loads) < maxOrigins) && b.in.loads[l.id].seq < l.seq {
		b.in.loads[l.id] = l
	}
	b.mu.Unlock()
	b.ring()
}

// leave notes that a node said that it goes.
func (b *inbox) leave(id string) {
	b.mu.Lock()
	if len(b.in.left) < maxOrigins {
		b.in.left[id] = struct{}{}
	}
	b.mu.Unlock()
	b.ring()
}

// put adds an item, or reports that there is no room for it.
func (b *inbox) put(it item) bool {
	b.mu.Lock()
	ok := len(b.in.items) < inboxItems && b.in.bytes+len(it.body) <= inboxBytes
	if ok {
		b.in.items = append(b.in.items, it)
		b.in.bytes += len(it.body)
	}
	b.mu.Unlock()
	b.ring()
	return ok
}

func (b *inbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
