package cluster

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/game/loop"
)

type gotMatches struct {
	Matches []admin.Match `json:"matches"` // ascending, at most one more than was asked for
}

func (n *Node) giveMatches(_ context.Context, _ string, in admin.MatchQuery) (got gotMatches, err error) {
	all := slices.DeleteFunc(n.matches.all(), func(h *hosted) bool { return h.match.ID() <= in.After })
	slices.SortFunc(all, func(a, b *hosted) int { return strings.Compare(a.match.ID(), b.match.ID()) })
	for _, h := range all {
		if len(got.Matches) > max(0, in.Limit) {
			break
		}
		if m := n.describe(h); in.Takes(&m) {
			got.Matches = append(got.Matches, m)
		}
	}
	return got, nil
}

// Matches implements admin.Node.
func (o operator) Matches(ctx context.Context, q admin.MatchQuery) (list []admin.Match, more bool, silent []string) {
	list, silent = askAllNodes(ctx, o.Node, "matches", q, func(g gotMatches) []admin.Match { return g.Matches })
	byID := func(a, b admin.Match) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(list, byID)
	list = slices.CompactFunc(list, func(a, b admin.Match) bool { return a.ID == b.ID }) // one that is on its way may be on two nodes
	if more = len(list) > q.Limit; more {
		list = list[:q.Limit]
	}
	return list, more, silent
}

// Nodes implements admin.Node.
func (o operator) Nodes() (list []admin.NodeInfo) {
	for _, x := range o.nodes() {
		if x.State != member.Alive && time.Since(x.Since) > showGone {
			continue
		}
		i := admin.NodeInfo{
			ID: x.ID, State: nodeState(x), Region: x.Meta.Region, URL: x.Meta.URL, Version: x.Meta.Build,
			Matches: x.Load.Matches, Players: x.Load.Players,
		}
		if all := x.Load.Matches + x.Load.FreeMatches; all > 0 {
			i.Load = float64(x.Load.Matches) / float64(all)
		}
		if all := x.Load.Players + x.Load.FreePlayers; all > 0 {
			i.Load = max(i.Load, float64(x.Load.Players)/float64(all))
		}
		if x.ID == o.id && i.URL == "" && !o.cfg.Proxy {
			i.URL = o.PlayerURL("")
		}
		list = append(list, i)
	}
	return list
}

// showGone is how long a node that is gone stays in the list.
const showGone = 20 * time.Second

func nodeState(x member.Node) string {
	switch {
	case x.State != member.Alive:
		return x.State.String()
	case x.Load.Draining:
		return "draining"
	}
	return "ready"
}

// load is how busy this node is.
func (n *Node) load() member.Load {
	l := member.Load{Draining: n.isStopping()}
	for _, h := range n.matches.all() {
		l.Matches++
		l.Players += h.match.Info().Taken
	}
	l.FreeMatches = max(0, n.maxMatches()-l.Matches)
	l.FreePlayers = max(0, n.maxPlayers()-l.Players)
	l.TickP99 = time.Duration(n.tickP99.Load())
	return l
}

func (n *Node) maxMatches() int { return orDefault(n.cfg.MaxMatches, 1000) }
func (n *Node) maxPlayers() int { return orDefault(n.cfg.MaxPlayers, 20000) }

func orDefault(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}

// tickTimes computes how long ticks took lately from the counters of all games. It belongs to tend.
type tickTimes struct {
	before [len(loop.Buckets) + 1]uint64
}

// p99 returns the bound of the bucket below which 99 of 100 ticks since the last call were; 0 if there were none.
func (t *tickTimes) p99(games map[string]*loop.Stats) time.Duration {
	var now [len(loop.Buckets) + 1]uint64
	for _, s := range games {
		counts, _ := s.Duration.Read()
		for i, c := range counts {
			now[i] += c
		}
	}
	total := uint64(0)
	for i := range now {
		total += now[i] - t.before[i]
	}
	rest := total - total/100 // how many are below
	defer func() { t.before = now }()
	for i := range loop.Buckets {
		if c := now[i] - t.before[i]; c < rest {
			rest -= c
			continue
		}
		if total == 0 {
			return 0
		}
		return loop.Buckets[i]
	}
	return 2 * loop.Buckets[len(loop.Buckets)-1]
}
