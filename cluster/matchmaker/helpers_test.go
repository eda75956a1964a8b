package matchmaker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1_700_000_000, 0)

// sec is the time so many seconds after the start.
func sec(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }

// solo is a ticket of one player who has the ticket's id.
func solo(id string, skill float64) Request {
	return Request{ID: id, Players: []Player{{ID: "p" + id, Skill: skill}}}
}

func team(id string, skills ...float64) Request {
	r := Request{ID: id}
	for i, s := range skills {
		r.Players = append(r.Players, Player{ID: fmt.Sprintf("%s.%d", id, i), Skill: s})
	}
	return r
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func add(t failer, q *Queue, now time.Time, rs ...Request) {
	t.Helper()
	for _, r := range rs {
		if err := q.Add(now, r); err != nil {
			t.Fatalf("add %s: %v", r.ID, err)
		}
	}
}

func cycle(q *Queue, now time.Time) []Proposal {
	made, _ := q.Cycle(now)
	return made
}

// drawRules draws rules that all settings take part in, for small matches.
func drawRules(t *rapid.T) QueueRules {
	r := DefaultRules()
	r.Layout = rapid.SampledFrom([][]int{{2}, {3}, {2, 2}, {1, 3}, {2, 1, 1}, {3, 3}}).Draw(t, "layout")
	r.Skill = Window{Start: float64(rapid.IntRange(0, 60).Draw(t, "window")), PerSecond: float64(rapid.IntRange(0, 5).Draw(t, "widening")), Max: 100}
	r.Latency = Window{Start: 50, PerSecond: 5, Max: 100}
	if rapid.Bool().Draw(t, "equal") {
		r.Equal = []string{"mode"}
	}
	if rapid.Bool().Draw(t, "short") {
		r.MinPlayers, r.ShortAfter = len(r.Layout), 8*time.Second
	}
	return r
}

func drawRequest(t *rapid.T, id string, largest int) Request {
	r := Request{ID: id}
	regions := rapid.SampledFrom([][]string{nil, {"eu"}, {"us"}, {"eu", "us"}, {"as", "eu", "us"}}).Draw(t, "regions")
	mode := rapid.SampledFrom([]string{"", "ctf"}).Draw(t, "mode")
	for i := range rapid.IntRange(1, largest).Draw(t, "party") {
		p := Player{ID: fmt.Sprintf("%s.%d", id, i), Skill: float64(rapid.IntRange(0, 150).Draw(t, "skill"))}
		if mode != "" {
			p.Attributes = map[string]string{"mode": mode}
		}
		for _, region := range regions {
			if p.Latency == nil {
				p.Latency = make(map[string]int)
			}
			p.Latency[region] = rapid.IntRange(20, 120).Draw(t, "latency")
		}
		r.Players = append(r.Players, p)
	}
	return r
}

// oracle decides by trying everything, from the requests and the rules alone.
type oracle struct {
	rules QueueRules
	reqs  map[string]Request
	since map[string]time.Time
}

func (o *oracle) skill(id string) float64 {
	sum := 0.0
	for _, p := range o.reqs[id].Players {
		sum += p.Skill
	}
	return float64(int64(sum*1000)/int64(len(o.reqs[id].Players))) / 1000
}

// valid says whether tickets may be a match by themselves, in any region and any teams.
func (o *oracle) valid(now time.Time, ids []string) bool {
	oldest := time.Duration(0)
	low, high, players := o.skill(ids[0]), o.skill(ids[0]), 0
	for _, id := range ids {
		oldest = max(oldest, now.Sub(o.since[id]))
		low, high = min(low, o.skill(id)), max(high, o.skill(id))
		players += len(o.reqs[id].Players)
		if len(o.rules.Equal) > 0 && o.reqs[id].Players[0].Attributes["mode"] != o.reqs[ids[0]].Players[0].Attributes["mode"] {
			return false
		}
	}
	if high-low > o.rules.Skill.At(oldest)+1e-9 {
		return false
	}
	if !slices.ContainsFunc([]string{"eu", "us", "as"}, func(r string) bool { return o.share(now, ids, r) }) {
		return false
	}
	full := shape(o.rules.Layout)
	if players != full.size() && (o.rules.MinPlayers == 0 || oldest < o.rules.ShortAfter || players < o.rules.MinPlayers || players > full.size()) {
		return false
	}
	return o.split(slices.Clone(full.shrink(players)), ids)
}

func (o *oracle) share(now time.Time, ids []string, region string) bool {
	for _, id := range ids {
		bound := o.rules.Latency.At(now.Sub(o.since[id]))
		for _, p := range o.reqs[id].Players {
			if ms, ok := p.Latency[region]; len(p.Latency) > 0 && (!ok || float64(ms) > bound) {
				return false
			}
		}
	}
	return true
}

// split says whether the parties fill the teams exactly.
func (o *oracle) split(teams []int, ids []string) bool {
	if len(ids) == 0 {
		return slices.Max(teams) == 0
	}
	n := len(o.reqs[ids[0]].Players)
	for i := range teams {
		if teams[i] >= n {
			teams[i] -= n
			ok := o.split(teams, ids[1:])
			teams[i] += n
			if ok {
				return true
			}
		}
	}
	return false
}

// possible says whether any of the tickets make a match that holds one of them; "" stands for any.
func (o *oracle) possible(now time.Time, ids []string, with string) bool {
	for bits := 1; bits < 1<<len(ids); bits++ {
		var some []string
		for i, id := range ids {
			if bits>>i&1 == 1 {
				some = append(some, id)
			}
		}
		if (with == "" || slices.Contains(some, with)) && o.valid(now, some) {
			return true
		}
	}
	return false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
