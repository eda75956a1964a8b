package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game/loop"
)

const (
	stillTime = time.Second          // for which an order waits while its match is handed over
	sureTime  = 2 * time.Second      // for which it waits until the match cannot lose it any more
	sureEvery = 5 * time.Millisecond // how often it is looked
)

// turnstile lets orders of operators into a match, and holds them back from before the last ticks of a hand-over: what a match finds in its
// inbox after its last tick here is lost. It locks itself; the zero value is open.
type turnstile struct {
	mu sync.Mutex    // guards the following; held while an order is put into the inbox
	on chan struct{} // closed when the match goes on here after all; nil: it is open
}

// shut holds orders back. What came before is in the match's inbox when it returns.
func (t *turnstile) shut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on == nil {
		t.on = make(chan struct{})
	}
}

// open lets orders in again.
func (t *turnstile) open() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on != nil {
		close(t.on)
		t.on = nil
	}
}

// pass calls f unless the turnstile is shut; then it returns what tells when it is open again.
func (t *turnstile) pass(f func() error) (shut <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on != nil {
		return t.on, nil
	}
	return nil, f()
}

// order puts something into a match's inbox with f, which returns loop.ErrOver, loop.ErrBusy or loop.ErrSize, once the match is not being
// handed over. After admin.ErrMoved it has not: the match goes on elsewhere.
func (h *hosted) order(ctx context.Context, f func() error) error {
	limit := time.NewTimer(stillTime)
	defer limit.Stop()
	for {
		shut, err := h.gate.pass(f)
		if shut == nil {
			return h.refusal(err)
		}
		select {
		case <-shut:
		case <-h.gone:
			return h.refusal(loop.ErrOver)
		case <-limit.C:
			return admin.ErrMoved
		case <-ctx.Done():
			return admin.ErrMoved
		}
	}
}

// surely is order, and returns when what f put into the inbox would survive this node: the ticks that can have taken it have been released,
// so another node has them, or there is none that could go on. An error that wraps admin.ErrUnreachable says that it may or may not have
// been heeded.
func (h *hosted) surely(ctx context.Context, f func() error) error {
	if err := h.order(ctx, f); err != nil || h.duty == nil {
		return err
	}
	now, _ := h.match.Clock()
	last := now + 2 // the next one may have emptied the inbox just before
	look := time.NewTicker(sureEvery)
	defer look.Stop()
	limit := time.NewTimer(sureTime)
	defer limit.Stop()
	for h.duty.released.Load() < last {
		select {
		case <-look.C:
			continue
		case <-h.gone:
			if !h.moved() && !h.stopped() || h.duty.released.Load() >= last {
				return nil // the end was released
			}
		case <-limit.C:
		case <-ctx.Done():
		}
		return errUnsure
	}
	return nil
}
