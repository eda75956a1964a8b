package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/game/loop"
)

// askMatches asks a node for its running matches with an id above After.
type askMatches struct {
	After string `json:"after"`
	Limit int    `json:"limit"`
}

type gotMatches struct {
	Matches []admin.Match `json:"matches"` // ascending, at most Limit + 1
}

func (n *Node) giveMatches(_ context.Context, _ string, in askMatches) (got gotMatches, err error) {
	all := slices.DeleteFunc(n.matches.all(), func(h *hosted) bool { return h.match.ID() <= in.After })
	slices.SortFunc(all, func(a, b *hosted) int { return strings.Compare(a.match.ID(), b.match.ID()) })
	for _, h := range all[:min(len(all), max(0, in.Limit)+1)] {
		got.Matches = append(got.Matches, n.describe(h))
	}
	return got, nil
}

// Matches implements admin.Node.
func (o operator) Matches(ctx context.Context, after string, limit int) (list []admin.Match, more bool, silent []string) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	nodes := append(o.others(), o.id)
	lists := make([]gotMatches, len(nodes))
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() {
			lists[i], errs[i] = ask[gotMatches](ctx, o.Node, node, "matches", askMatches{after, limit})
		})
	}
	all.Wait()
	for i := range nodes {
		list = append(list, lists[i].Matches...)
		if errs[i] != nil {
			silent = append(silent, nodes[i])
		}
	}
	slices.SortFunc(list, func(a, b admin.Match) int { return strings.Compare(a.ID, b.ID) })
	if more = len(list) > limit; more {
		list = list[:limit]
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
