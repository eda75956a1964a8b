package cluster

import (
	"testing"
	"time"
)

// largeShare is how many seeds of the small simulations make one of the large one.
const largeShare = 50

// TestSimLarge: 20 nodes with 200 matches, each kind of fault twice, one at a time, then many at once.
func TestSimLarge(t *testing.T) {
	if *simSeeds == 0 {
		t.Skip("takes long: make sim")
	}
	share(t, largeShare, func(w *simWorld) { w.large(20, 200) })
}

// large plays matches on many nodes through faults of every kind.
func (w *simWorld) large(nodes, matches int) {
	w.exact = w.rng.IntN(4) > 0
	w.grow(nodes)
	for range matches {
		w.create(w.anyNode(w.rng), 1)
	}
	if !w.eventually(5*time.Second, func() bool { return w.allProtected() == nil }) {
		w.fail("after 5 s: %v", w.allProtected())
	}
	time.Sleep(time.Second)
	var names []string
	for range 2 {
		for _, i := range w.rng.Perm(len(simFaults)) {
			if w.breakOne(simFaults[i]) {
				names = append(names, simFaults[i].name)
			}
		}
	}
	time.Sleep(10 * time.Second) // who tried to come back while the last fault lasted waits a little before he tries again
	w.checkCalm(true)
	names = append(names, w.chaos(10*time.Second)...)
	time.Sleep(40 * time.Second)
	lost := w.checkCalm(false)
	w.checkHistories()
	w.t.Logf("%s virtual, %d of %d matches lost, %d of %d players misled, %d left waiting, faults %v", w.clock(), lost, len(w.matches), w.misled, len(w.players), w.waiting, names)
}
