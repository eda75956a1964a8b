package gametest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// Options say how long and with what Check plays. Zero values get the defaults named.
type Options struct {
	Seed     uint64 // of everything random; default 1
	Runs     int    // different matches; default 3
	Ticks    int    // ticks of each; default 600
	Players  int    // players to keep in the match; default 8, at most the game's seats
	Hz       int    // default the game's
	Seats    int    // default the game's
	Settings []byte // the game's settings

	// Saved are states that other versions of the rules saved, see Snapshot: at least one of every version that Def.Loads names. States
	// of the definition's own version may be among them, to notice when its format changes and its version does not.
	Saved []Saved
}

func (o Options) withDefaults(def game.Def) Options {
	def = def.WithDefaults()
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.Runs, 3)
	set(&o.Ticks, 600)
	set(&o.Seats, def.Seats)
	set(&o.Hz, def.Hz)
	set(&o.Players, 8)
	o.Players = min(o.Players, o.Seats)
	if o.Seed == 0 {
		o.Seed = 1
	}
	return o
}

// Check plays matches of a game with brains and with random players who join, leave, drop, return and send garbage, and
// fails the test if the game breaks a promise of package game; see Verify.
func Check(t testing.TB, def game.Def, o Options) {
	t.Helper()
	if err := Verify(def, o); err != nil {
		t.Fatal(err)
	}
}

// Verify is Check as a function. It returns the first broken promise:
//
//   - the definition is valid, and Static is a pure function;
//   - rows have unique ids per channel and values in their fields' ranges;
//   - Rows, Scores and Save change nothing;
//   - the same events and inputs give the same Save bytes and the same rows in every tick;
//   - so they do when the match is saved and loaded into a new one at random ticks;
//   - Load of truncated, extended or random bytes returns an error (flipped bits may load), and never panics;
//   - all of that holds for matches that begin with what another version of the rules saved, for every version in Def.Loads.
//
// A game with Def.Exact unset is not held to equal bytes in two runs, all else is checked.
func Verify(def game.Def, o Options) error {
	o = o.withDefaults(def)
	for i := range o.Runs {
		setup := game.Setup{Seed: o.Seed + uint64(i), Hz: o.Hz, Seats: o.Seats, Settings: o.Settings}
		if err := verifyRun(def, setup, o); err != nil {
			return fmt.Errorf("game %s, seed %d: %w", def.Name, setup.Seed, err)
		}
	}
	if err := verifySaved(def, o); err != nil {
		return fmt.Errorf("game %s: %w", def.Name, err)
	}
	return nil
}

// trace is what a first run leaves for the second one to be compared with.
type trace struct {
	acts  [][]act
	saves [][]byte
	rows  [][]byte
}

func verifyRun(def game.Def, setup game.Setup, o Options) error {
	if def.Static != nil && !bytes.Equal(def.Static(setup), def.Static(setup)) {
		return errors.New("the game's Static gives different bytes for the same setup")
	}
	first, err := New(def, setup)
	if err != nil {
		return err
	}
	var tr trace
	d := newDriver(setup.Seed, o.Players)
	for range o.Ticks {
		tr.acts = append(tr.acts, d.drive(first))
		first.Step()
		save := first.Match.Save(nil)
		if err := checkTick(first, save); err != nil {
			return fmt.Errorf("tick %d: %w", first.Tick, err)
		}
		tr.saves = append(tr.saves, save)
		tr.rows = append(tr.rows, encodeRows(first.Rows, nil))
	}
	if err := checkLoads(first, first.Match.Save(nil), d.rand); err != nil {
		return err
	}
	if !def.Exact {
		return nil
	}
	if err := replay(def, setup, tr, nil); err != nil {
		return fmt.Errorf("second run: %w", err)
	}
	if err := replay(def, setup, tr, d.rand); err != nil {
		return fmt.Errorf("run with saves and loads: %w", err)
	}
	return nil
}

// checkTick looks at the state after one tick: the rows are valid, and looking at them changed nothing.
func checkTick(s *Sim, save []byte) error {
	if err := checkRows(s.Def, s.Rows); err != nil {
		return err
	}
	image := encodeRows(s.Rows, nil)
	if sc, ok := s.Match.(game.Scorer); ok {
		sc.Scores(nil)
	}
	s.Collect()
	const prefix = "kept"
	again := s.Match.Save([]byte(prefix))
	if !bytes.HasPrefix(again, []byte(prefix)) {
		return errors.New("the match's Save does not append to its argument")
	}
	if !bytes.Equal(save, again[len(prefix):]) {
		return errors.New("calling Rows, Scores or Save changed the state")
	}
	if !bytes.Equal(image, encodeRows(s.Rows, nil)) {
		return errors.New("the match's Rows gives different rows when it is called twice")
	}
	return nil
}

// replay runs a trace again; with rnd it saves and loads into a fresh match at random ticks.
func replay(def game.Def, setup game.Setup, tr trace, rnd *game.Rand) error {
	s, err := New(def, setup)
	if err != nil {
		return err
	}
	for i, acts := range tr.acts {
		for _, a := range acts {
			a.apply(s)
		}
		s.Step()
		if rnd != nil && rnd.Chance(1, 8) {
			if err := s.reload(); err != nil {
				return fmt.Errorf("tick %d: %w", s.Tick, err)
			}
			s.Collect()
		}
		if !bytes.Equal(tr.saves[i], s.Match.Save(nil)) {
			return fmt.Errorf("tick %d: saved bytes differ", s.Tick)
		}
		if !bytes.Equal(tr.rows[i], encodeRows(s.Rows, nil)) {
			return fmt.Errorf("tick %d: rows differ", s.Tick)
		}
	}
	return nil
}

// reload replaces the match by a new one that loaded its saved bytes.
func (s *Sim) reload() error {
	m, err := s.Def.New(s.Setup)
	if err != nil {
		return err
	}
	if err := m.Load(s.Match.Save(nil)); err != nil {
		return fmt.Errorf("load of saved bytes: %w", err)
	}
	s.Match = m
	return nil
}
