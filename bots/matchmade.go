package bots

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Matchmaking is what tickets got. Waits are in seconds, from sending the ticket to having the answer with the match, counted once for
// each player. The spread of a match is the mean skill of its best party less that of its worst.
type Matchmaking struct {
	Tickets  int       `json:"tickets"`
	Matched  int       `json:"matched"` // tickets
	Expired  int       `json:"expired"`
	Matches  int       `json:"matches"`
	Complete int       `json:"complete"` // matches with as many players as asked for
	Twice    int       `json:"twice"`    // players who are in two matches
	Wait     Quantiles `json:"wait_s"`
	Spread   MeanMax   `json:"skill_spread"`
	Uneven   MeanMax   `json:"team_difference"` // mean skill of a match's best team less that of its worst; 0 without teams
}

// Quantiles of something.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// MeanMax of something.
type MeanMax struct {
	Mean float64 `json:"mean"`
	Max  float64 `json:"max"`
}

// matchmade gathers what tickets get. It locks itself.
type matchmade struct {
	want int // tickets; static once they are sent

	mu      sync.Mutex // guards the following
	matches map[string]*madeMatch
	in      map[string]string // match by player
	waits   []float64         // by player
	matched int
	expired int
	twice   int
}

type madeMatch struct {
	players   int
	low, high float64         // of the parties' means
	sums      map[int]float64 // skill by team
	counts    map[int]int
}

func (m *matchmade) expire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expired++
}

// add counts a ticket that got a match.
func (m *matchmade) add(id string, w *wanted, teams map[string]int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.matches == nil {
		m.matches, m.in = map[string]*madeMatch{}, map[string]string{}
	}
	x := m.matches[id]
	if x == nil {
		x = &madeMatch{low: math.Inf(1), high: math.Inf(-1), sums: map[int]float64{}, counts: map[int]int{}}
		m.matches[id] = x
	}
	total := 0.0
	for _, p := range w.players {
		if was := m.in[p.ID]; was != "" && was != id {
			m.twice++
		}
		m.in[p.ID] = id
		m.waits = append(m.waits, wait.Seconds())
		total += p.Skill
		x.sums[teams[p.ID]] += p.Skill
		x.counts[teams[p.ID]]++
	}
	m.matched++
	x.players += len(w.players)
	mean := total / float64(len(w.players))
	x.low, x.high = min(x.low, mean), max(x.high, mean)
}

// report sums up. players is how many a match has.
func (m *matchmade) report(players int) *Matchmaking {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &Matchmaking{Tickets: m.want, Matched: m.matched, Expired: m.expired, Matches: len(m.matches), Twice: m.twice}
	if slices.Sort(m.waits); len(m.waits) > 0 {
		n := len(m.waits)
		out.Wait = Quantiles{round(m.waits[n/2], 3), round(m.waits[min(n-1, n*99/100)], 3), round(m.waits[n-1], 3)}
	}
	for _, x := range m.matches {
		if x.players == players {
			out.Complete++
		}
		out.Spread.add(x.high - x.low)
		low, high := math.Inf(1), math.Inf(-1)
		for team, sum := range x.sums {
			mean := sum / float64(x.counts[team])
			low, high = min(low, mean), max(high, mean)
		}
		out.Uneven.add(high - low)
	}
	out.Spread.over(len(m.matches))
	out.Uneven.over(len(m.matches))
	return out
}

// add sums in Mean until over divides.
func (m *MeanMax) add(v float64) { m.Mean, m.Max = m.Mean+v, max(m.Max, v) }

func (m *MeanMax) over(n int) { m.Mean, m.Max = round(m.Mean/float64(max(1, n)), 1), round(m.Max, 1) }
