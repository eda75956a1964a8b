package cluster

import (
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/simnet"
)

// TestSimSlowStandby: two nodes, and for a while (a round trip takes longer than a tick) each is too far from the other for a standby. The match goes on alone, says why, and is
// protected again soon after a short while of that; a long one costs few gaps.
func TestSimSlowStandby(t *testing.T) {
	seeds(t, 1, func(w *simWorld) {
		w.change = func(c *Config) { c.TwoNodes = TwoNodesAvailable }
		w.grow(2)
		m := w.create(w.anyNode(w.rng), 2)
		if !w.eventually(5*time.Second, func() bool { return w.allProtected() == nil }) {
			w.fail("at first: %v", w.allProtected())
		}
		near, far := simnet.Between(100*time.Microsecond, 2*time.Millisecond), simnet.Between(65*time.Millisecond, 70*time.Millisecond)
		time.Sleep(time.Second)

		w.net.Latency(far)
		if !w.eventually(3*time.Second, func() bool { return w.reason(m) == tooSlow }) {
			w.fail("far away: %q%s", w.reason(m), w.dump(m))
		}
		w.net.Latency(near)
		if !w.eventually(lagShun*time.Millisecond+2*time.Second, func() bool { return w.allProtected() == nil }) {
			w.fail("a hiccup: %v%s", w.allProtected(), w.dump(m))
		}
		if r := w.reason(m); r != "" {
			w.fail("protected, and says %q", r)
		}

		before := w.laggards()
		w.net.Latency(far)
		time.Sleep(time.Minute)
		if n := w.laggards() - before; n < 2 || n > 4 {
			w.fail("given up %d times within a minute", n)
		}
		w.net.Latency(near)
		if !w.eventually(lagShunMax*time.Millisecond+2*time.Second, func() bool { return w.allProtected() == nil }) {
			w.fail("in the end: %v%s", w.allProtected(), w.dump(m))
		}
		time.Sleep(5 * time.Second)
		w.checkCalm(true)
		w.checkHistories()
	})
}

// reason is what the API says why a match is not protected.
func (w *simWorld) reason(m *simMatch) string {
	for _, n := range w.hosts(m) {
		if h := n.Node.matches.get(m.id); h != nil {
			return n.Node.describe(h).Unprotected
		}
	}
	return "nobody has it"
}

// laggards counts the standbys that were given up for being slow.
func (w *simWorld) laggards() (count uint64) {
	for _, n := range w.alive() {
		count += n.Node.duties.laggards.Load()
	}
	return count
}
