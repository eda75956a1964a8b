package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/link"
	"github.com/overtime-server/overtime/cluster/matchmaker"
	"github.com/overtime-server/overtime/cluster/place"
)

// tickets is this node's part in matchmaking. What matchmaking knows is divided into shards: one for each queue, and one for the roll,
// which says in which ticket every player waits. A shard has a home, the first node in the rendezvous order of its key among those that
// do not drain, and a second node, the next, that has a copy.
//
// # Why nobody is assigned twice
//
// A home serves under a ballot. To become home a node asks all nodes to promise it that they take nothing of a lower ballot; it needs
// a majority of those that live or died just now, and among them the home or the second of the newest ballot that any of them knows
// of, unless both are gone. It takes the newest copy among theirs, gives a second one to another node, and has a majority accept that
// (ticket_term.go). Every change is on both nodes, under that ballot, before anybody is told of it: so a home that was paused or cut
// off is refused by its second and steps down, and a successor knows everything that anybody was told. This is the primary-backup
// scheme of Vertical Paxos (Lamport, Malkhi and Zhou, 2009), the nodes themselves being its configuration masters.
//
// A ticket's players are claimed at the roll before it is added, and again when a match was proposed and before it is made. A claim is given
// up when its ticket is final, or when the roll finds that it is.
//
// The match of a proposal is made under the proposal's id as its idempotency key. A successor that finds a proposal pending makes it
// again, and so finds the match that was made.
type tickets struct {
	// static after newTickets
	world  ticketWorld
	log    *slog.Logger
	life   context.Context // ends with the node
	making chan struct{}   // has room for the proposals that are being made at a time

	rules   atomic.Pointer[matchmaker.Rules]
	stats   ticketCounts
	waits   ticketWaits   // locks itself
	silence ticketSilence // locks itself
	work    sync.WaitGroup

	mu     sync.Mutex // guards the following
	shards map[string]*shard
	tombs  map[string]tomb // of shards that were forgotten
	lapsed time.Time       // when old tombs were forgotten
	closed bool
}

// ticketWorld is what matchmaking needs of the rest of the node. Methods are called from many goroutines.
type ticketWorld interface {
	self() string
	// view says who is there.
	view() ticketView
	// call calls a method of matchmaking on a node, which may be this one. Errors wrap admin.ErrUnreachable where it may or may not
	// have been served.
	call(ctx context.Context, node, method string, body []byte) ([]byte, error)
	// linked says whether there is a connection to a node.
	linked(node string) bool
	// watch keeps a connection to a node up, on which silence is noticed, until release is called.
	watch(node string) (release func())
	// gone says whether a node's process is known to have ended. It takes a moment.
	gone(ctx context.Context, node string) bool
	// play makes the match of a proposal or finds the one that was made for it, or has the owner of a running match keep seats. The
	// assignment holds tokens for all players. An error that wraps admin.ErrUnreachable may have made it all the same.
	play(ctx context.Context, p *matchmaker.Proposal) (matchmaker.Assignment, error)
	// drop ends a match that play made, or gives back seats: its proposal was dissolved.
	drop(p *matchmaker.Proposal, match string)
}

// ticketView is who is there, as one node knows it.
type ticketView struct {
	able    []string // living nodes that do not drain: they may be homes
	living  []string // all living nodes
	dead    []string // that died just now
	silent  []string // believed to live, but nobody reaches them: neither able nor living here, but voters. Of tickets.view only
	voters  int      // all of these
	regions []string // of the living nodes, ascending; nil: no node has one
}

// majority says whether so many nodes are more than half of the voters.
func (v *ticketView) majority(count int) bool { return 2*count > v.voters }

const (
	cycleEvery   = 250 * time.Millisecond
	ticketCall   = time.Second      // one call between nodes
	ticketWithin = 10 * time.Second // a request of a client, waiting for a new home included
	makeWithin   = 15 * time.Second // one match
	makeAtOnce   = 32
	maxShards    = 10_000 // queues that are known at a time
)

func newTickets(life context.Context, world ticketWorld, log *slog.Logger) *tickets {
	t := &tickets{
		world: world, log: log, life: life, making: make(chan struct{}, makeAtOnce), shards: map[string]*shard{}, tombs: map[string]tomb{},
	}
	t.rules.Store(&matchmaker.Rules{})
	t.waits.init()
	t.silence.init()
	return t
}

// methods are what other nodes may call.
func (t *tickets) methods() map[string]method {
	return map[string]method{
		"ticket_known": takes(t.giveKnown), "ticket_prepare": takes(t.givePrepare), "ticket_install": takes(t.giveInstall),
		"ticket_copy": takes(t.giveCopy), "ticket_fetch": takes(t.giveFetch), "ticket_take": takes(t.giveTake),
		"ticket_reach": takes(t.giveReach), "ticket_retire": takes(t.giveRetire),
		"ticket_claim": takes(t.giveClaim), "ticket_release": takes(t.giveRelease),
		"ticket_add": takes(t.giveAdd), "ticket_get": takes(t.giveGet), "ticket_remove": takes(t.giveRemove),
		"ticket_explain": takes(t.giveExplain), "ticket_poll": takes(t.givePoll), "ticket_open": takes(t.giveOpenSeats),
	}
}

// run is the goroutine of matchmaking. It ends when life does, and then waits for all that it started.
func (t *tickets) run() {
	every, poll := time.NewTicker(cycleEvery), time.NewTicker(pollEvery)
	defer every.Stop()
	defer poll.Stop()
	defer t.finish()
	for {
		select {
		case <-t.life.Done():
			return
		case <-every.C:
			t.listen()
			t.lapse(time.Now())
			for _, s := range t.all() {
				t.tend(s)
			}
		case <-poll.C:
			t.waits.poll(t)
		case <-t.waits.wake: // what was done here most probably ends somebody's waiting here
			t.waits.poll(t)
		}
	}
}

// finish waits for what run started.
func (t *tickets) finish() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.watch(nil)
	t.work.Wait()
}

// start runs f on a goroutine that finish waits for; not once matchmaking ends.
func (t *tickets) start(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.work.Go(f)
	}
}

func (t *tickets) all() []*shard {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*shard, 0, len(t.shards))
	for _, s := range t.shards {
		list = append(list, s)
	}
	return list
}

// shard returns what is known of a shard, and makes room for it.
func (t *tickets) shard(key string) (*shard, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.shards[key]
	if s == nil {
		if len(t.shards) >= maxShards && key != rollKey {
			return nil, fmt.Errorf("%w: %d queues are known already", admin.ErrFull, maxShards)
		}
		s = &shard{key: key, taking: newTurn(), ship: newTurn()}
		if x := t.tombs[key]; x.n > 0 {
			s.promised = ballot{N: x.n + 1}
		}
		t.shards[key] = s
	}
	return s, nil
}

// homeOf returns the home of a shard as far as this node has heard; "" if it has not.
func (t *tickets) homeOf(key string) string {
	t.mu.Lock()
	s := t.shards[key]
	t.mu.Unlock()
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.term.Home
}

// order returns the nodes that may be a shard's home, the best first. Where all drain nobody is better than the others.
func (v *ticketView) order(key string) []string {
	if len(v.able) == 0 {
		return place.Rendezvous("tickets "+key, v.living)
	}
	return place.Rendezvous("tickets "+key, v.able)
}

// errMoved says that this node is not the home, or not any more: ask again.
var errMoved = &link.Error{Code: "moved", Text: "another node is the home of this queue"}

// isMoved reports whether an error of here or of another node is errMoved.
func isMoved(err error) bool {
	var e *link.Error
	return errors.As(err, &e) && e.Code == errMoved.Code
}

// askNode calls a method on a node.
func askNode[Out any](ctx context.Context, t *tickets, node, method string, in any) (out Out, err error) {
	ctx, cancel := context.WithTimeout(ctx, ticketCall)
	defer cancel()
	return askJSON[Out](ctx, t, node, method, in)
}

// askHome calls a method on a shard's home, again while the shard moves: at the node that should be its home, and at the one that is as
// far as this node has heard.
func askHome[Out any](ctx context.Context, t *tickets, key, method string, in any) (out Out, err error) {
	wait := 20 * time.Millisecond
	for turn := 0; ; turn++ {
		v := t.view()
		node := v.order(key)[0] // this node lives: there is one
		down := node != t.world.self() && !t.world.linked(node)
		if heard := t.homeOf(key); (turn%2 == 1) != down && v.lives(heard) {
			node = heard
		}
		out, err = askNode[Out](ctx, t, node, method, in)
		if !isMoved(err) && !errors.Is(err, admin.ErrUnreachable) {
			return out, err
		}
		select {
		case <-ctx.Done():
			return out, fmt.Errorf("%w: the home of the queue is not reached", admin.ErrUnreachable)
		case <-time.After(wait):
			wait = min(2*wait, 400*time.Millisecond)
		}
	}
}
