package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/place"
	"github.com/overtime-server/overtime/game/loop"
)

// moveAhead is how many ticks before the last one here everybody is told where the match goes.
const moveAhead = 4

// startMove begins to move the match to another node. done gets the outcome.
func (d *duty) startMove(target string, done chan error) {
	switch {
	case d.host == nil || d.finished:
		done <- errors.New("the match is not here")
	case d.move != nil:
		done <- errors.New("the match is being moved already")
	case !d.guard.Move(d.now(), target):
		done <- errors.New("the match cannot be moved right now")
	default:
		d.move = done
	}
}

// moveReady says that the target has caught up: clients learn where it is, and the last tick here is fixed.
func (d *duty) moveReady(target string) {
	if d.host == nil {
		return
	}
	if x, ok := d.node.node(target); ok {
		d.host.match.SetStandby(x.Meta.URL)
	}
	d.host.gate.shut() // before the clock is read: ticks follow that take all that came before
	tick, _ := d.host.match.Clock()
	d.mail.put(letter{kind: letterMoveAt, tick: tick + moveAhead})
}

// moved tells who waits what became of a move. If the match is still here, it goes on here.
func (d *duty) moved(err error) {
	if d.host != nil {
		d.host.gate.open()
	}
	if d.move != nil {
		d.move <- err
		d.move = nil
	}
}

// moveMatch moves a match of this node to another one and waits for it.
func (n *Node) moveMatch(ctx context.Context, h *hosted, target string) error {
	if h.duty == nil {
		return errors.New("a lone node cannot move matches")
	}
	done := make(chan error, 1)
	if !h.duty.mail.put(letter{kind: letterMove, text: target, done: done}) {
		return errors.New("the match is over")
	}
	select {
	case err := <-done:
		if err == nil {
			err = h.left(ctx) // at once: it is retired
		}
		return err
	case <-h.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// left waits until a match that was retired is gone.
func (h *hosted) left(ctx context.Context) error {
	select {
	case <-h.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	movesAtOnce = 8               // matches of a node that are moved at a time
	moveTime    = 5 * time.Second // for one of them
)

// evacuate moves all matches of this node elsewhere, those too that come meanwhile: another node that leaves may not have heard yet that
// this one does too. It returns how many stayed.
func (n *Node) evacuate(ctx context.Context) (left int) {
	if n.links == nil {
		return n.matches.count()
	}
	slots := make(chan struct{}, movesAtOnce)
	tried := map[*hosted]bool{}
	for waits := true; waits && ctx.Err() == nil; {
		waits = n.linger(ctx) // before it is looked who is here
		fresh := slices.DeleteFunc(n.matches.all(), func(h *hosted) bool { return tried[h] })
		waits = waits || len(fresh) > 0
		var moving sync.WaitGroup
		for _, h := range fresh {
			tried[h] = true
			moving.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if err := n.moveAway(ctx, h); err != nil {
					n.cfg.Log.Info("match not moved", "match", h.match.ID(), "err", err)
				}
			})
		}
		moving.Wait()
	}
	return n.matches.count()
}

// moveAway moves a match to its standby, which has the state already, or else to the node that suits it best.
func (n *Node) moveAway(ctx context.Context, h *hosted) error {
	ctx, cancel := context.WithTimeout(ctx, moveTime)
	defer cancel()
	began := time.Now()
	for {
		select {
		case <-h.gone: // it ended, or another drain has moved it
			return nil
		default:
		}
		target, err := n.heir(ctx, h)
		if err != nil && time.Since(began) > heirTime {
			return err
		}
		if err == nil {
			err = n.moveMatch(ctx, h, target)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		select { // its list may just be changing
		case <-ctx.Done():
			return err
		case <-time.After(moveAgain):
		}
	}
}

// moveAgain is the pause between attempts to move a match.
const moveAgain = 50 * time.Millisecond

// heirTime is how long a match without a standby is given to find one, if there is no other node for it either.
const heirTime = 300 * time.Millisecond

// heir returns the node that a match is moved to.
func (n *Node) heir(ctx context.Context, h *hosted) (string, error) {
	witness := ""
	if r := h.duty.shown.Load(); r != nil {
		if x, ok := n.node(r.Standby); ok && x.State == member.Alive && !x.Load.Draining && n.announced(h.match.ID(), r.Standby) {
			return r.Standby, nil
		}
		witness = r.Witness
	}
	nodes := slices.DeleteFunc(n.candidates(), func(x place.Node) bool { return x.ID == n.id || x.ID == witness })
	ranked, err := place.Candidates(nodes, h.match.ID(), n.cfg.Region)
	if err != nil {
		return "", err
	}
	search := place.NewSearch(ranked)
	for asks := search.Next(); asks != nil; asks = search.Next() {
		for _, r := range n.reserve(ctx, h.rules(), asks) {
			search.Answer(r)
		}
	}
	target, ok := search.Winner()
	if !ok || !n.announced(h.match.ID(), target) {
		return "", admin.ErrFull
	}
	return target, nil
}

// depart is what a node does with its matches before it stops: it moves them, and leaves to their standbys what cannot be moved
// in time. Only matches that nobody stands by for end.
func (n *Node) depart(ctx context.Context) {
	if n.links == nil {
		return
	}
	limit := time.Minute
	if at, ok := ctx.Deadline(); ok {
		limit = time.Until(at) * 6 / 10
	}
	moving, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	before := n.matches.count()
	left := n.evacuate(moving)
	n.cfg.Log.Info("drained", "matches", before, "left", left, "took", time.Since(began))
	for _, h := range n.matches.all() {
		r := h.duty.shown.Load()
		switch {
		case r == nil || r.Standby == "":
			continue
		case r.Need == guard.NeedAnswer || r.Need == guard.NeedMajority: // cut off: the others go on with it, or have given it up
			h.match.Retire(loop.OverMoved, "this node is out of reach of the others")
			continue
		case !r.Protected: // its last tick would wait for an answer that does not come
			h.match.Retire(loop.OverShutdown, "the node stops")
			continue
		}
		if x, ok := n.node(r.Standby); ok {
			h.match.MoveTo(x.Meta.URL)
		}
		h.match.Retire(loop.OverMoved, "its standby goes on")
	}
}

// drain moves all matches away and takes part in nothing new from now on.
func (n *Node) drain(ctx context.Context) error {
	n.closing.Store(true)
	if n.members != nil {
		n.members.SetLoad(n.load())
	}
	n.edge.Drain()
	if left := n.evacuate(ctx); left > 0 {
		return fmt.Errorf("%d matches could not be moved", left)
	}
	return nil
}
