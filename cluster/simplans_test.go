package cluster

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

// simPlans are what operators do: they move matches, and drain nodes and replace them.
var simPlans = []simFault{
	{"move", func(w *simWorld) func() {
		m, to := w.matches[w.rng.IntN(len(w.matches))], w.pick(2)
		hosts := w.hosts(m)
		if len(hosts) == 0 || to == nil || to == hosts[0] {
			return nil
		}
		h := hosts[0].Node.matches.get(m.id)
		w.quiet.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), moveTime)
			defer cancel()
			_ = hosts[0].moveMatch(ctx, h, to.id) // it may fail: the match goes on all the same
		})
		return func() {}
	}},
	{"drain", func(w *simWorld) func() {
		n := w.pick(leastNodes + 1)
		if n == nil || n.closing.Load() {
			return nil
		}
		_, _ = n.giveDrain(context.Background(), "", empty{})
		return func() {
			if !n.dead && !n.stopped {
				w.kill(n)
				w.add()
			}
		}
	}},
}

// TestSimOperator: matches are moved and nodes drained, first in peace, when nothing may be lost, then while things break.
func TestSimOperator(t *testing.T) {
	seeds(t, 2, func(w *simWorld) {
		w.populate()
		w.plans = simPlans
		names := []string{}
		for range 6 {
			if p := simPlans[w.rng.IntN(len(simPlans))]; w.breakOne(p) {
				names = append(names, p.name)
			}
		}
		time.Sleep(2 * moveTime) // the last one may have just begun, and a match that has just moved is not protected yet
		w.checkCalm(true)
		names = append(names, w.chaos(20*time.Second)...)
		time.Sleep(tellWithin)
		lost := w.checkCalm(false)
		w.checkHistories()
		w.t.Logf("%s virtual, %d of %d matches lost, %d of %d players misled, %d left waiting, %v", w.clock(), lost, len(w.matches), w.misled, len(w.players), w.waiting, names)
	})
}

// simOver is the result with which an operator ends a match. Players get it as a message too.
const simOver = `"over"`

// TestSimEndings: an operator ends matches while things break. Once that is answered they are over everywhere, go on nowhere, and the result is
// delivered.
func TestSimEndings(t *testing.T) {
	dir := t.TempDir()
	seeds(t, 2, func(w *simWorld) {
		h := &simHook{w: w, got: map[string][]admin.Match{}}
		own := filepath.Join(dir, strconv.FormatUint(w.seed, 10))
		if err := os.MkdirAll(own, 0o700); err != nil {
			w.t.Fatal(err)
		}
		h.attach(own)
		w.grow(5)
		for range 6 {
			w.create(w.anyNode(w.rng), 2)
		}
		time.Sleep(2 * time.Second)
		ended := make([]bool, len(w.matches))
		var all sync.WaitGroup
		for i, m := range w.matches {
			rng := w.fork()
			all.Go(func() {
				time.Sleep(time.Duration(rng.Int64N(int64(15 * time.Second))))
				for try := 0; try < 20 && !ended[i]; try++ {
					if n := w.anyNode(rng); n != nil {
						m.asked = true
						ended[i] = w.end(n, m.id, simOver) == nil
					}
					time.Sleep(500 * time.Millisecond)
				}
			})
		}
		names := w.trouble(15*time.Second, "kill", "stop", "cut", "loss", "isolate", "partition")
		all.Wait()
		time.Sleep(tellWithin)
		done := 0
		for i, m := range w.matches {
			if ended[i] {
				done++
				w.checkEnding(m, h)
			}
		}
		w.checkHistories()
		w.t.Logf("%s virtual, %d of %d ends were answered, faults %v", w.clock(), done, len(w.matches), names)
	})
}

// checkEnding checks a match whose end was answered.
func (w *simWorld) checkEnding(m *simMatch, h *simHook) {
	if hosts := w.hosts(m); len(hosts) > 0 {
		w.fail("match %s still runs on %d nodes%s", m.id, len(hosts), w.dump(m))
	}
	for _, n := range w.alive() {
		if r, ok := n.dir.Get(m.id); ok && r.Live() {
			w.fail("match %s: %s has the record %+v", m.id, n.name, r)
		}
	}
	for _, p := range m.players {
		if over, _ := p.over(); !over {
			w.fail("match %s is over, player %s was not told", m.id, p.id)
		}
	}
	if h.count(m.id) == 0 {
		w.fail("match %s: the result was not delivered", m.id)
	}
}

// TestSimTwoNodes: what a cluster of two does under each setting. Silence ends no match and makes none run twice, also where each node is out of
// the other's reach: the owner goes on alone. When a node dies, those that it owned go on with the setting available, and are lost with the
// setting safe; all others go on.
func TestSimTwoNodes(t *testing.T) {
	for _, policy := range []TwoNodes{TwoNodesSafe, TwoNodesAvailable} {
		t.Run(string(policy), func(t *testing.T) {
			seeds(t, 1, func(w *simWorld) { w.twoNodes(policy) })
		})
	}
}

func (w *simWorld) twoNodes(policy TwoNodes) {
	w.change = func(c *Config) { c.TwoNodes = policy }
	w.grow(2)
	for range 4 {
		w.create(w.anyNode(w.rng), 2)
	}
	time.Sleep(3 * time.Second)
	names := []string{}
	for len(names) < 4 {
		f := simFaults[w.rng.IntN(len(simFaults))]
		if f.name != "cut" && f.name != "loss" { // the others need more nodes
			f = simFault{"pause", func(w *simWorld) func() {
				n := w.pick(2)
				w.pause(n, true)
				return func() { w.pause(n, false) }
			}}
		}
		if mend := f.do(w); mend != nil {
			names = append(names, f.name)
			time.Sleep(time.Duration(w.rng.Int64N(int64(4 * time.Second))))
			mend()
			time.Sleep(8 * time.Second)
		}
	}
	w.checkEach(w.matches)
	if policy == TwoNodesAvailable && !w.eventually(40*time.Second, func() bool { return w.allProtected() == nil }) { // a node that was slow again and again stands by after 30 s
		w.fail("%v", w.allProtected())
	}
	victim := w.pick(2)
	var stay []*simMatch
	for _, m := range w.matches {
		if h := w.hosts(m); policy == TwoNodesAvailable || len(h) == 1 && h[0] != victim {
			stay = append(stay, m)
		}
	}
	w.kill(victim)
	time.Sleep(3 * time.Second)
	w.add()
	time.Sleep(tellWithin)
	for _, m := range w.matches {
		if len(w.hosts(m)) == 0 {
			w.checkLost(m)
		}
	}
	w.checkEach(stay)
	w.checkHistories()
	w.t.Logf("%s virtual, %d of %d matches went on, faults %v", w.clock(), len(stay), len(w.matches), names)
}

// checkEach checks that each of some matches runs on one node and that its players play.
func (w *simWorld) checkEach(matches []*simMatch) {
	for _, m := range matches {
		if hosts := w.hosts(m); len(hosts) != 1 {
			w.fail("match %s runs on %d nodes%s", m.id, len(hosts), w.dump(m))
			continue
		}
		w.checkPlaying(m, true)
	}
}
