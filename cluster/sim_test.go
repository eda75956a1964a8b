package cluster

import (
	"fmt"
	"testing"
	"time"
)

// seeds runs a simulation with the seeds that were asked for, or with a few.
func seeds(t *testing.T, few uint64, f func(w *simWorld)) {
	n := *simSeeds
	if n == 0 {
		n = few
	}
	these(t, n, f)
}

// share runs a simulation that takes long with one of so many seeds that were asked for, at least one.
func share(t *testing.T, of uint64, f func(w *simWorld)) {
	these(t, max(1, *simSeeds/of), f)
}

// these runs a simulation with so many seeds.
func these(t *testing.T, n uint64, f func(w *simWorld)) {
	for i := range n {
		seed := *simSeed + i
		if n == 1 {
			simulate(t, seed, f)
			continue
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { simulate(t, seed, f) })
	}
}

// populate starts some nodes, matches and players, and waits until all matches are protected.
func (w *simWorld) populate() {
	w.exact = w.rng.IntN(4) > 0
	w.grow(4 + w.rng.IntN(3))
	for range 2 + w.rng.IntN(3) {
		w.create(w.anyNode(w.rng), 1+w.rng.IntN(3))
	}
	if !w.eventually(2*time.Second, func() bool { return w.allProtected() == nil }) {
		w.fail("after 2 s: %v", w.allProtected())
	}
	time.Sleep(time.Second)
}

// TestSimPeace: without faults everybody plays, and every match is protected.
func TestSimPeace(t *testing.T) {
	seeds(t, 1, func(w *simWorld) {
		w.populate()
		time.Sleep(20 * time.Second)
		w.checkCalm(true)
		w.checkHistories()
	})
}

// TestSimFaults: one fault at a time loses no match, no input, and shows nothing that was not to stay.
func TestSimFaults(t *testing.T) {
	seeds(t, 4, func(w *simWorld) {
		w.populate()
		names := w.careful(6)
		time.Sleep(30 * time.Second)
		w.checkCalm(true)
		w.checkHistories()
		w.t.Logf("%s virtual, faults %v", w.clock(), names)
	})
}

// TestSimChaos: whatever happens, no match has two owners in an epoch and nothing that was shown is taken back; matches may be lost.
func TestSimChaos(t *testing.T) {
	seeds(t, 4, func(w *simWorld) {
		w.populate()
		names := w.chaos(30 * time.Second)
		time.Sleep(tellWithin)
		lost := w.checkCalm(false)
		w.checkHistories()
		w.t.Logf("%s virtual, %d of %d matches lost, %d of %d players misled, %d left waiting, faults %v", w.clock(), lost, len(w.matches), w.misled, len(w.players), w.waiting, names)
	})
}
