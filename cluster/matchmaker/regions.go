package matchmaker

import (
	"fmt"
	"math/bits"
	"slices"
)

// regionTable gives the regions that live tickets and backfills name a bit each. The zero value is empty.
type regionTable struct {
	names []string // "" where a bit is free
	uses  []int
}

// find returns the bit of a region, -1 if it has none.
func (r *regionTable) find(name string) int {
	if name == "" {
		return -1
	}
	return slices.Index(r.names, name)
}

// take counts a use of a region; false when all bits are taken.
func (r *regionTable) take(name string) (int, bool) {
	i := r.find(name)
	if i < 0 {
		if i = slices.Index(r.names, ""); i < 0 {
			if len(r.names) == MaxRegions {
				return 0, false
			}
			i = len(r.names)
			r.names, r.uses = append(r.names, ""), append(r.uses, 0)
		}
		r.names[i] = name
	}
	r.uses[i]++
	return i, true
}

func (r *regionTable) free(i int) {
	if r.uses[i]--; r.uses[i] == 0 {
		r.names[i] = ""
	}
}

// reach works out which regions a party can use, and what its slowest player has there.
func (r *regionTable) reach(t *ticket, players []Player) error {
	worst := make(map[string]int)
	t.open = true
	for _, p := range players {
		if len(p.Latency) == 0 {
			continue
		}
		if t.open {
			t.open = false
			for name, ms := range p.Latency {
				worst[name] = ms
			}
			continue
		}
		for name := range worst {
			if ms, ok := p.Latency[name]; ok {
				worst[name] = max(worst[name], ms)
			} else {
				delete(worst, name)
			}
		}
	}
	if !t.open && len(worst) == 0 {
		return fmt.Errorf("%w: its players have no region in common", ErrInvalid)
	}
	names := make([]string, 0, len(worst))
	for name := range worst {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i, ok := r.take(name)
		if !ok {
			r.leave(t)
			return fmt.Errorf("%w: the queue's tickets name more than %d regions", ErrInvalid, MaxRegions)
		}
		t.reach = append(t.reach, latency{uint8(i), uint16(worst[name])})
	}
	// Nearest first, and by name where two are as near: the order in which regions are tried.
	slices.SortStableFunc(t.reach, func(a, b latency) int { return int(a.ms) - int(b.ms) })
	return nil
}

// leave frees the regions of a ticket that becomes final.
func (r *regionTable) leave(t *ticket) {
	for _, l := range t.reach {
		r.free(int(l.region))
	}
	t.reach = nil
}

// allowed returns the regions where matches may be made: those of the rules that have nodes.
func (q *Queue) allowed() uint64 {
	var m uint64
	for i, name := range q.regions.names {
		if name != "" && (len(q.rules.Regions) == 0 || slices.Contains(q.rules.Regions, name)) &&
			(q.home == nil || slices.Contains(q.home, name)) {
			m |= 1 << i
		}
	}
	return m
}

// eachBit calls f with the number of every bit of m, ascending, until f returns false.
func eachBit(m uint64, f func(int) bool) {
	for ; m != 0; m &= m - 1 {
		if !f(bits.TrailingZeros64(m)) {
			return
		}
	}
}
