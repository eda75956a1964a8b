package member_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/simnet"
)

// got returns when a node got a message; zero: not yet.
func (n *node) got(from, body string) (at time.Time, times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.messages {
		if m.from == from && m.body == body {
			at = m.at
			times++
		}
	}
	return at, times
}

// delays returns how long after start each node but the sender got a message, ascending; nobody may have got it twice.
func (c *cluster) delays(start time.Time, from *node, body string) (d []time.Duration) {
	c.t.Helper()
	for _, n := range c.nodes {
		switch at, times := n.got(from.id, body); {
		case times > 1 || times > 0 && n == from:
			c.t.Errorf("%s got %.20q of %s %d times", n.id, body, from.id, times)
		case times == 1:
			d = append(d, at.Sub(start))
		}
	}
	slices.Sort(d)
	return d
}

// quantile of ascending durations.
func quantile(d []time.Duration, q float64) time.Duration { return d[int(q*float64(len(d)-1))] }

// The way that records of the directory take: one packet to each of 100 nodes, at 1 ms one way.
func TestSendAllReachesHundredNodes(t *testing.T) {
	simulate(t, 8, func(t *testing.T, c *cluster) {
		c.net.Latency(simnet.Between(time.Millisecond, time.Millisecond))
		c.grow(100)
		var all []time.Duration
		for k := range 10 {
			src := c.nodes[k*7]
			body := fmt.Sprintf("%d%s", k, strings.Repeat("r", 1000))
			start := time.Now()
			if err := src.SendAll([]byte(body)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
			all = append(all, c.delays(start, src, body)...)
		}
		slices.Sort(all)
		if len(all) != 10*99 {
			t.Fatalf("%d of 990 deliveries", len(all))
		}
		t.Logf("100 nodes, directly: p50 %v, p99 %v, max %v", quantile(all, .5), quantile(all, .99), quantile(all, 1))
		if p99 := quantile(all, .99); p99 > 50*time.Millisecond {
			t.Errorf("p99 %v", p99)
		}

		start := time.Now()
		if err := c.nodes[5].Gossip("slow", []byte("from hand to hand")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		d := c.delays(start, c.nodes[5], "from hand to hand")
		if len(d) < 98 { // gossip alone may miss a node, one time in a thousand
			t.Fatalf("gossip reached %d of 99 nodes", len(d))
		}
		t.Logf("by gossip: p50 %v, p99 %v, max %v", quantile(d, .5), quantile(d, .99), quantile(d, 1))
		if p99 := quantile(d, .99); p99 > 400*time.Millisecond {
			t.Errorf("gossip p99 %v", p99)
		}
	})
}

func TestGossipComesOnceDespiteLoss(t *testing.T) {
	simulate(t, 9, func(t *testing.T, c *cluster) {
		c.grow(12)
		c.net.Loss(0.1)
		for i := range 20 {
			if err := c.nodes[i%12].Gossip(fmt.Sprint("name ", i), fmt.Append(nil, "body ", i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond) // at the same time they would share their packets, and be missed together
		}
		time.Sleep(3 * time.Second)
		var missed []string
		for i := range 20 {
			src, body := c.nodes[i%12], fmt.Sprint("body ", i)
			c.delays(time.Now(), src, body)
			for _, n := range c.nodes {
				if _, times := n.got(src.id, body); times == 0 && n != src {
					missed = append(missed, fmt.Sprintf("%s of %s at %s", body, src.id, n.id))
				}
			}
		}
		if len(missed) > 6 { // e to the power of -8 * 0.9 is the chance to miss a node, hence anti-entropy; of more than six, one in a billion
			t.Errorf("%d of 220 deliveries are missing: %q", len(missed), missed)
		}
		if s := c.nodes[0].Stats(); s.Duplicates == 0 || s.GossipIn == 0 || s.GossipOut != 2 || s.GossipQueue != 0 || s.PacketsOut == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A newer message takes the place of an older one of the same name that was not sent yet.
func TestGossipOfOneNameIsReplaced(t *testing.T) {
	simulate(t, 10, func(t *testing.T, c *cluster) {
		c.grow(2)
		for i := range 50 {
			c.nodes[0].Gossip("same", fmt.Append(nil, i))
		}
		time.Sleep(time.Second)
		if _, times := c.nodes[1].got(c.nodes[0].id, "49"); times != 1 {
			t.Errorf("the newest came %d times", times)
		}
		if s := c.nodes[1].Stats(); s.GossipIn > 3 {
			t.Errorf("%d of 50 messages of one name were sent", s.GossipIn)
		}
	})
}

func TestMessagesAreLimited(t *testing.T) {
	simulate(t, 11, func(t *testing.T, c *cluster) {
		long := strings.Repeat("l", member.MaxLabel)
		for i := range 2 {
			c.add(fmt.Sprint("h", i), []string{"h0"}, func(cfg *member.Config) {
				cfg.Label = long
				cfg.ID += strings.Repeat("x", 64-len(cfg.ID))
			})
		}
		c.agree(5*time.Second, c.nodes...)
		a, b := c.nodes[0], c.nodes[1]
		big, name := strings.Repeat("b", member.MaxMessage), strings.Repeat("n", member.MaxName)
		if a.SendAll([]byte(big+"b")) != member.ErrTooLong || a.Gossip("x", []byte(big+"b")) != member.ErrTooLong || a.Gossip(name+"n", nil) != member.ErrTooLong {
			t.Error("too long messages were taken")
		}
		if err := a.Gossip(name, []byte(big)); err != nil { // the longest of all fits into a packet
			t.Error(err)
		}
		if err := a.SendAll([]byte(big[1:])); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		for _, body := range []string{big, big[1:]} {
			if _, times := b.got(a.id, body); times != 1 {
				t.Errorf("a message of %d bytes came %d times", len(body), times)
			}
		}
		a.Close()
		if a.SendAll(nil) != member.ErrClosed || a.Gossip("", nil) != member.ErrClosed {
			t.Error("a closed member sends")
		}
	})
}

func TestLoadArrivesEverywhere(t *testing.T) {
	simulate(t, 12, func(t *testing.T, c *cluster) {
		c.grow(10)
		src := c.nodes[4]
		everywhere := func(want member.Load) func() error {
			return func() error {
				for _, n := range c.nodes {
					if got, _ := n.View().Node(src.id); got.Load != want {
						return fmt.Errorf("%s sees %+v", n.id, got.Load)
					}
				}
				return nil
			}
		}
		load := member.Load{Matches: 3, Players: 40, FreeMatches: 7, FreePlayers: 60, TickP99: 1234 * time.Microsecond}
		src.SetLoad(load)
		t.Logf("load after %v", c.wait(12*time.Second, everywhere(load)))
		load.Draining = true
		src.SetLoad(load)
		t.Logf("draining after %v", c.wait(50*time.Millisecond, everywhere(load)))
		for i := range 100 { // often and fast: few messages, the last one counts
			load.Players = i
			src.SetLoad(load)
			time.Sleep(10 * time.Millisecond)
		}
		c.wait(12*time.Second, everywhere(load))
		if s := src.Stats(); s.GossipOut != 0 || s.MessagesOut > 9 {
			t.Errorf("%+v", s)
		}
		late := c.add("late", []string{"h00"}) // learns the loads when it joins, although nobody gossips any more
		c.wait(2*time.Second, func() error {
			if got, _ := late.View().Node(src.id); got.Load != load {
				return fmt.Errorf("%s sees %+v", late.id, got.Load)
			}
			return nil
		})
	})
}
