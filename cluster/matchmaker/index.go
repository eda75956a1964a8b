package matchmaker

import (
	"cmp"
	"math/bits"
	"slices"
)

// search finds matches among the waiting tickets of one group at one moment.
type search struct {
	m       moment
	shape   shape
	arrival []*facts // oldest first

	sorted  []*facts // by skill; facts.rank is the place in it
	union   uint64   // regions that any ticket with latencies can use now
	byName  []int    // the same; by name, since a copy of the queue may number them otherwise
	regions [MaxRegions + 1][]list
	pack    packer
	pool    []*facts // scratch of around
}

// anywhere is the number of the lists of tickets that named no region, used when nobody did.
const anywhere = MaxRegions

// list holds the tickets of one party size that can use one region, by rank. prev and next skip those that are taken; they
// are shortened as they are walked, so that a walk costs next to nothing however many are gone.
type list struct {
	size       int
	rank       []int32
	prev, next []int32
}

// index sorts the tickets into their lists.
func (s *search) index() {
	s.sorted = slices.Clone(s.arrival)
	slices.SortFunc(s.sorted, bySkill)
	for _, f := range s.arrival {
		if !f.t.open {
			s.union |= f.mask
		}
	}
	eachBit(s.union, func(region int) bool {
		s.byName = append(s.byName, region)
		return true
	})
	slices.SortFunc(s.byName, func(a, b int) int { return cmp.Compare(s.m.table.names[a], s.m.table.names[b]) })
	for i, f := range s.sorted {
		f.rank = int32(i)
		if s.union == 0 {
			if f.t.open {
				s.put(anywhere, f)
			}
			continue
		}
		for m := f.mask & s.union; m != 0; m &= m - 1 {
			s.put(bits.TrailingZeros64(m), f)
		}
	}
}

func (s *search) put(region int, f *facts) {
	lists, size := s.regions[region], len(f.t.players)
	i := slices.IndexFunc(lists, func(l list) bool { return l.size == size })
	if i < 0 {
		i = len(lists)
		lists = append(lists, list{size: size})
		s.regions[region] = lists
	}
	l := &lists[i]
	at := int32(len(l.rank))
	l.rank, l.prev, l.next = append(l.rank, f.rank), append(l.prev, at-1), append(l.next, at+1)
}

// left returns the last place up to i whose ticket is free, -1 if there is none.
func (s *search) left(l *list, i int32) int32 {
	for i >= 0 && s.sorted[l.rank[i]].taken {
		j := l.prev[i]
		if j >= 0 && s.sorted[l.rank[j]].taken {
			l.prev[i] = l.prev[j]
		}
		i = j
	}
	return i
}

// right returns the first place from i on whose ticket is free, len(l.rank) if there is none.
func (s *search) right(l *list, i int32) int32 {
	end := int32(len(l.rank))
	for i < end && s.sorted[l.rank[i]].taken {
		j := l.next[i]
		if j < end && s.sorted[l.rank[j]].taken {
			l.next[i] = l.next[j]
		}
		i = j
	}
	return i
}

// gather fills the pool with the tickets that may play with a seed in a region: of each size the nearest on both sides, as
// many as a match could use. More would change nothing: a match with one that is further away could have a nearer one of its
// size instead. It returns how many players they are.
func (s *search) gather(seed *facts, region, need int) int {
	s.pool = s.pool[:0]
	players := 0
	for i := range s.regions[region] {
		l := &s.regions[region][i]
		most := need / l.size
		if most == 0 {
			continue
		}
		before := len(s.pool)
		at, _ := slices.BinarySearch(l.rank, seed.rank)
		for j, n := s.left(l, int32(at)-1), 0; j >= 0 && n < most; j, n = s.left(l, j-1), n+1 {
			if !s.take(seed, l.rank[j]) {
				break
			}
		}
		for j, n := s.right(l, int32(at)), 0; int(j) < len(l.rank) && n < most; j = s.right(l, j+1) {
			if s.sorted[l.rank[j]] == seed {
				continue
			}
			if !s.take(seed, l.rank[j]) {
				break
			}
			n++
		}
		players += l.size * (len(s.pool) - before)
	}
	return players
}

// take adds a ticket to the pool unless the rules keep it apart from the seed: all in the list share a region and a group, so
// it can only be its skill, and then those behind it are further away.
func (s *search) take(seed *facts, rank int32) bool {
	f := s.sorted[rank]
	if pair(seed, f) != RuleNone || abs(seed.skill-f.skill) > seed.window {
		return false
	}
	s.pool = append(s.pool, f)
	return true
}
