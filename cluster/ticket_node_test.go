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

// Any node takes a ticket of any queue, and any other one tells of it; the players play where the ticket says.
func TestTicketsOnAnyNode(t *testing.T) {
	nodes := startCluster(t, 3, nil)
	var ids []string
	for i := range 3 {
		body := fmt.Sprintf(`{"queue":"trio","game":"tag","size":3,"players":[{"id":"p%d","latency_ms":{"eu":30}}]}`, i)
		if i == 2 { // the third would complete the match
			a := do(t, "POST", nodes[2].AdminURL()+"/v1/tickets", strings.Replace(body, "p2", "p0", 1))
			wantProblem(t, a, 409)
			if !strings.Contains(string(a.body), "player-busy") || !strings.Contains(string(a.body), ids[0]) {
				t.Errorf("busy: %s", a.body)
			}
			wantProblem(t, do(t, "POST", nodes[0].AdminURL()+"/v1/tickets", `{"queue":"other","size":2,"players":[{"id":"p1"}]}`), 409)
			e := do(t, "GET", nodes[0].AdminURL()+"/v1/tickets/"+ids[1]+"/explain", "")
			if !strings.Contains(string(e.body), `"candidates":1`) {
				t.Errorf("explain: %s", e.body)
			}
		}
		var again string
		for range 2 { // the same key gives the same ticket, on another node too
			a := do(t, "POST", nodes[(i+len(again))%3].AdminURL()+"/v1/tickets", body, "Idempotency-Key", fmt.Sprint("k", i))
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
		x := ticketOf(t, do(t, "GET", nodes[(i+1)%3].AdminURL()+"/v1/tickets/"+id+"?wait=10s", ""))
		if x.Assignment == nil || match != "" && x.Assignment.Match != match {
			t.Fatalf("ticket %+v", x)
		}
		match = x.Assignment.Match
		p := join(t, x.Assignment.URL, x.Assignment.Tokens[fmt.Sprintf("p%d", i)])
		p.welcomed()
	}
	wantProblem(t, do(t, "DELETE", nodes[0].AdminURL()+"/v1/tickets/"+ids[0], ""), 409)
	wantProblem(t, do(t, "GET", nodes[0].AdminURL()+"/v1/tickets/nonsense", ""), 404)

	// Who has a match may look for the next one, and may think better of it.
	a := do(t, "POST", nodes[1].AdminURL()+"/v1/tickets", `{"queue":"trio","game":"tag","size":3,"players":[{"id":"p0"}]}`)
	eventually(t, "released", func() bool {
		if a.status != 201 {
			a = do(t, "POST", nodes[1].AdminURL()+"/v1/tickets", `{"queue":"trio","game":"tag","size":3,"players":[{"id":"p0"}]}`)
		}
		return a.status == 201
	})
	id := a.field(t, "ticket_id")
	if a := do(t, "DELETE", nodes[2].AdminURL()+"/v1/tickets/"+id, ""); a.status != 204 {
		t.Errorf("delete: %d %s", a.status, a.body)
	}
	wantProblem(t, do(t, "GET", nodes[1].AdminURL()+"/v1/tickets/"+id, ""), 404)
}

// A match that somebody has left asks by itself, and a ticket for it fills his seat.
func TestBackfill(t *testing.T) {
	n := startNode(t, func(c *Config) { c.SeatHold = 50 * time.Millisecond })
	n.seats.hold.Store(int64(300 * time.Millisecond))
	ask := func(player string) TicketInfo {
		t.Helper()
		a := do(t, "POST", n.AdminURL()+"/v1/tickets", `{"queue":"duel","game":"tag","size":2,"players":[{"id":"`+player+`"}]}`)
		return ticketOf(t, do(t, "GET", n.AdminURL()+"/v1/tickets/"+a.field(t, "ticket_id")+"?wait=1ms", ""))
	}
	wait := func(x TicketInfo) *TicketAssignment {
		t.Helper()
		x = ticketOf(t, do(t, "GET", n.AdminURL()+"/v1/tickets/"+x.ID+"?wait=9s", ""))
		if x.Assignment == nil {
			t.Fatalf("no match: %+v", x)
		}
		return x.Assignment
	}
	a, b := ask("a"), ask("b")
	first := wait(a)
	join(t, first.URL, first.Tokens["a"]).welcomed()
	// b never comes: his seat is free again, and c gets it.
	if wait(b).Match != first.Match {
		t.Fatal("two matches")
	}
	third := wait(ask("c"))
	if third.Match != first.Match {
		t.Errorf("c is in match %s, want %s", third.Match, first.Match)
	}
	join(t, third.URL, third.Tokens["c"]).welcomed()
	if x := ask("d"); x.Assignment != nil {
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
