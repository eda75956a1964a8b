package replica

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// However links break and snapshots fall, and whoever leads: what a standby acknowledges equals the owner, hash by hash; when
// the faults end everybody is in step again; the tail stays within its bounds.
func TestStandbyEqualsOwner(t *testing.T) {
	all := games()
	rapid.Check(t, func(rt *rapid.T) {
		def := all[rapid.SampledFrom([]string{"arena", "tag"}).Draw(rt, "game")]
		seed := rapid.Uint64().Draw(rt, "seed")
		maxTicks := rapid.SampledFrom([]int{5, 70, 300}).Draw(rt, "tail")
		exact := rapid.Bool().Draw(rt, "exact")
		w := newWorld(rt, def, seed, 3, func(c *SourceConfig) { c.MaxTicks, c.Exact = maxTicks, exact })
		joined := 0
		for range 4 {
			w.run(w.rnd.IntN(100), true)
			if len(w.nodes) < 2 {
				w.join(fmt.Sprint("n", joined)) // no two have the same name
				joined++
			}
			if n := w.nodes[0]; w.rnd.IntN(3) == 0 && n.standby.Position().Loaded && n.standby.Position().Tick > w.owner.core.Tick()-300 {
				w.promote(n)
			}
			if n := w.owner.src.tail.len(); n > maxTicks {
				rt.Fatalf("tail of %d ticks", n)
			}
		}
		for _, n := range w.nodes {
			w.mend(n)
		}
		w.run(65, false)
		w.settled()
		if len(w.diverged) > 0 {
			rt.Fatalf("an exact game differs at %d", w.diverged)
		}
	})
}

// settled fails unless every receiver has acknowledged the owner's last tick in its epoch.
func (w *world) settled() {
	w.t.Helper()
	for _, n := range w.nodes {
		p, ok := w.owner.src.Progress(n.name)
		if !ok || p.Phase != Streaming || !p.InEpoch || p.Acked != w.owner.core.Tick() || p.Lag != 0 {
			w.t.Fatalf("%s is at %+v, owner at %d, holds %+v", n.name, p, w.owner.core.Tick(), n.standby.Position())
		}
		w.same(n)
	}
	if w.resyncs == 0 {
		w.t.Fatal("nothing was compared")
	}
}

// Differences of a game that promises to be exact and is not are found at the very tick, named once, and healed.
func TestDivergenceIsFoundAndHealed(t *testing.T) {
	for _, panics := range []bool{false, true} {
		const at = 100
		w := newWorld(t, drift(at, true, panics), 3, 3, nil)
		n := w.join("s")
		w.run(at-1, false)
		if pos := n.standby.Position(); pos.Tick != at-1 || pos.Inexact || w.owner.src.Inexact() {
			t.Fatalf("before: %+v", pos)
		}
		w.owner.step(t)
		w.toNode(n)
		if pos := n.standby.Position(); pos.Tick != at-1 || !pos.Inexact {
			t.Fatalf("holds %+v", pos) // what was acknowledged is still there
		}
		w.run(60, false)
		w.settled()
		first := w.diverged
		if panics { // the rules gave no hash: only the owner's report names the tick
			first = append([]uint32{at}, first...)
		}
		if len(first) != 2 || first[0] != at || first[1] != at {
			t.Fatalf("named ticks %d, want %d by both sides", w.diverged, at)
		}
		if w.stats.Divergences.Load() != 1 || w.stats.Diverged.Load() != 1 || !w.owner.src.Inexact() {
			t.Fatalf("divergences %d", w.stats.Divergences.Load())
		}
		if got := w.stats.Panics.Load() > 0; got != panics {
			t.Fatalf("panics %d", w.stats.Panics.Load())
		}
	}
}

// A receiver that holds the state before the difference can still take over there: nothing acknowledged is lost.
func TestPromoteAfterDivergence(t *testing.T) {
	w := newWorld(t, drift(50, true, false), 3, 3, nil)
	n := w.join("s")
	w.run(49, false)
	w.owner.step(t)
	w.toNode(n)
	hash := w.owner.hashes[49]
	core, from, err := n.standby.Promote()
	if err != nil || core.Tick() != 49 || core.Hash() != hash || from.Hash != hash || !from.Inexact {
		t.Fatalf("promoted at %d, %+v: %v", core.Tick(), from.Inexact, err)
	}
	if _, _, err := n.standby.Promote(); err != ErrSpent {
		t.Fatal(err)
	}
}

// Others that held the same states go on without a snapshot when one receiver makes the match change to differences.
func TestDivergenceOfOneReceiver(t *testing.T) {
	w := newWorld(t, games()["arena"], 3, 4, nil)
	w.join("a")
	b := w.join("b")
	w.run(100, false)
	before := w.stats.Snapshots.Load()
	hash := w.owner.hashes[90]
	m := Message{Kind: KindNeed, Match: []byte(testMatch), Epoch: 1, Want: WantDiff, Tick: 90, Hash: hash + 1}
	w.usual(w.owner.src.Receive("b", &m))
	w.run(30, false)
	w.settled()
	if got := w.stats.Snapshots.Load() - before; got > 1 {
		t.Fatalf("%d snapshots", got)
	}
	if len(w.diverged) != 1 || !b.standby.Position().Inexact {
		t.Fatalf("diverged %d", w.diverged)
	}
}

// A match carried as differences goes on through promotions.
func TestInexactGame(t *testing.T) {
	w := newWorld(t, drift(1, false, false), 5, 3, nil)
	for range 3 {
		w.join("a")
		w.join("b")
		w.run(100, false)
		w.settled()
		if w.nodes[0].standby.Position().Tick != w.owner.core.Tick() {
			t.Fatal("behind")
		}
		w.nodes = w.nodes[:1]
		n := w.nodes[0]
		n.standby.Freeze(w.epoch)
		core, from, err := n.standby.Promote()
		if err != nil || !from.Inexact {
			t.Fatal(err)
		}
		w.epoch++
		w.nodes = nil
		w.cfg.Epoch, w.cfg.Since, w.cfg.From = w.epoch, w.epoch, &from
		w.owner.core = core
		w.owner.lead(t, w.cfg)
	}
	if len(w.diverged) > 0 || w.stats.Diverged.Load() > 0 {
		t.Fatal("a game that does not promise exactness was compared as if it did")
	}
}
