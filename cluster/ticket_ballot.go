package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

// askPrepare asks a node to take nothing of a lower ballot from now on.
type askPrepare struct {
	Key    string `json:"key"`
	Ballot ballot `json:"ballot"`
}

// gotPrepare is what a node knows of a shard.
type gotPrepare struct {
	OK       bool   `json:"ok"`       // promised
	Promised ballot `json:"promised"` // the highest ballot that it has promised or taken
	Term     term   `json:"term"`     // newest that it has heard of
	Copy     bool   `json:"copy"`     // it has one
	Of       ballot `json:"of"`       // of that ballot,
	Home     bool   `json:"home"`     // as the home, so it has all
	Seq      uint64 `json:"seq"`
	Retired  uint64 `json:"retired,omitempty"` // number of the ballot up to which the shard was forgotten

	node string
}

func (t *tickets) givePrepare(_ context.Context, _ string, in askPrepare) (got gotPrepare, err error) {
	s, err := t.locked(in.Key)
	if err != nil {
		return got, err
	}
	defer s.mu.Unlock()
	got = gotPrepare{Promised: s.promised, Term: s.term, Copy: s.state != nil, Of: s.of, Seq: s.seq, Retired: t.retired(in.Key)}
	if in.Ballot.below(s.promised) || in.Ballot == s.promised {
		return got, nil
	}
	s.promised = in.Ballot
	got.OK, got.Home = true, s.of.Node == t.world.self()
	s.home, s.given = false, nil
	return got, nil
}

// askKnown asks what a node knows of a shard, and changes nothing.
type askKnown struct {
	Key string `json:"key"`
}

func (t *tickets) giveKnown(_ context.Context, _ string, in askKnown) (got gotPrepare, err error) {
	t.mu.Lock()
	s := t.shards[in.Key]
	t.mu.Unlock()
	if s == nil {
		return got, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return gotPrepare{Promised: s.promised, Term: s.term}, nil
}

// askInstall says who has a shard under a ballot; it is accepted unless a higher one was promised.
type askInstall struct {
	Key  string `json:"key"`
	Term term   `json:"term"`
}

func (t *tickets) giveInstall(_ context.Context, _ string, in askInstall) (out gotNothing, err error) {
	s, err := t.locked(in.Key)
	if err != nil {
		return out, err
	}
	defer s.mu.Unlock()
	if in.Term.Ballot.below(s.promised) {
		return out, errMoved
	}
	s.promised, s.term = in.Term.Ballot, in.Term
	if self := t.world.self(); self != in.Term.Home && self != in.Term.Second {
		s.state, s.home = nil, false
	}
	return out, nil
}

// everybody asks all nodes at once and returns the answers of those that gave one.
func everybody[Out any](ctx context.Context, t *tickets, nodes []string, method string, in any) (outs map[string]Out, errs []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	outs = make(map[string]Out, len(nodes))
	for _, node := range nodes {
		all.Go(func() {
			out, err := askNode[Out](ctx, t, node, method, in)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			outs[node] = out
		})
	}
	all.Wait()
	return outs, errs
}

// install has a majority accept a term. errMoved: a node has promised a higher ballot.
func (t *tickets) install(ctx context.Context, key string, at term, v *ticketView) error {
	outs, errs := everybody[gotNothing](ctx, t, v.living, "ticket_install", askInstall{key, at})
	if v.majority(len(outs)) {
		return nil
	}
	for _, err := range errs {
		if isMoved(err) {
			return errMoved
		}
	}
	return fmt.Errorf("%w: %d of %d nodes accept the home of a queue", admin.ErrUnreachable, len(outs), v.voters)
}

// askFetch asks for a part of a copy, by a node that was promised a ballot.
type askFetch struct {
	Key    string `json:"key"`
	Ballot ballot `json:"ballot"`
	Offset int    `json:"offset"`
}

type gotFetch struct {
	Body []byte `json:"body"`
	Size int    `json:"size"` // of all parts
}

func (t *tickets) giveFetch(_ context.Context, _ string, in askFetch) (got gotFetch, err error) {
	s, err := t.locked(in.Key)
	if err != nil {
		return got, err
	}
	defer s.mu.Unlock()
	if s.promised != in.Ballot || s.state == nil {
		return got, errMoved
	}
	if in.Offset == 0 {
		s.given = s.state.Snapshot(time.Now())
	}
	if in.Offset < 0 || in.Offset > len(s.given) {
		return got, errors.New("no such part")
	}
	end := min(len(s.given), in.Offset+copyPart)
	got = gotFetch{s.given[in.Offset:end], len(s.given)}
	if end == len(s.given) {
		s.given = nil
	}
	return got, nil
}

func (t *tickets) fetch(ctx context.Context, node, key string, b ballot) (all []byte, err error) {
	for {
		got, err := askNode[gotFetch](ctx, t, node, "ticket_fetch", askFetch{key, b, len(all)})
		if err != nil {
			return nil, err
		}
		if all = append(all, got.Body...); len(all) >= got.Size {
			return all, nil
		}
	}
}
