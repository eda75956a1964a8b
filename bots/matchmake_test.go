package bots

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Parties are of 1 to 4, there are as many players as were asked for, and their skills are from the distribution.
func TestParties(t *testing.T) {
	r := &run{cfg: Config{Matches: 62, Players: 16}, id: "x"}
	sizes, ids := map[int]int{}, map[string]bool{}
	sum, squares, last := 0.0, 0.0, 0
	list := r.parties([]string{"eu", "us"}, rand.New(rand.NewPCG(1, 2)))
	for i, w := range list {
		sizes[len(w.players)]++
		for _, p := range w.players {
			ids[p.ID] = true
			sum += p.Skill
			squares += p.Skill * p.Skill
			if len(p.Latency) != 2 || p.Latency["eu"] < 15 || p.Latency["us"] > 200 {
				t.Errorf("latencies %v", p.Latency)
			}
		}
		if i >= len(list)-32 {
			last += len(w.players)
		}
	}
	n := float64(62 * 16)
	mean := sum / n
	if deviation := math.Sqrt(squares/n - mean*mean); len(ids) != 62*16 || math.Abs(mean-1500) > 30 || math.Abs(deviation-300) > 25 {
		t.Errorf("%d players, skill %.0f +- %.0f", len(ids), mean, deviation)
	}
	if len(sizes) != 4 || sizes[1] < sizes[2] || sizes[4] == 0 || last != 32 {
		t.Errorf("sizes %v, %d in the last 32 tickets", sizes, last)
	}
}

// The report says what the tickets got, and who got two matches.
func TestMatchmadeReport(t *testing.T) {
	m := &matchmade{want: 5}
	add := func(match string, team int, wait time.Duration, skills map[string]float64) {
		w, teams := &wanted{}, map[string]int{}
		for id, skill := range skills {
			w.players = append(w.players, ticketPlayer{ID: id, Skill: skill})
			teams[id] = team
		}
		m.add(match, w, teams, wait)
	}
	add("m1", 1, time.Second, map[string]float64{"a": 1000, "b": 1200}) // mean 1100
	add("m1", 2, 2*time.Second, map[string]float64{"c": 1400})
	add("m1", 2, 3*time.Second, map[string]float64{"d": 1000}) // the team's mean is 1200
	add("m2", 0, 4*time.Second, map[string]float64{"a": 1000})
	m.expire()
	got := *m.report(4)
	want := Matchmaking{
		Tickets: 5, Matched: 4, Expired: 1, Matches: 2, Complete: 1, Twice: 1, Wait: Quantiles{2, 4, 4}, Spread: MeanMax{200, 400}, Uneven: MeanMax{50, 100},
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if r := (Report{FramesPerPlayerS: 30, Matchmaking: &got}); r.OK() {
		t.Error("a player in two matches is fine")
	}
}
