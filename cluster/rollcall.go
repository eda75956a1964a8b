package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/member"
)

// A split takes many nodes away at once, but membership notices their deaths one after the other, in some seconds. Until it has noticed half of
// them, those on a small island look like most of the cluster. So while a match of a node that has just died may have to be declared lost,
// the others are called: only those that answer count.

const (
	rollTime  = time.Second     // for an answer
	rollFresh = 3 * time.Second // for which an answer counts
)

// confirmed says whether most of the nodes there were are known to be on this side, as far as that matters now. The caller holds mu.
func (n *Node) confirmed(now time.Time, here []string) bool {
	if !n.bereftLocked(now) {
		return true
	}
	if !n.roll {
		n.roll = true
		others := make([]string, 0, len(here))
		for _, id := range here {
			if id != n.id {
				others = append(others, id)
			}
		}
		if n.over {
			return false
		}
		n.work.Go(func() { n.callRoll(others) })
	}
	var there []string
	for _, id := range here {
		if id == n.id || now.Sub(n.answers[id]) < rollFresh {
			there = append(there, id)
		}
	}
	return !n.doubt.minority(there)
}

// bereftLocked says whether a node that has died lately has matches that nobody took over. The caller holds mu.
func (n *Node) bereftLocked(now time.Time) bool {
	for _, x := range n.view.Nodes {
		if x.State == member.Alive || now.Sub(x.Since) >= recentDeath {
			continue
		}
		for _, r := range n.dir.Of(x.ID) {
			if r.Live() {
				return true
			}
		}
	}
	return false
}

// callRoll asks nodes whether they are there.
func (n *Node) callRoll(nodes []string) {
	ctx, cancel := n.within(rollTime)
	defer cancel()
	var asked sync.WaitGroup
	for _, id := range nodes {
		asked.Go(func() {
			_, err := ask[empty](ctx, n, id, "here", empty{})
			if !errors.Is(err, admin.ErrUnreachable) { // of an older version it does not know the question
				n.mu.Lock()
				n.answers[id] = time.Now()
				n.mu.Unlock()
			}
		})
	}
	asked.Wait()
	n.mu.Lock()
	n.roll = false
	n.mu.Unlock()
}

// giveHere answers that this node is there.
func (n *Node) giveHere(context.Context, string, empty) (empty, error) { return empty{}, nil }
