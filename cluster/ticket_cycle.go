package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

const (
	backFirst  = 250 * time.Millisecond // between a match that could not be made and the next cycle
	backMost   = 5 * time.Second
	openExpire = 4 * time.Second // a running match that says nothing for so long looks for nobody
)

// tend does what is due for a shard that this node has. It does not wait.
func (t *tickets) tend(s *shard) {
	s.mu.Lock()
	mine := s.state != nil && s.term.Name != ""
	s.mu.Unlock()
	if !mine || !s.tending.CompareAndSwap(false, true) {
		return
	}
	t.start(func() {
		defer s.tending.Store(false)
		v := t.view()
		if !v.majority(len(v.living)) {
			return // a successor may be at work
		}
		t.keepPlace(s, &v)
		t.cycle(s, &v)
		t.sweep(s)
		t.retire(s, &v)
	})
}

// keepPlace has a shard move to where it should be. The home sees to it, and where it is gone the second.
func (t *tickets) keepPlace(s *shard, v *ticketView) {
	s.mu.Lock()
	at, fits := s.term, s.fits(v)
	if s.home {
		fits = fits && s.bad == ""
	}
	s.mu.Unlock()
	order := v.order(s.key)
	self := t.world.self()
	acting := at.Home
	if !v.lives(acting) {
		acting = at.Second
	}
	if fits || acting != self {
		return
	}
	ctx, cancel := context.WithTimeout(t.life, 5*ticketCall)
	defer cancel()
	if order[0] == self {
		_ = t.take(ctx, s, at.Name) // it says so itself, and the next cycle tries again
		return
	}
	if _, err := askJSON[gotNothing](ctx, t, order[0], "ticket_take", askTake{s.key, at.Name, v.silent}); err != nil {
		t.log.Debug("queue does not move", "queue", at.Name, "to", order[0], "err", err)
	}
}

// askTake asks a node to take its shard.
type askTake struct {
	Key     string   `json:"key"`
	Name    string   `json:"name"`
	Without []string `json:"without,omitempty"` // nodes that most nodes do not reach
}

func (t *tickets) giveTake(ctx context.Context, _ string, in askTake) (out gotNothing, err error) {
	t.without(in.Without)
	_, err = t.serve(ctx, in.Key, in.Name)
	return out, err
}

// cycle lets a queue propose matches, and has those made that are proposed.
func (t *tickets) cycle(s *shard, v *ticketView) {
	s.mu.Lock()
	now := time.Now()
	q := s.queue()
	if q == nil || !s.home || now.Before(s.pause) || q.Len() == 0 && len(s.opened) == 0 {
		s.mu.Unlock()
		return
	}
	q.SetRegions(v.regions)
	for match, at := range s.opened {
		if now.Sub(at) > openExpire {
			q.RemoveBackfill(match)
			delete(s.opened, match)
		}
	}
	made, expired := q.Cycle(now)
	took := time.Since(now)
	root := s.root
	var pending []matchmaker.Proposal
	for _, p := range q.Pending() {
		if !s.busy[p.ID] {
			s.busy[p.ID] = true
			pending = append(pending, p)
		}
	}
	if len(made)+len(expired) > 0 {
		s.done++
	}
	s.mu.Unlock()
	t.stats.cycled(took, len(expired))
	if len(expired) > 0 {
		t.start(func() {
			ctx, cancel := context.WithTimeout(t.life, ticketWithin)
			defer cancel()
			if t.commit(ctx, s) == nil {
				t.release(expired)
			}
		})
	}
	for _, p := range pending {
		t.start(func() {
			select {
			case t.making <- struct{}{}:
			case <-t.life.Done():
				return
			}
			defer func() { <-t.making }()
			ctx, cancel := context.WithTimeout(t.life, makeWithin)
			defer cancel()
			err := t.makeMatch(ctx, s, &p)
			if err != nil {
				t.log.Debug("match not made", "queue", p.Queue, "proposal", p.ID, "err", err)
			}
			t.made(s, root, &p, err)
		})
	}
}

// made ends what was done for a proposal. After an error the queue waits before it tries again.
func (t *tickets) made(s *shard, root ballot, p *matchmaker.Proposal, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != root {
		return
	}
	delete(s.busy, p.ID) // if it is still pending it is made again
	switch {
	case err == nil:
		s.backed = 0
	case !isMoved(err) && p.Match == "":
		s.backed = min(max(2*s.backed, backFirst), backMost)
		s.pause = time.Now().Add(s.backed)
	}
}

// makeMatch makes a match of a proposal: the second node learns of it, the roll says that all its players wait here and only here,
// the match is made or found, and its tickets are assigned.
func (t *tickets) makeMatch(ctx context.Context, s *shard, p *matchmaker.Proposal) error {
	if err := t.commit(ctx, s); err != nil {
		return err
	}
	if stray, err := t.affirm(ctx, s, p); err != nil || len(stray) > 0 {
		return errors.Join(err, t.reject(ctx, s, p, stray))
	}
	a, err := t.world.play(ctx, p)
	switch {
	case errors.Is(err, admin.ErrUnreachable), ctx.Err() != nil:
		return errors.Join(err, ctx.Err()) // it may have been made: it is asked again
	case err != nil:
		t.log.Warn("match of a queue not made", "queue", p.Queue, "err", err)
		t.stats.failed.Add(1)
		return errors.Join(err, t.reject(ctx, s, p, nil))
	}
	var ids []string
	err = t.do(ctx, s, func(now time.Time) (err error) {
		ids, err = s.queue().Confirm(now, p.ID, a)
		return err
	})
	switch {
	case errors.Is(err, matchmaker.ErrProposal):
		t.world.drop(p, a.Match)
		return nil
	case err != nil:
		return err // a successor finds the match
	}
	t.stats.matched(p, len(ids))
	t.release(ids)
	t.rouse()
	return nil
}

// rouse looks at once whether somebody waits for what was just done.
func (t *tickets) rouse() {
	select {
	case t.waits.wake <- struct{}{}:
	default:
	}
}

// affirm has the roll say that the players of a proposal wait in its tickets. It returns the tickets of which that is not so.
func (t *tickets) affirm(ctx context.Context, s *shard, p *matchmaker.Proposal) (stray []string, err error) {
	var claims []claim
	for _, id := range p.Tickets {
		c := claim{Key: s.key, Queue: p.Queue, Ticket: id}
		for _, seat := range p.Seats {
			if seat.Ticket == id {
				c.Players = append(c.Players, seat.Player)
			}
		}
		claims = append(claims, c)
	}
	got, err := t.claim(ctx, claims)
	for id := range got.Busy {
		stray = append(stray, id)
	}
	slices.Sort(stray)
	return stray, err
}

// reject dissolves a proposal, and takes tickets out whose players wait elsewhere.
func (t *tickets) reject(ctx context.Context, s *shard, p *matchmaker.Proposal, stray []string) error {
	return t.do(ctx, s, func(now time.Time) error {
		err := s.queue().Reject(p.ID)
		if p.Match != "" { // it asks again if it still looks for players
			s.queue().RemoveBackfill(p.Match)
			delete(s.opened, p.Match)
		}
		for _, id := range stray {
			t.stats.strays.Add(1)
			_ = s.queue().Remove(now, id) // it is gone already otherwise
		}
		if errors.Is(err, matchmaker.ErrProposal) {
			return nil
		}
		return err
	})
}

// setRules puts new rules in force.
func (t *tickets) setRules(r *matchmaker.Rules) {
	t.rules.Store(r)
	for _, s := range t.all() {
		s.mu.Lock()
		if q := s.queue(); q != nil && s.home {
			expired := q.SetRules(time.Now(), r.For(q.Name()))
			s.done++
			t.release(expired)
		}
		s.mu.Unlock()
	}
}
