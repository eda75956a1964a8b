package loop

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// The same journal gives the same states; a state saved at any tick and loaded elsewhere goes on in the same way.
func TestSameJournalSameStates(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt, rapid.IntRange(1, 60).Draw(rt, "ticks"))
		again := testCore(t)
		if err := again.Replay(s.recs); err != nil {
			rt.Fatal(err)
		}
		cut := rapid.IntRange(0, len(s.recs)).Draw(rt, "saved at")
		first, second := testCore(t), testCore(t)
		if err := first.Replay(s.recs[:cut]); err != nil {
			rt.Fatal(err)
		}
		state := bytes.Clone(first.Save())
		if err := second.Replay(s.recs[:cut/2]); err != nil { // Load replaces whatever there was
			rt.Fatal(err)
		}
		if err := second.Load(state); err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(second.Save(), state) || second.Tick() != uint32(cut) || second.Phase() != first.Phase() || second.Round() != first.Round() {
			rt.Fatalf("loaded state of tick %d saves differently", cut)
		}
		if err := second.Replay(s.recs[cut:]); err != nil {
			rt.Fatal(err)
		}
	})
}

// Replay names the first tick that leads elsewhere, be it the hash or what the tick saw that was changed.
func TestReplayNamesTheFirstDifference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt, rapid.IntRange(1, 40).Draw(rt, "ticks"))
		i := rapid.IntRange(0, len(s.recs)-1).Draw(rt, "changed")
		recs := slices.Clone(s.recs)
		recs[i].Hash ^= 1 << rapid.IntRange(0, 63).Draw(rt, "bit")
		checkDiverged(rt, testCore(t).Replay(recs), recs[i].Tick)

		recs = slices.Clone(s.recs)
		after := testCore(t)
		if err := after.Replay(recs[:i+1]); err != nil {
			rt.Fatal(err)
		}
		if in := recs[i].Inputs; len(in) > 0 && after.find(in[0].Player) != nil { // who goes in this tick leaves nothing
			recs[i].Inputs = slices.Clone(recs[i].Inputs)
			recs[i].Inputs[0].Late++
			checkDiverged(rt, testCore(t).Replay(recs), recs[i].Tick)
		}
	})
}

func checkDiverged(t *rapid.T, err error, tick uint32) {
	var d *DivergedError
	if !errors.As(err, &d) || d.Tick != tick || d.Want == d.Got {
		t.Fatalf("%v, want a difference in tick %d", err, tick)
	}
}

// join makes a record with newcomers.
func join(tick uint32, first uint32, who ...journal.Join) journal.Record {
	rec := journal.Record{Tick: tick}
	for i, w := range who {
		rec.Events = append(rec.Events, journal.Event{Kind: game.EventJoin, Player: first + uint32(i), Join: w})
	}
	return rec
}

func apply(t *testing.T, c *Core, recs ...journal.Record) {
	t.Helper()
	for i := range recs {
		ok(t, c.Apply(&recs[i]))
	}
}

// idle applies n ticks in which nothing happens.
func idle(t *testing.T, c *Core, n int) {
	t.Helper()
	for range n {
		apply(t, c, journal.Record{Tick: c.Tick() + 1})
	}
}

func TestApplyRefusesWhatDoesNotBelong(t *testing.T) {
	for name, rec := range map[string]journal.Record{
		"tick again":      {Tick: 1},
		"gap":             {Tick: 3},
		"number skipped":  join(2, 3, journal.Join{ID: "b"}),
		"number given":    join(2, 1, journal.Join{ID: "b"}),
		"stranger drops":  {Tick: 2, Events: []journal.Event{{Kind: game.EventDrop, Player: 9}}},
		"stranger spend":  {Tick: 2, Events: []journal.Event{{Kind: journal.EventSpend, Player: 9}}},
		"unknown event":   {Tick: 2, Events: []journal.Event{{Kind: 77, Player: 1}}},
		"event of kind 0": {Tick: 2, Events: []journal.Event{{Player: 1}}},
	} {
		c := testCore(t)
		apply(t, c, join(1, 1, journal.Join{ID: "a"}))
		if err := c.Apply(&rec); err == nil {
			t.Errorf("%s: applied", name)
		}
	}
	c := testCore(t)
	apply(t, c, journal.Record{Tick: 1, Events: []journal.Event{{Kind: journal.EventStop}}})
	if err := c.Apply(&journal.Record{Tick: 2}); err == nil || !c.Over() {
		t.Error("applied after the end")
	}
}

func TestNewCoreWantsTheRightGame(t *testing.T) {
	for _, change := range []func(*journal.Header){
		func(h *journal.Header) { h.Game = "other" },
		func(h *journal.Header) { h.Version++ },
		func(h *journal.Header) { h.Settings = []byte("bad") },
	} {
		h := testHeader()
		change(&h)
		if _, err := NewCore(counterDef(nil), h); err == nil {
			t.Errorf("built %+v", h)
		}
	}
}

// A void tick runs the rules, but without samples, commands and admin events; those count as answered.
func TestVoidTick(t *testing.T) {
	command := journal.Event{Kind: game.EventCommand, Player: 1, Number: 1, Data: []byte("say x")}
	admin := journal.Event{Kind: game.EventAdmin, Data: []byte("x")}
	full := journal.Record{Tick: 2, Void: true, Events: []journal.Event{command, admin},
		Inputs: []journal.Inputs{{Player: 1, Ack: 1, Samples: []game.Input{{Seq: 1, Axes: [4]int16{5}}}}}}
	void, bare := testCore(t), testCore(t)
	apply(t, void, join(1, 1, journal.Join{ID: "a"}), full)
	apply(t, bare, join(1, 1, journal.Join{ID: "a"}), journal.Record{Tick: 2})
	if !bytes.Equal(void.world.Save(nil), bare.world.Save(nil)) || void.rand != bare.rand {
		t.Error("the world of a void tick differs from that of a tick without inputs")
	}
	if p := void.find(1); p.ack != 1 || p.command != 1 || p.out.next != 0 {
		t.Errorf("sample %d and command %d answered, %d messages", p.ack, p.command, p.out.next)
	}
	idle(t, void, 3)
	if w := void.world.(*counter); len(w.slots) != 0 || len(w.heard) != 0 {
		t.Error("inputs of the void tick came later")
	}
}

// A missing sample repeats the last one for 8 ticks, then the controls are neutral.
func TestMissingSampleRepeatsTheLast(t *testing.T) {
	c := testCore(t)
	apply(t, c, join(1, 1, journal.Join{ID: "a"}),
		journal.Record{Tick: 2, Inputs: []journal.Inputs{{Player: 1, Ack: 1, Samples: []game.Input{{Seq: 1, Axes: [4]int16{5}}}}}})
	idle(t, c, 20)
	if s := c.world.(*counter).slots[0]; s.ticks != 9 || s.repeats != 8 || s.sum != 45 {
		t.Errorf("%+v", s)
	}
}

func TestKickByTheRules(t *testing.T) {
	var left []uint32
	var inputs, players int
	def := counterDef(func(_ *counter, t *game.Tick) {
		for _, e := range t.Events {
			if e.Kind == game.EventLeave {
				left = append(left, t.N, e.Player)
			}
		}
		if t.N == 2 {
			t.Kick(2, "out")
			t.Kick(2, "again")
			t.Kick(9, "nobody")
			inputs = len(t.Inputs(2)) // he goes after this tick
		}
		players = len(t.Players)
	})
	c, err := NewCore(def, testHeader())
	ok(t, err)
	apply(t, c, join(1, 1, journal.Join{ID: "a"}, journal.Join{ID: "b"}),
		journal.Record{Tick: 2, Inputs: []journal.Inputs{{Player: 2, Ack: 1, Samples: []game.Input{{Seq: 1}}}}})
	if want := []Removal{{Player: 2, Kicked: true, Why: "out"}}; !slices.Equal(c.removed, want) || inputs != 1 || c.find(2) != nil {
		t.Errorf("removed %+v, %d inputs in his last tick", c.removed, inputs)
	}
	idle(t, c, 2)
	if !slices.Equal(left, []uint32{3, 2}) || players != 1 {
		t.Errorf("leave events %v (tick, player), %d players", left, players)
	}
}
