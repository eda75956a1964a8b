package matchmaker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// lifted is a copy of a queue under other rules.
func lifted(t failer, q *Queue, now time.Time, change func(*QueueRules)) *Queue {
	t.Helper()
	rules := q.rules
	change(&rules)
	out := New(q.name, rules, "n2")
	if err := out.Apply(now, q.Snapshot(now)); err != nil {
		t.Fatalf("%v", err)
	}
	return out
}

// TestExplainAgreesWithCycle: matches of two, so that a candidate is all it takes. After a cycle nobody has one; and when
// the rule that Explain names is lifted, the next cycle matches the oldest ticket if and only if Explain counted somebody there.
func TestExplainAgreesWithCycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		rules.Layout, rules.MinPlayers, rules.Timeout = []int{1, 1}, 0, time.Hour
		q := New("q", rules, "n1")
		for i := range rapid.IntRange(1, 12).Draw(t, "tickets") {
			_ = q.Add(sec(float64(i)/4), drawRequest(t, fmt.Sprint("t", i), 1))
		}
		now := sec(float64(rapid.IntRange(3, 20).Draw(t, "now")))
		cycle(q, now)
		var left []string
		for _, tk := range q.order {
			if tk.state == Waiting {
				left = append(left, tk.id)
			}
		}
		for _, id := range left {
			e, ok := q.Explain(now, id)
			if !ok || e.Candidates != 0 || e.BlockedBy != "" {
				t.Fatalf("after a cycle %s has %+v", id, e)
			}
			total := 0
			for _, n := range e.Excluded {
				total += n
			}
			if total != q.Len()-1 {
				t.Fatalf("%d of %d tickets are accounted for: %+v", total, q.Len()-1, e)
			}
			checkWidening(t, q, now, id, e)
		}
		if len(left) == 0 {
			return
		}
		e, _ := q.Explain(now, left[0])
		// Skill is asked last: who is under it is kept away by nothing else.
		free := lifted(t, q, now, func(r *QueueRules) { r.Skill = Window{Any: true} })
		cycle(free, now)
		if tk, _ := free.Get(left[0]); (tk.State == Proposed) != (e.Excluded["skill"] > 0) {
			t.Fatalf("skill lifted: %s is %s, explained as %+v", left[0], tk.State, e)
		}
		// Who is under latency may be kept away by skill, too; both lifted, nothing is left but region and attributes.
		free = lifted(t, q, now, func(r *QueueRules) { r.Skill, r.Latency = Window{Any: true}, Window{Any: true} })
		cycle(free, now)
		if tk, _ := free.Get(left[0]); (tk.State == Proposed) != (e.Excluded["skill"]+e.Excluded["latency"] > 0) {
			t.Fatalf("skill and latency lifted: %s is %s, explained as %+v", left[0], tk.State, e)
		}
		free = lifted(t, q, now, func(r *QueueRules) { r.Equal = nil })
		if f, _ := free.Explain(now, left[0]); f.Candidates > e.Excluded["attribute:mode"] || f.Excluded["attribute:mode"] > 0 {
			t.Fatalf("attributes lifted: %+v, before %+v", f, e)
		}
	})
}

// checkWidening: just before next_candidate_s there is still nobody, and then there is.
func checkWidening(t *rapid.T, q *Queue, now time.Time, id string, e Explanation) {
	wait := 30 * time.Second
	if e.NextNewS != nil {
		wait = time.Duration(*e.NextNewS * float64(time.Second)).Round(time.Millisecond)
		if then, _ := q.Explain(now.Add(wait), id); then.Candidates == 0 {
			t.Fatalf("%s: nobody after %v: %+v", id, wait, e)
		}
		wait -= time.Millisecond
	}
	if then, _ := q.Explain(now.Add(wait), id); then.Candidates != 0 {
		t.Fatalf("%s: somebody before %v: %+v", id, wait, e)
	}
}

func TestExplain(t *testing.T) {
	rules := DefaultRules()
	rules.Skill.PerSecond = 50
	q := New("q", rules, "n1")
	ask := func(id, game string, size int, skill float64, latency map[string]int) Request {
		return Request{ID: id, Game: game, Size: size, Players: []Player{{ID: id, Skill: skill, Latency: latency}}}
	}
	eu := func(ms int) map[string]int { return map[string]int{"eu": ms} }
	add(t, q, start, ask("me", "arena", 4, 1000, eu(30)),
		ask("g", "tag", 4, 1000, eu(30)), ask("s", "arena", 6, 1000, eu(30)), ask("r", "arena", 4, 1000, map[string]int{"us": 30}),
		ask("l", "arena", 4, 1000, eu(112)), ask("k", "arena", 4, 1500, eu(30)), ask("ok", "arena", 4, 1100, nil))
	e, ok := q.Explain(sec(1.5), "me")
	want := map[string]int{"game": 1, "size": 1, "region": 1, "latency": 1, "skill": 1}
	if !ok || fmt.Sprint(e.Excluded) != fmt.Sprint(want) || e.Candidates != 1 || e.Players != 1 || e.Needed != 3 || e.WaitingS != 1.5 {
		t.Fatalf("%+v", e)
	}
	if e.NextS == nil || *e.NextS != 0.5 || e.NextNewS == nil || *e.NextNewS != 0.5 { // l's bound is 120 ms after 2 s
		t.Fatalf("%+v", e)
	}
	for _, part := range []string{"needs 3 more players", "1 of 6 other tickets suit it", "skill: 1"} {
		if !strings.Contains(e.Text, part) {
			t.Errorf("%q is not in %q", part, e.Text)
		}
	}
	if _, ok := q.Explain(sec(1), "nobody"); ok {
		t.Error("explained a ticket that is not there")
	}
}

// TestExplainBlocked: enough players suit the ticket, and still no match of them is possible.
func TestExplainBlocked(t *testing.T) {
	rules := DefaultRules()
	rules.Layout = []int{3, 3}
	at := func(r Request, region string) Request {
		for i := range r.Players {
			r.Players[i].Latency = map[string]int{region: 10}
			if r.ID == "me" {
				r.Players[i].Latency = map[string]int{"eu": 10, "us": 10}
			}
		}
		return r
	}
	for want, rs := range map[string][]Request{
		BlockedBySizes:  {team("me", 0, 0), team("a", 0, 0), team("b", 0, 0)},
		BlockedBySkill:  {team("me", 0, 0, 0), team("a", -150, -150), solo("b", 150)},
		BlockedByRegion: {at(team("me", 0, 0, 0), ""), at(team("a", 0, 0), "eu"), at(solo("b", 0), "us")},
	} {
		q := New("q", rules, "n1")
		add(t, q, start, rs...)
		if made := cycle(q, start); len(made) > 0 {
			t.Fatalf("%s: %v", want, made)
		}
		if e, _ := q.Explain(start, "me"); e.BlockedBy != want {
			t.Errorf("%s: %+v", want, e)
		}
	}
}
