package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// A ticket's id is "t", the key of its queue, and 80 more bits: any node finds the queue's home by it.
const (
	queueKeySize = 10
	ticketIDSize = 1 + queueKeySize + 16
)

func shortHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return strings.ToLower(base32.StdEncoding.EncodeToString(h[:10]))
}

// queueKey names a queue's shard.
func queueKey(queue string) string { return shortHash("overtime queue " + queue)[:queueKeySize] }

// newTicketID names a ticket. With an idempotency key it is the same each time, on every node.
func newTicketID(queue, key string) string {
	own := newID("")
	if key != "" {
		own = shortHash("overtime ticket " + key)
	}
	return "t" + queueKey(queue) + own
}

// keyOfTicket returns the key of the queue of a ticket.
func keyOfTicket(id string) (string, bool) {
	if len(id) != ticketIDSize || id[0] != 't' || strings.Trim(id[1:], "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", false
	}
	return id[1 : 1+queueKeySize], true
}

// serve returns a shard that this node is the home of, or becomes the home of now. name may be "" for a queue that exists.
func (t *tickets) serve(ctx context.Context, key, name string) (*shard, error) {
	v := t.view()
	if !v.majority(len(v.living)) {
		return nil, fmt.Errorf("%w: most other nodes are out of reach", admin.ErrUnreachable)
	}
	t.mu.Lock()
	s := t.shards[key]
	t.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		home, known := s.home, s.term.Name
		s.mu.Unlock()
		if home {
			return s, nil
		}
		if known != "" {
			name = known
		}
	}
	if order := v.order(key); order[0] != t.world.self() {
		return nil, errMoved
	}
	if name == "" {
		if name = t.nameOf(ctx, key, &v); name == "" {
			return nil, errNoQueue
		}
	}
	s, err := t.shard(key)
	if err != nil {
		return nil, err
	}
	return s, t.take(ctx, s, name)
}

// askAdd adds a ticket, whose id the asking node has chosen so that it may ask again.
type askAdd struct {
	Queue   string             `json:"queue"`
	Ticket  string             `json:"ticket"`
	Request matchmaker.Request `json:"request"`
}

type gotAdd struct {
	Busy *busyPlayer `json:"busy,omitempty"`
}

func (t *tickets) giveAdd(ctx context.Context, _ string, in askAdd) (got gotAdd, err error) {
	s, err := t.serve(ctx, queueKey(in.Queue), in.Queue)
	if err != nil {
		return got, err
	}
	r := in.Request
	r.ID = in.Ticket
	// Asked again: the ticket is there, and whether its players have been released does not matter.
	known := false
	err = t.look(ctx, s, func(time.Time) error {
		err := s.same(&r)
		if known = !errors.Is(err, admin.ErrTicket); known {
			return err
		}
		return nil
	})
	if known || err != nil {
		return got, err
	}
	c := claim{Key: s.key, Queue: in.Queue, Ticket: r.ID}
	for _, p := range r.Players {
		c.Players = append(c.Players, p.ID)
	}
	if got.Busy, err = t.claimOne(ctx, c); err != nil || got.Busy != nil {
		return got, err
	}
	err = t.do(ctx, s, func(now time.Time) error { return s.add(now, r) })
	var busy *matchmaker.BusyError
	switch {
	case errors.As(err, &busy): // the roll did not know
		got.Busy, err = &busyPlayer{busy.Player, busy.Ticket, busy.Queue}, nil
		t.release([]string{r.ID})
	case errors.Is(err, admin.ErrInvalid), errors.Is(err, admin.ErrFull):
		t.release([]string{r.ID})
	case err == nil:
		t.stats.added.Add(1)
	}
	return got, err
}

func (t *tickets) claimOne(ctx context.Context, c claim) (*busyPlayer, error) {
	got, err := t.claim(ctx, []claim{c})
	if err != nil {
		return nil, err
	}
	if b, ok := got.Busy[c.Ticket]; ok {
		return &b, nil
	}
	return nil, nil
}

// same compares a request with the ticket that is there under its id: nil, admin.ErrTicket if there is none, admin.ErrKeyReused.
func (s *shard) same(r *matchmaker.Request) error {
	have, ok := s.queue().Get(r.ID)
	if !ok {
		return admin.ErrTicket
	}
	same := len(have.Players) == len(r.Players) && (r.Game == "" || have.Game == r.Game)
	for _, p := range r.Players {
		same = same && slices.Contains(have.Players, p.ID)
	}
	if !same {
		return admin.ErrKeyReused
	}
	return nil
}

func (s *shard) add(now time.Time, r matchmaker.Request) error {
	switch err := s.queue().Add(now, r); {
	case errors.Is(err, matchmaker.ErrExists):
		return s.same(&r)
	case errors.Is(err, matchmaker.ErrFull):
		return fmt.Errorf("%w: %w", admin.ErrFull, err)
	case errors.Is(err, matchmaker.ErrInvalid):
		return fmt.Errorf("%w: %w", admin.ErrInvalid, err)
	default:
		return err
	}
}

// askTicket is about one ticket.
type askTicket struct {
	Ticket string `json:"ticket"`
}

type gotTicket struct {
	Queue  string            `json:"queue"`
	Ticket matchmaker.Ticket `json:"ticket"`
	Waited time.Duration     `json:"waited"`
}

// serveTicket returns the shard of a ticket.
func (t *tickets) serveTicket(ctx context.Context, id string) (*shard, error) {
	key, ok := keyOfTicket(id)
	if !ok {
		return nil, admin.ErrTicket
	}
	return t.serve(ctx, key, "")
}

func (t *tickets) giveGet(ctx context.Context, _ string, in askTicket) (got gotTicket, err error) {
	s, err := t.serveTicket(ctx, in.Ticket)
	if err != nil {
		return got, err
	}
	err = t.do(ctx, s, func(now time.Time) (err error) { // so that nobody sees a ticket go back to an earlier state
		q, ok := s.queue(), false
		if got.Ticket, ok = q.Get(in.Ticket); !ok {
			return admin.ErrTicket
		}
		got.Queue, got.Waited = q.Name(), max(0, now.Sub(got.Ticket.Since))
		return nil
	})
	return got, err
}

func (t *tickets) giveRemove(ctx context.Context, _ string, in askTicket) (out gotNothing, err error) {
	s, err := t.serveTicket(ctx, in.Ticket)
	if err != nil {
		return out, err
	}
	err = t.do(ctx, s, func(now time.Time) error {
		switch err := s.queue().Remove(now, in.Ticket); {
		case errors.Is(err, matchmaker.ErrNotFound):
			return admin.ErrTicket
		case errors.Is(err, matchmaker.ErrAssigned):
			return admin.ErrAssigned
		default:
			return err
		}
	})
	if err == nil {
		t.release([]string{in.Ticket})
		t.stats.removed.Add(1)
	}
	return out, err
}

func (t *tickets) giveExplain(ctx context.Context, _ string, in askTicket) (got matchmaker.Explanation, err error) {
	s, err := t.serveTicket(ctx, in.Ticket)
	if err != nil {
		return got, err
	}
	err = t.look(ctx, s, func(now time.Time) error {
		var ok bool
		if got, ok = s.queue().Explain(now, in.Ticket); !ok {
			return admin.ErrTicket
		}
		return nil
	})
	return got, err
}

// askPoll asks which of some tickets of a queue do not wait any more.
type askPoll struct {
	Key     string   `json:"key"`
	Tickets []string `json:"tickets"`
	Surely  bool     `json:"surely,omitempty"` // the home makes sure that it is still the home
}

type gotPoll struct {
	Final   []string `json:"final,omitempty"`
	Unknown []string `json:"unknown,omitempty"`
}

func (t *tickets) givePoll(ctx context.Context, _ string, in askPoll) (got gotPoll, err error) {
	s, err := t.serve(ctx, in.Key, "")
	if err != nil {
		return got, err
	}
	check := t.look
	if in.Surely {
		check = t.do
	}
	err = check(ctx, s, func(time.Time) error {
		for _, id := range in.Tickets {
			switch x, ok := s.queue().Get(id); {
			case !ok:
				got.Unknown = append(got.Unknown, id)
			case x.State == matchmaker.Assigned || x.State == matchmaker.Expired:
				got.Final = append(got.Final, id)
			}
		}
		return nil
	})
	return got, err
}
