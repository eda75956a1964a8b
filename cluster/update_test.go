package cluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// update is a cluster whose nodes are replaced one by one.
type update struct {
	t       *testing.T
	nodes   atomic.Pointer[[]*Node]
	secret  string
	record  string
	players map[string][]*updatePlayer // by match
}

func (u *update) now() []*Node { return *u.nodes.Load() }

// start starts a cluster of three nodes with a version of the game, and matches with two players each.
func startUpdate(t *testing.T, version uint32, matches int) *update {
	t.Helper()
	u := &update{t: t, record: t.TempDir(), players: map[string][]*updatePlayer{}}
	nodes := startCluster(t, 3, func(_ int, c *Config) {
		c.Games, c.Record, u.secret = []game.Def{updatedTag(version)}, u.record, c.SecretFile
	})
	u.nodes.Store(&nodes)
	for i := range matches {
		a := insist(t, "POST", nodes[i%3].AdminURL()+"/v1/matches", `{"game":"tag"}`)
		id := a.field(t, "match_id")
		for k := range 2 {
			url, token := seatToken(t, nodes[k], id, fmt.Sprint("p", k))
			u.players[id] = append(u.players[id], enterUpdate(t, id, url, token, u.now))
		}
	}
	u.settle("at the start")
	return u
}

// settle waits until every match is protected and all its players see it.
func (u *update) settle(when string) {
	u.t.Helper()
	for id, players := range u.players {
		eventually(u.t, "match "+id+" is protected "+when, func() bool { return ownerOf(u.now(), id) != nil && show(u.t, u.now()[0], id).Protected })
		at := show(u.t, u.now()[0], id).Tick
		for _, p := range players {
			eventually(u.t, "players go on "+when, func() bool { return p.seen() > at+10 })
		}
	}
}

// replace stops the oldest node and starts one with a version of the game.
func (u *update) replace(version uint32) {
	u.t.Helper()
	old := u.now()
	stopped := old[0]
	rest := slices.Clone(old[1:])
	u.nodes.Store(&rest)
	stopNode(u.t, stopped)
	next := startNode(u.t, func(c *Config) {
		c.Gossip, c.SecretFile, c.Record = "127.0.0.1:0", u.secret, u.record
		c.Games = []game.Def{updatedTag(version)}
		for _, n := range rest {
			c.Join = append(c.Join, n.members.Addr())
		}
	})
	nodes := append(rest, next)
	eventually(u.t, "the new node is known", func() bool {
		return !slices.ContainsFunc(nodes, func(n *Node) bool { return len(n.others()) != 2 })
	})
	u.nodes.Store(&nodes)
}

// judge ends the game and compares what the players sent and saw with what came of it.
func (u *update) judge(version uint32) {
	u.t.Helper()
	var longest time.Duration
	for id, players := range u.players {
		for _, p := range players {
			eventually(u.t, "all commands are echoed, all samples answered", p.quiet)
		}
		var m admin.Match
		eventually(u.t, "all players are there", func() bool { m = show(u.t, u.now()[0], id); return m.Online == 2 })
		undisturbed(u.t, u.now(), id, func(owner *Node) error {
			if h := owner.matches.get(id).match.Header(); h.Version != version || m.Round != 1 {
				return fmt.Errorf("match %s: version %d, %+v", id, h.Version, m)
			}
			return nil
		})
		owners := map[uint32]string{}
		for _, p := range players {
			eventually(u.t, "all commands count", func() bool { return scored(show(u.t, u.now()[0], id), p) })
			p.stop()
			u.judgePlayer(p, owners)
			longest = max(longest, p.gap)
		}
		finish(u.t, "DELETE", u.now()[0].AdminURL()+"/v1/matches/"+id, "", 204)
		eventually(u.t, "the match is nowhere any more", func() bool { return ownerOf(u.now(), id) == nil })
		u.judgeRecordings(id)
	}
	u.t.Logf("longest gap between frames: %v", longest)
}

func (u *update) judgePlayer(p *updatePlayer, owners map[uint32]string) {
	u.t.Helper()
	for _, w := range p.wrong {
		u.t.Error(w)
	}
	for epoch, node := range p.owners {
		if was := owners[epoch]; was != "" && was != node {
			u.t.Errorf("match %s: epoch %d of %s and of %s", p.match, epoch, was, node)
		}
		owners[epoch] = node
	}
	s := p.client.Stats()
	if s.Abandoned+s.HashMismatches+s.DecodeErrors != 0 || s.HashChecks == 0 {
		u.t.Errorf("player %d of %s: %+v", p.number, p.match, s)
	}
	if got := s.Applied + s.Merged + s.Late + s.Refused; got != s.Answered {
		u.t.Errorf("player %d of %s: %d samples answered, %d by name", p.number, p.match, s.Answered, got)
	}
}

// scored says whether a match has counted all of a player's commands. What the API shows of it is up to a second old.
func scored(m admin.Match, p *updatePlayer) bool {
	p.mu.Lock() // he may be welcomed once more meanwhile
	defer p.mu.Unlock()
	return slices.ContainsFunc(m.Scores, func(s loop.PlayerScore) bool { return s.Player == p.number && int(s.Points) == p.given })
}

// judgeRecordings replays every recording of a match under the rules that it was made with, and checks that together they hold every
// tick.
func (u *update) judgeRecordings(id string) {
	u.t.Helper()
	files, _ := filepath.Glob(filepath.Join(u.record, id+"*"))
	var all []*ReplayReport
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			u.t.Fatal(err)
		}
		r, err := journal.NewReader(bytes.NewReader(b))
		if err != nil {
			u.t.Fatal(err)
		}
		report, err := Replay(u.t.Context(), bytes.NewReader(b), []game.Def{updatedTag(r.Header().Version)})
		if err != nil || !report.OK {
			u.t.Fatalf("%s: %+v, %v", name, report, err)
		}
		all = append(all, report)
	}
	slices.SortFunc(all, func(a, b *ReplayReport) int { return int(a.Epoch) - int(b.Epoch) })
	last, version := uint32(0), uint32(0)
	for _, r := range all {
		if first := r.LastTick - uint32(r.Ticks) + 1; first > last+1 || r.Version < version {
			u.t.Errorf("match %s: epoch %d begins at tick %d with version %d, after tick %d of version %d", id, r.Epoch, first, r.Version, last, version)
		}
		last, version = r.LastTick, r.Version
	}
	if len(all) < 2 {
		u.t.Errorf("match %s has %d recordings", id, len(all))
	}
}

// A cluster goes over to new rules node by node under its players: nobody loses his seat, his score, a command, a message or a sample,
// and no clock is set back.
func TestUpdateNodeByNode(t *testing.T) {
	t.Parallel()
	u := startUpdate(t, 1, 4)
	for i := range 3 {
		u.replace(2)
		u.settle(fmt.Sprintf("after %d nodes were replaced", i+1))
	}
	u.judge(2)
	for _, players := range u.players {
		for _, p := range players {
			if p.kinds != 4 || p.steps == 0 || uint32(p.steps) >= p.tick {
				t.Errorf("player %d of %s: %d kinds, %d steps under new rules until tick %d", p.number, p.match, p.kinds, p.steps, p.tick)
			}
		}
	}
}
