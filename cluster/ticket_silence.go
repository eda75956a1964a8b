package cluster

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/member"
)

// Membership takes seconds to be sure that a node has died. Matchmaking need not wait so long: ballots keep it right whoever believes to be
// the home of a shard. So it does without a node as soon as the link to it is down and its process is known to be gone, or most nodes cannot
// reach it either. The former is no voter any more, as if it had never been there: it has forgotten whatever it promised, and decides nothing.
// The latter still is one: a majority counts it.

const (
	probeTime  = 300 * time.Millisecond // for a node to answer who asks whether it is there
	silentLink = time.Second            // after so long a link to a silent node that is up proves that it is back: by then it would have broken
	silentKeep = recentDeath            // after so long it is judged anew
	endedKeep  = doubtFor + time.Minute // for which it is remembered whose process has ended
)

// ticketSilence are nodes that matchmaking does without although membership has not said that they died. It locks itself.
type ticketSilence struct {
	watched map[string]func() // links that are kept up, with what lets them go; owned by tickets.run

	mu     sync.Mutex // guards the following
	nodes  map[string]silentNode
	judges map[string]bool      // nodes that are being judged
	ended  map[string]time.Time // nodes whose process has ended, and when that was known; for endedKeep
}

type silentNode struct {
	since time.Time
	gone  bool // its process has ended
}

// view says who is there, without those who are silent.
func (t *tickets) view() ticketView {
	v := t.world.view()
	q := &t.silence
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, x := range q.nodes {
		lives, dead := v.lives(id), slices.Contains(v.dead, id)
		old := !x.gone && (dead || time.Since(x.since) > silentKeep)
		back := t.world.linked(id) && time.Since(x.since) > silentLink
		if back || !lives && !dead || old {
			delete(q.nodes, id)
			continue
		}
		other := func(node string) bool { return node == id }
		v.able, v.living = slices.DeleteFunc(v.able, other), slices.DeleteFunc(v.living, other)
		if x.gone {
			v.voters--
		} else {
			v.silent = append(v.silent, id)
		}
	}
	return v
}

// there says whether a node may have what it had: it is not known to be dead.
func (v *ticketView) there(node string) bool { return v.lives(node) || slices.Contains(v.silent, node) }

func (q *ticketSilence) init() {
	q.watched, q.nodes, q.judges, q.ended = map[string]func(){}, map[string]silentNode{}, map[string]bool{}, map[string]time.Time{}
}

// listen keeps links up to all nodes that this one shares a shard with, and has those judged to which the link is down, and those whose death
// membership has just told: they may be known to be gone. Called by run.
func (t *tickets) listen() {
	v := t.world.view()
	peers := map[string]bool{}
	for _, s := range t.all() {
		s.mu.Lock()
		if s.state != nil {
			peers[s.term.Home], peers[s.term.Second] = true, true
		}
		s.mu.Unlock()
	}
	q := &t.silence
	q.mu.Lock()
	for id := range q.nodes {
		peers[id] = true // to hear when it is back
	}
	q.mu.Unlock()
	for id := range peers {
		if id == "" || id == t.world.self() || !v.lives(id) {
			delete(peers, id)
		}
	}
	t.watch(peers)
	for _, id := range append(slices.Collect(maps.Keys(peers)), v.dead...) {
		if !t.world.linked(id) {
			t.judge(id, &v)
		}
	}
}

// watch keeps links up to some nodes and to no others. Called by run.
func (t *tickets) watch(peers map[string]bool) {
	q := &t.silence
	for id := range peers {
		if q.watched[id] == nil {
			q.watched[id] = t.world.watch(id)
		}
	}
	for id, release := range q.watched {
		if !peers[id] {
			release()
			delete(q.watched, id)
		}
	}
}

// judge finds out on a goroutine whether to do without a node.
func (t *tickets) judge(node string, v *ticketView) {
	q := &t.silence
	q.mu.Lock()
	defer q.mu.Unlock()
	if x, known := q.nodes[node]; q.judges[node] || known && (x.gone || v.lives(node)) {
		return
	}
	q.judges[node] = true
	living := slices.Clone(v.living)
	t.start(func() {
		gone := t.world.gone(t.life, node)
		silent := !gone && slices.Contains(living, node) && t.outOfReach(node, living, v)
		if (gone || silent) && t.life.Err() == nil {
			t.log.Info("queues do without a node", "node", node, "gone", gone)
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.judges, node)
		if gone || silent {
			q.nodes[node] = silentNode{time.Now(), gone}
		}
		if gone {
			q.ended[node] = time.Now()
			maps.DeleteFunc(q.ended, func(_ string, at time.Time) bool { return time.Since(at) > endedKeep })
		}
	})
}

// suspect has a node judged that did not answer this one.
func (t *tickets) suspect(node string) {
	if node == t.world.self() {
		return
	}
	v := t.world.view()
	if v.lives(node) {
		t.judge(node, &v)
	}
}

// outOfReach says whether most nodes do not reach one.
func (t *tickets) outOfReach(node string, living []string, v *ticketView) bool {
	others := slices.DeleteFunc(living, func(x string) bool { return x == node })
	ctx, cancel := context.WithTimeout(t.life, 2*probeTime)
	defer cancel()
	outs, _ := everybody[gotReach](ctx, t, others, "ticket_reach", askReach{node})
	count := 0
	for _, out := range outs {
		if !out.Reached {
			count++
		}
	}
	return v.majority(count)
}

// askReach asks whether a node reaches another one.
type askReach struct {
	Node string `json:"node"`
}

type gotReach struct {
	Reached bool `json:"reached"`
}

func (t *tickets) giveReach(ctx context.Context, _ string, in askReach) (got gotReach, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	_, err = askJSON[gotPrepare](ctx, t, in.Node, "ticket_known", askKnown{rollKey})
	return gotReach{!errors.Is(err, admin.ErrUnreachable)}, nil
}

// onlyEnded says that of all nodes which were in the cluster and are not seen now the processes are known to have ended: nobody is cut off.
func (n *Node) onlyEnded() bool {
	q := &n.tickets.silence
	q.mu.Lock()
	defer q.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.view.Nodes {
		if _, ended := q.ended[x.ID]; x.State == member.Dead && !ended {
			return false
		}
	}
	for id := range n.doubt.were {
		x, known := n.view.Node(id)
		if _, ended := q.ended[id]; !ended && !(known && x.State == member.Alive) {
			return false
		}
	}
	return true
}

// without takes over what another node has found out.
func (t *tickets) without(nodes []string) {
	q := &t.silence
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range nodes[:min(len(nodes), 16)] {
		if _, known := q.nodes[id]; !known && id != t.world.self() {
			q.nodes[id] = silentNode{since: time.Now()}
		}
	}
}
