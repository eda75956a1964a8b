package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// demoReport is what overtime demo prints.
type demoReport struct {
	Nodes          int     `json:"nodes"`
	Matches        int     `json:"matches"`
	Players        int     `json:"players"`
	Fault          string  `json:"fault"`
	FaultedNode    string  `json:"faulted_node"`
	Affected       int     `json:"affected_players"`
	Gap            demoGap `json:"gap_ms"` // of each affected player: last frame of the owner that was hit to the first of the next
	MatchesLost    int     `json:"matches_lost"`
	InputsLost     int     `json:"inputs_lost"`
	TwoOwners      int     `json:"epochs_with_two_owners"`
	Rollbacks      int     `json:"rollbacks"`
	HashMismatches int     `json:"hash_mismatches"`
	OK             bool    `json:"ok"`
}

type demoGap struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// gapOf is how long a player was without a match: from the last frame of the owner at the time of the fault to the first of a later one. ok is
// false if there is none.
func gapOf(frames []bots.Seen, fault time.Duration) (gap time.Duration, ok bool) {
	i, _ := slices.BinarySearchFunc(frames, fault, func(f bots.Seen, at time.Duration) int {
		if f.At <= at {
			return -1
		}
		return 1
	})
	if i == 0 {
		return 0, false
	}
	for epoch := frames[i-1].Epoch; i < len(frames); i++ {
		if frames[i].Epoch > epoch {
			return frames[i].At - frames[i-1].At, true
		}
	}
	return 0, false
}

// quantiles sorts up to where shares of the values lie: the nearest rank.
func quantiles(ms []float64) (g demoGap) {
	if len(ms) == 0 {
		return g
	}
	slices.Sort(ms)
	at := func(share float64) float64 {
		return math.Round(10*ms[max(0, int(math.Ceil(share*float64(len(ms))))-1)]) / 10
	}
	return demoGap{at(0.5), at(0.99), at(1)}
}

// judge compares what the players saw with what the nodes recorded, and makes the report.
func (d *demonstration) judge(played *bots.Report) (*demoReport, error) {
	h := history{hz: uint32(games()[0].WithDefaults().Hz), over: d.over}
	for _, m := range d.before {
		h.matches = append(h.matches, m.ID)
	}
	for _, n := range d.nodes {
		list, err := readTenures(n.name, n.dir)
		if err != nil {
			return nil, foundError{err}
		}
		h.tenures = append(h.tenures, list...)
	}
	d.sights.All(func(x *bots.Sight, saw *bots.Saw) {
		h.sights = append(h.sights, sight{x.Match, saw.Player, saw.Others, saw.Frames})
	})
	v := h.check()
	gaps, affected := d.gaps(), d.affected()
	r := &demoReport{
		Nodes: 3, Matches: len(h.matches), Players: played.Players, Fault: d.cfg.fault, FaultedNode: d.victim.id, Affected: affected,
		Gap: quantiles(gaps), MatchesLost: v.lost, InputsLost: v.inputs + int(played.InputsLost), TwoOwners: v.owners, Rollbacks: v.rollbacks,
		HashMismatches: v.hashes + int(played.HashMismatches+played.DecodeErrors),
	}
	wrong := v.notes
	if n := affected - len(gaps); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of the affected players never saw the next owner", n))
	}
	if n := played.SeatsLost + played.JoinsFailed; n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d seats were lost, %d players did not get in", played.SeatsLost, played.JoinsFailed))
	}
	if played.InputsLost > 0 {
		wrong = append(wrong, fmt.Sprintf("%d inputs were never answered", played.InputsLost))
	}
	if n := played.HashMismatches + played.DecodeErrors; n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d frames did not lead to the server's state", n))
	}
	if len(h.matches) != d.cfg.matches {
		wrong = append(wrong, fmt.Sprintf("%d of %d matches were there when the fault happened", len(h.matches), d.cfg.matches))
	}
	r.OK = len(wrong) == 0 && affected > 0
	for _, w := range wrong {
		d.tell.line("WRONG: %s", w)
	}
	if r.OK {
		ticks := 0
		for i := range h.tenures {
			ticks += len(h.tenures[i].ticks)
		}
		d.tell.line("%d recorded ticks and %d checked frames agree: every match went on, with one owner at a time, nothing taken back and no input lost", ticks, played.HashChecks)
	}
	return r, nil
}

// print writes the report for people.
func (r *demoReport) print(w io.Writer) error {
	verdict := "every match outlived its server"
	if !r.OK {
		verdict = "SOMETHING IS WRONG"
	}
	_, err := fmt.Fprintf(w, `fault          %s of node %s, with %d of %d players
gap            p50 %.0f  p99 %.0f  max %.0f ms
matches lost   %d of %d
inputs lost    %d
two owners     %d epochs
rollbacks      %d
hash mismatch  %d
verdict        %s
`, r.Fault, r.FaultedNode, r.Affected, r.Players, r.Gap.P50, r.Gap.P99, r.Gap.Max, r.MatchesLost, r.Matches, r.InputsLost, r.TwoOwners, r.Rollbacks,
		r.HashMismatches, verdict)
	return err
}
