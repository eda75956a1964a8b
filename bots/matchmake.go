package bots

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	skillMean, skillDeviation = 1500, 300
	ticketsAtOnce             = 64               // requests that add tickets at the same time
	ticketTries               = 15 * time.Second // for which a request is tried again at another node
	ticketWait                = "20s"            // of one request that waits for a match
)

// wanted is a party that looks for a match.
type wanted struct {
	key     string // idempotency key
	players []ticketPlayer
}

// ticketPlayer is one player as POST /v1/tickets takes him.
type ticketPlayer struct {
	ID      string         `json:"id"`
	Skill   float64        `json:"skill"`
	Latency map[string]int `json:"latency_ms"`
}

type newTicket struct {
	Queue   string         `json:"queue"`
	Game    string         `json:"game"`
	Size    int            `json:"size"`
	Teams   int            `json:"teams"`
	Players []ticketPlayer `json:"players"`
}

type ticketAnswer struct {
	ID         string `json:"ticket_id"`
	State      string `json:"state"`
	Reason     string `json:"reason"`
	Assignment *struct {
		Match  string            `json:"match_id"`
		URL    string            `json:"url"`
		Tokens map[string]string `json:"tokens"`
		Teams  map[string]int    `json:"teams"`
	} `json:"assignment"`
}

// parties divides count players into parties of 1 to 4, most of them small, with skills from a normal distribution. The last two matches'
// worth come alone, so that what is left at the end fits together.
func (r *run) parties(regions []string, rng *rand.Rand) (list []wanted) {
	count := r.cfg.Matches * r.cfg.Players
	for made := 0; made < count; {
		size := []int{1, 1, 1, 1, 2, 2, 2, 3, 3, 4}[rng.IntN(10)]
		if left := count - made; left <= 2*r.cfg.Players {
			size = 1
		}
		size = min(size, max(1, r.cfg.Players/r.teams()))
		w := wanted{key: fmt.Sprintf("%s-%d", r.id, len(list))}
		home := rng.IntN(len(regions))
		for range size {
			p := ticketPlayer{ID: fmt.Sprintf("bot-%s-%d", r.id, made), Skill: skillMean + skillDeviation*rng.NormFloat64(), Latency: map[string]int{}}
			for i, region := range regions {
				p.Latency[region] = 15 + rng.IntN(40)
				if i != home {
					p.Latency[region] += 60 + rng.IntN(80)
				}
			}
			w.players = append(w.players, p)
			made++
		}
		list = append(list, w)
	}
	return list
}

// teams is how many teams the matches have: two where players come in pairs, and are enough.
func (r *run) teams() int {
	if r.cfg.Players >= 4 && r.cfg.Players%2 == 0 {
		return 2
	}
	return 1
}

// matchmake sends tickets for all players, and delivers those who got a match as they get it. The queue is one for the size of match, so
// that runs at the same time meet.
func (r *run) matchmake(ctx context.Context) <-chan made {
	out := make(chan made)
	regions := r.regions(ctx)
	list := r.parties(regions, rand.New(rand.NewPCG(r.cfg.Seed, 11)))
	r.made.want = len(list)
	slots := make(chan struct{}, ticketsAtOnce)
	r.playing.Go(func() {
		for _, w := range list {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			r.playing.Go(func() {
				x := r.lookFor(ctx, &w, func() { <-slots })
				if ctx.Err() != nil {
					return
				}
				select {
				case out <- x:
				case <-ctx.Done():
				}
			})
		}
	})
	return out
}

// regions are those of the nodes, or one that stands for all.
func (r *run) regions(ctx context.Context) []string {
	var out struct {
		Nodes []struct{ Region string }
	}
	seen := map[string]bool{}
	var list []string
	if err := r.admins.call(ctx, "GET", "/v1/nodes", "", nil, &out); err == nil {
		for _, n := range out.Nodes {
			if n.Region != "" && !seen[n.Region] {
				seen[n.Region] = true
				list = append(list, n.Region)
			}
		}
	}
	if list == nil {
		list = []string{"local"}
	}
	return list
}

// lookFor adds a ticket and waits for its match. added is called once the ticket is there.
func (r *run) lookFor(ctx context.Context, w *wanted, added func()) made {
	began := time.Now()
	var t ticketAnswer
	in := newTicket{Queue: fmt.Sprintf("bots-%s-%d", r.cfg.Game, r.cfg.Players), Game: r.cfg.Game, Size: r.cfg.Players, Teams: r.teams(), Players: w.players}
	err := r.admins.call(ctx, "POST", "/v1/tickets", w.key, in, &t)
	added()
	if err != nil {
		return made{err: fmt.Errorf("ticket: %w", err)}
	}
	id := t.ID
	for t.Assignment == nil {
		if err := r.admins.call(ctx, "GET", "/v1/tickets/"+url.PathEscape(id)+"?wait="+ticketWait, "", nil, &t); err != nil {
			return made{err: fmt.Errorf("ticket %s: %w", id, err)}
		}
		if t.State == "expired" {
			r.made.expire()
			return made{failed: len(w.players)}
		}
	}
	a := t.Assignment
	r.made.add(a.Match, w, a.Teams, time.Since(began))
	x := made{match: &match{id: a.Match, tokens: a.Tokens}}
	if x.match.url, err = playURL(a.URL); err != nil {
		return made{err: err}
	}
	for _, p := range w.players {
		if a.Tokens[p.ID] == "" {
			return made{err: fmt.Errorf("ticket %s: no token for %s", id, p.ID)}
		}
		x.match.players = append(x.match.players, newPlayer{ID: p.ID})
	}
	return x
}

// admins are the admin listeners of some nodes: what one does not answer is asked of the next. For many goroutines.
type admins struct {
	api *caller

	mu   sync.Mutex // guards the following
	list []string   // bases; the first answered last
}

func newAdmins(api *caller, addrs string) (*admins, error) {
	a := &admins{api: api}
	for addr := range strings.SplitSeq(addrs, ",") {
		base, err := baseURL(strings.TrimSpace(addr))
		if err != nil {
			return nil, err
		}
		a.list = append(a.list, base)
	}
	return a, nil
}

func (a *admins) first() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list[0]
}

// next puts the first to the end, unless somebody did.
func (a *admins) next(failed string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.list[0] == failed {
		a.list = append(a.list[1:], failed)
	}
}

// call makes a call again, with the same idempotency key, at the next node, while a node is not reached or says that it cannot now.
func (a *admins) call(ctx context.Context, method, path, key string, in, out any) error {
	api := *a.api
	api.idempotency = key
	long := *a.api.http
	long.Timeout = 40 * time.Second
	api.http = &long
	for began := time.Now(); ; {
		base := a.first()
		err := api.call(ctx, method, base+path, in, out)
		var s *statusError
		if err == nil || ctx.Err() != nil || errors.As(err, &s) && s.status != http.StatusServiceUnavailable || time.Since(began) > ticketTries {
			return err
		}
		a.next(base)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
