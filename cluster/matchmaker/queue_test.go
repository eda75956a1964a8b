package matchmaker

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func duel() QueueRules {
	r := DefaultRules()
	r.Size, r.Teams = 2, 2
	return r
}

// TestLife follows a ticket through all states.
func TestLife(t *testing.T) {
	q := New("duel", duel(), "n1")
	add(t, q, start, solo("a", 1000), solo("b", 1010))
	p := cycle(q, sec(3))
	if len(p) != 1 || len(p[0].Tickets) != 2 || p[0].Waited != 3*time.Second || p[0].Spread != 10 || p[0].Skill != 1005 {
		t.Fatalf("%+v", p)
	}
	if again := cycle(q, sec(4)); len(again) != 0 {
		t.Fatalf("proposed again: %v", again)
	}
	must(t, q.Reject(p[0].ID))
	p2 := cycle(q, sec(5))
	if len(p2) != 1 || p2[0].ID == p[0].ID || p2[0].Waited != 5*time.Second {
		t.Fatalf("after reject: %+v", p2)
	}
	if _, err := q.Confirm(sec(5), p[0].ID, Assignment{Match: "m"}); !errors.Is(err, ErrProposal) {
		t.Fatalf("confirmed what was rejected: %v", err)
	}
	ids, err := q.Confirm(sec(6), p2[0].ID, Assignment{Match: "m1", URL: "ws://x", Tokens: map[string]string{"pa": "A", "pb": "B"}})
	if err != nil || len(ids) != 2 {
		t.Fatal(ids, err)
	}
	a, _ := q.Get("a")
	if a.State != Assigned || a.Assignment.Match != "m1" || a.Assignment.Tokens["pa"] != "A" || len(a.Assignment.Tokens) != 1 {
		t.Fatalf("%+v", a)
	}
	if err := q.Remove(sec(7), "a"); !errors.Is(err, ErrAssigned) {
		t.Fatal(err)
	}
	cycle(q, sec(6).Add(KeepFor))
	if q.Len() != 0 {
		t.Fatalf("%d tickets are kept", q.Len())
	}
}

func TestProposalLosesItsHold(t *testing.T) {
	q := New("duel", duel(), "n1")
	add(t, q, start, solo("a", 0), solo("b", 0))
	p := cycle(q, start)
	if next := cycle(q, start.Add(HoldFor)); len(next) != 1 || next[0].ID == p[0].ID {
		t.Fatalf("%v", next)
	}
	if _, err := q.Confirm(sec(31), p[0].ID, Assignment{Match: "m"}); !errors.Is(err, ErrProposal) {
		t.Fatal(err)
	}
}

func TestRemoveDissolves(t *testing.T) {
	q := New("duel", duel(), "n1")
	add(t, q, start, solo("a", 0), solo("b", 0))
	p := cycle(q, start)
	must(t, q.Remove(start, "a"))
	if _, err := q.Confirm(start, p[0].ID, Assignment{Match: "m"}); !errors.Is(err, ErrProposal) {
		t.Fatal(err)
	}
	if b, _ := q.Get("b"); b.State != Waiting {
		t.Fatalf("%+v", b)
	}
	if err := q.Remove(start, "a"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	add(t, q, start, solo("a", 0)) // its player is free again
}

func TestExpiry(t *testing.T) {
	q := New("duel", duel(), "n1")
	add(t, q, start, solo("a", 0))
	if _, gone := q.Cycle(sec(299)); len(gone) != 0 {
		t.Fatal(gone)
	}
	_, gone := q.Cycle(sec(300))
	a, _ := q.Get("a")
	if len(gone) != 1 || a.State != Expired || !strings.Contains(a.Reason, "5m0s") {
		t.Fatal(gone, a)
	}
	other := solo("b", 0)
	other.Players[0].ID = "pa"
	add(t, q, sec(301), other)
}

func TestRefused(t *testing.T) {
	q := New("duel", duel(), "n1")
	add(t, q, start, solo("a", 0))
	busy := solo("b", 0)
	busy.Players[0].ID = "pa"
	var be *BusyError
	if err := q.Add(start, busy); !errors.As(err, &be) || be.Ticket != "a" || err.Error() != "player pa is already in ticket a of queue duel" {
		t.Fatal(err)
	}
	if err := q.Add(start, solo("a", 0)); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Request){
		"no players":     func(r *Request) { r.Players = nil },
		"party too big":  func(r *Request) { r.Players = append(r.Players, Player{ID: "x"}) },
		"twice in it":    func(r *Request) { r.Players = append(r.Players, r.Players[0]) },
		"wrong size":     func(r *Request) { r.Size = 6 },
		"uneven":         func(r *Request) { r.Size, r.Teams = 3, 2 },
		"bad id":         func(r *Request) { r.ID = "a b" },
		"bad skill":      func(r *Request) { r.Players[0].Skill = 1e10 },
		"bad latency":    func(r *Request) { r.Players[0].Latency = map[string]int{"eu": -1} },
		"long attribute": func(r *Request) { r.Players[0].Attributes = map[string]string{"k": strings.Repeat("x", 65)} },
	} {
		r := solo("z", 0)
		change(&r)
		if err := q.Add(start, r); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := q.Stats(); s.Waiting != 1 || s.Refused["invalid"] != 9 || s.Refused["busy"] != 1 || s.Refused["exists"] != 1 {
		t.Errorf("%+v", s)
	}
	if _, ok := q.Get("z"); ok || q.Len() != 1 || len(q.groups) != 1 {
		t.Error("a refused ticket left something behind")
	}
}

func TestRegistry(t *testing.T) {
	var r Registry
	must(t, r.Claim("q1", "t1", []string{"a", "b"}))
	var be *BusyError
	if err := r.Claim("q2", "t2", []string{"c", "b"}); !errors.As(err, &be) || be.Player != "b" || be.Queue != "q1" || be.Ticket != "t1" {
		t.Fatal(err)
	}
	if _, _, ok := r.Where("c"); ok {
		t.Fatal("a refused claim kept a player")
	}
	must(t, r.Claim("q1", "t1", []string{"a"}))
	r.Release("q1", "t1")
	must(t, r.Claim("q2", "t2", []string{"c", "b"}))
	if r.Len() != 2 {
		t.Fatal(r.Len())
	}
}

func TestSetRules(t *testing.T) {
	q := New("q", DefaultRules(), "n1")
	big := team("big", 0, 0, 0)
	big.Size = 4
	add(t, q, start, solo("a", 0), solo("b", 500), big)
	r := duel()
	r.Skill.Any = true
	if gone := q.SetRules(start, r); len(gone) != 1 || gone[0] != "big" {
		t.Fatal(gone)
	}
	if p := cycle(q, start); len(p) != 1 || len(p[0].Layout) != 2 {
		t.Fatalf("%+v", p)
	}
}

func TestRegions(t *testing.T) {
	at := func(id string, eu, us int) Request {
		r := solo(id, 0)
		r.Players[0].Latency = map[string]int{"eu": eu, "us": us}
		return r
	}
	q := New("duel", duel(), "n1")
	add(t, q, start, at("a", 20, 90), at("b", 95, 30))
	if p := cycle(q, start); len(p) != 1 || p[0].Region != "us" { // 90 ms for the slower one, against 95
		t.Fatalf("%+v", p)
	}
	q = New("duel", duel(), "n1")
	q.SetRegions([]string{"eu"})
	add(t, q, start, at("a", 20, 90), at("b", 125, 30))
	if p := cycle(q, sec(2)); len(p) != 0 {
		t.Fatalf("%+v", p)
	}
	if p := cycle(q, sec(3)); len(p) != 1 || p[0].Region != "eu" { // 130 ms by now
		t.Fatalf("%+v", p)
	}
}

// TestBackfill: the oldest suitable tickets go to a running match, never more than fit, whatever is pending.
func TestBackfill(t *testing.T) {
	rules := DefaultRules()
	rules.Size, rules.Teams, rules.Game = 8, 2, "arena"
	q := New("q", rules, "n1")
	b := Backfill{Match: "m1", Game: "arena", Layout: []int{4, 4}, Open: []int{1, 2}, Skill: 1000}
	must(t, q.SetBackfill(start, b))
	add(t, q, start, solo("far", 2000), team("two", 900, 1100), solo("a", 1000), solo("late", 1000))
	p := cycle(q, start)
	if len(p) != 1 || p[0].Match != "m1" || len(p[0].Tickets) != 2 || p[0].Tickets[0] != "two" || p[0].Tickets[1] != "a" {
		t.Fatalf("%+v", p)
	}
	if p[0].Seats[0].Team != 0 || p[0].Seats[0].Ticket != "a" || p[0].Seats[1].Team != 1 {
		t.Fatalf("%+v", p[0].Seats)
	}
	must(t, q.SetBackfill(start, b)) // says the same again while the proposal is pending
	if again := cycle(q, start); len(again) != 0 {
		t.Fatalf("%+v", again)
	}
	must(t, q.Reject(p[0].ID))
	p = cycle(q, start)
	if _, err := q.Confirm(start, p[0].ID, Assignment{Match: "m1"}); err != nil {
		t.Fatal(err)
	}
	if again := cycle(q, start); len(again) != 0 {
		t.Fatalf("seats given twice: %+v", again)
	}
	q.RemoveBackfill("m1")
	rules.Backfill = false
	q.SetRules(start, rules)
	if err := q.SetBackfill(start, b); !errors.Is(err, ErrBackfill) {
		t.Fatal(err)
	}
}
