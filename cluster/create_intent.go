package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
)

// A match is made once for its key, though nodes are silent, die and join. That takes two steps, each with a quorum as create_quorum.go has it:
//
//  1. Before a key's home has a match made it tells all nodes who is to host it. They note that, and turn away other homes for intentFor. It
//     goes on once a quorum, the host among it, has noted it. A later home hears whom an earlier one has asked, and must hear of each of those
//     that it has not got the match: only where one of just these is silent, and not known to be dead, must the caller come again.
//  2. Before a match of a key is answered for the first time its owner has a quorum take its record, see Node.settle.
//
// Why no caller is told of two matches: the quorum of a later home's first step meets the one of an earlier owner's second step in some node. Either
// that had the record already: then the later home makes nothing. Or it noted the later home's intent first: then it does not take the record
// of the earlier owner, who answers nobody. So it need not be right who is believed to be dead, only that the quorums meet. In step 1 no two homes have a
// quorum within intentFor, so two matches are hardly ever made in the first place; if they are the directory ends one that was never answered.

const (
	intentFor  = 5 * time.Second  // for which another home is turned away; whoever intends to have a match made gives up before
	intentKeep = 30 * time.Second // for which it is remembered who was asked to host it: by then everybody has heard of the match, or of its node's death
	takenKeep  = doubtFor         // for which it is remembered that a match was made: the directory drops records of nodes that may be on the other side of a split
	maxIntents = 100_000          // from which on takenKeep is as short as intentKeep
)

// createWithin bounds what a home does for a key after it has found that there is no match yet.
const createWithin = 3 * time.Second

// intent is what a node knows of a match that is to be made.
type intent struct {
	home   string
	at     time.Time
	owner  string               // who is to host it: nobody else may
	owners map[string]time.Time // who was to, and since when
	taken  bool                 // the record of its match was taken here as that of its owner
	told   bool                 // of a match of this node: a quorum has taken its record
}

// intents are matches that are to be made. It locks itself; the zero value is ready.
type intents struct {
	mu    sync.Mutex // guards the following
	all   map[string]*intent
	swept time.Time // when what is too old was forgotten

	seen memberships // locks itself
}

// note takes in that a home wants a match hosted by a node; false if another home does. others are nodes that were asked before.
func (i *intents) note(match, home, owner string) (others []string, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	i.lapseLocked(now)
	x := i.all[match]
	switch {
	case x != nil && (x.taken || x.home != home && now.Sub(x.at) < intentFor):
		return nil, false
	case x == nil && len(i.all) >= maxIntents:
		return nil, false
	case x == nil:
		if i.all == nil {
			i.all = map[string]*intent{}
		}
		x = &intent{owners: map[string]time.Time{}}
		i.all[match] = x
	}
	for id, at := range x.owners {
		if now.Sub(at) >= intentKeep {
			delete(x.owners, id)
		} else if id != owner {
			others = append(others, id)
		}
	}
	x.home, x.at, x.owner = home, now, owner
	x.owners[owner] = now
	return others, true
}

// giveUp lets other homes try at once.
func (i *intents) giveUp(match, home string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if x := i.all[match]; x != nil && x.home == home {
		x.at = time.Time{}
	}
}

// allows says whether a node may host a match as far as that was noted.
func (i *intents) allows(match, owner string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	x := i.all[match]
	return x == nil || x.owner == owner
}

// lapseLocked forgets now and then what is too old.
func (i *intents) lapseLocked(now time.Time) {
	if now.Sub(i.swept) < intentFor {
		return
	}
	i.swept = now
	taken := takenKeep
	if len(i.all) >= maxIntents {
		taken = intentKeep
	}
	for match, x := range i.all {
		if age := now.Sub(x.owners[x.owner]); age >= intentKeep && (!x.taken || age >= taken) {
			delete(i.all, match)
		}
	}
}

// take takes in that a node has made a match; false if another one is to.
func (i *intents) take(match, owner string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	x := i.all[match]
	switch {
	case x == nil && len(i.all) >= maxIntents:
		return true // the record is there, which says as much
	case x == nil:
		if i.all == nil {
			i.all = map[string]*intent{}
		}
		x = &intent{home: owner, owner: owner, owners: map[string]time.Time{owner: time.Now()}}
		i.all[match] = x
	case x.owner != owner:
		return false
	}
	x.taken = true
	return true
}

// took says whether a record of a match was taken here, even if the directory has dropped it since.
func (i *intents) took(match string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	x := i.all[match]
	return x != nil && x.taken
}

// askIntent tells a node who is to host a match, that nobody is, or who hosts it.
type askIntent struct {
	Match  string `json:"match"`
	Owner  string `json:"owner"`
	GiveUp bool   `json:"give_up,omitempty"` // it was not made, and nobody makes it now
	Record []byte `json:"record,omitempty"`  // directory.Append: it was made, by the node that asks
	Seen   uint64 `json:"seen,omitempty"`    // sumSets of the memberships that whoever asks knows
	Recall bool   `json:"recall,omitempty"`  // it asks for nothing but the memberships
}

type gotIntent struct {
	Noted bool     `json:"noted"`
	Known bool     `json:"known,omitempty"` // the node has the match, or its result, or knows who has
	Asked []string `json:"asked,omitempty"` // nodes that were to host it before
	Seen  []string `json:"seen,omitempty"`  // packSets of the memberships that the node knows, if they are others
	Whole bool     `json:"whole,omitempty"` // it knows of all there were for quorumFor; without that it notes nothing
}

func (n *Node) giveIntent(ctx context.Context, from string, in askIntent) (got gotIntent, err error) {
	if in.GiveUp {
		n.intents.giveUp(in.Match, from)
		return got, nil
	}
	if packed := packSets(n.memberSets()); sumSets(packed) != in.Seen {
		got.Seen = packed
	}
	if got.Whole = n.recalled(); in.Recall {
		return got, nil
	}
	n.placing.Lock() // a match that is just being made is known when this is over
	defer n.placing.Unlock()
	switch {
	case over(ctx): // this node stood still meanwhile
	case len(in.Record) == 0 && n.knowsOf(in.Match):
		got.Known = true
	case !got.Whole:
	case len(in.Record) > 0:
		got.Noted = n.takeLocked(from, in)
	default:
		got.Asked, got.Noted = n.intents.note(in.Match, from, in.Owner)
	}
	return got, nil
}

// knowsOf says whether a match was made, as far as this node knows.
func (n *Node) knowsOf(match string) bool {
	if _, known := n.dir.Get(match); known {
		return true
	}
	if _, made := n.matches.made(match); made {
		return true
	}
	d := n.duties.get([]byte(match))
	return d != nil && !d.idle.Load() || n.intents.took(match)
}

// takeLocked takes the record of a match that another node has made, unless a third one is to make it, or has. The caller holds placing.
func (n *Node) takeLocked(from string, in askIntent) bool {
	recs, err := directory.Parse(in.Record)
	if err != nil || len(recs) != 1 || recs[0].Match != in.Match || recs[0].Owner != from {
		return false
	}
	if from != n.id {
		n.learn(recs)
	}
	r, ok := n.dir.Get(in.Match)
	if !ok || r.Owner != from {
		return false // there is a newer one, or a rival, or this node takes none of whom it believes to be dead
	}
	return r.Epoch > 1 || n.intents.take(in.Match, from) // later ones go back to one that was the first
}

// over says whether the time for a call has passed: then nobody waits for its answer any more.
func over(ctx context.Context) bool {
	by, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(by)
}

// canvass tells nodes something, and returns the answers that there are when enough says so, or else those that came in time.
func (n *Node) canvass(nodes []string, in askIntent, enough func(outs map[string]gotIntent) bool) map[string]gotIntent {
	type reply struct {
		node string
		got  gotIntent
		err  error
	}
	replies := make(chan reply, len(nodes))
	asked := 0
	for _, node := range nodes {
		if n.spawn(func() { // goes on when there is enough: the more nodes hear of it the better
			ctx, cancel := n.within(reserveWithin)
			defer cancel()
			got, err := ask[gotIntent](ctx, n, node, "create_intent", in)
			if err != nil && n.life.Err() == nil {
				n.tickets.suspect(node)
			}
			replies <- reply{node, got, err}
		}) {
			asked++
		}
	}
	outs := map[string]gotIntent{}
	for range asked {
		if r := <-replies; r.err == nil {
			r.got.Noted = r.got.Noted || r.got.Known && len(in.Record) > 0 // so a node of an older version says that it has the record
			outs[r.node] = r.got
			if enough(outs) {
				break
			}
		}
	}
	return outs
}

// agreed says whether those that have noted something are a quorum: of the memberships that this node knows, and of those that any node knows that has
// answered.
func agreed(outs map[string]gotIntent, own [][]string, gone map[string]bool) bool {
	noted := func(id string) bool { return outs[id].Noted }
	ended := func(id string) bool { return gone[id] }
	fits := func(ids []string) bool { return quorum(ids, noted, ended) }
	every := func(sets [][]string) bool {
		return !slices.ContainsFunc(sets, func(ids []string) bool { return !fits(ids) })
	}
	if !every(own) {
		return false
	}
	for _, out := range outs {
		if len(out.Seen) > 0 && !every(unpackSets(out.Seen)) {
			return false
		}
	}
	return true
}

// unheard returns a node that was to host a match before, has not answered, and is not known to be dead; "" if there is none.
func unheard(outs map[string]gotIntent, v *ticketView) string {
	for _, out := range outs {
		for _, id := range out.Asked {
			if _, answers := outs[id]; !answers && v.there(id) {
				return id
			}
		}
	}
	return ""
}

// intend has a quorum note who is to host a match. Errors wrap admin.ErrUnreachable: the caller must come again.
func (n *Node) intend(match, owner string) error {
	if !n.recalled() {
		return fmt.Errorf("%w: this node has not found out yet who was here before it", admin.ErrUnreachable)
	}
	v, own, gone := n.tickets.view(), n.memberSets(), n.goners()
	known := false
	in := askIntent{Match: match, Owner: owner, Seen: sumSets(packSets(own))}
	outs := n.canvass(v.living, in, func(outs map[string]gotIntent) bool { // all are waited for: each may be the only one that knows more
		for _, out := range outs {
			known = known || out.Known
		}
		return known
	})
	switch silent := unheard(outs, &v); {
	case known:
		return fmt.Errorf("%w: the match is being made", admin.ErrUnreachable)
	case silent != "":
		return fmt.Errorf("%w: a node that may have made the match is silent", admin.ErrUnreachable)
	case outs[owner].Noted && agreed(outs, own, gone):
		return nil
	}
	return fmt.Errorf("%w: too few of the nodes that were here in the last %v know that the match is to be made: %d", admin.ErrUnreachable, quorumFor, len(outs))
}

// settle has a quorum take the record of a match of this node that was made for a key, once. Before that nobody may be told of it: this
// node may be the only one that knows of it, or another home may be having one made elsewhere. Errors wrap admin.ErrUnreachable.
func (n *Node) settle(match string) error {
	if n.intents.settled(match, false) {
		return nil
	}
	r, ok := n.dir.Get(match)
	h := n.matches.get(match)
	if h == nil || time.Since(h.match.Info().Started) >= quorumFor {
		return nil // it is over, or everybody has heard of it
	}
	if !ok || r.Owner != n.id {
		return fmt.Errorf("%w: the match is just going to another node", admin.ErrUnreachable)
	}
	own, gone := n.memberSets(), n.goners()
	in := askIntent{Match: match, Owner: n.id, Record: directory.Append(nil, r), Seen: sumSets(packSets(own))}
	settled := false
	outs := n.canvass(n.tickets.view().living, in, func(outs map[string]gotIntent) bool {
		settled = agreed(outs, own, gone)
		return settled
	})
	if !settled {
		return fmt.Errorf("%w: too few of the nodes that were here in the last %v know of the match: %d", admin.ErrUnreachable, quorumFor, len(outs))
	}
	n.intents.settled(match, true)
	return nil
}

// settled says whether a quorum has taken the record of a match of this node, or takes that in.
func (i *intents) settled(match string, now bool) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	x := i.all[match]
	if x == nil {
		return false
	}
	x.told = x.told || now
	return x.told
}

// createOnce has a match made that nobody has, if nobody else does so.
func (n *Node) createOnce(ctx context.Context, in askCreate) (got gotCreate, err error) {
	ctx, cancel := context.WithTimeout(ctx, createWithin)
	defer cancel()
	owner, err := n.best(ctx, in)
	if err != nil {
		return got, err
	}
	if err = n.intend(in.Match, owner); err == nil {
		got, err = ask[gotCreate](ctx, n, owner, "create", in)
	}
	if err != nil {
		n.spawn(func() { // another home may be asked next
			n.canvass(n.tickets.view().living, askIntent{Match: in.Match, GiveUp: true}, func(map[string]gotIntent) bool { return false })
		})
	}
	return got, err
}
