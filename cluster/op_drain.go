package cluster

import (
	"context"
	"sync"

	"github.com/overtime-server/overtime/cluster/admin"
)

// drains is the drain of this node that an operator asked for. It locks itself.
type drains struct {
	mu    sync.Mutex // guards the following
	ended bool       // no more begin
	over  chan struct{}
}

// begin starts f on a goroutine of its own, unless one runs already. It reports false when the node ends.
func (d *drains) begin(f func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return false
	}
	if d.over != nil {
		select {
		case <-d.over:
		default:
			return true
		}
	}
	over := make(chan struct{})
	d.over = over
	go func() { // ends with f, which close waits for
		defer close(over)
		f()
	}()
	return true
}

// close waits for a drain that runs, which must have been told to end.
func (d *drains) close() {
	d.mu.Lock()
	d.ended = true
	over := d.over
	d.mu.Unlock()
	if over != nil {
		<-over
	}
}

// empty is what a call has to say that has nothing to say.
type empty struct{}

// giveDrain lets this node begin to move its matches away.
func (n *Node) giveDrain(context.Context, string, empty) (empty, error) {
	ok := n.drains.begin(func() {
		n.cfg.Log.Info("draining", "matches", n.matches.count())
		if err := n.drain(n.life); err != nil {
			n.cfg.Log.Warn("drain", "err", err)
		}
	})
	if !ok {
		return empty{}, admin.ErrDraining
	}
	return empty{}, nil
}

// Drain implements admin.Node.
func (o operator) Drain(ctx context.Context, node string) error {
	if _, ok := o.node(node); !ok {
		return admin.ErrNoNode
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := ask[empty](ctx, o.Node, node, "drain", empty{})
	return err
}
