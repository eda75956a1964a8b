package matchmaker

import (
	"cmp"
	"slices"
)

// party is a ticket in a team.
type party struct {
	f    *facts
	team int
}

// found is a match that can be made.
type found struct {
	region  string
	spread  int64
	parties []party // by arrival
}

// smallest is the number of players with which a match may be made around a seed by now.
func (s *search) smallest(seed *facts) int {
	r, full := s.m.rules, s.shape.size()
	if r.MinPlayers == 0 || r.MinPlayers >= full || seed.wait < r.ShortAfter {
		return full
	}
	return max(r.MinPlayers, len(s.shape))
}

// around returns the match with the most players, in the best region and with the smallest skill spread that can be made
// around a ticket: a full one if there is any, else, for one that waits for long, a short one.
func (s *search) around(seed *facts) (found, bool) {
	for n := s.shape.size(); n >= s.smallest(seed); n-- {
		if m, ok := s.inRegions(seed, n); ok {
			return m, true
		}
	}
	return found{}, false
}

// inRegions tries a seed's regions, its nearest first. To a seed that named none all are the same: it gets the tightest match.
func (s *search) inRegions(seed *facts, n int) (best found, ok bool) {
	if !seed.t.open {
		for _, l := range seed.t.reach {
			if seed.mask&(1<<l.region) != 0 {
				if m, ok := s.inRegion(seed, int(l.region), n); ok {
					return m, true
				}
			}
		}
		return found{}, false
	}
	if s.union == 0 {
		return s.inRegion(seed, anywhere, n)
	}
	for _, region := range s.byName {
		if m, yes := s.inRegion(seed, region, n); yes && (!ok || m.spread < best.spread) {
			best, ok = m, true
		}
	}
	return best, ok
}

// inRegion looks for n players in one region: among all stretches of skill that hold the seed, are within its window and can
// be packed into the teams, the shortest.
func (s *search) inRegion(seed *facts, region, n int) (found, bool) {
	teams := s.shape.shrink(n)
	size := len(seed.t.players)
	if size > teams.largest() || s.gather(seed, region, n-size)+size < n {
		return found{}, false
	}
	s.pack.begin(teams, size)
	if !s.pack.fits(s.pool) {
		return found{}, false
	}
	s.pool = append(s.pool, seed)
	slices.SortFunc(s.pool, func(a, b *facts) int { return cmp.Compare(a.rank, b.rank) })
	from, to, ok := s.tightest(seed)
	if !ok {
		return found{}, false
	}
	return s.seat(seed, teams, s.pool[from:to+1]), true
}

// tightest returns the first and last place of the pool between which a match is that spreads least, within the seed's window. Both ends only move up:
// what can be packed can still be packed with more to choose from.
func (s *search) tightest(seed *facts) (from, to int, ok bool) {
	at, _ := slices.BinarySearchFunc(s.pool, seed.rank, func(f *facts, rank int32) int { return cmp.Compare(f.rank, rank) })
	s.pack.clear()
	hi := -1
	grow := func() {
		if hi++; hi != at {
			s.pack.add(len(s.pool[hi].t.players), 1)
		}
	}
	best := int64(0)
	for lo := 0; lo <= at; lo++ {
		for hi < at {
			grow()
		}
		limit := s.pool[lo].skill + min(seed.window, 8*MaxSkill*1000)
		for !s.pack.can() && hi+1 < len(s.pool) && s.pool[hi+1].skill <= limit {
			grow()
		}
		if spread := s.pool[hi].skill - s.pool[lo].skill; s.pack.can() && (!ok || spread < best) {
			from, to, best, ok = lo, hi, spread, true
		}
		if lo != at {
			s.pack.add(len(s.pool[lo].t.players), -1)
		}
	}
	return from, to, ok
}

// seat takes of each size that the packing needs the oldest tickets, and balances the teams.
func (s *search) seat(seed *facts, teams shape, among []*facts) found {
	s.pack.begin(teams, len(seed.t.players))
	s.pack.fits(without(among, seed))
	slots := s.pack.slots() // size of each party by team
	byAge := slices.Clone(among)
	slices.SortFunc(byAge, func(a, b *facts) int {
		if a == seed || b == seed {
			return cmp.Compare(boolInt(b == seed), boolInt(a == seed))
		}
		return cmp.Compare(a.t.seq, b.t.seq)
	})
	var parties []party
	for team, sizes := range slots {
		for _, size := range sizes {
			i := slices.IndexFunc(byAge, func(f *facts) bool { return f != nil && len(f.t.players) == size })
			parties = append(parties, party{byAge[i], team})
			byAge[i] = nil
		}
	}
	balance(teams, parties)
	slices.SortFunc(parties, func(a, b party) int { return cmp.Compare(a.f.t.seq, b.f.t.seq) })
	return s.describe(parties)
}

// describe adds where a match is: in the region in which the slowest of it is fastest.
func (s *search) describe(parties []party) found {
	out := found{parties: parties}
	low, high, mask, named := parties[0].f.skill, parties[0].f.skill, ^uint64(0), false
	for _, p := range parties {
		low, high = min(low, p.f.skill), max(high, p.f.skill)
		mask &= p.f.mask
		named = named || !p.f.t.open
	}
	out.spread = high - low
	if !named {
		return out
	}
	best := -1
	eachBit(mask, func(region int) bool {
		worst, name := 0, s.m.table.names[region]
		for _, p := range parties {
			worst = max(worst, p.f.t.to(region))
		}
		if best < 0 || worst < best || worst == best && name < out.region {
			best, out.region = worst, name
		}
		return true
	})
	return out
}

// to returns a ticket's latency to a region; 0 if it named none.
func (t *ticket) to(region int) int {
	for _, l := range t.reach {
		if int(l.region) == region {
			return int(l.ms)
		}
	}
	return 0
}

func without(list []*facts, f *facts) []*facts {
	return slices.DeleteFunc(slices.Clone(list), func(g *facts) bool { return g == f })
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
