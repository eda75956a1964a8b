package link

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Random faults between three nodes that watch each other: Up and Down alternate, messages never change places, are never
// there twice, and when the faults end all are connected and answer.
func TestChurn(t *testing.T) {
	arrived, downs := 0, 0
	for seed := range uint64(12) {
		bubble(t, func(t *testing.T, w *world) {
			rng := rand.New(rand.NewPCG(seed, 3))
			w.net.latency = func() time.Duration { return 3 * time.Millisecond }
			ids := []string{"a", "b", "c"}
			nodes := map[string]*node{}
			for _, id := range ids {
				nodes[id] = w.node(id)
				defer nodes[id].close()
			}
			each := func(do func(n *node, to string)) {
				for _, id := range ids {
					for _, to := range ids {
						if id != to {
							do(nodes[id], to)
						}
					}
				}
			}
			each(func(n *node, to string) { n.Watch(to) })
			sent := 0
			for range 400 {
				victim := ids[rng.IntN(len(ids))]
				switch rng.IntN(30) {
				case 0:
					w.net.each(victim+":1", func(c *memConn) { _ = c.Close() })
				case 1:
					w.stall(victim, true)
				case 2, 3, 4:
					w.stall(victim, false)
				case 5: // one direction of some connections
					w.net.each(victim+":1", func(c *memConn) { c.stall(rng.IntN(4) == 0) })
				}
				each(func(n *node, to string) {
					sent++
					_ = n.Send(to, 1, fmt.Appendf(nil, "%08d", sent)) // may be down
				})
				time.Sleep(time.Duration(rng.Int64N(int64(40 * time.Millisecond))))
			}
			for _, id := range ids {
				w.stall(id, false)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			each(func(n *node, to string) { mustCall(t, n, to, "after") })
			for _, id := range ids {
				nodes[id].note(func() {
					nodes[id].check(t, seed)
					arrived += len(nodes[id].got)
					downs += len(nodes[id].downs)
				})
			}
		})
	}
	if arrived < 12*500 || downs < 12*10 {
		t.Errorf("%d messages and %d downs are too few to test anything", arrived, downs)
	}
	t.Log("messages:", arrived, "downs:", downs)
}

// check looks at what a node was told, under its lock.
func (n *node) check(t *testing.T, seed uint64) {
	t.Helper()
	up := map[string]bool{}
	for _, e := range n.events {
		kind, peer, _ := strings.Cut(e, " ")
		peer, _, _ = strings.Cut(peer, ":")
		if up[peer] == (kind == "up") {
			t.Fatalf("seed %d: %s of %s twice: %v", seed, kind, peer, n.events)
		}
		up[peer] = kind == "up"
	}
	last := map[string]string{}
	for _, m := range n.got {
		from, text, _ := strings.Cut(m, " ")
		if text <= last[from] {
			t.Fatalf("seed %d: %q from %s after %q", seed, text, from, last[from])
		}
		last[from] = text
	}
}
