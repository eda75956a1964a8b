package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// ticketOf reads a ticket from an answer.
func ticketOf(t *testing.T, a answer) (x TicketInfo) {
	t.Helper()
	if err := json.Unmarshal(a.body, &x); err != nil || a.status != 200 {
		t.Fatalf("status %d %s: %v", a.status, a.body, err)
	}
	return x
}

// assigned waits until a ticket has a match, and returns that.
func assigned(t *testing.T, n *Node, id string) (x *TicketAssignment) {
	t.Helper()
	eventually(t, "ticket "+id+" has a match", func() bool {
		got := ticketOf(t, insist(t, "GET", n.AdminURL()+"/v1/tickets/"+id+"?wait=9s", ""))
		if got.State == "expired" {
			t.Fatalf("%+v", got)
		}
		x = got.Assignment
		return x != nil
	})
	return x
}

// Any node takes a ticket of any queue, and any other one tells of it; the players play where the ticket says.
func TestTicketsOnAnyNode(t *testing.T) {
	nodes := startCluster(t, 3, nil)
	var ids []string
	for i := range 3 {
		body := fmt.Sprintf(`{"queue":"trio","game":"tag","size":3,"players":[{"id":"p%d","latency_ms":{"eu":30}}]}`, i)
		if i == 2 { // the third would complete the match
			a := insist(t, "POST", nodes[2].AdminURL()+"/v1/tickets", strings.Replace(body, "p2", "p0", 1))
			wantProblem(t, a, 409)
			if !strings.Contains(string(a.body), "player-busy") || !strings.Contains(string(a.body), ids[0]) {
				t.Errorf("busy: %s", a.body)
			}
			wantProblem(t, insist(t, "POST", nodes[0].AdminURL()+"/v1/tickets", `{"queue":"other","size":2,"players":[{"id":"p1"}]}`), 409)
			e := insist(t, "GET", nodes[0].AdminURL()+"/v1/tickets/"+ids[1]+"/explain", "")
			if !strings.Contains(string(e.body), `"candidates":1`) {
				t.Errorf("explain: %s", e.body)
			}
		}
		var again string
		for range 2 { // the same key gives the same ticket, on another node too
			a := insist(t, "POST", nodes[(i+len(again))%3].AdminURL()+"/v1/tickets", body, "Idempotency-Key", fmt.Sprint("k", i))
			if a.status != 201 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			id := a.field(t, "ticket_id")
			if again != "" && id != again {
				t.Errorf("key k%d: %s and %s", i, again, id)
			}
			again = id
			if i == 2 {
				break
			}
		}
		ids = append(ids, again)
	}
	match := ""
	for i, id := range ids {
		x := assigned(t, nodes[(i+1)%3], id)
		if match != "" && x.Match != match {
			t.Fatalf("ticket %+v", x)
		}
		match = x.Match
		join(t, x.URL, x.Tokens[fmt.Sprintf("p%d", i)]).welcomed()
	}
	wantProblem(t, insist(t, "DELETE", nodes[0].AdminURL()+"/v1/tickets/"+ids[0], ""), 409)
	wantProblem(t, insist(t, "GET", nodes[0].AdminURL()+"/v1/tickets/nonsense", ""), 404)

	// Who has a match may look for the next one, and may think better of it.
	var a answer
	eventually(t, "released", func() bool {
		a = insist(t, "POST", nodes[1].AdminURL()+"/v1/tickets", `{"queue":"trio","game":"tag","size":3,"players":[{"id":"p0"}]}`, "Idempotency-Key", "next")
		return a.status == 201
	})
	id := a.field(t, "ticket_id")
	finish(t, "DELETE", nodes[2].AdminURL()+"/v1/tickets/"+id, "", 204)
	wantProblem(t, insist(t, "GET", nodes[1].AdminURL()+"/v1/tickets/"+id, ""), 404)
}

// A match that somebody has left asks by itself, and a ticket for it fills his seat.
func TestBackfill(t *testing.T) {
	n := startNode(t, nil)
	n.seats.hold.Store(int64(time.Hour)) // who is assigned to a match that runs is waited for, however slow this machine is
	ask := func(player string) (id string) {
		t.Helper()
		return insist(t, "POST", n.AdminURL()+"/v1/tickets", `{"queue":"duel","game":"tag","size":2,"players":[{"id":"`+player+`"}]}`,
			"Idempotency-Key", player).field(t, "ticket_id")
	}
	a, b := ask("a"), ask("b")
	first := assigned(t, n, a)
	join(t, first.URL, first.Tokens["a"]).welcomed()
	if assigned(t, n, b).Match != first.Match {
		t.Fatal("two matches")
	}
	// b never comes: some time later his seat is free again, and c gets it.
	n.seats.mu.Lock()
	n.seats.bookLocked(first.Match, time.Now()).since = time.Now().Add(-2 * time.Hour)
	n.seats.mu.Unlock()
	third := assigned(t, n, ask("c"))
	if third.Match != first.Match {
		t.Errorf("c is in match %s, want %s", third.Match, first.Match)
	}
	join(t, third.URL, third.Tokens["c"]).welcomed()
	d := insist(t, "GET", n.AdminURL()+"/v1/tickets/"+ask("d")+"?wait=1200ms", "") // matches ask every second
	if x := ticketOf(t, d); x.Assignment != nil {
		t.Errorf("d got a seat in a full match: %+v", x.Assignment)
	}
}

// Rules are read anew as a whole or not at all; what is wrong is named with its line.
func TestReloadRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "queues.json")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"queues":{"duel":{"size":2}}}`)
	n := startNode(t, func(c *Config) { c.Queues = file })
	if got := n.tickets.rules.Load().For("duel").Size; got != 2 {
		t.Errorf("size %d", got)
	}
	write("{\"queues\":{\n\"duel\":{\n\"size\":-3}}}")
	var line *matchmaker.LineError
	if err := n.Reload(); !errors.As(err, &line) || line.Line != 3 || !strings.Contains(err.Error(), "3") {
		t.Errorf("bad rules: %v", err)
	}
	if got := n.tickets.rules.Load().For("duel").Size; got != 2 {
		t.Errorf("size %d after an error", got)
	}
	write(`{"queues":{"duel":{"size":3}}}`)
	if err := n.Reload(); err != nil || n.tickets.rules.Load().For("duel").Size != 3 {
		t.Errorf("good rules: %v", err)
	}
	if _, err := Start(Config{Games: testGames(), Queues: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a node starts without its rules")
	}
}
