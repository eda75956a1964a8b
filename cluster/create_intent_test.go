package cluster

import (
	"context"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/simnet"
)

// withSilence simulates five nodes of which the last falls silent. Membership never hears of that: gossip goes through hosts of its own, which
// go on. So whatever is done in the meantime was done without its word.
func withSilence(t *testing.T, before func(w *simWorld), f func(w *simWorld, create func(n *simNode, key string) *httptest.ResponseRecorder)) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.gossipApart()
		w.grow(5)
		time.Sleep(freshFor)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		before(w)
		w.pause(w.nodes[4], true)
		f(w, func(n *simNode, key string) *httptest.ResponseRecorder {
			return n.call(ctx, "POST", "/v1/matches", "{}", key)
		})
		for _, n := range w.nodes[:4] {
			if got := len(n.others()); got != 4 {
				t.Errorf("%s knows %d other nodes, want 4: membership has noticed", n.name, got)
			}
		}
	})
}

// gossipApart has all nodes that are started from now on gossip through hosts of their own, which no fault hits.
func (w *simWorld) gossipApart() {
	gossip := func(number int) *simnet.Host { return w.net.Host("gossip" + strconv.Itoa(number)) }
	w.change = func(c *Config) {
		own := gossip(w.started)
		c.Gossip, c.Join = own.Addr(simnet.GossipPort), nil
		for i := 1; i < w.started; i++ {
			c.Join = append(c.Join, gossip(i).Addr(simnet.GossipPort))
		}
		c.net.gossip = func(m *member.Config) { m.Transport, m.Resolve = own.Transport(), w.net.Resolve }
	}
}

// A match is made under a key while a node is silent, whoever is asked and whatever nodes the key names, and nobody waits for membership.
func TestKeyedCreationWhileANodeIsSilent(t *testing.T) {
	withSilence(t, func(*simWorld) {}, func(w *simWorld, create func(n *simNode, key string) *httptest.ResponseRecorder) {
		began := time.Now()
		var all sync.WaitGroup
		for i, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			all.Go(func() {
				a := create(w.nodes[i%4], key)
				for a.Code == 503 && time.Since(began) < 10*time.Second { // as a client does
					time.Sleep(200 * time.Millisecond)
					a = create(w.nodes[i%4], key)
				}
				if took := time.Since(began); a.Code != 201 || took > 5*time.Second {
					t.Errorf("key %s: %d %s after %v", key, a.Code, a.Body, took)
				}
			})
		}
		all.Wait()
	})
}

// Only where just the silent node may have made the match already must the caller come again.
func TestKeyedCreationOfAMatchThatASilentNodeMayHave(t *testing.T) {
	withSilence(t, func(w *simWorld) {
		for _, n := range w.nodes[:4] { // it has told the others that it makes this one
			n.intents.note(keyedID("doubtful"), w.nodes[4].id, w.nodes[4].id)
		}
	}, func(w *simWorld, create func(n *simNode, key string) *httptest.ResponseRecorder) {
		a := create(w.nodes[0], "doubtful")
		if a.Code != 503 || a.Header().Get("Retry-After") == "" || !strings.Contains(a.Body.String(), "problem:unreachable") {
			t.Errorf("%d %v %s", a.Code, a.Header(), a.Body)
		}
		w.pause(w.nodes[4], false)
		time.Sleep(intentFor)
		if a := create(w.nodes[0], "doubtful"); a.Code != 201 {
			t.Errorf("after the node went on: %d %s", a.Code, a.Body)
		}
	})
}

// One home at a time is told that it may make a match; who was to host it before is remembered, and may not any more.
func TestIntents(t *testing.T) {
	var i intents
	if others, ok := i.note("m", "h1", "o1"); !ok || len(others) > 0 || !i.allows("m", "o1") || i.allows("m", "o2") {
		t.Errorf("first: %v %v", others, ok)
	}
	if _, ok := i.note("m", "h2", "o2"); ok || !i.allows("m", "o1") {
		t.Error("two homes at a time")
	}
	i.giveUp("m", "h2") // it has nothing to give up
	if _, ok := i.note("m", "h2", "o2"); ok {
		t.Error("a home gave up what another one does")
	}
	i.giveUp("m", "h1")
	if others, ok := i.note("m", "h2", "o2"); !ok || len(others) != 1 || others[0] != "o1" || i.allows("m", "o1") {
		t.Errorf("second: %v %v", others, ok)
	}
	if !i.allows("other", "o1") {
		t.Error("a match that nobody spoke of is refused")
	}
}
