package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// rollKey is the shard of the roll. No queue has this key, see queueKey.
const rollKey = "players"

// claim says that players wait in a ticket, and nowhere else.
type claim struct {
	Key     string   `json:"key"` // of the queue
	Queue   string   `json:"queue"`
	Ticket  string   `json:"ticket"`
	Players []string `json:"players,omitempty"` // none: the claim is given up

	at time.Time // when this node heard of it
}

// roll is who waits in which ticket, of all queues. Whoever calls it holds its shard's mu.
type roll struct {
	players matchmaker.Registry
	claims  map[string]*claim // by ticket
	changed []claim           // since Changes was called last
}

func newRoll() *roll { return &roll{claims: map[string]*claim{}} }

// rollUpdate is a change on its way to the other node.
type rollUpdate struct {
	Whole  bool    `json:"whole,omitempty"`
	Claims []claim `json:"claims"`
}

// Changes implements copied.
func (r *roll) Changes(time.Time) []byte {
	if len(r.changed) == 0 {
		return nil
	}
	b, _ := json.Marshal(rollUpdate{Claims: r.changed}) // strings encode
	r.changed = nil
	return b
}

// Snapshot implements copied.
func (r *roll) Snapshot(time.Time) []byte {
	u := rollUpdate{Whole: true}
	for _, c := range r.claims {
		u.Claims = append(u.Claims, *c)
	}
	r.changed = nil
	b, _ := json.Marshal(u)
	return b
}

// Apply implements copied.
func (r *roll) Apply(now time.Time, b []byte) error {
	var u rollUpdate
	if err := json.Unmarshal(b, &u); err != nil {
		return err
	}
	if u.Whole {
		*r = *newRoll()
	}
	for _, c := range u.Claims {
		if len(c.Players) == 0 {
			r.release(c.Ticket)
		} else if err := r.claim(now, c); err != nil {
			return err
		}
	}
	r.changed = nil
	return nil
}

// claim takes players for a ticket; *matchmaker.BusyError if one of them waits elsewhere.
func (r *roll) claim(now time.Time, c claim) error {
	if err := r.players.Claim(c.Queue, c.Ticket, c.Players); err != nil {
		return err
	}
	c.at = now
	if have := r.claims[c.Ticket]; have != nil {
		have.at = now // whoever claims again has not yet added his ticket
	} else {
		r.claims[c.Ticket] = &c
		r.changed = append(r.changed, c)
	}
	return nil
}

// release gives the players of a ticket free.
func (r *roll) release(ticket string) {
	if c := r.claims[ticket]; c != nil {
		r.players.Release(c.Queue, ticket)
		delete(r.claims, ticket)
		r.changed = append(r.changed, claim{Key: c.Key, Queue: c.Queue, Ticket: ticket})
	}
}

// askClaims claims players for tickets of one queue.
type askClaims struct {
	Claims []claim `json:"claims"`
}

// busyPlayer says that a player waits in another ticket.
type busyPlayer struct {
	Player string `json:"player"`
	Ticket string `json:"ticket"`
	Queue  string `json:"queue"`
}

type gotClaims struct {
	Busy map[string]busyPlayer `json:"busy,omitempty"` // by ticket that could not claim
}

const (
	claimWell = 5 * time.Second  // a claim whose ticket is not there yet is believed for so long
	sweepRoll = 30 * time.Second // how often claims are compared with the tickets
	sweepOld  = time.Minute      // those that are older
)

// giveClaim claims players. It is asked again for the same tickets, which changes nothing.
func (t *tickets) giveClaim(ctx context.Context, _ string, in askClaims) (got gotClaims, err error) {
	s, err := t.serve(ctx, rollKey, rollKey)
	if err != nil {
		return got, err
	}
	for round := 0; ; round++ {
		var doubtful []claim
		err = t.do(ctx, s, func(now time.Time) error {
			got, doubtful = s.state.(*roll).claimAll(now, in.Claims)
			return nil
		})
		if err != nil || len(doubtful) == 0 || round == 2 || t.drain(ctx, s, doubtful) == 0 {
			return got, err
		}
	}
}

// claimAll returns whose players are elsewhere, and the tickets in which they are.
func (r *roll) claimAll(now time.Time, claims []claim) (got gotClaims, doubtful []claim) {
	for _, c := range claims {
		var busy *matchmaker.BusyError
		if !errors.As(r.claim(now, c), &busy) {
			continue
		}
		if got.Busy == nil {
			got.Busy = map[string]busyPlayer{}
		}
		got.Busy[c.Ticket] = busyPlayer{busy.Player, busy.Ticket, busy.Queue}
		if other := r.claims[busy.Ticket]; other != nil {
			doubtful = append(doubtful, *other)
		}
	}
	return got, doubtful
}

// drain gives up those claims whose tickets are final, and returns how many.
func (t *tickets) drain(ctx context.Context, s *shard, claims []claim) (count int) {
	byQueue := map[string][]claim{}
	for _, c := range claims {
		byQueue[c.Key] = append(byQueue[c.Key], c)
	}
	for key, list := range byQueue {
		in := askPoll{Key: key, Surely: true}
		for _, c := range list {
			in.Tickets = append(in.Tickets, c.Ticket)
		}
		got, err := askHome[gotPoll](ctx, t, key, "ticket_poll", in)
		if errors.Is(err, admin.ErrTicket) {
			got, err = gotPoll{Unknown: in.Tickets}, nil
		}
		if err != nil {
			continue
		}
		_ = t.do(ctx, s, func(now time.Time) error { // else they stay for a while
			r, ok := s.state.(*roll)
			if !ok {
				return errMoved
			}
			for _, id := range got.Final {
				r.release(id)
				count++
			}
			for _, id := range got.Unknown {
				if c := r.claims[id]; c != nil && now.Sub(c.at) >= claimWell {
					r.release(id)
					count++
				}
			}
			return nil
		})
	}
	return count
}

// askRelease gives up claims.
type askRelease struct {
	Tickets []string `json:"tickets"`
}

func (t *tickets) giveRelease(ctx context.Context, _ string, in askRelease) (out gotNothing, err error) {
	s, err := t.serve(ctx, rollKey, rollKey)
	if err != nil {
		return out, err
	}
	return out, t.do(ctx, s, func(time.Time) error {
		for _, id := range in.Tickets {
			s.state.(*roll).release(id)
		}
		return nil
	})
}

// claim has the roll claim players.
func (t *tickets) claim(ctx context.Context, claims []claim) (gotClaims, error) {
	return askHome[gotClaims](ctx, t, rollKey, "ticket_claim", askClaims{claims})
}

// release has the roll give claims up. What is lost here the roll finds by itself.
func (t *tickets) release(ids []string) {
	if len(ids) == 0 {
		return
	}
	t.start(func() {
		ctx, cancel := context.WithTimeout(t.life, ticketWithin)
		defer cancel()
		if _, err := askHome[gotNothing](ctx, t, rollKey, "ticket_release", askRelease{ids}); err != nil {
			t.log.Debug("players not released", "err", err)
		}
	})
}

// sweep compares old claims with the tickets, now and then.
func (t *tickets) sweep(s *shard) {
	var old []claim
	s.mu.Lock()
	now := time.Now()
	if r, ok := s.state.(*roll); ok && s.home && now.Sub(s.swept) >= sweepRoll {
		s.swept = now
		for _, c := range r.claims {
			if now.Sub(c.at) >= sweepOld {
				old = append(old, *c)
			}
		}
	}
	s.mu.Unlock()
	if len(old) > 0 {
		ctx, cancel := context.WithTimeout(t.life, ticketWithin)
		defer cancel()
		t.drain(ctx, s, old)
	}
}
