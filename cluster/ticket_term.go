package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

// errNoQueue says that nobody has heard of a queue.
var errNoQueue = fmt.Errorf("%w: its queue does not exist", admin.ErrTicket)

// take makes this node the home of a shard, or gives the shard that it is the home of another second. name is the queue's, "" if the
// caller does not know it. Errors: errNoQueue, errMoved and those that wrap admin.ErrUnreachable.
func (t *tickets) take(ctx context.Context, s *shard, name string) error {
	if err := s.taking.take(ctx); err != nil {
		return err
	}
	defer s.taking.give()
	v := t.view()
	s.mu.Lock()
	if s.home && s.bad == "" && s.fits(&v) {
		s.mu.Unlock()
		return nil // somebody was faster
	}
	if time.Now().Before(s.retry) {
		s.mu.Unlock()
		return errMoved
	}
	s.retry = time.Now().Add(100*time.Millisecond + rand.N(200*time.Millisecond))
	now, bad := s.term, s.bad
	b := ballot{max(s.promised.N, s.term.Ballot.N) + 1, t.world.self()}
	if s.forgotten {
		s.mu.Unlock()
		return errMoved
	}
	s.mu.Unlock()
	if name == "" {
		name = now.Name
	}
	if name == "" {
		if name = t.nameOf(ctx, s.key, &v); name == "" {
			return errNoQueue
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 4*ticketCall)
	defer cancel()
	err := t.takeUnder(ctx, s, b, name, bad, &v)
	if err != nil {
		t.log.Debug("queue not taken", "shard", s.key, "queue", name, "err", err)
	}
	return err
}

// fits says whether a shard's home and second are those that it should have. The caller holds mu.
func (s *shard) fits(v *ticketView) bool {
	order := v.order(s.key)
	if s.term.Home != order[0] {
		return false
	}
	if slices.Contains(order, s.term.Second) {
		return true
	}
	return len(order) == 1 && s.term.Second == ""
}

// nameOf asks everybody for the name of a queue that is known by its key only.
func (t *tickets) nameOf(ctx context.Context, key string, v *ticketView) string {
	outs, _ := everybody[gotPrepare](ctx, t, v.living, "ticket_known", askKnown{key})
	for _, out := range outs {
		if out.Term.Name != "" {
			return out.Term.Name
		}
	}
	return ""
}

// takeUnder takes a shard under a ballot: promises, the newest copy, a second, acceptance.
func (t *tickets) takeUnder(ctx context.Context, s *shard, b ballot, name, bad string, v *ticketView) error {
	outs, _ := everybody[gotPrepare](ctx, t, v.living, "ticket_prepare", askPrepare{s.key, b})
	var last term
	var best *gotPrepare
	retired := uint64(0)
	for _, out := range outs {
		retired = max(retired, out.Retired)
	}
	promises := map[string]*gotPrepare{}
	for node, out := range outs {
		out.node = node
		if out.Copy = out.Copy && out.Of.N > retired; out.Term.Ballot.N <= retired {
			out.Term = term{}
		}
		if last.Ballot.below(out.Term.Ballot) {
			last = out.Term
		}
		if !out.OK {
			s.heard(out.Promised)
			continue
		}
		promises[node] = &out
		if out.Copy && (best == nil || best.older(&out, t.world.self())) {
			best = &out
		}
	}
	if !v.majority(len(promises)) {
		return fmt.Errorf("%w: %d of %d nodes promise", admin.ErrUnreachable, len(promises), v.voters)
	}
	switch kept := holds(promises, last); {
	case kept:
	case last.Home != "" && (v.there(last.Home) || v.there(last.Second)):
		return fmt.Errorf("%w: nobody who has the queue promises", admin.ErrUnreachable)
	case last.Home != "":
		t.log.Warn("both nodes that had a queue are gone: its tickets are lost", "queue", name)
		t.stats.lost.Add(1)
	}
	if err := t.adopt(ctx, s, b, name, best); err != nil {
		return err
	}
	return t.begin(ctx, s, term{Ballot: b, Home: t.world.self(), Name: name}, bad, v)
}

// holds says whether one of the two that had a shard promised and still has it.
func holds(promises map[string]*gotPrepare, last term) bool {
	for _, node := range []string{last.Home, last.Second} {
		if p := promises[node]; p != nil && p.Copy && !p.Of.below(last.Ballot) {
			return true
		}
	}
	return false
}

// older says whether another copy has more. Of the same ballot the home's has all; one that is here need not be fetched.
func (g *gotPrepare) older(o *gotPrepare, self string) bool {
	switch c := g.Of.compare(o.Of); {
	case c != 0:
		return c < 0
	case g.Home != o.Home:
		return o.Home
	case g.Seq != o.Seq:
		return g.Seq < o.Seq
	}
	return o.node == self
}

func (v *ticketView) lives(node string) bool {
	return slices.Contains(v.living, node)
}

// heard makes the next ballot higher than one that others know.
func (s *shard) heard(b ballot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.promised.below(b) {
		s.promised, s.home = b, false
	}
}

// adopt makes the best copy this node's, under its ballot. Without one it begins with nothing.
func (t *tickets) adopt(ctx context.Context, s *shard, b ballot, name string, best *gotPrepare) error {
	fresh := t.newState(s.key, name)
	own := best != nil && best.node == t.world.self()
	if best != nil && !own {
		body, err := t.fetch(ctx, best.node, s.key, b)
		if err == nil {
			err = fresh.Apply(time.Now(), body)
		}
		if err != nil {
			return fmt.Errorf("%w: copy of a queue: %w", admin.ErrUnreachable, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.promised != b {
		return errMoved
	}
	switch now := time.Now(); {
	case own && best.Home: // it just goes on
	case own:
		if err := fresh.Apply(now, s.state.Snapshot(now)); err != nil {
			return err
		}
		fallthrough
	default:
		s.state, s.root = fresh, b
		s.done, s.acked = 0, 0
		s.busy, s.opened, s.pause, s.backed = map[string]bool{}, map[string]time.Time{}, time.Time{}, 0
	}
	s.of, s.seq = b, 0
	return nil
}

// begin gives a second node its copy, and has the term accepted.
func (t *tickets) begin(ctx context.Context, s *shard, at term, bad string, v *ticketView) error {
	if err := s.ship.take(ctx); err != nil {
		return err
	}
	defer s.ship.give()
	s.mu.Lock()
	if s.promised != at.Ballot {
		s.mu.Unlock()
		return errMoved
	}
	body := s.state.Snapshot(time.Now())
	upto := s.done
	s.mu.Unlock()
	var failed error
	for _, node := range seconds(v.order(s.key), at.Home, bad) {
		at.Second = node
		if failed = t.copyTo(ctx, at, s.key, 1, true, body); failed == nil || isMoved(failed) {
			break
		}
		at.Second = ""
	}
	if failed != nil {
		return failed
	}
	if err := t.install(ctx, s.key, at, v); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.promised != at.Ballot {
		return errMoved
	}
	s.home, s.seq, s.acked, s.whole, s.bad = true, 1, upto, false, ""
	t.log.Info("home of a queue", "queue", at.Name, "second", at.Second)
	return nil
}

// seconds returns who may be second, in the order to try: one that did not answer just now comes last.
func seconds(order []string, home, bad string) (list []string) {
	late := ""
	for _, x := range order {
		switch x {
		case home:
		case bad:
			late = x
		default:
			list = append(list, x)
		}
	}
	if late != "" {
		list = append(list, late)
	}
	return list[:min(len(list), 3)]
}
