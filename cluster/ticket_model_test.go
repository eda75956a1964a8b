package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// labTicket is what a client saw of a ticket.
type labTicket struct {
	id      string
	players []string
	asked   time.Time // when it was sent,
	added   time.Time // and answered
	match   string    // "": it was taken back, or expired
	seen    time.Time // when the match was first seen
}

// labHistory is what all clients saw.
type labHistory struct {
	mu      sync.Mutex
	tickets []*labTicket
	refused int
	wrong   []string
}

func (h *labHistory) fail(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
}

// client sends tickets one after the other until the end, for players whom other clients send too.
func (h *labHistory) client(l *ticketLab, number int, rng *rand.Rand, end time.Time) {
	for i := 0; time.Now().Before(end); i++ {
		queue := fmt.Sprintf("q%d", rng.IntN(2))
		x := &labTicket{asked: time.Now()}
		r := matchmaker.Request{Game: "g", Size: 4}
		for _, p := range rng.Perm(24)[:1+rng.IntN(3)] {
			x.players = append(x.players, fmt.Sprintf("p%d", p))
			r.Players = append(r.Players, matchmaker.Player{ID: fmt.Sprintf("p%d", p), Skill: 1000})
		}
		x.id = newTicketID(queue, fmt.Sprintf("%d-%d", number, i))
		got, err := labAsk[gotAdd](l, queueKey(queue), "ticket_add", askAdd{queue, x.id, r})
		switch {
		case err != nil:
			h.fail("%v: ticket %s not added: %v", time.Now(), x.id, err)
			return
		case got.Busy != nil:
			h.mu.Lock()
			h.refused++
			h.mu.Unlock()
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
			continue
		}
		x.added = time.Now()
		h.mu.Lock()
		h.tickets = append(h.tickets, x)
		h.mu.Unlock()
		h.follow(l, x, rng, end.Add(20*time.Second))
	}
}

// follow looks after a ticket until it is final, and some more times; or until the end, when nobody comes any more to play with.
func (h *labHistory) follow(l *ticketLab, x *labTicket, rng *rand.Rand, end time.Time) {
	key, _ := keyOfTicket(x.id)
	for more := 0; more < 3; {
		time.Sleep(time.Duration(50+rng.IntN(300)) * time.Millisecond)
		got, err := labAsk[gotTicket](l, key, "ticket_get", askTicket{x.id})
		switch {
		case err != nil:
			h.fail("%v: ticket %s of %v is lost: %v", time.Now(), x.id, x.players, err)
			return
		case x.match != "" && got.Ticket.Assignment.Match != x.match:
			h.fail("ticket %s had match %s and has %s, %v", x.id, x.match, got.Ticket.Assignment.Match, got.Ticket.State)
			return
		case got.Ticket.State == matchmaker.Assigned:
			if x.match == "" {
				x.match, x.seen = got.Ticket.Assignment.Match, time.Now()
			}
			more++
		case got.Ticket.State == matchmaker.Expired:
			h.fail("ticket %s expired: %s", x.id, got.Ticket.Reason)
			return
		case time.Now().After(end):
			return
		case rng.IntN(40) == 0:
			_, err := labAsk[gotNothing](l, key, "ticket_remove", askTicket{x.id})
			if err == nil || errors.Is(err, admin.ErrTicket) {
				return // the answer to a first try may have been lost
			}
		}
	}
}

// check looks for players that were assigned twice. A ticket is live at least from the answer until its match began to be made.
func (h *labHistory) check(l *ticketLab) {
	l.mu.Lock() // a match may have been made for nodes that were ending
	defer l.mu.Unlock()
	byPlayer := map[string][]*labTicket{}
	for _, x := range h.tickets {
		if x.match == "" {
			continue
		}
		m := l.plays[x.match]
		for _, p := range x.players {
			if m == nil || !m.players[p] {
				h.fail("%s is not in match %s of ticket %s", p, x.match, x.id)
				continue
			}
			byPlayer[p] = append(byPlayer[p], x)
		}
	}
	for p, list := range byPlayer {
		for i, a := range list {
			for _, b := range list[i+1:] {
				if a.match == b.match || a.added.Before(b.asked) && b.added.Before(l.plays[a.match].began) ||
					b.added.Before(a.asked) && a.added.Before(l.plays[b.match].began) {
					h.fail("%s was in tickets %s and %s at the same time, and got matches %s and %s", p, a.id, b.id, a.match, b.match)
				}
			}
		}
	}
}

// trouble makes faults, one after the other, with time to recover in between.
func (l *ticketLab) trouble(rng *rand.Rand, end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
		l.mu.Lock()
		var running []*labNode
		for _, x := range l.nodes {
			if !x.dead {
				running = append(running, x)
			}
		}
		l.loss = []float64{0, 0, 0.01, 0.05}[rng.IntN(4)]
		l.mu.Unlock()
		x := running[rng.IntN(len(running))]
		switch rng.IntN(5) {
		case 0, 1:
			l.kill(x)
			time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
			l.add()
		case 2:
			l.pause(x, time.Duration(200+rng.IntN(9000))*time.Millisecond)
		case 3: // moves what the newcomer is the home of
			if len(running) < 6 {
				l.add()
			} else {
				l.kill(x)
			}
		case 4:
			y := l.add()
			time.Sleep(time.Second)
			l.mu.Lock()
			x.draining = true
			l.mu.Unlock()
			time.Sleep(4 * time.Second)
			_ = y
			l.kill(x)
		}
		time.Sleep(12 * time.Second) // both nodes of a queue must not die together
	}
	l.mu.Lock()
	l.loss = 0
	l.mu.Unlock()
}

// Whatever happens to one node at a time, no ticket is lost, none gets two matches, and no player is in two tickets that both get one.
func TestNobodyIsAssignedTwice(t *testing.T) {
	seeds := 12
	if n, err := strconv.Atoi(os.Getenv("LAB_SEEDS")); err == nil {
		seeds = n
	}
	first := uint64(1)
	if n, err := strconv.ParseUint(os.Getenv("LAB_SEED"), 10, 64); err == nil {
		first, seeds = n, 1
	}
	for seed := first; seed < first+uint64(seeds); seed++ {
		synctest.Test(t, func(t *testing.T) {
			l := newTicketLab(seed)
			for range 4 {
				l.add()
			}
			time.Sleep(time.Second)
			h := &labHistory{}
			end := time.Now().Add(90 * time.Second)
			var clients sync.WaitGroup
			for i := range 10 {
				clients.Go(func() { h.client(l, i, rand.New(rand.NewPCG(seed, uint64(100+i))), end) })
			}
			l.trouble(rand.New(rand.NewPCG(seed, 2)), end)
			clients.Wait()
			l.close()
			matched := 0
			for _, x := range h.tickets {
				if x.match != "" {
					matched++
				}
			}
			h.check(l)
			if matched < 20 || h.refused == 0 {
				t.Errorf("seed %d: %d tickets, %d matched, %d refused", seed, len(h.tickets), matched, h.refused)
			}
			for i, w := range h.wrong {
				if i < 5 {
					t.Errorf("seed %d: %s", seed, w)
				}
			}
			if testing.Verbose() {
				t.Logf("seed %d: %d tickets, %d matched, %d refused, %d nodes", seed, len(h.tickets), matched, h.refused, len(l.nodes))
			}
		})
	}
}
