package cluster

import (
	"context"
	"maps"
	"time"
)

// A queue that nobody has used for a while is forgotten, by all nodes. Its home sees to it: it serves no more, has its second and most of the
// others forget the shard, and then does so itself. What each of them keeps for tombFor is the number of the ballot up to which the shard was
// forgotten: a node that was away must not bring back what it still has of it. Where that fails on the way the home takes the shard anew.

const (
	idleFor  = 5 * time.Minute // a queue without tickets is kept so long
	tombFor  = time.Hour
	maxTombs = 100_000 // beyond, queues are not forgotten
)

// tomb is left of a shard that was forgotten.
type tomb struct {
	n  uint64 // of ballots up to this nothing is believed any more
	at time.Time
}

// locked returns what is known of a shard, with mu held.
func (t *tickets) locked(key string) (*shard, error) {
	for {
		s, err := t.shard(key)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		if !s.forgotten {
			return s, nil
		}
		s.mu.Unlock()
	}
}

// forget leaves a tomb of a shard. The caller holds the shard's mu; s may be nil.
func (t *tickets) forget(s *shard, key string, n uint64) {
	if s != nil {
		s.forgotten, s.home, s.state = true, false, nil
		n = max(n, s.promised.N)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s != nil && t.shards[key] == s {
		delete(t.shards, key)
	}
	t.tombs[key] = tomb{max(n, t.tombs[key].n), time.Now()}
}

// retired is the number of the ballot up to which a shard was forgotten.
func (t *tickets) retired(key string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tombs[key].n
}

// lapse forgets old tombs, now and then. Called by run.
func (t *tickets) lapse(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.lapsed) < idleFor {
		return
	}
	t.lapsed = now
	maps.DeleteFunc(t.tombs, func(_ string, x tomb) bool { return now.Sub(x.at) >= tombFor })
}

// isIdle says whether a shard that this node is the home of has been empty for so long that it can be forgotten, and then serves it no more.
func (s *shard) isIdle(now time.Time) (at term, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue()
	switch {
	case q == nil || !s.home || q.Len() > 0 || len(s.opened) > 0 || len(s.busy) > 0:
		s.idle = time.Time{}
	case s.idle.IsZero():
		s.idle = now
	case now.Sub(s.idle) >= idleFor:
		s.home, s.idle = false, time.Time{}
		return s.term, true
	}
	return at, false
}

// retire has a queue forgotten that nobody uses.
func (t *tickets) retire(s *shard, v *ticketView) {
	t.mu.Lock()
	full := len(t.tombs) >= maxTombs
	t.mu.Unlock()
	if full {
		return
	}
	at, idle := s.isIdle(time.Now())
	if !idle {
		return
	}
	ctx, cancel := context.WithTimeout(t.life, 4*ticketCall)
	defer cancel()
	in := askRetire{s.key, at.Ballot}
	outs, _ := everybody[gotNothing](ctx, t, without(v.living, t.world.self()), "ticket_retire", in)
	_, second := outs[at.Second]
	if !second && at.Second != "" || !v.majority(len(outs)+1) {
		t.log.Debug("queue not forgotten", "queue", at.Name, "told", len(outs))
		s.mu.Lock()
		s.retry = time.Time{}
		s.mu.Unlock()
		_ = t.take(ctx, s, at.Name) // under another ballot, with what is here: nothing; else the next request does
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.promised == at.Ballot && !s.forgotten { // else it is in use again
		t.forget(s, s.key, at.Ballot.N)
	}
}

// askRetire asks a node to forget a shard of a ballot.
type askRetire struct {
	Key    string `json:"key"`
	Ballot ballot `json:"ballot"`
}

func (t *tickets) giveRetire(_ context.Context, _ string, in askRetire) (out gotNothing, err error) {
	t.mu.Lock()
	s := t.shards[in.Key]
	full := len(t.tombs) >= maxTombs
	t.mu.Unlock()
	switch {
	case full || in.Key == rollKey:
		return out, errMoved
	case s == nil:
		t.forget(nil, in.Key, in.Ballot.N)
		return out, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgotten || in.Ballot.below(s.promised) {
		return out, errMoved // it is in use again
	}
	t.forget(s, in.Key, in.Ballot.N)
	return out, nil
}

// without returns all nodes but one.
func without(nodes []string, node string) (list []string) {
	for _, x := range nodes {
		if x != node {
			list = append(list, x)
		}
	}
	return list
}
