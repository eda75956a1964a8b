package cluster

import (
	"maps"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
)

const (
	// doubtFor is how long a node that sees only half of the cluster, or less, says of a match that nobody here knows that it may be known
	// elsewhere. After that it answers as if the rest were gone for good.
	doubtFor = 10 * time.Minute
	// freshFor is how long a node that has just started, and knows of no match at all, does the same: the records are on their way.
	freshFor = 3 * time.Second
)

// doubt remembers who was in the cluster when this node saw most of it. Nodes that come to an island do not make it the larger part, and those
// that a split takes away count as long as their deaths may be of one split, as they are noticed one after the other. It is pure; its owner locks.
type doubt struct {
	were map[string]time.Time // when each was seen last
	at   time.Time            // when most of them were
}

// look takes in which nodes live, this one included.
func (d *doubt) look(now time.Time, living []string) {
	if d.minority(living) && now.Sub(d.at) > doubtFor {
		d.were = nil // the rest is gone for good
	}
	few := d.minority(living)
	if d.were == nil {
		d.were = map[string]time.Time{}
	}
	for _, id := range living {
		if _, was := d.were[id]; was || !few {
			d.were[id] = now
		}
	}
	if few {
		return
	}
	d.at = now
	maps.DeleteFunc(d.were, func(_ string, seen time.Time) bool { return now.Sub(seen) > recentDeath })
}

// left takes in that a node said that it leaves: it is not out of reach.
func (d *doubt) left(id string) { delete(d.were, id) }

// minority says that these nodes are not more than half of those that there were. What they believe dead may well be alive.
func (d *doubt) minority(living []string) bool {
	still := 0
	for _, id := range living {
		if _, was := d.were[id]; was {
			still++
		}
	}
	return len(d.were) > 0 && 2*still <= len(d.were)
}

// small says that they are a minority that has not been replaced by others either: then there is a larger part elsewhere, or soon will be.
func (d *doubt) small(living []string) bool { return d.minority(living) && len(living) < len(d.were) }

// living are the nodes of a view that live.
func living(v member.View) (ids []string) {
	for _, x := range v.Nodes {
		if x.State == member.Alive {
			ids = append(ids, x.ID)
		}
	}
	return ids
}

// cutShort says that what this node does not know may well be known to nodes that it does not see.
func (n *Node) cutShort() bool {
	if n.unsure() {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.doubt.small(living(n.view))
}

// fresh says that this node has just joined others and has not heard of any match.
func (n *Node) fresh() bool {
	matches, over := n.dir.Len()
	return time.Since(n.began) < freshFor && matches+over == 0 && len(n.others()) > 0
}
