package matchmaker

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCopyTakesOver: a second queue that is given every change holds the same at any moment, and goes on as the first would.
func TestCopyTakesOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(drawRules(t))
		second := New("q", w.o.rules, "n1")
		if err := second.Apply(w.now, w.q.Snapshot(w.now)); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			w.step(t)
			if b := w.q.Changes(w.now); b != nil {
				if err := second.Apply(w.now, b); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(w.q.Snapshot(w.now), second.Snapshot(w.now)) {
				t.Fatalf("the copy differs")
			}
			invariants(t, second)
		}
		if a, b := fmt.Sprint(w.q.Pending()), fmt.Sprint(second.Pending()); a != b {
			t.Fatalf("pending: %s\n%s", a, b)
		}
		later := w.now.Add(4 * time.Second)
		if a, b := fmt.Sprint(cycle(w.q, later)), fmt.Sprint(cycle(second, later)); a != b {
			t.Fatalf("next cycle: %s\n%s", a, b)
		}
	})
}

// step does one thing to the queue.
func (w *world) step(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 40_000).Draw(t, "ms")) * time.Millisecond)
	switch rapid.IntRange(0, 6).Draw(t, "step") {
	case 0, 1, 2:
		for range 3 {
			w.add(t)
		}
	case 3:
		w.settle(t, cycle(w.q, w.now))
	case 4:
		if w.n > 0 {
			_ = w.q.Remove(w.now, fmt.Sprintf("t%d", rapid.IntRange(1, w.n).Draw(t, "ticket")))
		}
	case 5:
		b := Backfill{Match: rapid.SampledFrom([]string{"m1", "m2"}).Draw(t, "match"), Layout: w.o.rules.Layout,
			Open: slices.Clone(w.o.rules.Layout), Skill: 70, Region: rapid.SampledFrom([]string{"", "eu"}).Draw(t, "region")}
		if err := w.q.SetBackfill(w.now, b); err != nil {
			t.Fatal(err)
		}
	case 6:
		w.q.RemoveBackfill("m1")
	}
	invariants(t, w.q)
}

// invariants checks what must hold of any queue, whoever made its bytes.
func invariants(t failer, q *Queue) {
	t.Helper()
	players, uses, groups := make(map[string]string), make(map[string]int), make(map[*group]int)
	held := make(map[string]int)
	for _, tk := range q.order {
		if tk.state == 0 {
			continue
		}
		if q.tickets[tk.id] != tk {
			t.Fatalf("ticket %s is not the one of its name", tk.id)
		}
		if (tk.state == Proposed) != (tk.proposal != "") || tk.live() != (tk.group != nil) {
			t.Fatalf("ticket %s: %+v", tk.id, *tk)
		}
		if !tk.live() {
			continue
		}
		groups[tk.group]++
		for _, l := range tk.reach {
			uses[q.regions.names[l.region]]++
		}
		for _, m := range tk.players {
			if was := players[m.id]; was != "" || q.players[m.id] != tk {
				t.Fatalf("player %s is in %s and %s", m.id, was, tk.id)
			}
			players[m.id] = tk.id
		}
		if tk.state == Proposed {
			held[tk.proposal]++
		}
	}
	for id, p := range q.proposals {
		if held[id] != len(p.seats) || len(p.seats) == 0 {
			t.Fatalf("proposal %s holds %d tickets of %d", id, held[id], len(p.seats))
		}
		delete(held, id)
	}
	for _, b := range q.backfills {
		groups[b.group]++
		if b.slot >= 0 {
			uses[b.Region]++
		}
	}
	for i, name := range q.regions.names {
		if uses[name] != q.regions.uses[i] {
			t.Fatalf("region %q: %d uses, counted as %d", name, uses[name], q.regions.uses[i])
		}
	}
	for g, n := range groups {
		if g.n != n || q.groups[g.key] != g {
			t.Fatalf("group %s: %d members, counted as %d", g.key, n, g.n)
		}
	}
	if len(held) > 0 || len(players) != len(q.players) || len(groups) != len(q.groups) {
		t.Fatalf("left over: %v, %d players for %d, %d groups for %d", held, len(q.players), len(players), len(q.groups), len(groups))
	}
}

func TestWaitMovesAlong(t *testing.T) {
	q := New("duel", duel(), "n1")
	add(t, q, start, solo("a", 0))
	other := time.Unix(50, 0) // a clock that is far off
	second := New("duel", duel(), "n2")
	must(t, second.Apply(other, q.Snapshot(sec(7))))
	add(t, second, other.Add(time.Second), solo("b", 500)) // 600 apart after 8 s
	p := cycle(second, other.Add(time.Second))
	if len(p) != 1 || p[0].Waited != 8*time.Second || p[0].ID != "n2-3" {
		t.Fatalf("%+v", p)
	}
}

func TestGap(t *testing.T) {
	q, second := New("q", duel(), "n1"), New("q", duel(), "n2")
	must(t, second.Apply(start, q.Snapshot(start)))
	add(t, q, start, solo("a", 0))
	lost := q.Changes(start)
	if q.Changes(start) != nil {
		t.Fatal("changes without a change")
	}
	add(t, q, start, solo("b", 0))
	next := q.Changes(start)
	if err := second.Apply(start, next); !errors.Is(err, ErrGap) || second.Len() != 0 {
		t.Fatal(err)
	}
	must(t, second.Apply(start, lost))
	must(t, second.Apply(start, next))
	if err := New("q2", duel(), "n2").Apply(start, q.Snapshot(start)); !errors.Is(err, ErrBytes) {
		t.Fatal(err)
	}
}

// TestPlayerConflict: bytes with a player in two live tickets are refused whole; freed and taken in one batch they are fine.
func TestPlayerConflict(t *testing.T) {
	q := New("q", duel(), "n1")
	add(t, q, start, solo("a", 0))
	second := New("q", duel(), "n1")
	must(t, second.Apply(start, q.Snapshot(start)))
	q.Changes(start)
	must(t, second.Apply(start, q.Snapshot(start)))
	must(t, q.Remove(start, "a"))
	again := solo("b", 0)
	again.Players[0].ID = "pa"
	add(t, q, start, again)
	must(t, second.Apply(start, q.Changes(start)))
	invariants(t, second)

	third := New("q", duel(), "n1")
	add(t, third, start, solo("c", 0), solo("d", 0))
	third.tickets["d"].players[0].id = "pc"
	if err := second.Apply(start, third.Snapshot(start)); !errors.Is(err, ErrBytes) || second.Len() != 1 {
		t.Fatal(err)
	}
}

// FuzzApply: any bytes are refused, or leave a queue that is whole, can be used and can be moved again.
func FuzzApply(f *testing.F) {
	q := New("q", DefaultRules(), "n1")
	a := team("a", 10, 20)
	a.Layout, a.Game = []int{2, 2}, "arena"
	a.Players[0].Latency = map[string]int{"eu": 20, "us": 90}
	a.Players[1].Attributes = map[string]string{"mode": "ctf"}
	b := team("b", 15, 5)
	b.Layout, b.Game = a.Layout, a.Game
	add(f, q, start, a, b, solo("c", 3))
	f.Add(q.Snapshot(sec(1)))
	p := cycle(q, sec(1))
	f.Add(q.Snapshot(sec(1)))
	if _, err := q.Confirm(sec(1), p[0].ID, Assignment{Match: "m", URL: "ws://x", Tokens: map[string]string{"a.0": "t"}}); err != nil {
		f.Fatal(err)
	}
	if err := q.SetBackfill(sec(1), Backfill{Match: "m", Layout: []int{2}, Open: []int{1}, Region: "eu"}); err != nil {
		f.Fatal(err)
	}
	f.Add(q.Snapshot(sec(2)))
	f.Add(q.Changes(sec(2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		q := New("q", DefaultRules(), "n1")
		q.changed.source = "n1"
		if q.Apply(sec(5), b) != nil {
			return
		}
		invariants(t, q)
		cycle(q, sec(6))
		for id := range q.tickets {
			q.Explain(sec(6), id)
		}
		q.Pending()
		invariants(t, q)
		second := New("q", DefaultRules(), "n1")
		if err := second.Apply(sec(6), q.Snapshot(sec(6))); err != nil {
			t.Fatalf("its own snapshot is refused: %v", err)
		}
		invariants(t, second)
	})
}
