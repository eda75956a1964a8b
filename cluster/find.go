package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/place"
	"github.com/overtime-server/overtime/netcode/token"
)

const (
	askFirst  = 100 * time.Millisecond // those who would know a match best
	askAll    = 200 * time.Millisecond // everybody else
	askedWell = 3                      // how many are asked first
	maxAsking = 64                     // questions that are on their way at a time
)

// askWhere asks where a match is, or was.
type askWhere struct {
	Match string `json:"match"`
}

type gotWhere struct {
	Record []byte `json:"record,omitempty"` // directory.Append, if the node has a record
	Result bool   `json:"result,omitempty"` // the match is over and the node has its result
	Coming bool   `json:"coming,omitempty"` // the node is having it made, or keeps room for it
	Unsure bool   `json:"unsure,omitempty"` // the node does not see most of the cluster: that it knows nothing says nothing
}

func (n *Node) giveWhere(_ context.Context, _ string, in askWhere) (got gotWhere, err error) {
	if r, ok := n.dir.Get(in.Match); ok {
		got.Record = directory.Append(nil, r)
	}
	_, got.Result = n.matches.result(in.Match)
	n.placing.Lock()
	n.lapseLocked()
	_, got.Coming = n.reserved[in.Match]
	n.placing.Unlock()
	got.Coming = got.Coming || n.flights.busy(in.Match)
	got.Unsure = n.cutShort()
	return got, nil
}

// whereabouts is what is known of a match.
type whereabouts struct {
	record directory.Record // Match is "" if there is none
	result string           // node that has the result of a match that is over; "" if none is known
}

// find returns what is known of a match, here or elsewhere, within askFirst and askAll: admin.ErrNotFound if nobody
// knows it, admin.ErrUnreachable if too many ask at a time, if so many nodes are out of reach that one of them may know it, or if
// this node has just started.
func (n *Node) find(ctx context.Context, match string) (whereabouts, error) {
	w, err := n.search(ctx, match)
	if errors.Is(err, admin.ErrNotFound) && token.ValidID(match) && (n.cutShort() || n.fresh()) {
		err = fmt.Errorf("%w: this node does not see enough of the others yet", admin.ErrUnreachable)
	}
	return w, err
}

// search is find without doubts.
func (n *Node) search(ctx context.Context, match string) (w whereabouts, err error) {
	if !token.ValidID(match) {
		return w, admin.ErrNotFound
	}
	if _, ok := n.matches.result(match); ok {
		w.result = n.id
	}
	if r, ok := n.dir.Get(match); ok {
		w.record = r
		if r.State != directory.Ended || w.result != "" || n.lives(r.Owner) {
			return w, nil
		}
		w.result = n.keeper(ctx, match)
		return w, nil
	}
	if w.result != "" {
		return w, nil
	}
	others := n.others()
	if len(others) == 0 {
		return w, admin.ErrNotFound
	}
	select {
	case n.asking <- struct{}{}:
		defer func() { <-n.asking }()
	default:
		return w, fmt.Errorf("%w: too many matches are being looked for", admin.ErrUnreachable)
	}
	ranked := place.Rendezvous(match, others)
	first := min(askedWell, len(ranked))
	w, silent, found := n.askWhere(ctx, match, ranked[:first], askFirst)
	if !found && len(ranked) > first {
		more := 0
		w, more, found = n.askWhere(ctx, match, ranked[first:], askAll)
		silent += more
	}
	switch {
	case found:
		return w, nil
	case 2*silent > len(ranked): // of all: one of those asked last may be the only one of them
		return w, fmt.Errorf("%w: most of those who could know the match do not answer", admin.ErrUnreachable)
	}
	return w, admin.ErrNotFound
}

// askWhere asks some nodes at once and returns the first that knows something; else how many of them did not answer, or could not say.
func (n *Node) askWhere(ctx context.Context, match string, nodes []string, limit time.Duration) (w whereabouts, silent int, found bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type reply struct {
		node string
		got  gotWhere
		err  error
	}
	replies := make(chan reply, len(nodes))
	for _, node := range nodes {
		go func() { // ends with ctx
			got, err := ask[gotWhere](ctx, n, node, "where", askWhere{match})
			replies <- reply{node, got, err}
		}()
	}
	for range nodes {
		r := <-replies
		if r.err != nil {
			silent++
			continue
		}
		recs, err := directory.Parse(r.got.Record)
		if err == nil && len(recs) == 1 {
			n.learn(recs)
			return whereabouts{record: recs[0]}, 0, true
		}
		if r.got.Result {
			return whereabouts{result: r.node}, 0, true
		}
		if r.got.Unsure {
			silent++
		}
	}
	return whereabouts{}, silent, false
}

// Owner implements admin.Node.
func (o operator) Owner(ctx context.Context, match string) (string, error) {
	if o.matches.get(match) != nil {
		return "", nil
	}
	w, err := o.find(ctx, match)
	node := w.record.Owner
	if w.result != "" {
		node = w.result
	}
	switch {
	case err != nil:
		return "", err
	case node == o.id:
		return "", nil
	case w.record.State == directory.Lost:
		return "", fmt.Errorf("%w: its node died", admin.ErrNotFound)
	}
	return node, nil
}

// Forward implements admin.Node.
func (o operator) Forward(ctx context.Context, node string, r admin.Request) (admin.Response, error) {
	return ask[admin.Response](ctx, o.Node, node, "http", r)
}

// giveHTTP answers a request of the admin API that another node has passed on.
func (n *Node) giveHTTP(ctx context.Context, _ string, r admin.Request) (admin.Response, error) {
	return n.api.Answer(ctx, r), nil
}
