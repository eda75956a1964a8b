package cluster

import (
	"fmt"
	"testing"
	"time"
)

// TestSimFreezes: one node stands still for 2 s, and soon after it goes on another one does. Whatever the first was to the second's matches
// before, they are taken over, if they were protected again.
func TestSimFreezes(t *testing.T) {
	seeds(t, 1, func(w *simWorld) {
		w.grow(3)
		for range 9 {
			w.create(w.anyNode(w.rng), 1)
		}
		if !w.eventually(2*time.Second, func() bool { return w.allProtected() == nil }) {
			w.fail("%v", w.allProtected())
		}
		time.Sleep(2 * time.Second)
		nodes := w.alive()
		a := nodes[w.rng.IntN(3)]
		b := nodes[w.rng.IntN(3)]
		for b == a {
			b = nodes[w.rng.IntN(3)]
		}
		w.pause(a, true)
		time.Sleep(2 * time.Second)
		w.pause(a, false)
		time.Sleep(time.Duration(w.rng.Int64N(int64(500 * time.Millisecond))))
		w.pause(b, true)
		from := time.Now()
		lists := map[string]string{}
		for _, m := range w.matches {
			if h := b.Node.matches.get(m.id); h != nil && w.protected(m) == nil { // else it had no third node when the second stood still
				lists[m.id] = fmt.Sprintf("%+v", *h.duty.shown.Load())
			}
		}
		taken := map[string]time.Duration{}
		for time.Since(from) < 2*time.Second {
			time.Sleep(10 * time.Millisecond)
			for id := range lists {
				if taken[id] == 0 && len(w.hosts(w.match(id))) > 1 {
					taken[id] = time.Since(from)
				}
			}
		}
		worst := time.Duration(0)
		for id := range lists {
			if worst = max(worst, taken[id]); taken[id] == 0 || taken[id] > time.Second {
				w.fail("match %s was taken over after %v: %s", id, taken[id], lists[id])
			}
		}
		w.pause(b, false)
		w.t.Logf("%d matches, worst %v", len(lists), worst)
		time.Sleep(10 * time.Second)
		w.checkCalm(true)
		w.checkHistories()
	})
}

func (w *simWorld) match(id string) *simMatch {
	for _, m := range w.matches {
		if m.id == id {
			return m
		}
	}
	return nil
}
