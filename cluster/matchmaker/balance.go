package matchmaker

import (
	"cmp"
	"slices"
)

// teamSum is how many players a team has and the sum of their skills in thousandths.
type teamSum struct {
	players int
	skill   int64
}

func (t *teamSum) add(players int, skill int64) {
	t.players += players
	t.skill += skill
}

func (t teamSum) mean() float64 { return float64(t.skill) / float64(max(t.players, 1)) }

// uneven is the mean skill of the best team minus that of the worst.
func uneven(teams []teamSum) float64 {
	low, high, any := 0.0, 0.0, false
	for _, t := range teams {
		if t.players == 0 {
			continue
		}
		m := t.mean()
		if !any {
			low, high, any = m, m, true
		}
		low, high = min(low, m), max(high, m)
	}
	return high - low
}

// maxExact is how many ways to form the teams are tried one by one; above it greedy choice and swaps do.
const maxExact = 4096

// balancer moves parties between teams, which stay full, until the teams' mean skills are as near as it can get them.
type balancer struct {
	teams   shape
	parties []party
	sums    []teamSum
	totals  []int64 // by party
	middle  float64 // of the teams' means, while parties are exchanged

	best  float64
	teamB []int // the best so far, by party
}

// balance changes the teams of parties that fill the teams exactly.
func balance(teams shape, parties []party) {
	if len(teams) < 2 {
		return
	}
	slices.SortFunc(parties, func(a, b party) int { // large and strong ones first
		return cmp.Or(cmp.Compare(len(b.f.t.players), len(a.f.t.players)), cmp.Compare(b.f.skill, a.f.skill), cmp.Compare(a.f.t.seq, b.f.t.seq))
	})
	b := &balancer{teams: teams, parties: parties, sums: make([]teamSum, len(teams)), totals: make([]int64, len(parties))}
	ways := 1
	for i, p := range parties {
		b.totals[i] = p.f.t.total()
		if ways <= maxExact {
			ways *= len(teams)
		}
	}
	if ways <= maxExact {
		b.best = -1
		b.teamB = make([]int, len(parties))
		b.exact(0)
		for i := range parties {
			parties[i].team = b.teamB[i]
		}
		return
	}
	b.greedy()
	b.swaps()
}

// exact tries every way to put the parties from i on into teams with room.
func (b *balancer) exact(i int) {
	if i == len(b.parties) {
		if u := uneven(b.sums); b.best < 0 || u < b.best {
			b.best = u
			for j, p := range b.parties {
				b.teamB[j] = p.team
			}
		}
		return
	}
	size := len(b.parties[i].f.t.players)
	for team := range b.teams {
		if b.sums[team].players+size > b.teams[team] || b.best == 0 || b.twin(team) {
			continue
		}
		b.parties[i].team = team
		b.sums[team].add(size, b.totals[i])
		b.exact(i + 1)
		b.sums[team].add(-size, -b.totals[i])
	}
}

// twin says whether an empty team of the same size comes before an empty one: to try both is to try the same twice.
func (b *balancer) twin(team int) bool {
	if b.sums[team].players > 0 {
		return false
	}
	for i := range team {
		if b.sums[i].players == 0 && b.teams[i] == b.teams[team] {
			return true
		}
	}
	return false
}

// greedy deals the parties anew: each team keeps how many it has of a size, the strongest goes where the sum lags most behind.
func (b *balancer) greedy() {
	slots := make([][MaxParty + 1]int, len(b.teams))
	for _, p := range b.parties {
		slots[p.team][len(p.f.t.players)]++
	}
	mean := teamSum{}
	for i, p := range b.parties {
		mean.add(len(p.f.t.players), b.totals[i])
	}
	for i := range b.parties {
		size, to, most := len(b.parties[i].f.t.players), -1, 0.0
		for team := range b.teams {
			if slots[team][size] == 0 {
				continue
			}
			lag := float64(mean.mean()*float64(b.teams[team])) - float64(b.sums[team].skill)
			if to < 0 || lag > most {
				to, most = team, lag
			}
		}
		slots[to][size]--
		b.parties[i].team = to
		b.sums[to].add(size, b.totals[i])
	}
}

// maxSwaps bounds the exchanges for one match; a few suffice, since each is the best there is.
const maxSwaps = 64

// swaps exchanges parties of two teams while that brings the teams nearer: one for one, or one for two.
func (b *balancer) swaps() {
	for range maxSwaps {
		b.middle = 0
		for _, s := range b.sums {
			b.middle += s.mean() / float64(len(b.sums))
		}
		if !b.swapOne() && !b.swapTwo() {
			return
		}
	}
}

// gain is by how much an exchange of skill between two teams lowers the sum of squares of the teams' means; the players in
// each stay as many.
func (b *balancer) gain(from, to int, skill int64) float64 {
	square := func(s teamSum) float64 { d := s.mean() - b.middle; return d * d }
	x, y := b.sums[from], b.sums[to]
	before := square(x) + square(y)
	x.skill -= skill
	y.skill += skill
	return before - square(x) - square(y)
}

// swapOne makes the best exchange of two parties of one size.
func (b *balancer) swapOne() bool {
	best, bi, bj := 1e-6, -1, -1
	for i, p := range b.parties {
		for j := i + 1; j < len(b.parties); j++ {
			o := b.parties[j]
			if o.team == p.team || len(o.f.t.players) != len(p.f.t.players) {
				continue
			}
			if g := b.gain(p.team, o.team, b.totals[i]-b.totals[j]); g > best {
				best, bi, bj = g, i, j
			}
		}
	}
	if bi < 0 {
		return false
	}
	b.exchange(bi, bj)
	return true
}

// swapTwo makes the first exchange that helps of a party for two of another team that are as many.
func (b *balancer) swapTwo() bool {
	for i, p := range b.parties {
		for j, x := range b.parties {
			if x.team == p.team || len(x.f.t.players) >= len(p.f.t.players) {
				continue
			}
			for k := j + 1; k < len(b.parties); k++ {
				y := b.parties[k]
				if y.team != x.team || len(x.f.t.players)+len(y.f.t.players) != len(p.f.t.players) {
					continue
				}
				if b.gain(p.team, x.team, b.totals[i]-b.totals[j]-b.totals[k]) > 1e-6 {
					b.exchange(i, j, k)
					return true
				}
			}
		}
	}
	return false
}

// exchange moves a party into the team of the others, and those into its.
func (b *balancer) exchange(one int, others ...int) {
	from, to := b.parties[one].team, b.parties[others[0]].team
	move := func(i, team int) {
		size := len(b.parties[i].f.t.players)
		b.sums[b.parties[i].team].add(-size, -b.totals[i])
		b.sums[team].add(size, b.totals[i])
		b.parties[i].team = team
	}
	move(one, to)
	for _, i := range others {
		move(i, from)
	}
}
