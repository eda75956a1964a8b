package matchmaker

import (
	"math"
	"time"
)

// facts are what the rules ask of a waiting ticket at one moment.
type facts struct {
	t      *ticket
	rank   int32 // by skill among the tickets of its group that wait; set by the index
	taken  bool  // matched in this cycle, or known to find nothing
	wait   time.Duration
	skill  int64
	window int64  // how far another may be away in skill
	known  uint64 // regions that it can use at any latency and where matches may be
	mask   uint64 // those at the latency that it accepts by now
}

// moment is what all tickets are judged by at one time.
type moment struct {
	now     int64
	rules   *QueueRules
	allowed uint64
	table   *regionTable
}

func (q *Queue) moment(now time.Time) moment {
	return moment{now.UnixNano(), &q.rules, q.allowed(), &q.regions}
}

// facts of a ticket at this moment.
func (m moment) facts(t *ticket) facts {
	wait := max(time.Duration(m.now-t.since), 0)
	f := facts{t: t, wait: wait, skill: t.skill, window: windowAt(m.rules.Skill, wait)}
	if t.open {
		f.known, f.mask = ^uint64(0), ^uint64(0)
		return f
	}
	bound := m.rules.Latency.At(wait)
	for _, l := range t.reach {
		bit := uint64(1) << l.region & m.allowed
		f.known |= bit
		if float64(l.ms) <= bound {
			f.mask |= bit
		}
	}
	return f
}

// windowAt is a skill window in thousandths.
func windowAt(w Window, wait time.Duration) int64 {
	v := w.At(wait)
	if v >= 4*MaxSkill {
		return math.MaxInt64
	}
	return thousandths(v)
}

// pair says which rule keeps two waiting tickets apart, RuleNone if they may play together.
func pair(a, b *facts) Rule {
	switch {
	case a.t.group != b.t.group:
		return a.t.group.differs(b.t.group)
	case a.mask&b.mask == 0:
		return apart(a.known & b.known)
	case abs(a.skill-b.skill) > max(a.window, b.window):
		return RuleSkill
	}
	return RuleNone
}

// apart names the reason why no region suits now, from the regions that would at any latency.
func apart(known uint64) Rule {
	if known == 0 {
		return RuleRegion
	}
	return RuleLatency
}

// differs says in which rule two groups of the same rules do.
func (g *group) differs(h *group) Rule {
	switch {
	case g.game != h.game:
		return RuleGame
	case g.shape.key() != h.shape.key():
		return RuleSize
	}
	for i := range g.values {
		if g.values[i] != h.values[i] {
			return RuleAttribute + Rule(g.equal[i])
		}
	}
	return RuleNone
}

// room says which rule keeps a ticket out of a running match, and the team it would get.
func (m moment) room(b *backfill, f *facts) (team int, why Rule) {
	switch {
	case b.group != f.t.group:
		return 0, f.t.group.differs(b.group)
	case b.bit != 0 && f.mask&b.bit == 0:
		return 0, apart(f.known & b.bit)
	case abs(f.skill-b.skill) > f.window:
		return 0, RuleSkill
	}
	team = -1
	for i, free := range b.left {
		if free >= len(f.t.players) && (team < 0 || free > b.left[team]) {
			team = i
		}
	}
	if team < 0 {
		return 0, RuleSeats
	}
	return team, RuleNone
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
