package cluster

import (
	"testing"
	"time"
)

// TestSimJoins: players who come to any node reach their match, by at most one move, or through the node that they came to.
func TestSimJoins(t *testing.T) {
	for _, proxy := range []bool{false, true} {
		name := "redirect"
		if proxy {
			name = "proxy"
		}
		t.Run(name, func(t *testing.T) {
			simulate(t, *simSeed, func(w *simWorld) {
				w.change = func(c *Config) { c.Proxy = proxy }
				w.grow(4)
				for range 10 {
					w.create(w.anyNode(w.rng), 3)
				}
				time.Sleep(5 * time.Second)
				moves, most := uint64(0), uint64(0)
				for _, p := range w.players {
					s := p.client.Stats()
					moves, most = moves+s.Moves, max(most, s.Moves)
					if f, ok := p.last(); !ok || time.Since(f.at) > time.Second || s.Connects != 1 || s.Moves > 1 || proxy && s.Moves > 0 {
						w.fail("player %s: %+v, %+v", p.id, f, s)
					}
				}
				if moves == 0 && !proxy {
					w.fail("no player came to the wrong node")
				}
				w.checkHistories()
				t.Logf("%d players, %d moves, at most %d for one", len(w.players), moves, most)
			})
		})
	}
}
