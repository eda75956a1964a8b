package matchmaker

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// crowd makes tickets with normal skills; parties of 1 to largest, three regions with one or two of them near.
func crowd(rng *rand.Rand, n, largest int) []Request {
	regions := []string{"as", "eu", "us"}
	out := make([]Request, n)
	for i := range out {
		r := Request{ID: fmt.Sprintf("ticket-%d", i), Game: "arena"}
		home, mean := rng.IntN(3), 1500+300*rng.NormFloat64()
		for j := range 1 + rng.IntN(largest) {
			p := Player{ID: fmt.Sprintf("player-%d-%d", i, j), Skill: mean + 50*rng.NormFloat64()*float64(min(j, 1)), Latency: make(map[string]int)}
			for k, region := range regions {
				p.Latency[region] = 20 + rng.IntN(30) + 60*((k-home+3)%3)
			}
			r.Players = append(r.Players, p)
		}
		out[i] = r
	}
	return out
}

func versus(size int) QueueRules {
	r := DefaultRules()
	r.Size, r.Teams = size, 2
	return r
}

// TestBalance: 1,000 players of normal skills, alone and in parties, in matches of 16: nearly all are placed, and the
// teams differ by less than 50 in their mean skills.
func TestBalance(t *testing.T) {
	for _, largest := range []int{1, 4} {
		rng := rand.New(rand.NewPCG(1, uint64(largest)))
		q := New("q", versus(16), "n1")
		players, seated, matches, uneven, spread, totals := 0, 0, 0, 0.0, 0.0, 0.0
		for _, r := range crowd(rng, 10_000, largest) {
			if players+len(r.Players) > 1000 {
				break
			}
			for i := range r.Players {
				r.Players[i].Latency = nil
			}
			add(t, q, start, r)
			players += len(r.Players)
		}
		for s := range 5 {
			for _, p := range cycle(q, sec(float64(s))) {
				seated += len(p.Seats)
				matches++
				uneven += p.Uneven
				totals += 8 * p.Uneven
				spread += p.Spread
			}
		}
		n := float64(matches)
		t.Logf("parties of 1 to %d: %d of %d players in %d matches within 5 s; mean difference of the teams' means %.2f, of their sums %.1f; spread %.0f",
			largest, seated, players, matches, uneven/n, totals/n, spread/n)
		if uneven/n >= 50 || seated < players*97/100 {
			t.Errorf("parties of 1 to %d: %d of %d seated, difference %.1f", largest, seated, players, uneven/n)
		}
	}
}

func benchCycle(b *testing.B, n, largest int, rules QueueRules) {
	rng := rand.New(rand.NewPCG(2, 2))
	q := New("q", rules, "n1")
	for _, r := range crowd(rng, n, largest) {
		add(b, q, start, r)
	}
	made := 0
	b.ReportAllocs()
	for b.Loop() {
		made = len(cycle(q, sec(1)))
		b.StopTimer()
		for _, p := range q.Pending() {
			if err := q.Reject(p.ID); err != nil {
				b.Fatal(err)
			}
		}
		q.Changes(sec(1))
		b.StartTimer()
	}
	b.ReportMetric(float64(made), "matches/cycle")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/cycle")
}

func BenchmarkCycleAllMatch(b *testing.B)   { benchCycle(b, 10_000, 1, versus(16)) }
func BenchmarkCycleParties(b *testing.B)    { benchCycle(b, 10_000, 4, versus(16)) }
func BenchmarkCycleDuels(b *testing.B)      { benchCycle(b, 10_000, 1, versus(2)) }
func BenchmarkCycleLargeMatch(b *testing.B) { benchCycle(b, 10_000, 4, versus(200)) }
func BenchmarkCycleNobodyNear(b *testing.B) {
	r := versus(16)
	r.Skill = Window{Start: 0.02}
	benchCycle(b, 10_000, 4, r)
}
func BenchmarkCycleNobodyPacks(b *testing.B) { benchUnpackable(b) }

// benchUnpackable has parties of three alone, crowded in skill, for teams of four: the worst that a cycle meets.
func benchUnpackable(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	q := New("q", versus(8), "n1")
	for _, r := range crowd(rng, 10_000, 1) {
		for i := range 2 {
			p := r.Players[0]
			p.ID += fmt.Sprint("-", i)
			r.Players = append(r.Players, p)
		}
		add(b, q, start, r)
	}
	for b.Loop() {
		if made := cycle(q, sec(1)); len(made) > 0 {
			b.Fatal("matches of what cannot be packed")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/cycle")
}

func BenchmarkExplain(b *testing.B) {
	q := New("q", versus(16), "n1")
	for _, r := range crowd(rand.New(rand.NewPCG(2, 2)), 10_000, 1) {
		add(b, q, start, r)
	}
	for b.Loop() {
		q.Explain(sec(1), "ticket-77")
	}
}

func BenchmarkSnapshot(b *testing.B) {
	q := New("q", versus(16), "n1")
	for _, r := range crowd(rand.New(rand.NewPCG(2, 2)), 10_000, 1) {
		add(b, q, start, r)
	}
	n := 0
	for b.Loop() {
		n = len(q.Snapshot(sec(1)))
	}
	b.ReportMetric(float64(n)/10_000, "B/ticket")
}

// BenchmarkMemory prints what a waiting ticket of one player with three regions and an attribute costs, indexes included.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		q := New("q", versus(16), "n1")
		for _, r := range crowd(rand.New(rand.NewPCG(2, 2)), 10_000, 1) {
			r.Players[0].Attributes = map[string]string{"mode": "ctf"}
			add(b, q, start, r)
		}
		q.Changes(sec(0))
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/10_000, "B/ticket")
		runtime.KeepAlive(q)
	}
}
