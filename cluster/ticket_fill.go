package cluster

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
	"github.com/overtime-server/overtime/game/loop"
)

const (
	seatFor   = 15 * time.Second // a player who was assigned has so long to connect
	fillEvery = time.Second
	maxExpect = 100_000 // players who are expected on this node
)

// seatBook says who is expected in the matches of this node that were made from tickets. It locks itself.
type seatBook struct {
	hold atomic.Int64 // ns that a player who was assigned has to connect; changed by tests only

	mu     sync.Mutex // guards the following
	books  map[string]*matchBook
	count  int             // of all that are expected
	asking map[string]bool // matches that ask their queue for players
}

// matchBook is of one match.
type matchBook struct {
	since    time.Time // when this node first saw the match: who was assigned before that has so long to connect
	expected map[string]expected
}

type expected struct {
	team  int
	until time.Time
}

func newSeatBook() *seatBook {
	s := &seatBook{books: map[string]*matchBook{}, asking: map[string]bool{}}
	s.hold.Store(int64(seatFor))
	return s
}

func (s *seatBook) holdFor() time.Duration { return time.Duration(s.hold.Load()) }

// seatWanted is a seat for a player who will be told to come.
type seatWanted struct {
	Player string `json:"player"`
	Team   int    `json:"team"`
}

// askExpect asks for seats in a running match: all or none.
type askExpect struct {
	Match string       `json:"match"`
	Seats []seatWanted `json:"seats"`
}

func (n *Node) giveExpect(_ context.Context, _ string, in askExpect) (out gotNothing, err error) {
	h, err := n.running(in.Match)
	if err != nil {
		return out, err
	}
	now := time.Now()
	n.seats.mu.Lock()
	defer n.seats.mu.Unlock()
	b := n.seats.bookLocked(in.Match, now)
	open := n.seats.openLocked(h, b, now)
	for _, s := range in.Seats {
		if _, again := b.expected[s.Player]; again {
			continue
		}
		if s.Team < 0 || s.Team >= len(open) || open[s.Team] <= 0 || n.seats.count >= maxExpect {
			return out, admin.ErrFull
		}
		open[s.Team]--
	}
	for _, s := range in.Seats {
		if _, again := b.expected[s.Player]; !again {
			n.seats.count++
		}
		b.expected[s.Player] = expected{s.Team, now.Add(n.seats.holdFor())}
	}
	return out, nil
}

func (s *seatBook) bookLocked(match string, now time.Time) *matchBook {
	b := s.books[match]
	if b == nil {
		b = &matchBook{since: now, expected: map[string]expected{}}
		s.books[match] = b
	}
	return b
}

// openLocked counts the free seats of a match by team: not those of players who are in it, also where their connection is lost, nor
// those of players who are expected.
func (s *seatBook) openLocked(h *hosted, b *matchBook, now time.Time) []int {
	open := layoutOf(h.labels)
	i := h.match.Info()
	seated := 0
	for _, p := range i.Scores {
		if p.ID != "" && p.Team > 0 && int(p.Team) <= len(open) && len(open) > 1 && slices.Contains(i.Present, p.ID) {
			open[p.Team-1]--
			seated++
		}
	}
	for ; seated < i.Taken && len(open) > 0; seated++ { // the game does not say in which team he plays
		open[slices.Index(open, slices.Max(open))]--
	}
	for id, e := range b.expected {
		if slices.Contains(i.Present, id) || !now.Before(e.until) {
			delete(b.expected, id)
			s.count--
			continue
		}
		if e.team < len(open) {
			open[e.team]--
		}
	}
	for i := range open {
		open[i] = max(0, open[i])
	}
	return open
}

// layoutOf returns the team sizes that a match's label says; nil if it says none.
func layoutOf(labels map[string]string) (sizes []int) {
	if labels[queueLabel] == "" {
		return nil
	}
	for x := range strings.SplitSeq(labels[layoutLabel], ",") {
		n, err := strconv.Atoi(x)
		if err != nil || n < 1 || n > matchmaker.MaxSize || len(sizes) >= matchmaker.MaxTeams {
			return nil
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// askOpenSeats tells a queue which matches look for players, and which do no more: those have no open seats.
type askOpenSeats struct {
	Queue    string                `json:"queue"`
	Backfill []matchmaker.Backfill `json:"backfill"`
}

func (t *tickets) giveOpenSeats(ctx context.Context, _ string, in askOpenSeats) (out gotNothing, err error) {
	s, err := t.serve(ctx, queueKey(in.Queue), in.Queue)
	if err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.home {
		return out, errMoved
	}
	q, now := s.queue(), time.Now()
	for _, b := range in.Backfill {
		if !slices.ContainsFunc(b.Open, func(n int) bool { return n > 0 }) {
			q.RemoveBackfill(b.Match)
			delete(s.opened, b.Match)
			continue
		}
		if err := q.SetBackfill(now, b); err != nil {
			t.log.Debug("match looks for players in vain", "match", b.Match, "err", err)
			continue
		}
		s.opened[b.Match] = now
	}
	s.done++
	return out, nil // whoever asks asks again: the second need not know now
}

// fill is the goroutine that lets matches of this node ask their queues for players.
func (n *Node) fill() {
	every := time.NewTicker(fillEvery)
	defer every.Stop()
	for {
		select {
		case <-n.stop:
			return
		case <-every.C:
		}
		for queue, list := range n.openSeats(time.Now()) {
			ctx, cancel := context.WithTimeout(n.life, fillEvery)
			for len(list) > 0 {
				k := min(len(list), 1000)
				if _, err := askHome[gotNothing](ctx, n.tickets, queueKey(queue), "ticket_open", askOpenSeats{queue, list[:k]}); err != nil {
					n.cfg.Log.Debug("open seats not told", "queue", queue, "err", err)
					break
				}
				list = list[k:]
			}
			cancel()
		}
	}
}

// openSeats returns the matches of this node that look for players, or did so last time, by queue.
func (n *Node) openSeats(now time.Time) map[string][]matchmaker.Backfill {
	s := n.seats
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]matchmaker.Backfill{}
	seen := map[string]bool{}
	for _, h := range n.matches.all() {
		layout := layoutOf(h.labels)
		if layout == nil {
			continue
		}
		i := h.match.Info()
		seen[i.ID] = true
		b := s.bookLocked(i.ID, now)
		open := s.openLocked(h, b, now)
		if i.Outcome != 0 || i.Phase == loop.Ended || i.Paused || i.Online == 0 || now.Sub(b.since) < s.holdFor() || n.isStopping() {
			clear(open)
		}
		wants := slices.Max(open) > 0
		if !wants && !s.asking[i.ID] {
			continue
		}
		if s.asking[i.ID] = wants; !wants {
			delete(s.asking, i.ID)
		}
		out[h.labels[queueLabel]] = append(out[h.labels[queueLabel]], backfillOf(h.labels, i, layout, open))
	}
	for id, b := range s.books {
		if !seen[id] {
			s.count -= len(b.expected)
			delete(s.books, id)
			delete(s.asking, id)
		}
	}
	return out
}

func backfillOf(labels map[string]string, i *loop.Info, layout, open []int) matchmaker.Backfill {
	b := matchmaker.Backfill{Match: i.ID, Game: i.Game, Layout: layout, Open: open, Region: labels[regionLabel]}
	b.Skill, _ = strconv.ParseFloat(labels[skillLabel], 64)       // 0 if it says none
	_ = json.Unmarshal([]byte(labels[equalLabel]), &b.Attributes) // likewise
	return b
}
