package cluster

import (
	"slices"
	"time"

	"github.com/overtime-server/overtime/cluster/simnet"
)

// simFault breaks something and returns what mends it; nil if it cannot be done right now.
type simFault struct {
	name string
	do   func(w *simWorld) (mend func())
}

// pick returns a random node that runs; nil if fewer than least do.
func (w *simWorld) pick(least int) *simNode {
	var list []*simNode
	for _, n := range w.alive() {
		if !n.paused {
			list = append(list, n)
		}
	}
	if len(list) < least || len(list) == 0 {
		return nil
	}
	return list[w.rng.IntN(len(list))]
}

// leastNodes is how many nodes a fault leaves running.
const leastNodes = 3

// simFaults are all faults of the schedule.
var simFaults = []simFault{
	{"kill", func(w *simWorld) func() {
		n := w.pick(leastNodes + 1)
		if n == nil {
			return nil
		}
		w.kill(n)
		return func() { w.add() }
	}},
	{"stop", func(w *simWorld) func() {
		n := w.pick(leastNodes + 1)
		if n == nil {
			return nil
		}
		w.stop(n, 10*time.Second)
		return func() { w.add() }
	}},
	{"pause", func(w *simWorld) func() {
		n := w.pick(leastNodes)
		if n == nil {
			return nil
		}
		w.pause(n, true)
		return func() {
			if !n.dead {
				w.pause(n, false)
			}
		}
	}},
	{"isolate", func(w *simWorld) func() {
		n := w.pick(leastNodes)
		if n == nil {
			return nil
		}
		n.host.Isolate()
		return w.net.Heal
	}},
	{"cut", func(w *simWorld) func() {
		a, b := w.pick(2), w.pick(2)
		if a == nil || b == nil || a == b {
			return nil
		}
		both := w.rng.IntN(2) == 0
		w.net.Cut(a.host, b.host, true)
		if both {
			w.net.Cut(b.host, a.host, true)
		}
		return func() {
			w.net.Cut(a.host, b.host, false)
			w.net.Cut(b.host, a.host, false)
		}
	}},
	{"partition", func(w *simWorld) func() {
		var groups [2][]*simnet.Host
		for _, n := range w.alive() {
			i := w.rng.IntN(2)
			groups[i] = append(groups[i], n.host)
		}
		for _, p := range w.players {
			i := w.rng.IntN(2)
			groups[i] = append(groups[i], p.host)
		}
		w.net.Partition(groups[0], groups[1])
		return w.net.Heal
	}},
	{"loss", func(w *simWorld) func() {
		w.net.Loss(0.05 + 0.25*w.rng.Float64())
		return func() { w.net.Loss(0) }
	}},
}

// careful breaks one thing at a time and waits until all is well again: no match may be lost.
func (w *simWorld) careful(faults int) (names []string) {
	for len(names) < faults {
		f := simFaults[w.rng.IntN(len(simFaults))]
		if f.name == "partition" {
			continue // may leave a match without a majority
		}
		if w.breakOne(f) {
			names = append(names, f.name)
		}
	}
	return names
}

// breakOne breaks one thing and waits until all is well again. It says whether there was anything to break.
func (w *simWorld) breakOne(f simFault) bool {
	mend := f.do(w)
	if mend == nil {
		return false
	}
	time.Sleep(time.Duration(w.rng.Int64N(int64(4 * time.Second))))
	if f.name == "kill" && !w.eventually(2*time.Second, func() bool { return w.allProtected() == nil }) {
		w.fail("some time after the fault %s: %v%s", f.name, w.allProtected(), w.dumpAll())
	}
	mend()
	if !w.eventually(10*time.Second, func() bool { return w.allProtected() == nil && w.agree() == nil }) {
		w.fail("10 s after the end of the fault %s: %v, %v%s", f.name, w.allProtected(), w.agree(), w.dumpAll())
	}
	time.Sleep(time.Duration(w.rng.Int64N(int64(2 * time.Second))))
	return true
}

// chaos breaks things without waiting for anything.
func (w *simWorld) chaos(d time.Duration) []string { return w.trouble(d) }

// trouble is chaos of some faults; none named is all.
func (w *simWorld) trouble(d time.Duration, only ...string) (names []string) {
	var mends []func()
	choice := append(slices.Clone(simFaults), w.plans...)
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Duration(w.rng.Int64N(int64(1500 * time.Millisecond))))
		if len(mends) > 0 && w.rng.IntN(5) < 2 {
			i := w.rng.IntN(len(mends))
			mends[i]()
			mends = append(mends[:i], mends[i+1:]...)
			continue
		}
		f := choice[w.rng.IntN(len(choice))]
		if len(only) > 0 && !slices.Contains(only, f.name) {
			continue
		}
		if mend := f.do(w); mend != nil {
			names = append(names, f.name)
			mends = append(mends, mend)
		}
	}
	for _, m := range mends {
		m()
	}
	w.net.Loss(0)
	w.net.Heal()
	for _, n := range w.alive() {
		w.pause(n, false)
	}
	return names
}
