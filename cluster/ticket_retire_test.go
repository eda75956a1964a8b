package cluster

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// labAdd adds a ticket of one player, who waits for another.
func labAdd(t *testing.T, l *ticketLab, queue, player string) string {
	t.Helper()
	id := newTicketID(queue, player)
	r := matchmaker.Request{Game: "g", Size: 2, Players: []matchmaker.Player{{ID: player}}}
	if got, err := labAsk[gotAdd](l, queueKey(queue), "ticket_add", askAdd{queue, id, r}); err != nil || got.Busy != nil {
		t.Fatalf("queue %s: %v, %v", queue, got, err)
	}
	return id
}

func labRemove(t *testing.T, l *ticketLab, id string) {
	t.Helper()
	key, _ := keyOfTicket(id)
	if _, err := labAsk[gotNothing](l, key, "ticket_remove", askTicket{id}); err != nil {
		t.Fatal(err)
	}
}

// isHome says whether this node serves a queue.
func (t *tickets) isHome(queue string) bool {
	t.mu.Lock()
	s := t.shards[queueKey(queue)]
	t.mu.Unlock()
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.home
}

// queues counts what all nodes know of queues.
func (l *ticketLab) queues() (count int) {
	for _, x := range l.nodes {
		for _, s := range x.t.all() {
			if s.key != rollKey {
				count++
			}
		}
	}
	return count
}

// Queues that nobody uses any more are forgotten by all nodes, not those in which somebody waits, and work as new ones afterwards.
func TestUnusedQueuesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTicketLab(1)
		defer l.close()
		for range 4 {
			l.add()
		}
		time.Sleep(time.Second)
		for i := range 30 {
			labRemove(t, l, labAdd(t, l, fmt.Sprint("q", i), fmt.Sprint("p", i)))
		}
		waits := labAdd(t, l, "busy", "waits")
		if got := l.queues(); got != 31*4 {
			t.Errorf("%d shards are known, want %d", got, 31*4)
		}
		time.Sleep(idleFor / 2)
		if got := l.queues(); got != 31*4 {
			t.Errorf("%d shards are known before their time is over, want %d", got, 31*4)
		}
		for range 8 { // so that the ticket does not expire
			labRemove(t, l, waits)
			waits = labAdd(t, l, "busy", "waits")
			time.Sleep(idleFor / 8)
		}
		if got := l.queues(); got != 4 {
			t.Errorf("%d shards are known, want those of one queue", got)
		}
		labRemove(t, l, labAdd(t, l, "q1", "p1"))
		time.Sleep(2 * idleFor)
		labAdd(t, l, "q1", "p1")
	})
}

// A node that was away while a queue was taken from it and forgotten does not bring its tickets back.
func TestForgottenQueuesStayForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTicketLab(2)
		defer l.close()
		for range 4 {
			l.add()
		}
		time.Sleep(time.Second)
		id := labAdd(t, l, "q", "p")
		var home *labNode
		for _, x := range l.nodes {
			if x.t.isHome("q") {
				home = x
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.pause(home, 3*idleFor)
		}()
		time.Sleep(10 * time.Second)
		labRemove(t, l, id)
		time.Sleep(2 * idleFor)
		if got := l.queues(); got != 1 { // of the one that stands still
			t.Errorf("%d shards are known, want 1", got)
		}
		<-done
		time.Sleep(10 * time.Second)
		if got, err := labAsk[gotTicket](l, queueKey("q"), "ticket_get", askTicket{id}); !errors.Is(err, admin.ErrTicket) {
			t.Errorf("a ticket that was removed: %+v, %v", got, err)
		}
		labAdd(t, l, "q", "other")
		if got, err := labAsk[gotTicket](l, queueKey("q"), "ticket_get", askTicket{id}); !errors.Is(err, admin.ErrTicket) {
			t.Errorf("a ticket that was removed, in the new queue: %+v, %v", got, err)
		}
	})
}
