package cluster

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// quorumLab is a cluster whose nodes see, each in its own time, who comes and who dies.
type quorumLab struct {
	now   time.Time
	count int
	alive map[string]*memberships
	all   map[string]*memberships
	due   []sight
	late  time.Duration // within which everybody has seen a change
	rng   *rand.Rand
}

// sight is a change that a node has yet to see.
type sight struct {
	at     time.Time
	by, id string
	here   bool
}

func newQuorumLab(size int, late time.Duration, rng *rand.Rand) *quorumLab {
	l := &quorumLab{now: time.Unix(1000, 0), alive: map[string]*memberships{}, all: map[string]*memberships{}, late: late, rng: rng}
	for range size {
		l.count++
		l.alive[fmt.Sprintf("n%03d", l.count)] = &memberships{}
	}
	maps.Copy(l.all, l.alive)
	for _, m := range l.alive {
		m.look(l.now, l.ids())
	}
	l.pass(2 * quorumFor)
	return l
}

func (l *quorumLab) ids() []string { return slices.Sorted(maps.Keys(l.alive)) }

// pass lets time pass, in which nodes see what is due.
func (l *quorumLab) pass(d time.Duration) {
	end := l.now.Add(d)
	slices.SortStableFunc(l.due, func(a, b sight) int { return a.at.Compare(b.at) })
	for len(l.due) > 0 && !l.due[0].at.After(end) {
		s := l.due[0]
		l.due, l.now = l.due[1:], s.at
		m := l.alive[s.by]
		if m == nil {
			continue
		}
		seen := slices.DeleteFunc(slices.Clone(m.list[len(m.list)-1].ids), func(id string) bool { return id == s.id })
		if s.here {
			seen = append(seen, s.id)
		}
		m.look(l.now, seen)
	}
	l.now = end
}

// tell has all living nodes see a change of a node soon.
func (l *quorumLab) tell(id string, here bool) {
	for by := range l.alive {
		if by != id {
			l.due = append(l.due, sight{l.now.Add(time.Duration(l.rng.Int64N(int64(l.late) + 1))), by, id, here})
		}
	}
}

func (l *quorumLab) join() {
	l.count++
	id, m := fmt.Sprintf("n%03d", l.count), &memberships{}
	l.alive[id], l.all[id] = m, m
	ids := slices.DeleteFunc(l.ids(), func(x string) bool { return x == id || !l.alive[x].ready(l.now) })
	m.look(l.now, l.ids()) // one that lives has told it
	if len(ids) > 0 && l.rng.IntN(4) > 0 {
		m.adopt(l.now, l.alive[ids[l.rng.IntN(len(ids))]].all(l.now))
	}
	l.tell(id, true)
}

func (l *quorumLab) kill(id string) {
	delete(l.alive, id)
	l.tell(id, false)
}

// quorum says whether some nodes agree, the first being the home. It knows of all that have ended.
func (l *quorumLab) quorum(ids []string) bool {
	if len(ids) == 0 {
		return false
	}
	gone := map[string]bool{}
	for id := range l.all {
		gone[id] = l.alive[id] == nil
	}
	outs := map[string]gotIntent{}
	for _, id := range ids {
		if !l.all[id].ready(l.now) {
			continue
		}
		outs[id] = gotIntent{Noted: true, Seen: packSets(l.all[id].all(l.now))}
	}
	return agreed(outs, l.all[ids[0]].all(l.now), gone)
}

// some returns part of the living nodes in random order.
func (l *quorumLab) some() []string {
	ids := l.ids()
	l.rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids[:l.rng.IntN(len(ids)+1)]
}

// churn has nodes come and die.
func (l *quorumLab) churn(steps int, pause time.Duration) {
	for range steps {
		if ids := l.ids(); l.rng.IntN(2) == 0 && len(ids) > 1 {
			l.kill(ids[l.rng.IntN(len(ids))])
		} else if len(ids) < 12 {
			l.join()
		}
		l.pass(time.Duration(l.rng.Int64N(int64(pause) + 1)))
	}
}

// Two quorums of one key meet, whoever came and died between them, unless all have died that the first could have been. Where nodes see changes late
// one must live that was there before them.
func TestQuorumsMeet(t *testing.T) {
	reached, again := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		late := time.Duration(rapid.IntRange(0, 1000).Draw(t, "late")) * time.Millisecond
		l := newQuorumLab(rapid.IntRange(1, 7).Draw(t, "size"), late, rng)
		old := l.ids()
		pause := time.Duration(rapid.IntRange(0, 3000).Draw(t, "pause")) * time.Millisecond
		l.churn(rapid.IntRange(0, 6).Draw(t, "before"), pause)
		first, there := l.some(), l.ids()
		if !l.quorum(first) {
			return
		}
		reached++
		began := l.now
		l.churn(rapid.IntRange(0, 6).Draw(t, "between"), pause)
		if l.now.Sub(began) > createWithin+2*time.Second {
			return
		}
		rest := slices.DeleteFunc(l.ids(), func(id string) bool { return slices.Contains(first, id) })
		stays := slices.ContainsFunc(old, func(id string) bool { return l.alive[id] != nil })
		if !l.quorum(rest) || late > 0 && !stays {
			return
		}
		again++
		for _, id := range there {
			if l.alive[id] != nil {
				t.Fatalf("of %v first %v, then %v agreed, and %s lives", there, first, rest, id)
			}
		}
	})
	if reached == 0 {
		t.Error("no quorum was ever reached")
	}
	t.Logf("%d first quorums, %d second ones without any of the first, all of which had died", reached, again)
}
