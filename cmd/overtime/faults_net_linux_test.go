package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// islands are network namespaces on one bridge, a node in each. nftables decides who hears whom.
type islands struct {
	t      *testing.T
	prefix string
	nodes  []*demoNode // by namespace
}

// sh runs a command that needs the rights of root.
func sh(args ...string) error {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (x *islands) ns(i int) string   { return fmt.Sprintf("%s%d", x.prefix, i) }
func (x *islands) host(i int) string { return fmt.Sprintf("10.231.77.%d", i+1) }

// islandsMade numbers the cables: the kernel takes its time to remove those of a namespace that is gone.
var islandsMade int

// newIslands makes the namespaces, or skips the test where this machine does not let us.
func newIslands(t *testing.T, count int) *islands {
	t.Helper()
	islandsMade++
	x := &islands{t: t, prefix: fmt.Sprintf("ot%d%c", os.Getpid()%100_000, 'a'+islandsMade%26), nodes: make([]*demoNode, count)}
	bridge := x.prefix + "br"
	t.Cleanup(func() {
		for i := range count {
			_ = sh("ip", "netns", "del", x.ns(i))
		}
		_ = sh("ip", "link", "del", bridge)
	})
	must := func(args ...string) {
		if err := sh(args...); err != nil {
			t.Skipf("no network namespaces with nftables here: %v", err)
		}
	}
	must("ip", "link", "add", bridge, "type", "bridge")
	must("ip", "addr", "add", "10.231.77.254/24", "dev", bridge)
	must("ip", "link", "set", bridge, "up")
	for i := range count {
		cable := fmt.Sprintf("%sv%d", x.prefix, i)
		must("ip", "netns", "add", x.ns(i))
		must("ip", "link", "add", "name", cable, "type", "veth", "peer", "name", "eth0", "netns", x.ns(i))
		must("ip", "link", "set", cable, "master", bridge, "up")
		must("ip", "-n", x.ns(i), "addr", "add", x.host(i)+"/24", "dev", "eth0")
		must("ip", "-n", x.ns(i), "link", "set", "eth0", "up")
		must("ip", "-n", x.ns(i), "link", "set", "lo", "up")
		must("ip", "netns", "exec", x.ns(i), "nft", "add table inet cut; add chain inet cut in { type filter hook input priority 0; }")
	}
	return x
}

// nft changes the rules of a namespace.
func (x *islands) nft(i int, rules string) {
	x.t.Helper()
	if err := sh("ip", "netns", "exec", x.ns(i), "nft", rules); err != nil {
		x.t.Errorf("nftables: %v", err)
	}
}

// deaf makes node i hear nothing from node k.
func (x *islands) deaf(i, k int) { x.nft(i, "add rule inet cut in ip saddr "+x.host(k)+" drop") }

// heal removes all rules.
func (x *islands) heal() {
	for i := range x.nodes {
		x.nft(i, "flush chain inet cut in")
	}
}

// groups lets only nodes of the same group hear each other.
func (x *islands) groups(of ...int) {
	for i := range of {
		for k := range of {
			if of[i] != of[k] {
				x.deaf(i, k)
			}
		}
	}
}

// settle puts a siege's nodes into the namespaces, one each. The admin listeners are not on loopback there, so they need a key.
func (x *islands) settle(s *siege) {
	const key = "0123456789abcdef0123456789abcdef"
	s.api.http.Transport = &keyed{key: key}
	s.outside = func(n *demoNode) launch {
		i := slices.Index(x.nodes, nil)
		x.nodes[i] = n
		for port, addr := range map[string]*string{"8080": &n.player, "8081": &n.admin, "7946": &n.gossip, "7947": &n.link} {
			*addr = x.host(i) + ":" + port
		}
		l := s.launch
		l.exe = filepath.Join(s.dir, n.name+".sh")
		script := fmt.Sprintf("#!/bin/sh\nOVERTIME_ADMIN_KEY=%s exec ip netns exec %s %s \"$@\" --public-url http://%s\n", key, x.ns(i), s.launch.exe, n.player)
		if err := os.WriteFile(l.exe, []byte(script), 0o700); err != nil {
			x.t.Error(err)
		}
		return l
	}
}

// views says in what the nodes differ; "" if each shows the same matches with the same owners.
func (s *siege) views(ctx context.Context, want int) string {
	var first map[string]string
	for _, n := range s.up {
		ids, err := s.api.members(ctx, n)
		if err != nil || len(ids) != len(s.up) {
			return fmt.Sprintf("%s knows %d nodes, %v", n.name, len(ids), err)
		}
		list, err := s.api.matches(ctx, n)
		if err != nil {
			return err.Error()
		}
		owners := map[string]string{}
		for _, m := range list {
			owners[m.ID] = fmt.Sprint(m.Owner, m.Epoch)
		}
		if first == nil {
			first = owners
		}
		for id, owner := range owners {
			if first[id] != owner {
				return fmt.Sprintf("%s: %s says %q, %s says %q", id, n.name, owner, s.up[0].name, first[id])
			}
		}
		if len(owners) != want {
			return fmt.Sprintf("%s knows %d of %d matches", n.name, len(owners), want)
		}
	}
	return ""
}

// behind counts the players who saw nothing in the last two seconds.
func (s *siege) behind() int {
	all := 0
	s.sights.All(func(*bots.Sight, *bots.Saw) { all++ })
	return all - s.seeing(s.clock()-2*time.Second)
}

// partition is one way to cut three nodes apart, and what is expected.
type partition struct {
	name  string
	cut   func(*islands)
	whole bool // some part has a majority of every match: nobody may be without his match while it lasts
}

// lasts is for how long the nodes are cut apart: without any majority for less than the 15 s after which an owner gives its matches up.
func (p *partition) lasts() time.Duration {
	if p.whole {
		return 30 * time.Second
	}
	return 12 * time.Second
}

func partitions() []partition {
	return []partition{
		{"2|1", func(x *islands) { x.groups(0, 0, 1) }, true},
		{"1|1|1", func(x *islands) { x.groups(0, 1, 2) }, false},
		{"C does not hear A and B", func(x *islands) { x.deaf(2, 0); x.deaf(2, 1) }, true},
		{"A and B do not hear C", func(x *islands) { x.deaf(0, 2); x.deaf(1, 2) }, true},
		{"A does not hear B", func(x *islands) { x.deaf(0, 1) }, true},
		{"A and B do not hear each other", func(x *islands) { x.deaf(0, 1); x.deaf(1, 0) }, true},
	}
}

// TestSoakPartitions cuts three nodes apart in namespaces of their own: with real kernels, and packets that vanish.
func TestSoakPartitions(t *testing.T) {
	number(t, "SOAK_RUNS")
	for _, p := range partitions() {
		t.Run(p.name, func(t *testing.T) { part3(t, &p, p.lasts()) })
	}
}

// part3 cuts three nodes apart for a time.
func part3(t *testing.T, p *partition, last time.Duration) {
	x := newIslands(t, 3)
	cfg := siegeOf(t, 3, 10, 4)
	cfg.prepare = x.settle
	var without int
	var view, safe time.Duration
	var m moving
	r, err := besiege(t.Context(), cfg, t.Logf, func(ctx context.Context, s *siege) (err error) {
		m, err = s.measure(func() error {
			p.cut(x)
			if !pause(ctx, last) {
				return ctx.Err()
			}
			without = s.behind()
			x.heal()
			healed := time.Now()
			err := s.until(ctx, 30*time.Second, "one view", func() string { return s.views(ctx, cfg.matches) })
			view = time.Since(healed)
			return err
		})
		if err != nil {
			return err
		}
		again := time.Now()
		err = s.until(ctx, resettle, "protected again", func() string { return s.open(ctx, cfg.matches) })
		safe = view + time.Since(again)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.wrong {
		t.Error(w)
	}
	t.Logf("%s for %v: %d of %d players without a match at its end, one view %.1f s after healing (goal 5), all protected after %.1f s; longest gap of each player: p50 %.0f p99 %.0f max %.0f ms; closes %s, load %s",
		p.name, last, without, cfg.matches*cfg.players, view.Seconds(), safe.Seconds(), m.gaps.P50, m.gaps.P99, m.gaps.Max, r.played.Closes, machineLoad())
	if p.whole && without > 0 {
		t.Errorf("%d players were without a match at the end of the partition", without)
	}
	if view > 5*time.Second {
		t.Errorf("one view only %v after healing", view)
	}
}
