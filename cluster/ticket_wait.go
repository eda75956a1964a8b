package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

const (
	pollEvery = 100 * time.Millisecond
	maxWaits  = 20_000 // requests that wait at a node
	pollMost  = 5_000  // tickets of one queue in one question
)

// ticketWaits are requests of this node that wait until a ticket is final. One question for each queue asks for all of them: the
// nodes between which a queue moves need not know who waits where. It locks itself.
type ticketWaits struct {
	wake chan struct{} // room for one

	mu   sync.Mutex // guards the following
	all  map[string][]chan struct{}
	busy map[string]bool // queues that are being asked
}

func (w *ticketWaits) init() {
	w.wake, w.all, w.busy = make(chan struct{}, 1), map[string][]chan struct{}{}, map[string]bool{}
}

// wait returns when a ticket is final or gone, after the time, or when ctx is over. Somebody else has seen that it was not.
func (t *tickets) wait(ctx context.Context, id string, limit time.Duration) error {
	w := &t.waits
	done := make(chan struct{})
	w.mu.Lock()
	if len(w.all) >= maxWaits {
		w.mu.Unlock()
		return admin.ErrFull
	}
	w.all[id] = append(w.all[id], done)
	w.mu.Unlock()
	defer w.forget(id, done)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	case <-t.life.Done():
	}
	return nil
}

func (w *ticketWaits) forget(id string, done chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, x := range w.all[id] {
		if x == done {
			w.all[id] = append(w.all[id][:i:i], w.all[id][i+1:]...)
		}
	}
	if len(w.all[id]) == 0 {
		delete(w.all, id)
	}
}

// poll asks the homes of all queues for whose tickets somebody waits. It does not wait itself.
func (w *ticketWaits) poll(t *tickets) {
	w.mu.Lock()
	byKey := map[string][]string{}
	for id := range w.all {
		key, _ := keyOfTicket(id)
		if !w.busy[key] && len(byKey[key]) < pollMost {
			byKey[key] = append(byKey[key], id)
		}
	}
	for key := range byKey {
		w.busy[key] = true
	}
	w.mu.Unlock()
	for key, ids := range byKey {
		t.start(func() {
			ctx, cancel := context.WithTimeout(t.life, ticketWithin)
			defer cancel()
			got, err := askHome[gotPoll](ctx, t, key, "ticket_poll", askPoll{Key: key, Tickets: ids})
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.busy, key)
			if err != nil {
				return
			}
			for _, list := range [][]string{got.Final, got.Unknown} {
				for _, id := range list {
					for _, done := range w.all[id] {
						close(done)
					}
					delete(w.all, id)
				}
			}
		})
	}
}
