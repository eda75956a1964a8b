package matchmaker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is a queue and what the test knows of it.
type world struct {
	q      *Queue
	o      *oracle
	now    time.Time
	n      int
	seated map[string]string // player -> proposal, of all that are pending or confirmed
}

func newWorld(rules QueueRules) *world {
	return &world{q: New("q", rules, "n1"), now: start, seated: make(map[string]string),
		o: &oracle{rules: rules, reqs: make(map[string]Request), since: make(map[string]time.Time)}}
}

func (w *world) add(t *rapid.T) {
	w.n++
	r := drawRequest(t, fmt.Sprintf("t%d", w.n), slices.Max(w.o.rules.Layout))
	if w.q.Add(w.now, r) == nil {
		w.o.reqs[r.ID], w.o.since[r.ID] = r, w.now
	}
}

// waiting returns the tickets that wait, oldest first.
func (w *world) waiting() []string {
	var out []string
	for i := range w.n {
		id := fmt.Sprintf("t%d", i+1)
		if t, ok := w.q.Get(id); ok && t.State == Waiting {
			out = append(out, id)
		}
	}
	return out
}

// check compares a proposal with the rules at this moment.
func (w *world) check(t *rapid.T, p Proposal) {
	if !w.o.valid(w.now, p.Tickets) {
		t.Fatalf("the rules do not allow %v at %v", p.Tickets, w.now.Sub(start))
	}
	if p.Region != "" && !w.o.share(w.now, p.Tickets, p.Region) {
		t.Fatalf("%v do not share region %s", p.Tickets, p.Region)
	}
	teams := make(map[string]int) // by ticket
	sizes := make([]int, len(p.Layout))
	players := 0
	for _, s := range p.Seats {
		if was, ok := teams[s.Ticket]; ok && was != s.Team {
			t.Fatalf("ticket %s is in teams %d and %d", s.Ticket, was, s.Team)
		}
		if was := w.seated[s.Player]; was != "" {
			t.Fatalf("player %s is in proposals %s and %s", s.Player, was, p.ID)
		}
		teams[s.Ticket] = s.Team
		w.seated[s.Player] = p.ID
		sizes[s.Team]++
		players++
	}
	if want := shape(p.Layout).shrink(players); !slices.Equal(sizes, []int(want)) {
		t.Fatalf("teams are %v, not %v", sizes, want)
	}
	want := 0
	for _, id := range p.Tickets {
		want += len(w.o.reqs[id].Players)
	}
	if want != players || len(teams) != len(p.Tickets) {
		t.Fatalf("%d seats for %d players of %v", players, want, p.Tickets)
	}
}

func (w *world) free(p Proposal) {
	for _, s := range p.Seats {
		delete(w.seated, s.Player)
	}
}

// TestCycle: every proposal keeps to the rules of that moment, parties stay whole, nobody is in two; the oldest ticket is
// matched if any match could hold it; and none is left that could have been made. An oracle tries everything.
func TestCycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(drawRules(t))
		for range rapid.IntRange(1, 4).Draw(t, "cycles") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "ms")) * time.Millisecond)
			for range rapid.IntRange(0, 8).Draw(t, "tickets") {
				if len(w.waiting()) < 9 {
					w.add(t)
				}
			}
			before := w.waiting()
			made := cycle(w.q, w.now)
			for _, p := range made {
				w.check(t, p)
			}
			if len(before) > 0 {
				first, _ := w.q.Get(before[0])
				if want := w.o.possible(w.now, before, before[0]); want != (first.State == Proposed) {
					t.Fatalf("oldest ticket of %v: a match is possible: %v, but it is %s", before, want, first.State)
				}
			}
			if left := w.waiting(); w.o.possible(w.now, left, "") {
				t.Fatalf("a match of %v was left", left)
			}
			w.settle(t, made)
		}
	})
}

// settle confirms or rejects.
func (w *world) settle(t *rapid.T, made []Proposal) {
	for _, p := range made {
		switch rapid.IntRange(0, 2).Draw(t, "settle") {
		case 0:
			if err := w.q.Reject(p.ID); err != nil {
				t.Fatal(err)
			}
			w.free(p)
		case 1:
			a := Assignment{Match: "m" + p.ID, URL: "ws://x/v1/play", Tokens: map[string]string{}}
			for _, s := range p.Seats {
				a.Tokens[s.Player] = "token of " + s.Player
			}
			if _, err := w.q.Confirm(w.now, p.ID, a); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNoStarvation: an outlier and a large party wait among a crowd that would fill matches without them for ever.
func TestNoStarvation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := DefaultRules()
		rules.Size, rules.Teams = 4, 2
		q := New("q", rules, "n1")
		odd := solo("odd", float64(rapid.IntRange(-5000, 5000).Draw(t, "skill")))
		if rapid.Bool().Draw(t, "party") {
			odd = team("odd", odd.Players[0].Skill, odd.Players[0].Skill)
		}
		add(t, q, start, odd)
		n := 0
		// The crowd is at 0 to 300: the window reaches it after (5300-200)/50 = 102 s at the latest.
		for s := 0; s <= 103; s++ {
			for range rapid.IntRange(4, 7).Draw(t, "crowd") {
				n++
				add(t, q, sec(float64(s)), solo(fmt.Sprint(n), float64(rapid.IntRange(0, 300).Draw(t, "skill"))))
			}
			for _, p := range cycle(q, sec(float64(s))) {
				if slices.Contains(p.Tickets, "odd") {
					return
				}
				if _, err := q.Confirm(sec(float64(s)), p.ID, Assignment{Match: "m"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Fatalf("still waiting after 103 s")
	})
}

// TestSamePartsSameMatches: two queues that are told the same propose the same.
func TestSamePartsSameMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		a, b := New("q", rules, "n1"), New("q", rules, "n1")
		for i := range rapid.IntRange(2, 30).Draw(t, "tickets") {
			r := drawRequest(t, fmt.Sprint("t", i), slices.Max(rules.Layout))
			if x, y := a.Add(start, r), b.Add(start, r); (x == nil) != (y == nil) {
				t.Fatalf("%v and %v", x, y)
			}
		}
		if x, y := fmt.Sprint(cycle(a, sec(5))), fmt.Sprint(cycle(b, sec(5))); x != y {
			t.Fatalf("%s\n%s", x, y)
		}
	})
}

// TestTightest: the oldest ticket gets the match that spreads least, not the first or the widest that the rules allow.
func TestTightest(t *testing.T) {
	rules := DefaultRules()
	rules.Size = 3
	q := New("q", rules, "n1")
	add(t, q, start, solo("me", 1000), solo("far", 1150), solo("a", 1030), solo("b", 1045), solo("c", 985), solo("d", 970))
	p := cycle(q, start)
	if len(p) != 2 || fmt.Sprint(p[0].Tickets) != "[me c d]" || p[0].Spread != 30 {
		t.Fatalf("%+v", p)
	}
}
