package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/place"
	"github.com/overtime-server/overtime/netcode/token"
)

// A result outlives the node on which its match ended: before that node says that the match is over, and so while the standby would still
// end the match itself, a second node has the result too. The second shows it in GET /v1/results, and delivers it when the first one is
// gone, under the same id. The first one tells the second once it has delivered it.

const (
	willTime  = 400 * time.Millisecond // for one node to take a result
	willTries = 3                      // nodes that are asked to, one after the other
	maxWills  = maxWaiting             // results of other nodes that this one keeps until they are delivered
	maxEstate = 64 << 20               // bytes of them
)

// will is a result that another node has to deliver.
type will struct {
	node   string // that delivers it while it lives
	result admin.Match
	size   int
}

// wills are the results that this node delivers if others cannot. It locks itself; the zero value is ready.
type wills struct {
	mu    sync.Mutex // guards the following
	all   map[string]will
	bytes int
	done  map[string][]string // by node: matches whose results are delivered, which it has not been told yet
	busy  bool                // a goroutine tells nodes, or takes over
}

// put keeps a result; false if there is no room.
func (w *wills) put(node string, m admin.Match) bool {
	size := len(m.Result) + 256*len(m.Scores) + 1024 // about
	w.mu.Lock()
	defer w.mu.Unlock()
	was, again := w.all[m.ID]
	if !again && len(w.all) >= maxWills || w.bytes-was.size+size > maxEstate {
		return false
	}
	if w.all == nil {
		w.all = map[string]will{}
	}
	w.bytes += size - was.size
	w.all[m.ID] = will{node, m, size}
	return true
}

// drop forgets results that a node has delivered.
func (w *wills) drop(node string, matches []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range matches {
		if x, ok := w.all[id]; ok && x.node == node {
			w.bytes -= x.size
			delete(w.all, id)
		}
	}
}

// open takes out the results of nodes that are gone, in the order of their ends.
func (w *wills) open(lives func(node string) bool) (list []admin.Match) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, x := range w.all {
		if !lives(x.node) {
			list = append(list, x.result)
			w.bytes -= x.size
			delete(w.all, id)
		}
	}
	slices.SortFunc(list, byEnd)
	return list
}

// tell notes that a node may forget the result of a match.
func (w *wills) tell(node, match string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == nil {
		w.done = map[string][]string{}
	}
	if len(w.done[node]) < maxWills { // else it delivers it once more after this node's end
		w.done[node] = append(w.done[node], match)
	}
}

// untold takes out whom to tell what.
func (w *wills) untold() map[string][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := w.done
	w.done = nil
	return done
}

// askKeep has a node keep a result.
type askKeep struct {
	Result  admin.Match `json:"result"`
	Sum     []byte      `json:"sum,omitempty"` // of the spec that the match was made from
	Deliver bool        `json:"deliver"`       // until it is delivered
}

func (n *Node) giveKeep(_ context.Context, from string, in askKeep) (out empty, err error) {
	m := in.Result
	if !token.ValidID(m.ID) || m.Ended.IsZero() {
		return out, fmt.Errorf("%w: no result", admin.ErrInvalid)
	}
	if in.Deliver && (n.hook == nil || !n.wills.put(from, m)) {
		return out, admin.ErrFull
	}
	var sum [sha256.Size]byte
	copy(sum[:], in.Sum)
	if n.matches.keep(m, sum) {
		n.results.add(m)
	}
	return out, nil
}

// askDelivered tells a node that results which it keeps have been delivered.
type askDelivered struct {
	Matches []string `json:"matches"`
}

func (n *Node) giveDelivered(_ context.Context, from string, in askDelivered) (out empty, err error) {
	n.wills.drop(from, in.Matches)
	n.hook.withdraw(in.Matches) // of a node that was believed to be gone
	return out, nil
}

// entrust gives a result to a second node, to first if that is possible, and returns its id; "" if there is none.
func (n *Node) entrust(m admin.Match, sum []byte, first string) string {
	if n.links == nil {
		return ""
	}
	in := askKeep{Result: m, Sum: sum, Deliver: n.hook != nil}
	for _, node := range n.trustees(m.ID, first) {
		ctx, cancel := n.within(willTime)
		_, err := ask[empty](ctx, n, node, "result_keep", in)
		cancel()
		if err == nil {
			return node
		}
		n.cfg.Log.Debug("result not kept by a second node", "match", m.ID, "node", node, "err", err)
	}
	return ""
}

// trustees are the nodes to ask in turn to keep a result: those that stay come before those that leave.
func (n *Node) trustees(match, first string) (list []string) {
	var stay, leave []string
	for _, x := range n.nodes() {
		switch {
		case x.ID == n.id || x.State != member.Alive:
		case x.ID == first && !x.Load.Draining:
			list = append(list, first)
		case x.Load.Draining:
			leave = append(leave, x.ID)
		default:
			stay = append(stay, x.ID)
		}
	}
	list = append(append(list, place.Rendezvous(match, stay)...), place.Rendezvous(match, leave)...)
	return list[:min(len(list), willTries)]
}

// delivered notes that a result has arrived, or was given up: its second need not keep it.
func (n *Node) delivered(node, match string) {
	n.wills.tell(node, match)
	n.inherit()
}

// inherit is called by tend, and when something was delivered. What there is to do is done by a goroutine, one at a time: it tells seconds
// what they need not keep, delivers for nodes that are gone, and finds seconds for results that lack one.
func (n *Node) inherit() {
	w := &n.wills
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy || n.links == nil {
		return
	}
	w.busy = true
	if !n.spawn(func() { // ends by itself: calls have limits
		n.settleWills()
		w.mu.Lock()
		w.busy = false
		w.mu.Unlock()
	}) {
		w.busy = false
	}
}

func (n *Node) settleWills() {
	for node, matches := range n.wills.untold() {
		ctx, cancel := n.within(willTime)
		_, err := ask[empty](ctx, n, node, "result_delivered", askDelivered{matches})
		cancel()
		if err != nil && n.lives(node) {
			for _, id := range matches { // the next time
				n.wills.tell(node, id)
			}
		}
	}
	for _, m := range n.wills.open(n.lives) {
		n.cfg.Log.Info("the result of a node that is gone", "match", m.ID, "node", m.Owner)
		n.hook.add(m, "")
	}
	for _, seq := range n.hook.lonely(n.lives, willsAtOnce) {
		m, ok := n.hook.read(seq)
		if !ok {
			continue // it has just arrived
		}
		node := n.entrust(m, nil, "")
		if n.hook.entrusted(seq, m.ID, node); node == "" {
			return // there is nobody, or nobody answers
		}
	}
}

// willsAtOnce bounds the results that are given to a second node in one go; the rest follows a second later.
const willsAtOnce = 100

// lives says whether a node is there, as far as membership knows.
func (n *Node) lives(node string) bool {
	x, ok := n.node(node)
	return ok && x.State == member.Alive
}
