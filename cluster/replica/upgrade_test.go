package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/tag"
)

// newer returns a game under the next version of its rules: its state has a counter of steps in front, and it is told what it loads.
func newer(def game.Def) game.Def {
	old := def.New
	def.Version++
	def.Loads = []uint32{def.Version - 1}
	def.New = func(s game.Setup) (game.Match, error) {
		m, err := old(s)
		return &newerMatch{Match: m, from: s.Saved}, err
	}
	return def
}

type newerMatch struct {
	game.Match
	from  uint32 // version of what it loads
	steps uint32
	trap  func(b []byte) error // tests let Load fail
}

func (m *newerMatch) Step(t *game.Tick) {
	m.steps++
	m.Match.Step(t)
}

func (m *newerMatch) Save(b []byte) []byte {
	return m.Match.Save(binary.LittleEndian.AppendUint32(b, m.steps))
}

func (m *newerMatch) Load(b []byte) error {
	if m.trap != nil {
		if err := m.trap(b); err != nil {
			return err
		}
	}
	if m.steps = 0; m.from == 0 {
		if len(b) < 4 {
			return errors.New("short")
		}
		m.steps, b = binary.LittleEndian.Uint32(b), b[4:]
	}
	return m.Match.Load(b)
}

// trapped is newer with a Load that may fail.
func trapped(def game.Def, trap func(b []byte) error) game.Def {
	def = newer(def)
	make := def.New
	def.New = func(s game.Setup) (game.Match, error) {
		m, err := make(s)
		m.(*newerMatch).trap = trap
		return m, err
	}
	return def
}

// A node with newer rules stands by with the bytes of the old ones, and goes on under its own; a node with the old rules cannot follow
// it, one with the new ones can, and until then may stand with what it has.
func TestNewerStandby(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	next := newer(w.def)
	old, a, b := w.join("old"), w.joinWith("a", next), w.joinWith("b", next)
	w.run(100, false)
	w.settled()
	if w.stats.Upgrades.Load() != 1 || w.stats.Divergences.Load()+w.stats.Diverged.Load() != 0 || !a.standby.Position().Inexact {
		t.Fatalf("%d upgrades, %d divergences", w.stats.Upgrades.Load(), w.stats.Divergences.Load())
	}
	before := w.owner.core.Scores()
	w.promote(a)
	if v := w.cfg.Header.Version; v != next.Version || w.owner.src.Inexact() || len(before) != len(w.owner.core.Scores()) {
		t.Fatalf("version %d, differences %v", v, w.owner.src.Inexact())
	}
	w.toNode(b) // the Begin
	w.toNode(old)
	for _, n := range []*node{old, b} {
		if pos := n.standby.Position(); pos.Tick != 100 || pos.Since != 1 || !pos.Loaded {
			t.Fatalf("%s holds %+v", n.name, pos)
		}
	}
	w.run(60, false)
	if p, _ := w.owner.src.Progress("old"); p.Phase != Refused {
		t.Fatalf("%+v", p)
	}
	core, from, err := old.standby.Promote() // the others are lost before they showed anything
	if err != nil || from.Header.Version != w.def.Version || core.Tick() != 100 {
		t.Fatalf("the old node: %v, version %d", err, from.Header.Version)
	}
	w.nodes = []*node{b}
	w.settled()
	if b.standby.Position().Inexact || w.owner.src.Inexact() {
		t.Fatal("nodes with equal rules exchange differences")
	}
	w.promote(b)
	w.join("old again")
	w.nodes[0].standby = newStandby(t, next, w.stats)
	w.run(60, false)
	w.settled()
}

// Who has heard of the new owner and got nothing yet goes on with what it holds of the old one.
func TestStandsWithOldState(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	a, b := w.joinWith("a", newer(w.def)), w.joinWith("b", newer(w.def))
	w.run(50, false)
	w.promote(a)
	w.toNode(b)
	if pos := b.standby.Position(); pos.Since != 1 || pos.Epoch != 2 {
		t.Fatalf("%+v", pos)
	}
	want, _ := w.owner.src.history.At(50)
	core, from, err := b.standby.Promote()
	if err != nil || from.Header.Version != 2 || core.Tick() != 50 || core.Hash() != want || from.Hash != want || from.Inexact {
		t.Fatalf("%v: %+v", err, from.Header)
	}
	if hash, ok := from.History.At(49); ok {
		t.Fatalf("remembers %x of the old rules", hash)
	}
}

// Where the versions save the same bytes, nobody needs a snapshot.
func TestNewerRulesWithEqualStates(t *testing.T) {
	w := newWorld(t, tag.Game(), 1, 3, nil)
	next := w.def
	next.Version, next.Loads = 2, []uint32{1}
	a, b := w.joinWith("a", next), w.joinWith("b", next)
	w.run(50, false)
	snaps := w.stats.Snapshots.Load()
	w.promote(a)
	w.run(30, false)
	w.settled()
	if got := w.stats.Snapshots.Load() - snaps; got != 0 {
		t.Fatalf("%d snapshots", got)
	}
	if _, from, err := b.standby.Promote(); err != nil || from.Header.Version != 2 || from.Inexact {
		t.Fatalf("%v %+v", err, from)
	}
}

// An old node follows newer rules only if it says that it loads them.
func TestOlderStandby(t *testing.T) {
	next := tag.Game()
	next.Version = 2
	for _, loads := range []bool{false, true} {
		w := newWorld(t, next, 1, 3, nil)
		older := tag.Game()
		if loads {
			older.Loads = []uint32{2}
		}
		n := w.joinWith("s", older)
		w.run(30, false)
		p, _ := w.owner.src.Progress("s")
		if got := p.Phase != Refused; got != loads {
			t.Fatalf("loads %v: %+v", loads, p)
		}
		if loads {
			w.settled()
			if _, from, err := n.standby.Promote(); err != nil || from.Header.Version != 1 {
				t.Fatalf("%v %+v", err, from)
			}
		}
	}
}

// Rules that turn out not to load the states that they name are found before they are needed.
func TestUnloadableStates(t *testing.T) {
	broken := false
	w := newWorld(t, tag.Game(), 1, 3, nil)
	no := errors.New("no")
	w.joinWith("never", trapped(w.def, func([]byte) error { return no }))
	w.joinWith("panics", trapped(w.def, func([]byte) error { panic("no") }))
	later := w.joinWith("later", trapped(w.def, func([]byte) error {
		if broken {
			return no
		}
		return nil
	}))
	w.run(100, false)
	broken = true
	w.run(19, false)
	if p, _ := w.owner.src.Progress("later"); p.Phase == Refused {
		t.Fatal("refused without an attempt")
	}
	w.run(60, false)
	for _, n := range w.nodes {
		if p, _ := w.owner.src.Progress(n.name); p.Phase != Refused {
			t.Errorf("%s: %+v", n.name, p)
		}
	}
	_, state, err := later.standby.State(nil)
	if _, _, failed := later.standby.Promote(); err != nil || !errors.Is(failed, ErrRules) {
		t.Fatalf("%v, %v", err, failed)
	}
	if _, again, _ := later.standby.State(nil); !bytes.Equal(state, again) {
		t.Fatal("the state is lost by a promotion that failed")
	}
	broken = false
	if _, from, err := later.standby.Promote(); err != nil || from.Header.Version != 2 {
		t.Fatal(err)
	}
}

// However links break and whoever leads, under old or new rules: what a standby acknowledges equals the owner.
func TestMixedVersions(t *testing.T) {
	old := tag.Game()
	old.Loads = []uint32{2} // and back: both save the same bytes
	next := old
	next.Version, next.Loads = 2, []uint32{1}
	grown := newer(tag.Game())
	rapid.Check(t, func(rt *rapid.T) {
		pair := rapid.SampledFrom([][2]game.Def{{old, next}, {tag.Game(), grown}}).Draw(rt, "games")
		w := newWorld(rt, pair[0], rapid.Uint64().Draw(rt, "seed"), 3, func(c *SourceConfig) { c.MaxTicks = 70 })
		for i := range 5 {
			w.run(w.rnd.IntN(80), true)
			if len(w.nodes) < 2 {
				w.joinWith(string(rune('a'+i)), pair[w.rnd.IntN(2)])
			}
			n := w.nodes[w.rnd.IntN(len(w.nodes))]
			if w.rnd.IntN(2) == 0 && n.standby.Position().Loaded && n.standby.Position().Tick > w.owner.core.Tick()-300 {
				w.promote(n)
			}
		}
		for _, n := range w.nodes {
			w.mend(n)
		}
		w.run(65, false)
		kept := w.nodes[:0]
		for _, n := range w.nodes {
			if p, _ := w.owner.src.Progress(n.name); p.Phase != Refused {
				kept = append(kept, n)
			}
		}
		refused := len(w.nodes) - len(kept)
		if w.nodes = kept; len(kept) > 0 {
			w.resyncs++
			w.settled()
		}
		if refused > 0 && (pair[0].Loads != nil || w.cfg.Header.Version == 1) {
			rt.Fatalf("%d refused the owner's version %d", refused, w.cfg.Header.Version)
		}
		if len(w.diverged) > 0 {
			rt.Fatalf("an exact game differs at %d", w.diverged)
		}
	})
}
