package loop

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// counterV2 is the counter under the next version of its rules: it saves 4 bytes more, and loads what the version before saved
// if Setup says so.
type counterV2 struct {
	*counter
	saved uint32
}

var errFormat = errors.New("not of this version")

func (m counterV2) Save(b []byte) []byte { return append(m.counter.Save(b), "two\n"...) }

func (m counterV2) Load(b []byte) error {
	if m.saved == counterDef(nil).Version {
		return m.counter.Load(b)
	}
	b, ok := bytes.CutSuffix(b, []byte("two\n"))
	if !ok {
		return errFormat
	}
	return m.counter.Load(b)
}

func counterDefV2() game.Def {
	def := counterDef(nil)
	old := def.New
	def.Version++
	def.Loads = []uint32{def.Version - 1}
	def.New = func(s game.Setup) (game.Match, error) {
		m, err := old(s)
		if err != nil {
			return nil, err
		}
		return counterV2{m.(*counter), s.Saved}, nil
	}
	return def
}

// A state of the version before is loaded as it is, and from then on everything is of the new version.
func TestUpgrade(t *testing.T) {
	def := counterDefV2()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt, rapid.IntRange(1, 40).Draw(rt, "ticks"))
		before := s.core.Save()
		core, err := Upgrade(def, s.core.head, before)
		if err != nil {
			rt.Fatal(err)
		}
		if core.head.Version != def.Version || core.Tick() != s.core.Tick() {
			rt.Fatalf("version %d at tick %d", core.head.Version, core.Tick())
		}
		after := bytes.Clone(core.Save())
		if !bytes.Equal(after, append(bytes.Clone(before), "two\n"...)) {
			rt.Fatalf("%q became %q", before, after)
		}
		again, err := NewCore(def, core.head)
		if err != nil || again.Load(before) == nil { // only where Setup says whose it is
			rt.Fatalf("version %d takes the state of %d for its own: %v", def.Version, s.core.head.Version, err)
		}
		if err := again.Load(after); err != nil {
			rt.Fatal(err)
		}
		if core.stopped {
			return
		}
		rec := s.tick()
		if err := errors.Join(core.Apply(&rec), again.Apply(&rec)); err != nil || core.Hash() != again.Hash() {
			rt.Fatalf("a tick after it: %v, %x and %x", err, core.Hash(), again.Hash())
		}
	})
}

// Upgrade takes states of the versions that are named and of its own, and no others.
func TestUpgradeRefuses(t *testing.T) {
	core := testCore(t)
	ok(t, core.Apply(&journal.Record{Tick: 1}))
	if _, err := Upgrade(counterDef(nil), core.head, core.Save()); err != nil {
		t.Fatalf("the same version: %v", err)
	}
	for what, change := range map[string]func(*game.Def, *journal.Header){
		"not named":    func(d *game.Def, _ *journal.Header) { d.Loads = nil },
		"another game": func(_ *game.Def, h *journal.Header) { h.Game = "chess" },
		"bad settings": func(_ *game.Def, h *journal.Header) { h.Settings = []byte("bad") },
		"bad state":    func(d *game.Def, h *journal.Header) { h.Version = d.Version },
	} {
		def, head := counterDefV2(), core.head
		change(&def, &head)
		if _, err := Upgrade(def, head, core.Save()); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// A match goes on under the next version of its rules with everybody in it and all that was said, and its recording is of that version.
func TestContinueUpgraded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(5, 6))
		m, _, f := startFollowed(t, 0, nil)
		a := &user{name: "a", link: enter(t, m, "a", who("a"))}
		for range 40 {
			a.talk(t, m, rnd)
			wait(1)
		}
		m.Retire(OverMoved, "gone")
		<-m.Done()
		at := f.core.Tick()
		var err error
		f.core, err = Upgrade(counterDefV2(), m.Header(), f.core.Save())
		ok(t, err)
		var file bytes.Buffer
		n, s := takeOver(t, m, f, func(c *Config) { c.Game, c.Record = counterDefV2(), &file })
		a.comeBack(t, n)
		for range 30 {
			a.talk(t, n, rnd)
			wait(1)
		}
		wait(10)
		a.collect()
		if p := s.ack[a.link.seat.Player.Number]; uint32(p[0]) != a.samples || uint32(p[5]) != a.commands {
			t.Errorf("%d samples and %d commands, answered %v", a.samples, a.commands, p)
		}
		stop(n)
		r, err := journal.NewReader(bytes.NewReader(file.Bytes()))
		ok(t, err)
		e, err := r.Next()
		ok(t, err)
		if h := r.Header(); e.Kind != journal.KindCheckpoint || e.Tick != at || h.Version != counterDefV2().Version || h.Epoch != 2 {
			t.Fatalf("the recording begins with %v of tick %d, header %+v", e.Kind, e.Tick, h)
		}
		state := bytes.Clone(e.State)
		head, recs, _ := readJournal(t, file.Bytes())
		c, err := NewCore(counterDefV2(), head)
		ok(t, err)
		ok(t, c.Load(state))
		ok(t, c.Replay(recs))
	})
}
