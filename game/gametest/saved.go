package gametest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/overtime-server/overtime/game"
)

// Saved is a match as a version of the rules left it. It goes through encoding/json unchanged.
type Saved struct {
	Version uint32        // of the rules
	Setup   game.Setup    // that the match was made with; Static is left out
	Tick    uint32        // last that ran
	LastID  uint32        // last row id given
	Players []game.Player // who has a seat or watches
	State   []byte        // what Save returned
}

// Snapshot plays one match as Verify does, and returns what it is after the last tick: to be kept for the tests of later versions.
func Snapshot(def game.Def, o Options) (Saved, error) {
	o = o.withDefaults(def)
	s, err := New(def, game.Setup{Seed: o.Seed, Hz: o.Hz, Seats: o.Seats, Settings: o.Settings})
	if err != nil {
		return Saved{}, err
	}
	d := newDriver(o.Seed, o.Players)
	for range o.Ticks {
		d.drive(s)
		s.Step()
	}
	setup := s.Setup
	setup.Static = nil
	return Saved{def.Version, setup, s.Tick, s.lastID, slices.Clone(s.Players), s.Match.Save(nil)}, nil
}

// verifySaved checks that the definition loads what others of its versions saved.
func verifySaved(def game.Def, o Options) error {
	for _, v := range def.Loads {
		if !slices.ContainsFunc(o.Saved, func(k Saved) bool { return k.Version == v }) {
			return fmt.Errorf("its Loads names version %d, and no state that this saved is in Options.Saved", v)
		}
	}
	for i := range o.Saved {
		k := &o.Saved[i]
		if !def.CanLoad(k.Version) {
			return fmt.Errorf("saved state %d is of version %d, which its Loads does not name", i, k.Version)
		}
		if err := verifyOne(def, k, o); err != nil {
			return fmt.Errorf("saved state %d, of version %d at tick %d: %w", i, k.Version, k.Tick, err)
		}
	}
	return nil
}

// verifyOne goes on from a saved state, twice where equal bytes are promised, and gives Load what is left of the state when it is damaged.
func verifyOne(def game.Def, k *Saved, o Options) error {
	first, err := resume(def, k)
	if err != nil {
		return err
	}
	second, err := resume(def, k)
	if err != nil {
		return err
	}
	d := newDriver(o.Seed, o.Players)
	for range min(o.Ticks, 200) {
		save := first.Match.Save(nil)
		if err := checkTick(first, save); err != nil {
			return fmt.Errorf("tick %d: %w", first.Tick, err)
		}
		if def.Exact && !bytes.Equal(save, second.Match.Save(nil)) {
			return fmt.Errorf("tick %d: saved bytes differ", first.Tick)
		}
		if err := second.reload(); err != nil {
			return fmt.Errorf("tick %d: %w", first.Tick, err)
		}
		for _, a := range d.drive(first) {
			a.apply(second)
		}
		first.Step()
		second.Step()
	}
	old := *first
	old.Setup.Saved = savedBy(def, k)
	return checkLoads(&old, k.State, d.rand)
}

// resume makes a Sim that goes on from a saved state.
func resume(def game.Def, k *Saved) (*Sim, error) {
	setup := k.Setup
	setup.Saved = savedBy(def, k)
	s, err := New(def, setup)
	if err != nil {
		return nil, err
	}
	refused, err := load(s.Match, k.State)
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	s.Setup.Saved = 0 // what follows is saved by def
	s.Tick, s.lastID, s.Players = k.Tick, k.LastID, slices.Clone(k.Players)
	s.seats = make([]seat, len(k.Players))
	for _, p := range k.Players {
		s.numbers = max(s.numbers, p.Number)
	}
	s.Collect()
	return s, nil
}

// savedBy is Setup.Saved for a state.
func savedBy(def game.Def, k *Saved) uint32 {
	if k.Version == def.Version {
		return 0
	}
	return k.Version
}
