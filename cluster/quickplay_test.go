package cluster

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/link"
	"github.com/overtime-server/overtime/cluster/member"
)

// Seats that were promised in one game's matches stay promised when players come for another game.
func TestSeatsOfTwoGames(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	first, err := n.seat(t.Context(), askSeat{"tag", "g1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.seat(t.Context(), askSeat{"arena", "g2"}); err != nil {
		t.Fatal(err)
	}
	n.lobby.mu.Lock()
	defer n.lobby.mu.Unlock()
	if m := n.lobby.matches[first.Match]; m == nil || len(m.places.promised) != 1 {
		t.Errorf("the seat in %s is not spoken for any more: %+v", first.Match, m)
	}
}

// Who has waited for his turn and left meanwhile gets no seat: he has asked elsewhere.
func TestNoSeatForThoseWhoLeft(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.giveSeat(ctx, "", askSeat{"tag", "g1"}); err == nil || len(n.lobby.matches) > 0 {
		t.Errorf("error %v, matches %v", err, n.lobby.matches)
	}
}

// Players are sent to the standby of a match whose owner is gone.
func TestPlayersOfADeadOwner(t *testing.T) {
	t.Parallel()
	n := &Node{id: "n"} // which hears of no other view
	n.links = &link.Links{}
	n.view = member.View{Nodes: []member.Node{{ID: "a", State: member.Dead}, {ID: "b"}, {ID: "c"}}}
	for owner, want := range map[string]string{"a": "b", "c": "c"} {
		if got, _ := n.playedOn(directory.Record{Owner: owner, Standby: "b"}); got != want {
			t.Errorf("players of %s are sent to %s, want %s", owner, got, want)
		}
	}
}

// The last node of a cluster is there for those who wait for tickets until its very end.
func TestLeavingNodeIsThere(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.mu.Lock()
	n.view = member.View{Nodes: []member.Node{{ID: n.id, State: member.Left}}}
	n.mu.Unlock()
	if v := (ticketNode{n}).view(); len(v.living) != 1 {
		t.Errorf("living nodes %v, want %s", v.living, n.id)
	}
}

// Guesses of matches that nobody knows are limited, questions for a match that is known are not.
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	created, err := operator{n}.CreateMatch(t.Context(), admin.MatchSpec{Game: "tag"}, "")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // in no time
		n.limiter = admin.NewLimiter(1, 2, 10)
		for match, want := range map[string]int{"guess": 8, created.ID: 0} {
			refused := 0
			for range 10 {
				w := httptest.NewRecorder()
				n.route(w, httptest.NewRequest("GET", "/v1/route?match="+match, nil)) // from 192.0.2.1, as httptest has it
				if w.Code == http.StatusTooManyRequests {
					refused++
				}
			}
			if refused != want {
				t.Errorf("%d of 10 questions for match %s refused, want %d", refused, match, want)
			}
		}
	})
}
