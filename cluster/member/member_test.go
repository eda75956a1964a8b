package member_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
)

func TestNodesFindEachOther(t *testing.T) {
	for _, size := range []int{1, 5, 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			simulate(t, 1, func(t *testing.T, c *cluster) {
				c.grow(size)
				time.Sleep(time.Minute) // nothing more happens
				for _, n := range c.nodes {
					v := n.View()
					if len(v.Nodes) != size || v.Self != n.id || v.Alive() != size || !n.Joined() {
						t.Errorf("%s: %d nodes in view of %s, joined %v", n.id, len(v.Nodes), v.Self, n.Joined())
					}
					for _, o := range c.nodes {
						got, _ := v.Node(o.id)
						if got.Addr != o.Addr() || got.Meta.URL != "ws://"+o.host.Name()+"/v1/play" || got.Meta.Wire != 3 {
							t.Errorf("%s sees %+v", n.id, got)
						}
					}
					n.mu.Lock()
					if last := n.views[len(n.views)-1]; last.Version != v.Version {
						t.Errorf("%s was told of view %d, has %d", n.id, last.Version, v.Version)
					}
					if size > 1 && len(n.merges) == 0 {
						t.Errorf("%s was told no state", n.id)
					}
					n.mu.Unlock()
				}
				if d := deaths(c.nodes...); len(d) > 0 {
					t.Errorf("wrong deaths: %v", d)
				}
			})
		})
	}
}

func TestKilledNodeIsDeadSoon(t *testing.T) {
	for _, size := range []int{5, 20} {
		simulate(t, 2, func(t *testing.T, c *cluster) {
			c.grow(size)
			time.Sleep(3 * time.Second)
			victim, rest := c.nodes[1], append(c.nodes[:1:1], c.nodes[2:]...)
			victim.host.Kill()
			took := c.wait(6*time.Second, expect(victim.id, member.Dead, rest...))
			t.Logf("%d nodes: dead at all after %v", size, took)
			time.Sleep(55 * time.Second)
			if err := expect(victim.id, member.Dead, rest...)(); err != nil { // others can still ask
				t.Error(err)
			}
			time.Sleep(12 * time.Second)
			if _, ok := rest[0].View().Node(victim.id); ok {
				t.Error("a node that died 67 s ago is still in view")
			}
		})
	}
}

func TestHalvesFindTogetherAgain(t *testing.T) {
	simulate(t, 3, func(t *testing.T, c *cluster) {
		c.grow(10)
		left, right := c.nodes[:4], c.nodes[4:]
		c.net.Partition(hosts(left), hosts(right))
		time.Sleep(10 * time.Second)
		c.agree(20*time.Second, left...) // the small half doubts itself (Lifeguard) and takes its time
		c.agree(20*time.Second, right...)
		c.net.Heal()
		t.Logf("one view %v after healing", c.agree(5*time.Second, c.nodes...))
	})
}

func TestPausedNode(t *testing.T) {
	simulate(t, 4, func(t *testing.T, c *cluster) {
		c.grow(7)
		victim, rest := c.nodes[3], append(c.nodes[:3:3], c.nodes[4:]...)
		for range 4 {
			victim.host.Pause(true)
			time.Sleep(1500 * time.Millisecond)
			victim.host.Pause(false)
			time.Sleep(20 * time.Second)
		}
		if d := deaths(rest...); len(d) > 0 {
			t.Errorf("a pause of 1.5 s: %v", d)
		}
		victim.host.Pause(true)
		c.wait(5*time.Second, expect(victim.id, member.Dead, rest...))
		victim.host.Pause(false)
		t.Logf("back after %v", c.agree(5*time.Second, c.nodes...))
		time.Sleep(20 * time.Second)
		c.agree(0, c.nodes...)
	})
}

func TestPacketLossKillsNobody(t *testing.T) {
	for seed := range *seeds {
		simulate(t, seed, func(t *testing.T, c *cluster) {
			c.grow(20)
			c.net.Loss(0.2)
			time.Sleep(2 * time.Minute)
			if d := deaths(c.nodes...); len(d) > 0 {
				t.Errorf("wrong deaths at 20 %% loss: %v", d)
			}
		})
	}
}

func TestLeavingIsNotDying(t *testing.T) {
	simulate(t, 5, func(t *testing.T, c *cluster) {
		c.grow(8)
		leaver, rest := c.nodes[2], append(c.nodes[:2:2], c.nodes[3:]...)
		start := time.Now()
		if err := leaver.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("leaving took %v", d)
		}
		if err := expect(leaver.id, member.Left, c.nodes...)(); err != nil {
			t.Error(err)
		}
		leaver.Close()
		time.Sleep(20 * time.Second)
		if err := expect(leaver.id, member.Left, rest...)(); err != nil {
			t.Error(err)
		}
		if d := deaths(rest...); len(d) > 0 {
			t.Errorf("%v", d)
		}
		if err := leaver.Leave(t.Context()); err == nil {
			t.Error("a closed member could leave")
		}
	})
}

// A restart is a new node at the same address. The old one must not stand in its way.
func TestRestartedNodeIsInAtOnce(t *testing.T) {
	simulate(t, 6, func(t *testing.T, c *cluster) {
		c.grow(6)
		old, rest := c.nodes[5], c.nodes[:5:5]
		old.host.Kill()
		old.Close()
		time.Sleep(100 * time.Millisecond)
		old.host.Start()
		fresh := c.add(old.host.Name(), []string{"h00"})
		took := c.wait(time.Second, expect(fresh.id, member.Alive, rest...))
		t.Logf("in after %v", took)
		c.wait(time.Second, expect(rest[0].id, member.Alive, fresh))
		c.wait(6*time.Second, expect(old.id, member.Dead, append(rest, fresh)...))
		c.agree(time.Second, append(rest, fresh)...)
	})
}

func TestManyNodesStartAtOnce(t *testing.T) {
	simulate(t, 7, func(t *testing.T, c *cluster) {
		for i := range 40 {
			c.add(fmt.Sprintf("h%02d", i), []string{"h00"})
		}
		t.Logf("40 nodes with one seed: full view after %v", c.agree(5*time.Second, c.nodes...))
	})
}
