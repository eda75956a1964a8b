package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

// A match is made once for its key, though nodes may be silent. Before its home has it made it tells all nodes who is to host it, and goes on
// once most of them have noted that: no two homes can be told so at a time, and a later one hears whom an earlier one has asked. Then it must
// hear of each of those that it has not got the match: only where one of just these is silent must the caller come again.

const (
	intentFor  = 5 * time.Second  // for which another home is turned away; whoever intends to have a match made gives up before
	intentKeep = 30 * time.Second // for which it is remembered who was asked to host it: by then everybody has heard of the match, or of its node's death
	maxIntents = 100_000
)

// createWithin bounds what a home does for a key after it has found that there is no match yet.
const createWithin = 3 * time.Second

// intent is what a node knows of a match that is to be made.
type intent struct {
	home   string
	at     time.Time
	owner  string               // who is to host it: nobody else may
	owners map[string]time.Time // who was to, and since when
}

// intents are matches that are to be made. It locks itself; the zero value is ready.
type intents struct {
	mu    sync.Mutex // guards the following
	all   map[string]*intent
	swept time.Time // when what is too old was forgotten
}

// note takes in that a home wants a match hosted by a node; false if another home does. others are nodes that were asked before.
func (i *intents) note(match, home, owner string) (others []string, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	i.lapseLocked(now)
	x := i.all[match]
	switch {
	case x != nil && x.home != home && now.Sub(x.at) < intentFor:
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
	for match, x := range i.all {
		if now.Sub(x.owners[x.owner]) >= intentKeep {
			delete(i.all, match)
		}
	}
}

// askIntent tells a node who is to host a match.
type askIntent struct {
	Match  string `json:"match"`
	Owner  string `json:"owner"`
	GiveUp bool   `json:"give_up,omitempty"` // it was not made, and nobody makes it now
}

type gotIntent struct {
	Noted bool     `json:"noted"`
	Known bool     `json:"known,omitempty"` // the node has the match, or its result, or knows who has
	Asked []string `json:"asked,omitempty"` // nodes that were to host it before
}

func (n *Node) giveIntent(_ context.Context, from string, in askIntent) (got gotIntent, err error) {
	if in.GiveUp {
		n.intents.giveUp(in.Match, from)
		return got, nil
	}
	n.placing.Lock() // a match that is just being made is known when this is over
	defer n.placing.Unlock()
	_, got.Known = n.dir.Get(in.Match)
	if _, made := n.matches.made(in.Match); got.Known || made {
		return gotIntent{Known: true}, nil
	}
	got.Asked, got.Noted = n.intents.note(in.Match, from, in.Owner)
	return got, nil
}

// tellIntent tells all nodes, and returns the answers of those that gave one in time.
func (n *Node) tellIntent(ctx context.Context, nodes []string, in askIntent) map[string]gotIntent {
	ctx, cancel := context.WithTimeout(ctx, reserveWithin)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	outs := map[string]gotIntent{}
	for _, node := range nodes {
		all.Go(func() {
			got, err := ask[gotIntent](ctx, n, node, "create_intent", in)
			if err != nil {
				n.tickets.suspect(node)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			outs[node] = got
		})
	}
	all.Wait()
	return outs
}

// intend has most nodes note who is to host a match. Errors wrap admin.ErrUnreachable: the caller must come again.
func (n *Node) intend(ctx context.Context, match, owner string) error {
	v := n.tickets.view()
	outs := n.tellIntent(ctx, v.living, askIntent{Match: match, Owner: owner})
	noted := 0
	for _, out := range outs {
		if out.Known {
			return fmt.Errorf("%w: the match is being made", admin.ErrUnreachable)
		}
		if out.Noted {
			noted++
		}
		for _, id := range out.Asked {
			if _, answers := outs[id]; !answers && v.there(id) {
				return fmt.Errorf("%w: a node that may have made the match is silent", admin.ErrUnreachable)
			}
		}
	}
	if !v.majority(noted) {
		return fmt.Errorf("%w: %d of %d nodes know that the match is to be made", admin.ErrUnreachable, noted, v.voters)
	}
	return nil
}

// createOnce has a match made that nobody has, if nobody else does so.
func (n *Node) createOnce(ctx context.Context, in askCreate) (got gotCreate, err error) {
	ctx, cancel := context.WithTimeout(ctx, createWithin)
	defer cancel()
	owner, err := n.best(ctx, in)
	if err != nil {
		return got, err
	}
	if err = n.intend(ctx, in.Match, owner); err == nil {
		got, err = ask[gotCreate](ctx, n, owner, "create", in)
	}
	if err != nil {
		n.spawn(func() { // another home may be asked next
			ctx, cancel := n.within(reserveWithin)
			defer cancel()
			n.tellIntent(ctx, n.tickets.view().living, askIntent{Match: in.Match, GiveUp: true})
		})
	}
	return got, err
}
