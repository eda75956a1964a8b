package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/link"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// ballot numbers the terms of a shard's homes. The zero value is below all others.
type ballot struct {
	N    uint64 `json:"n"`
	Node string `json:"node"`
}

func (b ballot) compare(o ballot) int {
	return cmp.Or(cmp.Compare(b.N, o.N), cmp.Compare(b.Node, o.Node))
}

func (b ballot) below(o ballot) bool { return b.compare(o) < 0 }

// term is who has a shard under a ballot.
type term struct {
	Ballot ballot `json:"ballot"`
	Home   string `json:"home"`
	Second string `json:"second,omitempty"` // "": nobody else could
	Name   string `json:"name"`             // of the queue
}

// copied is the state of a shard: what its home works with, and what its second keeps.
type copied interface {
	Changes(now time.Time) []byte
	Snapshot(now time.Time) []byte
	Apply(now time.Time, b []byte) error
}

// shard is what a node knows of a queue, or of the roll. Many know nothing but its term.
type shard struct {
	key     string      // static
	tending atomic.Bool // a goroutine looks after it

	taking turn // held while this node tries to become the home; before
	ship   turn // held while changes are on their way to the second

	mu       sync.Mutex // guards the following
	promised ballot     // nothing of a lower one is taken
	term     term       // newest that was heard of
	state    copied     // nil: no copy here
	of       ballot     // that the copy is of
	root     ballot     // first of a row of this node's own, each of which went on from the one before
	seq      uint64     // number of the last change that was sent, or taken
	part     []byte     // first parts of a copy that is on its way here
	given    []byte     // copy that another node is fetching

	// Guarded by mu, of the home.
	home   bool   // this node serves under the ballot of
	done   uint64 // counts what was done
	acked  uint64 // of it, what the second has
	whole  bool   // the next change must be a snapshot
	bad    string // a second that did not answer: take another
	retry  time.Time
	backed time.Duration // since the last match that could not be made
	pause  time.Time     // no cycle before
	busy   map[string]bool
	opened map[string]time.Time // running matches that asked for players, and when
	swept  time.Time
	idle   time.Time // since when the queue has been empty; zero: it is not

	forgotten bool // guarded by mu: it is not among the shards any more, see ticket_retire.go
}

// turn is a lock that may be held while other nodes are waited for.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", admin.ErrUnreachable, ctx.Err())
	}
}

func (t turn) give() { <-t }

// queue returns the queue of a shard; nil of the roll, or without a copy. The caller holds mu.
func (s *shard) queue() *matchmaker.Queue {
	q, _ := s.state.(*matchmaker.Queue)
	return q
}

// do changes or reads the state of a shard that this node is the home of, and returns when the second has all that f did and saw. So
// does an error of f: a home that was away must not say that it does not know a ticket of its successor's.
func (t *tickets) do(ctx context.Context, s *shard, f func(now time.Time) error) error {
	s.mu.Lock()
	if !s.home {
		s.mu.Unlock()
		return errMoved
	}
	err := f(time.Now())
	s.done++
	s.mu.Unlock()
	if lost := t.commit(ctx, s); lost != nil {
		return lost
	}
	return err
}

// look reads the state of a shard at its home. What f sees may be on its way to the second: then look waits for it. Unless f returns
// an error, it may be a little old.
func (t *tickets) look(ctx context.Context, s *shard, f func(now time.Time) error) error {
	s.mu.Lock()
	if !s.home {
		s.mu.Unlock()
		return errMoved
	}
	err := f(time.Now())
	if err != nil {
		s.done++
	}
	s.mu.Unlock()
	if lost := t.commit(ctx, s); lost != nil {
		return lost
	}
	return err
}

// commit returns when the second has everything that was done before. It changes to another second where that one does not answer, and
// tries until ctx is over.
func (t *tickets) commit(ctx context.Context, s *shard) error {
	s.mu.Lock()
	want, root := s.done, s.root
	s.mu.Unlock()
	for {
		err := t.send(ctx, s, root, want)
		if err == nil || isMoved(err) {
			return err
		}
		t.log.Debug("second of a queue", "shard", s.key, "err", err)
		if errors.Is(err, admin.ErrUnreachable) && ctx.Err() == nil {
			if err := t.take(ctx, s, ""); err == nil {
				continue // all went to another second: the next look finds that
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: no second node has it yet", admin.ErrUnreachable)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// send sends what the second lacks.
func (t *tickets) send(ctx context.Context, s *shard, root ballot, want uint64) error {
	if err := s.ship.take(ctx); err != nil {
		return err
	}
	defer s.ship.give()
	s.mu.Lock()
	switch {
	case !s.home || s.root != root:
		s.mu.Unlock()
		return errMoved
	case s.acked >= want:
		s.mu.Unlock()
		return nil
	}
	now := time.Now()
	var body []byte
	whole := s.whole
	if whole {
		body = s.state.Snapshot(now)
	} else {
		body = s.state.Changes(now)
	}
	s.seq++
	upto, seq, at, under := s.done, s.seq, s.term, s.of
	s.mu.Unlock()

	err := t.copyTo(ctx, at, s.key, seq, whole, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.of != under: // another term has begun, with all that is here or without this node
	case err == nil:
		s.acked, s.whole = upto, false
	case isMoved(err):
		s.home = false
	default:
		s.whole = true
		if errors.Is(err, admin.ErrUnreachable) {
			s.bad = at.Second
		}
	}
	return err
}

// askCopy brings changes of a shard, or all of it, to its second.
type askCopy struct {
	Key   string `json:"key"`
	Term  term   `json:"term"`
	Seq   uint64 `json:"seq"`
	Whole bool   `json:"whole,omitempty"`
	More  bool   `json:"more,omitempty"`  // other parts follow
	First bool   `json:"first,omitempty"` // of them
	Body  []byte `json:"body,omitempty"`
}

type gotNothing struct{}

// copyPart is how much of a copy is sent in one call, in bytes; JSON makes four bytes of three.
const copyPart = 2 << 20

// copyTo gives the second of a term a change. Where there is no second, a majority must still accept the term: a home that
// was away may have a successor.
func (t *tickets) copyTo(ctx context.Context, at term, key string, seq uint64, whole bool, body []byte) error {
	if at.Second == "" {
		v := t.view()
		if v.voters <= 1 {
			return nil
		}
		return t.install(ctx, key, at, &v)
	}
	for first := true; ; first = false {
		n := min(len(body), copyPart)
		in := askCopy{Key: key, Term: at, Seq: seq, Whole: whole, First: first, More: n < len(body), Body: body[:n]}
		if _, err := askNode[gotNothing](ctx, t, at.Second, "ticket_copy", in); err != nil {
			return err
		}
		if body = body[n:]; len(body) == 0 {
			return nil
		}
	}
}

// errGap asks for all of a shard.
var errGap = &link.Error{Code: "gap", Text: "the change does not follow what is here"}

func (t *tickets) giveCopy(_ context.Context, _ string, in askCopy) (out gotNothing, err error) {
	s, err := t.locked(in.Key)
	if err != nil {
		return out, err
	}
	defer s.mu.Unlock()
	if in.Term.Ballot.below(s.promised) {
		return out, errMoved
	}
	s.promised = in.Term.Ballot
	s.home = false
	if in.First {
		s.part = nil
	}
	if s.part = append(s.part, in.Body...); in.More {
		return out, nil
	}
	body := s.part
	s.part = nil
	switch {
	case in.Whole:
		fresh := t.newState(in.Key, in.Term.Name)
		if err := fresh.Apply(time.Now(), body); err != nil {
			return out, err
		}
		s.state, s.of, s.seq = fresh, in.Term.Ballot, in.Seq
	case s.state == nil || s.of != in.Term.Ballot:
		return out, errGap
	case in.Seq <= s.seq: // it came already, and the answer was lost
	case in.Seq != s.seq+1:
		return out, errGap
	default:
		if len(body) > 0 {
			if err := s.state.Apply(time.Now(), body); err != nil {
				return out, err
			}
		}
		s.seq = in.Seq
	}
	return out, nil
}

// newState returns the empty state of a shard.
func (t *tickets) newState(key, name string) copied {
	if key == rollKey {
		return newRoll()
	}
	return matchmaker.New(name, t.rules.Load().For(name), newID("p")) // an origin of its own each time: see Proposal.ID
}

// askJSON is a call with JSON both ways.
func askJSON[Out any](ctx context.Context, t *tickets, node, method string, in any) (out Out, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	answer, err := t.world.call(ctx, node, method, body)
	if err != nil {
		return out, err
	}
	if err = json.Unmarshal(answer, &out); err != nil {
		return out, errors.Join(admin.ErrUnreachable, err)
	}
	return out, nil
}
