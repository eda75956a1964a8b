package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// siegeReport is what a siege showed.
type siegeReport struct {
	strikes []*struck
	lost    int // matches that nobody could save, and that were reported as lost
	checks  uint64
	ticks   int // recorded
	skipped int // ticks that no journal has between one owner's and the next one's
	played  bots.Report
	wrong   []string // what must not happen
	slow    []string // whose gap was longer than it may be
}

// struck is one strike as its players saw it.
type struck struct {
	*strike
	gaps map[part][]float64 // longest gap of each player that began within a second, in ms, by what was hit of his match
}

// judge compares what was seen with what was recorded.
func (s *siege) judge(played *bots.Report) (*siegeReport, error) {
	r := &siegeReport{lost: len(s.lost), checks: played.HashChecks, played: *played}
	h := history{hz: uint32(games()[0].WithDefaults().Hz)}
	for _, n := range s.nodes {
		list, err := readTenures(n.name, n.dir)
		if err != nil {
			return nil, err
		}
		h.tenures = append(h.tenures, list...)
	}
	s.sights.All(func(x *bots.Sight, saw *bots.Saw) {
		h.sights = append(h.sights, sight{x.Match, saw.Player, saw.Others, saw.Frames})
		if saw.Missed > 0 {
			r.wrong = append(r.wrong, "there was no room for all frames")
		}
	})
	for _, m := range s.before {
		h.matches, h.over = []string{m.ID}, s.over
		if at := s.lost[m.ID]; at > 0 {
			h.over = at
		}
		v := h.check()
		r.wrong = append(r.wrong, v.notes...)
	}
	for i := range h.tenures {
		r.ticks += len(h.tenures[i].ticks)
	}
	r.skipped = h.skipped()
	for _, k := range s.strikes {
		r.strikes = append(r.strikes, s.gapsOf(k, h.sights, r))
	}
	r.blame(s, played)
	return r, nil
}

// blame adds what the bots themselves found.
func (r *siegeReport) blame(s *siege, played *bots.Report) {
	if n, most := played.SeatsLost, uint64(len(s.lost)*s.cfg.players); n > most {
		r.wrong = append(r.wrong, fmt.Sprintf("%d seats were lost, at most %d were in matches that nobody could save", n, most))
	}
	if n := played.HashMismatches + played.DecodeErrors; n > 0 {
		r.wrong = append(r.wrong, fmt.Sprintf("%d frames did not lead to the server's state", n))
	}
	if played.InputsLost > 0 && len(s.lost) == 0 {
		r.wrong = append(r.wrong, fmt.Sprintf("%d inputs were never answered", played.InputsLost))
	}
	if played.JoinsFailed > 0 {
		r.wrong = append(r.wrong, fmt.Sprintf("%d players did not get in", played.JoinsFailed))
	}
	for code, n := range played.Closes {
		// A 4004 that the player doubts, and rightly, is no loss: a node that is new does not know every match yet.
		if code == 4001 || code == 4002 || code == 4007 || code == 4000 && len(s.lost) == 0 {
			r.wrong = append(r.wrong, fmt.Sprintf("%d connections were closed with %d", n, code))
		}
	}
}

// skipped counts ticks that a new owner goes on after, and that the owner before, who was there to the end, did not have.
func (h *history) skipped() (n int) {
	byMatch := map[string][]*tenure{}
	for i := range h.tenures {
		t := &h.tenures[i]
		byMatch[t.match] = append(byMatch[t.match], t)
	}
	for _, list := range byMatch {
		slices.SortFunc(list, func(a, b *tenure) int { return int(a.epoch) - int(b.epoch) })
		for i, t := range list[1:] {
			if p := list[i]; p.whole && t.base.tick > p.last() {
				n += int(t.base.tick - p.last())
			}
		}
	}
	return n
}

// gapsOf finds how long the players of the hit matches saw nothing.
func (s *siege) gapsOf(k *strike, sights []sight, r *siegeReport) *struck {
	x := &struck{strike: k, gaps: map[part][]float64{}}
	within := min(time.Second, k.until-k.at)
	if k.fault == "restart" { // it leaves when it has moved all matches
		within = k.until - k.at
	}
	for i := range sights {
		is := k.hit[sights[i].match]
		if is == 0 || k.doomed[sights[i].match] || s.lost[sights[i].match] > 0 {
			continue
		}
		if gap, ok := longest(sights[i].frames, k.at, k.at+within); ok {
			ms := float64(gap) / float64(time.Millisecond)
			x.gaps[is] = append(x.gaps[is], ms)
			if _, most := k.goal(is); most > 0 && ms > most && len(r.slow) < 10 {
				r.slow = append(r.slow, fmt.Sprintf("%v at %s: player %d of %s saw nothing for %.0f ms", k.cell,
					s.sights.Began().Add(k.at).UTC().Format("15:04:05.000"), sights[i].player, sights[i].match, ms))
			}
		}
	}
	return x
}

// longest is the longest time between two frames in a row, of which one came after from and one before to.
func longest(frames []bots.Seen, from, to time.Duration) (gap time.Duration, ok bool) {
	for i := 1; i < len(frames); i++ {
		if frames[i].At >= from && frames[i-1].At <= to {
			gap, ok = max(gap, frames[i].At-frames[i-1].At), true
		}
	}
	return gap, ok
}

// tally is what is known of one cell.
type tally struct {
	runs, lost, failed int
	gaps               map[part][]float64
	took               []float64 // ms
}

// tallies are the results of all sieges.
type tallies map[cell]*tally

// add counts a siege.
func (t tallies) add(r *siegeReport) {
	for _, k := range r.strikes {
		x := t[k.cell]
		if x == nil {
			x = &tally{gaps: map[part][]float64{}}
			t[k.cell] = x
		}
		x.runs++
		x.lost += len(k.doomed)
		x.took = append(x.took, float64(k.took.Milliseconds()))
		for is, gaps := range k.gaps {
			x.gaps[is] = append(x.gaps[is], gaps...)
		}
		if len(r.wrong) > 0 {
			x.failed++
		}
	}
}

// goal is how long players may see nothing, in ms: 99 % of them, and all; by what was hit of their match. Zero: nothing was promised.
func (c cell) goal(is part) (p99, most float64) {
	switch {
	case is&partOwner == 0 || is.count() > 1 && !c.dead():
		return 0, 0
	case c.fault == "kill":
		return 250, 1000
	case c.fault == "restart":
		return 250, 0
	}
	return 1200, 2000
}

// print writes a table.
func (t tallies) print(say func(string, ...any)) {
	say("%-24s %5s %5s %5s  %-15s %26s   %s", "fault", "runs", "wrong", "lost", "of the match", "gap ms p50/p99/max", "protected again ms p50/p99/max")
	for _, c := range faultCells() {
		x := t[c]
		if x == nil {
			continue
		}
		took := quantiles(x.took)
		for i, is := range slices.Sorted(maps.Keys(x.gaps)) {
			g := quantiles(x.gaps[is])
			over := ""
			if p99, most := c.goal(is); p99 > 0 && g.P99 > p99 || most > 0 && g.Max > most {
				over = fmt.Sprintf("  over the goal of %.0f/%.0f", p99, most)
			}
			head := fmt.Sprintf("%-24s %5d %5d %5d", c, x.runs, x.failed, x.lost)
			tail := fmt.Sprintf("%6.0f /%6.0f /%6.0f", took.P50, took.P99, took.Max)
			if i > 0 {
				head, tail = fmt.Sprintf("%42s", ""), ""
			}
			say("%s  %-15s %8.0f /%6.0f /%6.0f   %s%s", head, cell{"", is}.String()[1:], g.P50, g.P99, g.Max, tail, over)
		}
	}
}
