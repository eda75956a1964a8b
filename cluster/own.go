package cluster

import (
	"context"
	"errors"
	"math"
	"net"
	"slices"
	"time"

	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/place"
	"github.com/overtime-server/overtime/cluster/replica"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

const (
	bulkTime   = 10 * time.Second // for one state to a follower
	bulkAtOnce = 4                // states that are sent at a time
)

// closeWith closes a connection when ctx ends, so that what waits on it returns.
func closeWith(ctx context.Context, c net.Conn) func() bool {
	return context.AfterFunc(ctx, func() { _ = c.Close() })
}

// recorder is the replica of a match that this node owns: the journal goes out before the guard hears of the tick.
type recorder struct {
	duty   *duty
	ready  chan struct{}   // closed when source is set, which takes the header of a match that has started
	source *replica.Source // nil: the match did not start
}

var _ loop.Replica = (*recorder)(nil)

// Record implements loop.Replica.
func (r *recorder) Record(rec *journal.Record) {
	if <-r.ready; r.source != nil {
		r.source.Record(rec)
		r.duty.mail.log(rec.Tick)
	}
}

// Checkpoint implements loop.Replica.
func (r *recorder) Checkpoint(tick uint32, state []byte) {
	if <-r.ready; r.source != nil {
		r.source.Checkpoint(tick, state)
	}
}

// begin completes a recorder.
func (r *recorder) begin(s *replica.Source) {
	r.source = s
	close(r.ready)
}

// newSource makes the way out of a match's journal. from is nil for a match that begins here.
func (d *duty) newSource(h journal.Header, l guard.List, exact bool, from *replica.Handover) (err error) {
	d.source, err = replica.NewSource(replica.SourceConfig{
		Match: d.match, Header: h, Epoch: l.Epoch, Since: l.Since, Exact: exact, From: from, Config: d.meta.encode(),
		Out:  func(peer string, msg []byte) bool { return d.node.links.Send(peer, kindReplica, msg) == nil },
		Bulk: func(peer string, snapshot []byte) { d.node.bulk(d, peer, snapshot) }, Stats: &d.node.duties.replicas,
	})
	return err
}

// obey does what the guard says.
func (d *duty) obey() {
	for _, a := range d.guard.Actions() {
		d.act(&a)
	}
}

func (d *duty) act(a *guard.Action) {
	switch a.Kind {
	case guard.ActSend:
		d.send(a.Peer, &a.Message)
	case guard.ActRelease:
		if d.host != nil {
			d.released.Store(a.Index)
			d.host.match.Release(a.Index)
		}
		if a.Index >= d.logged {
			d.even = d.now()
			d.late.even(d.even)
		}
	case guard.ActHold:
		if d.host != nil {
			d.released.Store(d.host.match.Hold())
		}
	case guard.ActOwn:
		d.takeOver(a)
	case guard.ActStop:
		d.stepDown(a)
	case guard.ActFollow:
		d.startFollowing(a.Index)
	case guard.ActDrop:
		d.dropCopy()
	case guard.ActFeed:
		if d.source != nil {
			d.source.Add(a.Peer)
		}
	case guard.ActUnfeed:
		if d.source != nil {
			d.source.Remove(a.Peer)
		}
	case guard.ActNeed:
		d.seek(a.Standby, a.Witness)
	case guard.ActPublish:
		d.publish(a.Record)
	case guard.ActFreeze:
		d.freeze(a.Index)
	case guard.ActThaw:
		if d.host != nil {
			d.host.match.Thaw()
		}
	case guard.ActMoveReady:
		d.moveReady(a.Peer)
	case guard.ActMoveFailed:
		d.moved(errors.New("the other node did not keep up"))
	case guard.ActFail:
		d.fail()
	case guard.ActWatch:
		d.watch()
	}
}

// watch keeps links to those who have a part in the match.
func (d *duty) watch() {
	peers := d.guard.Peers(nil)
	keep := make(map[string]func(), len(peers))
	for _, p := range peers {
		if p == d.node.id {
			continue
		}
		if release := d.watched[p]; release != nil {
			keep[p] = release
			delete(d.watched, p)
			continue
		}
		keep[p] = d.node.links.Watch(p)
		if d.node.linked(p) {
			d.mail.put(letter{kind: letterUp, from: p})
		}
	}
	for _, release := range d.watched {
		release()
	}
	d.watched = keep
}

// publish tells everybody who has which part in the match now.
func (d *duty) publish(r guard.Record) {
	d.shown.Store(&r)
	d.accepted(r)
	if d.source != nil {
		d.source.Enter(r.Epoch, d.meta.encode())
	}
	if d.finished {
		return
	}
	d.node.announce(directory.Record{Match: d.match, Epoch: r.Epoch, Since: r.Since, Standby: r.Standby, Witness: r.Witness})
	if d.host == nil {
		return
	}
	url := ""
	if x, ok := d.node.node(r.Standby); ok && r.Protected {
		url = x.Meta.URL
	}
	d.host.match.SetStandby(url)
}

// seek looks for nodes that can stand by and be the witness, and offers them to the guard.
func (d *duty) seek(standby, witness bool) {
	if d.seeking || d.finished {
		return
	}
	d.seeking = true
	l := d.guard.List()
	nextS, nextW := d.guard.Candidates()
	taken := append([]string{l.Standby, l.Witness, nextS, nextW}, d.declined(standby, witness)...)
	slow := d.lags.shunned(d.now())
	d.shuns.Store(slices.ContainsFunc(slow, func(id string) bool {
		x, ok := d.node.node(id)
		return ok && x.State == member.Alive
	}))
	if l.Standby == "" {
		l.Standby = nextS
	}
	d.node.work.Go(func() {
		s, w := d.node.candidatesFor(d.match, l, candidacy{taken, slow, standby, witness})
		d.mail.put(letter{kind: letterOffer, text: s, also: w})
	})
}

// offer takes the answer of seek. A standby comes before a witness.
func (d *duty) offer(standby, witness string) {
	d.seeking = false
	now := d.now()
	d.offered = [2]string{standby, witness}
	d.guard.Offer(now, standby, witness)
	if s, w := d.guard.Candidates(); s == "" && w != "" && d.guard.List().Standby == "" {
		d.guard.Spare(now)
	}
	d.shrink(witness)
}

// candidacy says who is wanted for a match.
type candidacy struct {
	taken            []string // have a part already: an offer of one of them would be in vain
	slow             []string // not as standby: these were too slow just now. A witness only votes
	standby, witness bool     // which are wanted
}

// candidatesFor returns a standby and a witness for a match; "" where one is not wanted or there is none.
func (n *Node) candidatesFor(match string, l guard.List, want candidacy) (s, w string) {
	nodes := slices.DeleteFunc(n.candidates(), func(x place.Node) bool {
		return x.ID != n.id && x.ID != l.Standby && slices.Contains(want.taken, x.ID)
	})
	s = l.Standby
	if want.standby {
		s = ""
		free := slices.DeleteFunc(slices.Clone(nodes), func(x place.Node) bool { return x.ID == l.Standby || slices.Contains(want.slow, x.ID) })
		far, near := place.Standbys(free, n.id, match)
		search := place.NewSearch(far, near)
		for asks := search.Next(); asks != nil; asks = search.Next() {
			for _, r := range n.askStandby(match, asks) {
				search.Answer(r)
			}
		}
		s, _ = search.Winner()
	}
	if want.witness && s != "" {
		w = n.firstThere(match, place.Witnesses(nodes, n.id, s, match))
	}
	if !want.standby {
		s = ""
	}
	return s, w
}

// firstThere returns the first of some nodes that answers and takes part in new things; "" if none does. A node that has just died is among
// those that membership knows for seconds.
func (n *Node) firstThere(match string, ranked []string) string {
	for len(ranked) > 0 {
		asks := make([]place.Ask, min(place.Width, len(ranked)))
		for i := range asks {
			asks[i].Node = ranked[i]
		}
		for _, r := range n.askWitness(match, asks) {
			if r.Status != place.Refused {
				return r.Node
			}
		}
		ranked = ranked[len(asks):]
	}
	return ""
}

// takeOver makes this node the owner of a match that it stood by for, at the tick after the last one that it holds.
func (d *duty) takeOver(a *guard.Action) {
	start := time.Now()
	h, err := d.promote(a.Record)
	if err != nil {
		d.node.cfg.Log.Error("match not taken over", "match", d.match, "epoch", a.Record.Epoch, "err", err)
		d.finished = true
		d.mail.put(letter{kind: letterOver})
		d.node.announce(directory.Record{Match: d.match, Epoch: a.Record.Epoch, Since: a.Record.Since, State: directory.Ended})
		return
	}
	d.released.Store(0)
	d.host, d.even, d.away, d.late = h, 0, 0, lateness{} // which may be of an earlier tenure of this node
	d.ceded.Store(nil)
	d.node.cfg.Log.Info("match taken over", "match", d.match, "epoch", a.Record.Epoch, "tick", a.Index, "took", time.Since(start))
}

// stepDown stops a match that this node does not own any more.
func (d *duty) stepDown(a *guard.Action) {
	h := d.host
	d.host, d.source = nil, nil
	d.moved(nil) // wherever it is now, it is not here
	if h == nil {
		return
	}
	if r := a.Record; a.Why != guard.Over && r.Owner != d.node.id {
		// The new owner may die before it has told anybody: then the directory must know whose death it is that ends the match.
		d.ceded.Store(&ceded{owner: r.Owner, epoch: r.Epoch, at: time.Now()})
		d.node.pass(directory.Record{Match: d.match, Epoch: r.Epoch, Since: r.Since, Seq: 1, Owner: r.Owner, Standby: r.Standby, Witness: r.Witness})
	}
	switch a.Why {
	case guard.Moved: // as planned
	case guard.Over: // others ended it while this node was away, or it is just ending by itself, which this does not change
		h.match.Retire(loop.OverMoved, "over")
		return
	default:
		d.node.cfg.Log.Warn("another node owns a match of this one", "match", d.match, "epoch", a.Record.Epoch, "owner", a.Record.Owner)
	}
	if x, ok := d.node.node(a.Record.Owner); ok {
		h.match.MoveTo(x.Meta.URL)
	}
	h.match.Retire(loop.OverMoved, "moved")
}

// fail ends a match of which too many members are lost.
func (d *duty) fail() {
	d.node.cfg.Log.Error("match lost: two of the three nodes that decide about it are gone", "match", d.match)
	d.finished = true
	d.idle.Store(true)
	d.dropCopy()
	switch {
	case d.host == nil: // disown says that it is over
	case d.node.unsure(): // most likely it is this node that is cut off, and the others go on
		d.host.match.Retire(loop.OverMoved, "this node is out of reach of the others")
	default:
		d.host.match.Retire(loop.OverFailed, "too many nodes were lost")
	}
}

// yield stops matches that the directory has had as another node's for yieldAfter. A guard hears of a new owner sooner; but where a match was
// made twice under one key, the two owners' guards know nothing of each other. Called by tend.
func (n *Node) yield() {
	for _, h := range n.matches.all() {
		r, ok := n.dir.Get(h.match.ID())
		switch {
		case h.duty == nil:
		case !ok || !r.Live() || r.Owner == n.id:
			h.rival = time.Time{}
		case h.rival.IsZero():
			h.rival = time.Now()
		case time.Since(h.rival) > yieldAfter:
			if x, ok := n.node(r.Owner); ok {
				h.match.MoveTo(x.Meta.URL)
			}
			h.duty.mail.put(letter{kind: letterEnded, tick: math.MaxUint32})
		}
	}
}

const yieldAfter = 3 * time.Second

// disown declares matches over that this node is named as the owner of but neither serves nor will serve. Called by tend.
func (n *Node) disown() {
	if n.unsure() {
		return // another node may own them by now
	}
	for _, r := range n.dir.Of(n.id) {
		if !r.Live() || n.matches.get(r.Match) != nil {
			continue
		}
		d := n.duties.get([]byte(r.Match))
		if d != nil && !d.idle.Load() {
			c := d.ceded.Load()
			if !n.orphaned(c) {
				continue
			}
			r.Epoch = max(r.Epoch, c.epoch)
			d.mail.put(letter{kind: letterEnded, tick: r.Epoch})
		}
		n.cfg.Log.Warn("a match of this node is lost", "match", r.Match, "epoch", r.Epoch)
		r.State, r.Standby, r.Witness = directory.Ended, "", ""
		n.announce(r)
	}
}

// ceded says for whom a node stepped down.
type ceded struct {
	owner string
	epoch uint32
	at    time.Time
}

// orphaned reports whether a match was ceded to a node that was gone before anybody heard from it that it had the match. Directories do not take
// the record of such an owner, and keep that of the one before; whoever had gone on since would have told by now.
func (n *Node) orphaned(c *ceded) bool {
	if c == nil || time.Since(c.at) < directory.DropAfter {
		return false
	}
	x, ok := n.node(c.owner)
	return !ok || x.State != member.Alive
}

// freeze lets the match take no step after a tick.
func (d *duty) freeze(tick uint32) {
	if d.host != nil {
		d.host.match.Freeze(tick, func(at uint32) { d.mail.put(letter{kind: letterFrozen, tick: at}) })
	}
}
