package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/place"
)

// arrivals are matches that other nodes are moving here. A node that leaves waits for those that it let come before, to move them on.
// It locks itself; the zero value is ready.
type arrivals struct {
	mu sync.Mutex           // guards the following
	at map[string]time.Time // when a node said that it is about to move this match here
}

// arriveWithin is how long a match that is moved may take: the other node gives up before.
const arriveWithin = time.Second

// expect notes that a match is about to come, unless this node leaves.
func (a *arrivals) expect(match string, leaves func() bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if leaves() { // asked under the lock: whoever leaves looks at the list afterwards
		return false
	}
	if a.at == nil {
		a.at = map[string]time.Time{}
	}
	a.forget()
	a.at[match] = time.Now()
	return true
}

// any reports whether a match is still to come; here says which ones came.
func (a *arrivals) any(here func(match string) bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget()
	for match := range a.at {
		if here(match) {
			delete(a.at, match)
		}
	}
	return len(a.at) > 0
}

func (a *arrivals) forget() {
	for match, at := range a.at {
		if time.Since(at) >= arriveWithin {
			delete(a.at, match)
		}
	}
}

// announced tells a node that a match is about to be moved to it. It is false if the node leaves, which gossip may not have told yet,
// or cannot be asked.
func (n *Node) announced(match, to string) bool {
	got, _ := n.askStand(askReserve{Match: match, Move: true}, []place.Ask{{Node: to}})
	return got[0].Status != place.Refused
}

// linger waits a moment for matches that are still to come; false if there are none.
func (n *Node) linger(ctx context.Context) bool {
	if !n.coming.any(func(match string) bool { return n.matches.get(match) != nil }) {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(10 * time.Millisecond): // a guard takes them over at some time; that ends in matches
		return true
	}
}
