package member_test

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/simnet"
)

// seeds makes the tests of luck longer, such as go test -run Loss ./cluster/member -seeds 100.
var seeds = flag.Uint64("seeds", 1, "seeds to run tests of packet loss and pauses with")

var key = bytes.Repeat([]byte{7}, 32)

// node is a member on a host of its own, and what it was told.
type node struct {
	*member.Members
	id   string
	host *simnet.Host

	mu       sync.Mutex // guards all below
	views    []member.View
	messages []message
	merges   []string
}

type message struct {
	from, body string
	at         time.Time
}

// cluster is a simulated network with members on it.
type cluster struct {
	t       *testing.T
	net     *simnet.Net
	nodes   []*node
	started int
}

// simulate runs f in virtual time. A failed run prints what was done to the network.
func simulate(t *testing.T, seed uint64, f func(t *testing.T, c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, net: simnet.New(seed)}
		c.net.Latency(simnet.Between(500*time.Microsecond, time.Millisecond))
		defer func() {
			for _, n := range c.nodes {
				n.Close()
			}
			time.Sleep(20 * time.Second) // memberlist's goroutines end when what they wait for is over
			if t.Failed() {
				t.Log("schedule: " + c.net.Schedule())
			}
		}()
		f(t, c)
	})
}

// add starts a member on a host of that name. mods change its configuration.
func (c *cluster) add(host string, join []string, mods ...func(*member.Config)) *node {
	c.t.Helper()
	c.started++
	n := &node{id: fmt.Sprintf("n%03d-%s", c.started, host), host: c.net.Host(host)}
	cfg := member.Config{
		ID: n.id, Label: "test", Keys: [][]byte{key}, Join: join, Transport: n.host.Transport(), Resolve: c.net.Resolve,
		Meta:   member.Meta{Wire: 3, Build: "test", Region: "eu", URL: "ws://" + host + "/v1/play"},
		Change: func(v member.View) { n.mu.Lock(); n.views = append(n.views, v); n.mu.Unlock() },
		Message: func(from string, b []byte) {
			n.mu.Lock()
			n.messages = append(n.messages, message{from, string(b), time.Now()})
			n.mu.Unlock()
		},
		State: func(bool) []byte { return []byte("state of " + n.id) },
		Merge: func(b []byte, join bool) { n.mu.Lock(); n.merges = append(n.merges, string(b)); n.mu.Unlock() },
	}
	if testing.Verbose() && os.Getenv("MEMBER_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("self", n.id)
	}
	for _, mod := range mods {
		mod(&cfg)
	}
	n.id = cfg.ID
	m, err := member.Start(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	n.Members = m
	c.nodes = append(c.nodes, n)
	return n
}

// grow starts n members that join the first, and waits until all see all.
func (c *cluster) grow(n int) {
	c.t.Helper()
	for i := range n {
		c.add(fmt.Sprintf("h%02d", i), []string{"h00"})
	}
	c.agree(10*time.Second, c.nodes...)
}

// agree waits until the living in the views of all these nodes are exactly these nodes, and returns how long it took.
func (c *cluster) agree(within time.Duration, nodes ...*node) time.Duration {
	c.t.Helper()
	var want []string
	for _, n := range nodes {
		want = append(want, n.id)
	}
	slices.Sort(want)
	return c.wait(within, func() error {
		for _, n := range nodes {
			if got := living(n.View()); !slices.Equal(got, want) {
				return fmt.Errorf("%s sees %v alive, want %v", n.id, got, want)
			}
		}
		return nil
	})
}

// wait polls until check is content and returns how long it took; it fails after within.
func (c *cluster) wait(within time.Duration, check func() error) time.Duration {
	c.t.Helper()
	start := time.Now()
	for {
		err := check()
		if err == nil {
			return time.Since(start)
		}
		if time.Since(start) >= within {
			c.t.Fatalf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// expect returns a check that a node is in some state in the views of others.
func expect(id string, state member.State, others ...*node) func() error {
	return func() error {
		for _, n := range others {
			if got, ok := n.View().Node(id); !ok || got.State != state {
				return fmt.Errorf("%s sees %s as %v (in view: %v), want %v", n.id, id, got.State, ok, state)
			}
		}
		return nil
	}
}

// deaths returns every node that was ever dead in a view of these nodes.
func deaths(nodes ...*node) (all []string) {
	for _, n := range nodes {
		n.mu.Lock()
		for _, v := range n.views {
			for _, x := range v.Nodes {
				if x.State == member.Dead {
					all = append(all, n.id+" saw "+x.ID)
				}
			}
		}
		n.mu.Unlock()
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// hosts returns the hosts of nodes.
func hosts(nodes []*node) (hosts []*simnet.Host) {
	for _, n := range nodes {
		hosts = append(hosts, n.host)
	}
	return hosts
}

// living returns the ids that are alive in a view, in order.
func living(v member.View) (ids []string) {
	for _, n := range v.Nodes {
		if n.State == member.Alive {
			ids = append(ids, n.ID)
		}
	}
	return ids
}
