package simnet_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/overtime-server/overtime/cluster/simnet"
)

// count sends n packets, one a millisecond, and returns how many arrive within a second more.
func count(t *testing.T, from memberlist.Transport, to *simnet.Host, rx memberlist.Transport, n int) int {
	t.Helper()
	for range n {
		if _, err := from.WriteTo([]byte("x"), to.Addr(simnet.GossipPort)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Second)
	got := 0
	for {
		select {
		case <-rx.PacketCh():
			got++
		default:
			return got
		}
	}
}

// pair is two hosts with open gossip ports.
func pair(t *testing.T, seed uint64) (n *simnet.Net, a, b *simnet.Host, ta, tb memberlist.Transport) {
	n = simnet.New(seed)
	a, b = n.Host("a"), n.Host("b")
	ta, tb = a.Transport(), b.Transport()
	t.Cleanup(func() { ta.Shutdown(); tb.Shutdown() })
	return n, a, b, ta, tb
}

func TestPacketTakesItsLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, ta, tb := pair(t, 1)
		n.Latency(simnet.Between(5*time.Millisecond, 6*time.Millisecond))
		start := time.Now()
		if _, err := ta.WriteTo([]byte("hello"), b.Addr(7946)); err != nil {
			t.Fatal(err)
		}
		p := <-tb.PacketCh()
		if d := time.Since(start); d < 5*time.Millisecond || d > 6*time.Millisecond {
			t.Errorf("took %v", d)
		}
		if string(p.Buf) != "hello" || p.From.String() != a.Addr(7946) {
			t.Errorf("got %q from %s", p.Buf, p.From)
		}
	})
}

func TestPacketsGetLostByTheSeed(t *testing.T) {
	run := func(seed uint64) (got int) {
		synctest.Test(t, func(t *testing.T) {
			n, _, b, ta, tb := pair(t, seed)
			n.Loss(0.2)
			got = count(t, ta, b, tb, 1000)
		})
		return got
	}
	first := run(7)
	if first < 740 || first > 860 {
		t.Errorf("%d of 1000 packets arrived at 20 %% loss", first)
	}
	if again := run(7); again != first {
		t.Errorf("the same seed lost %d, then %d", 1000-first, 1000-again)
	}
}

func TestWaysAreCutOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, ta, tb := pair(t, 1)
		check := func(what string, there, back int) {
			t.Helper()
			if x, y := count(t, ta, b, tb, 10), count(t, tb, a, ta, 10); x != there || y != back {
				t.Errorf("%s: %d and %d arrived, want %d and %d\n%s", what, x, y, there, back, n.Schedule())
			}
		}
		check("at first", 10, 10)
		n.Cut(a, b, true)
		check("cut", 0, 10)
		n.Cut(a, b, false)
		n.Partition([]*simnet.Host{a}, []*simnet.Host{b})
		check("partition", 0, 0)
		n.Partition([]*simnet.Host{a, b})
		check("one group", 10, 10)
		b.Isolate()
		check("isolated", 0, 0)
		n.Heal()
		check("healed", 10, 10)
		b.Pause(true)
		if x := count(t, ta, b, tb, 10); x != 0 {
			t.Errorf("a stopped process got %d packets", x)
		}
		b.Pause(false)
		check("goes on", 20, 10) // with what the kernel kept
		for _, want := range []string{"seed 1", "cut a -> b: true", "partition a | b", "isolate b", "heal", "pause b: true"} {
			if !strings.Contains(n.Schedule(), want) {
				t.Errorf("schedule lacks %q:\n%s", want, n.Schedule())
			}
		}
		if s := n.Stats(); s.Blocked != 50 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestKilledProcessIsFollowedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		a, b := n.Host("a"), n.Host("b")
		ta, old := a.Transport(), b.Transport()
		b.Kill()
		if _, err := old.WriteTo([]byte("x"), a.Addr(7946)); err == nil {
			t.Error("a killed process could send")
		}
		if got := count(t, ta, b, old, 5); got != 0 {
			t.Errorf("a killed process got %d packets", got)
		}
		b.Start()
		tb := b.Transport()
		if got := count(t, ta, b, tb, 5); got != 5 {
			t.Errorf("the new process got %d of 5 packets", got)
		}
		if err := old.Shutdown(); err != nil {
			t.Error(err)
		}
		if got := count(t, ta, b, tb, 5); got != 5 {
			t.Errorf("after the old one shut down, the new one got %d of 5 packets", got)
		}
		ta.Shutdown()
		tb.Shutdown()
	})
}

func TestNamesResolve(t *testing.T) {
	n := simnet.New(1)
	a, b := n.Host("a"), n.Host("b")
	n.Name("seeds.example", a, b)
	for name, want := range map[string]string{"a": a.IP(), "seeds.example": a.IP() + " " + b.IP(), "none": ""} {
		ips, err := n.Resolve(context.Background(), name)
		if strings.Join(ips, " ") != want || (err != nil) != (want == "") {
			t.Errorf("%s: %v, %v", name, ips, err)
		}
	}
}
