package cluster

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

// startMixed starts a cluster of nodes with a version of the game each.
func startMixed(t *testing.T, versions ...uint32) []*Node {
	t.Helper()
	return startCluster(t, len(versions), func(i int, c *Config) { c.Games = []game.Def{updatedTag(versions[i])} })
}

// hostOn makes a match on one node.
func hostOn(t *testing.T, n *Node) (match string) {
	t.Helper()
	match = newID("m")
	if _, err := n.giveCreate(t.Context(), n.id, askCreate{Match: match, Spec: admin.MatchSpec{Game: "tag"}}); err != nil {
		t.Fatal(err)
	}
	return match
}

// Nodes with a match's own version stand by for it first; an old node never does for a newer one, and the API says so until
// there is another new one. In virtual time all nodes answer who is asked to stand by.
func TestStandbysOfMixedVersions(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		versions := []uint32{2, 1, 1, 2}
		w.change = func(c *Config) { c.Games = []game.Def{updatedTag(versions[w.started-1])} }
		w.grow(3)
		newer, older := hostOn(w.t, w.nodes[0].Node), hostOn(w.t, w.nodes[1].Node)
		shown := func(at *simNode, match string) (m admin.Match) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			a := at.call(ctx, "GET", "/v1/matches/"+match, "", "")
			if err := json.Unmarshal(a.Body.Bytes(), &m); err != nil || a.Code != 200 {
				w.t.Fatalf("match %s: %d %s", match, a.Code, a.Body)
			}
			return m
		}
		eventually(w.t, "the old match is protected", func() bool { return shown(w.nodes[0], older).Protected })
		if m := shown(w.nodes[0], older); m.Standby != w.nodes[2].id {
			w.t.Errorf("the standby of a match of version 1 is %s, want %s", m.Standby, w.nodes[2].id)
		}
		const why = "no standby: other nodes have not got the rules, tag version 2"
		eventually(w.t, "the new match is not protected", func() bool { return shown(w.nodes[1], newer).Unprotected == why })

		next := w.add()
		eventually(w.t, "the new match is protected", func() bool { return shown(w.nodes[1], newer).Protected })
		if m := shown(w.nodes[0], newer); m.Standby != next.id || m.Unprotected != "" {
			w.t.Errorf("%+v, want standby %s", m, next.id)
		}
	})
}

// An old owner that stops without time to move its match leaves it to a standby with newer rules.
func TestNewerStandbyTakesOver(t *testing.T) {
	t.Parallel()
	nodes := startMixed(t, 1, 2, 2)
	match := hostOn(t, nodes[0])
	url, token := seatToken(t, nodes[1], match, "p")
	p := enterUpdate(t, match, url, token, func() []*Node { return nodes[1:] })
	eventually(t, "the match is protected", func() bool { return show(t, nodes[1], match).Protected })
	eventually(t, "the player is heard", func() bool { return p.seen() > 30 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = nodes[0].Stop(ctx) // says that time was short
	at := p.seen()
	eventually(t, "the player goes on", func() bool { return p.seen() > at+20 })
	eventually(t, "all commands are echoed, all samples answered", p.quiet)
	eventually(t, "all commands count", func() bool { return scored(show(t, nodes[1], match), p) })
	p.stop()
	eventually(t, "the others know that it is gone", func() bool { return len(nodes[1].others()) == 1 && len(nodes[2].others()) == 1 })
	if p.kinds != 4 || p.steps == 0 || uint32(p.steps) >= p.tick || len(p.wrong) > 0 {
		t.Errorf("%d kinds, %d steps until tick %d, %q", p.kinds, p.steps, p.tick, strings.Join(p.wrong, "; "))
	}
}

// The rules of these tests keep what they promise.
func TestUpdatedTag(t *testing.T) {
	o := gametest.Options{Runs: 1, Ticks: 150}
	old, err := gametest.Snapshot(updatedTag(1), o)
	if err != nil {
		t.Fatal(err)
	}
	gametest.Check(t, updatedTag(1), o)
	o.Saved = []gametest.Saved{old}
	gametest.Check(t, updatedTag(2), o)
}
