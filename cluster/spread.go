package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/game/loop"
)

// spread tells everybody of records: at once in packets that may get lost, and by gossip, which is slower and nearly certain.
// What both lose, push/pull repairs.
func (n *Node) spread(recs ...directory.Record) {
	if n.members == nil || len(recs) == 0 {
		return
	}
	for _, b := range directory.Messages(directory.MaxMessage, recs...) {
		if err := n.members.SendAll(b); err != nil {
			n.cfg.Log.Warn("records not sent", "err", err)
		}
	}
	if len(recs) > gossipAtOnce {
		return // gossip is scarce: one digest costs less
	}
	for _, r := range recs {
		if err := n.members.Gossip(gossipName(r.Match), directory.Append(nil, r)); err != nil {
			n.cfg.Log.Warn("record not gossiped", "match", r.Match, "err", err)
		}
	}
}

// gossipAtOnce bounds the records of one change that are gossiped besides being sent.
const gossipAtOnce = 8

// gossipName makes a newer record of a match replace an older one in the queue.
func gossipName(match string) string { return match[:min(len(match), 48)] }

// heard takes a message of another node: records. Called by the goroutine of Members, as merge is.
func (n *Node) heard(from string, b []byte) {
	recs, err := directory.Parse(b)
	if err != nil {
		n.cfg.Log.Warn("records of a node are malformed", "node", from, "err", err)
		return
	}
	n.learn(recs)
}

// pass tells everybody of a record that another node should have written.
func (n *Node) pass(r directory.Record) {
	n.learn([]directory.Record{r})
	n.spread(r)
}

// learn takes records from others. Matches that this node served and that are somebody else's now are stopped.
func (n *Node) learn(recs []directory.Record) {
	recs = slices.DeleteFunc(recs, func(r directory.Record) bool {
		// Others heard before this node itself that it is the owner: it will say so when it serves the match.
		d := n.duties.get([]byte(r.Match))
		return r.Owner == n.id && r.Live() && d != nil && !d.idle.Load()
	})
	changed, lost := n.dir.Apply(time.Now(), recs)
	for _, r := range changed {
		if r.Owner == n.id {
			n.spread(r) // others believe that this node has a match that it does not know
		}
		if r.State == directory.Ended {
			if d := n.duties.get([]byte(r.Match)); d != nil {
				d.mail.put(letter{kind: letterEnded, tick: r.Epoch})
			}
		}
	}
	for _, r := range lost {
		n.dethrone(r)
	}
}

// pushPull is what another node is told in push/pull: our id and a digest of our records. Any goroutine.
func (n *Node) pushPull(bool) []byte {
	b := append([]byte{byte(len(n.id))}, n.id...)
	return append(b, n.dir.Digest()...)
}

// merge compares a node's digest with our records. What differs is pulled by tend, since this goroutine may not wait.
func (n *Node) merge(b []byte, _ bool) {
	if len(b) < 1 || len(b) < 1+int(b[0]) {
		return
	}
	end := 1 + int(b[0]) // as an int: a byte would wrap
	from := string(b[1:end])
	owners, err := n.dir.Diff(b[end:])
	if err != nil {
		n.cfg.Log.Warn("digest of a node is malformed", "node", from, "err", err)
		return
	}
	n.mu.Lock()
	for _, owner := range owners {
		if len(n.pulls) < maxPulls {
			n.pulls[owner] = from
		}
	}
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// compare fetches a node's digest: at once when the link to it comes up, since this node may have been away and what it believes
// to own may be over or somebody else's.
func (n *Node) compare(node string) {
	n.work.Go(func() {
		ctx, cancel := n.within(callTime)
		defer cancel()
		if b, err := ask[[]byte](ctx, n, node, "digest", struct{}{}); err == nil {
			n.merge(b, false)
		} // else push/pull does it later
	})
}

func (n *Node) giveDigest(context.Context, string, struct{}) ([]byte, error) {
	return n.pushPull(false), nil
}

// askRecords asks for all records of some owners.
type askRecords struct {
	Owners []string `json:"owners"`
}

type gotRecords struct {
	Records []byte `json:"records"` // directory.Append
}

func (n *Node) giveRecords(_ context.Context, _ string, in askRecords) (gotRecords, error) {
	return gotRecords{directory.Append(nil, n.dir.Of(in.Owners...)...)}, nil
}

// repair pulls the records that digests showed to differ. Each node is asked in a goroutine of its own, so that one that hangs
// holds nothing up. Called by tend.
func (n *Node) repair() {
	n.mu.Lock()
	byNode := map[string][]string{}
	for owner, from := range n.pulls {
		byNode[from] = append(byNode[from], owner)
	}
	clear(n.pulls)
	n.mu.Unlock()
	for from, owners := range byNode {
		n.work.Go(func() {
			ctx, cancel := n.within(callTime)
			defer cancel()
			got, err := ask[gotRecords](ctx, n, from, "records", askRecords{owners})
			if err != nil {
				n.cfg.Log.Debug("repair", "node", from, "err", err)
				return
			}
			n.heard(from, got.Records)
		})
	}
}

// callTime is how long most calls to other nodes may take.
const callTime = 2 * time.Second

// listTime is how long a node has to add what it has to a list. One that is frozen must not hold the others' answers up.
const listTime = 500 * time.Millisecond

// within returns a context for work that belongs to the node and not to a request; it ends with the node.
func (n *Node) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(n.life, d)
}

// announce writes the record of a match of this node and tells everybody.
func (n *Node) announce(r directory.Record) {
	stands := n.dir.Put(time.Now(), r)
	if stands.Owner == n.id {
		n.spread(stands)
		return
	}
	n.dethrone(stands)
}

// announceEnd says that a match of this node is over, unless it is somebody else's by now.
func (n *Node) announceEnd(h *hosted) {
	r, ok := n.dir.Get(h.match.ID())
	if !ok || r.Owner != n.id || !r.Live() {
		return
	}
	r.State, r.Standby, r.Witness = directory.Ended, "", ""
	n.announce(r)
}

// dethrone stops a match that another node owns, or that was declared lost while this node was not heard of. Its players are told
// where it went, or that it is over.
func (n *Node) dethrone(r directory.Record) {
	h := n.matches.get(r.Match)
	if h == nil || h.duty != nil && r.Live() {
		return // where there is a guard, it decides who owns what runs
	}
	if h.duty != nil {
		epoch := r.Epoch
		if r.State == directory.Lost { // as of the epoch before
			epoch--
		}
		h.duty.mail.put(letter{kind: letterEnded, tick: epoch}) // its guard has the match stopped, unless it went on
		return
	}
	n.cfg.Log.Warn("a match of this node is not its own any more", "match", r.Match, "epoch", r.Epoch, "owner", r.Owner, "state", r.State)
	if r.Live() {
		if x, ok := n.node(r.Owner); ok {
			h.match.MoveTo(x.Meta.URL)
		}
		h.match.Retire(loop.OverMoved, "moved")
		return
	}
	h.match.Retire(loop.OverMoved, "declared lost while this node was not heard of")
}
