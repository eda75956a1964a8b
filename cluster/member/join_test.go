package member_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/simnet"
)

// Names are looked up by Config.Resolve alone, and again and again: the first node of a set finds only itself, later ones
// find it, and who started before the name existed finds the others in the end.
func TestNamesAreResolvedAgain(t *testing.T) {
	simulate(t, 17, func(t *testing.T, c *cluster) {
		name := []string{"nodes.example:7946"}
		early := c.add("early", name)
		time.Sleep(5 * time.Second)
		if early.Joined() {
			t.Error("joined although the name of the others does not resolve")
		}
		c.net.Name("nodes.example", early.host)
		c.wait(3*time.Second, func() error {
			if !early.Joined() {
				return errors.New("who is alone under the name still waits for others")
			}
			return nil
		})
		other := c.add("other", []string{"10.0.0.99"}) // a set of its own, which does not know the first
		c.net.Name("nodes.example", early.host, other.host)
		t.Logf("found by name after %v", c.agree(19*time.Second, early, other))
		if s := early.Stats(); s.ResolveErrors == 0 || s.Joins == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Seeds may all be down when a node starts.
func TestNodeWaitsForItsSeeds(t *testing.T) {
	simulate(t, 18, func(t *testing.T, c *cluster) {
		lost := c.net.Host("lost")
		lost.Isolate()
		a := c.add("a", []string{"lost", "b:7946", "[::1]:7946"})
		time.Sleep(30 * time.Second)
		if a.Joined() || a.Stats().JoinErrors < 5 {
			t.Errorf("joined %v, %+v", a.Joined(), a.Stats())
		}
		b := c.add("b", nil)
		if !b.Joined() {
			c.wait(time.Second, func() error {
				if !b.Joined() {
					return errors.New("who has nobody to ask is not ready")
				}
				return nil
			})
		}
		c.agree(10*time.Second, a, b)
	})
}

// One-way cuts and a lost host: the node that cannot be heard is dead to the others and comes back by itself.
func TestOneWayCutHeals(t *testing.T) {
	simulate(t, 19, func(t *testing.T, c *cluster) {
		c.grow(6)
		victim, rest := c.nodes[2], append(c.nodes[:2:2], c.nodes[3:]...)
		for _, n := range rest {
			c.net.Cut(victim.host, n.host, true)
		}
		c.wait(6*time.Second, expect(victim.id, member.Dead, rest...))
		c.net.Heal()
		c.agree(5*time.Second, c.nodes...)
		victim.host.Isolate()
		c.wait(8*time.Second, expect(victim.id, member.Dead, rest...))
		time.Sleep(30 * time.Second)
		c.net.Heal()
		t.Logf("a lost host is back after %v", c.agree(5*time.Second, c.nodes...))
	})
}

// Both sides of a partition in which all seeds are gone.
func TestHealingNeedsNoSeed(t *testing.T) {
	simulate(t, 20, func(t *testing.T, c *cluster) {
		c.grow(7)
		time.Sleep(5 * time.Second)
		c.nodes[0].host.Kill()
		c.nodes[0].Close()
		rest := c.nodes[1:]
		c.net.Partition(hosts(rest[:3]), hosts(rest[3:]))
		time.Sleep(10 * time.Minute)
		c.agree(0, rest[:3]...)
		c.agree(0, rest[3:]...)
		c.net.Heal()
		t.Logf("one view %v after healing", c.agree(8*time.Second, rest...))
	})
}

func TestConfigIsChecked(t *testing.T) {
	good := func() member.Config {
		return member.Config{ID: "n1", Label: "test", Keys: [][]byte{key}, Bind: "127.0.0.1:0", Meta: member.Meta{Wire: 1},
			Transport: simnet.New(1).Host("a").Transport(), Resolve: func(context.Context, string) ([]string, error) { return nil, errors.New("no") }}
	}
	for what, mod := range map[string]func(*member.Config){
		"no id":           func(c *member.Config) { c.ID = "" },
		"id with a space": func(c *member.Config) { c.ID = "a b" },
		"no label":        func(c *member.Config) { c.Label = "" },
		"long label":      func(c *member.Config) { c.Label = strings.Repeat("l", member.MaxLabel+1) },
		"no key":          func(c *member.Config) { c.Keys = nil },
		"short key":       func(c *member.Config) { c.Keys = [][]byte{key, key[:9]} },
		"no version":      func(c *member.Config) { c.Meta.Wire = 0 },
		"not in window":   func(c *member.Config) { c.WireMin = 2 },
		"long meta":       func(c *member.Config) { c.Meta.URL = strings.Repeat("u", 256) },
		"join":            func(c *member.Config) { c.Join = []string{"a:b:c"} },
		"join port":       func(c *member.Config) { c.Join = []string{"a:99999"} },
		"advertise":       func(c *member.Config) { c.Advertise = "nowhere" },
		"advertised name": func(c *member.Config) { c.Advertise = "nowhere:1" },
		"advertised zero": func(c *member.Config) { c.Advertise = "0.0.0.0:1" },
		"no bind":         func(c *member.Config) { c.Transport, c.Bind = nil, "" },
		"bound to a name": func(c *member.Config) { c.Transport, c.Bind = nil, "nowhere:0" },
		"not ours":        func(c *member.Config) { c.Transport, c.Bind = nil, "192.0.2.1:0" },
	} {
		cfg := good()
		mod(&cfg)
		if m, err := member.Start(cfg); err == nil {
			t.Errorf("%s: started", what)
			m.Close()
		}
	}
	cfg := good()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	cfg.Transport.Shutdown()
}

// Real sockets: a port is picked, a name is resolved by Config.Resolve, streams and packets flow, counters count.
func TestSockets(t *testing.T) {
	resolve := func(_ context.Context, host string) ([]string, error) {
		if host != "loopback.test" {
			return nil, &net.DNSError{Err: "no such host", Name: host}
		}
		return []string{"127.0.0.1"}, nil
	}
	got := make(chan string, 10)
	full := [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)} // by node: each may be told of the same view twice
	start := func(i int, join ...string) *member.Members {
		m, err := member.Start(member.Config{ID: fmt.Sprint("n", i), Label: "test", Keys: [][]byte{key}, Bind: "loopback.test:0", Join: join,
			Meta: member.Meta{Wire: 1}, Resolve: resolve, Message: func(from string, b []byte) { got <- from + " " + string(b) },
			Change: func(v member.View) {
				if v.Alive() == 2 {
					select {
					case full[i] <- struct{}{}:
					default:
					}
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a := start(0)
	defer a.Close()
	_, port, _ := net.SplitHostPort(a.Addr())
	b := start(1, "loopback.test:"+port)
	defer b.Close()
	<-full[0]
	<-full[1]
	for i, m := range []*member.Members{a, b} {
		m.SendAll([]byte("hello"))
		if s := <-got; s != fmt.Sprint("n", i, " hello") {
			t.Errorf("got %q", s)
		}
	}
	if s := b.Stats(); s.StreamsOut == 0 || s.PacketBytes == 0 || s.MessagesIn != 1 || s.Alive != 2 || s.Appeared < 2 {
		t.Errorf("%+v", s)
	}
	b.Close()
	b.Close()
}

// Where a node listens is known with any port, and is not what others are told where something lies between.
func TestListens(t *testing.T) {
	start := func(advertise string) *member.Members {
		m, err := member.Start(member.Config{ID: "n1", Label: "test", Keys: [][]byte{key}, Bind: "127.0.0.1:0", Advertise: advertise, Meta: member.Meta{Wire: 1}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	if m := start(""); m.Listens() != m.Addr() || strings.HasSuffix(m.Listens(), ":0") {
		t.Errorf("listens at %s, others are told %s", m.Listens(), m.Addr())
	}
	m := start("192.0.2.1:7946")
	c, err := net.Dial("tcp", m.Listens())
	if err != nil || m.Addr() != "192.0.2.1:7946" {
		t.Fatalf("listens at %s, others are told %s: %v", m.Listens(), m.Addr(), err)
	}
	c.Close()
}
