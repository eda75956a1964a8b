package cluster

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots/relay"
	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// watcher counts state frames.
type watcher struct {
	player
	mu     sync.Mutex // guards the following
	frames int
}

// Welcome implements client.Handler.
func (w *watcher) Welcome(*client.Client, *schema.Welcome, bool) {}

// Frame implements client.Handler.
func (w *watcher) Frame(c *client.Client, tick uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames++
	w.player.Frame(c, tick)
}

// A standby that is further away than a tick lasts, but near enough to be taken for one, acknowledges always too late. Players must see the match all the same.
func TestStandbyTooFarAway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	var relays sync.WaitGroup
	t.Cleanup(func() { cancel(); relays.Wait() })
	var fronts []net.Listener // of relays, behind which nobody listens yet: who connects waits
	nodes := startCluster(t, 3, func(_ int, c *Config) {
		front, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		fronts = append(fronts, front)
		c.Link, c.AdvertiseLink = "127.0.0.1:0", front.Addr().String()
	})
	for i, n := range nodes {
		relays.Go(func() {
			_ = relay.Serve(ctx, fronts[i], n.link.addr.String(), relay.Profile{RTT: 50 * time.Millisecond}, 1)
		})
	}
	id := insist(t, "POST", nodes[0].AdminURL()+"/v1/matches", `{"game":"tag"}`).field(t, "match_id")
	url, token := seatToken(t, nodes[0], id, "ann")
	w := &watcher{player: player{t: t}}
	watch(t, url, token, w)
	eventually(t, "a slow standby is given up", func() bool {
		return slices.ContainsFunc(nodes, func(n *Node) bool { return n.duties.laggards.Load() > 0 })
	})
	eventually(t, "a hundred frames", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.frames >= 100
	})
}

// A node that was too slow as standby may still vote: with three nodes there is no other witness.
func TestSlowStandbyIsWitness(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	eventually(t, "a standby and a witness", func() bool {
		s, w := nodes[0].candidatesFor("m", guard.List{Owner: nodes[0].id}, candidacy{slow: []string{nodes[1].id}, standby: true, witness: true})
		return s == nodes[2].id && w == nodes[1].id
	})
}

// watch runs a client for a handler until the test ends.
func watch(t *testing.T, url, token string, w *watcher) {
	t.Helper()
	c, err := client.New(client.Config{URL: url, Token: token, Handler: w})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Run(ctx) // ends with the test
	}()
	t.Cleanup(func() { cancel(); <-done })
}
