package loop

import (
	"bytes"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

func command(tick, player, number uint32, text string) journal.Record {
	return journal.Record{Tick: tick, Events: []journal.Event{{Kind: game.EventCommand, Player: player, Number: number, Data: []byte(text)}}}
}

// phases returns cores in every phase of a match's life, with something in every field.
func phases(t testing.TB) map[string]*Core {
	must := func(c *Core, recs ...journal.Record) *Core {
		for i := range recs {
			if err := c.Apply(&recs[i]); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	running := func() *Core {
		return must(testCore(t), join(1, 1, journal.Join{ID: "a", Name: "A", Team: 1}, journal.Join{ID: "b", Bot: true}, journal.Join{ID: "c", Spectator: true}),
			command(2, 1, 1, "say hello"), command(3, 2, 1, "own 2"),
			journal.Record{Tick: 4, Events: []journal.Event{{Kind: game.EventDrop, Player: 2}, {Kind: journal.EventSpend, Player: 1, Number: 4}},
				Inputs: []journal.Inputs{{Player: 1, Ack: 9, Merged: 1, Late: 3, Refused: 4, MessageAck: 1, Samples: []game.Input{
					{Seq: 1, Buttons: 2}, {Seq: 2, Seen: 3, Frac: 4, Buttons: 0x8002, Axes: [4]int16{-1, 2, -32768, 32767}}}}}},
			journal.Record{Tick: 5})
	}
	stopped := journal.Record{Tick: 6, Events: []journal.Event{{Kind: journal.EventStop}}}
	return map[string]*Core{
		"new":     testCore(t),
		"waiting": must(testCore(t), join(1, 1, journal.Join{ID: "s", Spectator: true}), journal.Record{Tick: 2}),
		"running": running(),
		"kicked":  must(running(), command(6, 1, 2, "kick 2")),
		"ended":   must(running(), command(6, 1, 2, `end {"winner":1}`)),
		"again":   must(running(), command(6, 1, 2, "end x"), journal.Record{Tick: 7}, journal.Record{Tick: 8}, journal.Record{Tick: 9}, journal.Record{Tick: 10}, journal.Record{Tick: 11}, journal.Record{Tick: 12}, journal.Record{Tick: 13}),
		"stopped": must(running(), stopped),
		"paused": must(running(), pause(6, 1), command(7, 1, 2, "say later"), join(8, 4, journal.Join{ID: "d"}),
			journal.Record{Tick: 9, Events: []journal.Event{{Kind: game.EventLeave, Player: 3}, {Kind: game.EventReturn, Player: 2}}}),
		"finished": must(running(), journal.Record{Tick: 6, Events: []journal.Event{{Kind: journal.EventFinish, Data: []byte("r")}}}),
	}
}

func TestSaveLoadInEveryPhase(t *testing.T) {
	cores := phases(t)
	for name, want := range map[string]Phase{"new": Waiting, "waiting": Waiting, "running": Running, "kicked": Running, "ended": Ended, "again": Running, "stopped": Running, "paused": Running, "finished": Ended} {
		c := cores[name]
		if c.Phase() != want {
			t.Errorf("%s: phase %v", name, c.Phase())
		}
		state := bytes.Clone(c.Save())
		other := testCore(t)
		ok(t, other.Load(state))
		if !bytes.Equal(other.Save(), state) || other.Hash() != c.Hash() {
			t.Errorf("%s: saves differently after Load", name)
		}
		if other.Paused() != c.Paused() || len(other.kept) != len(c.kept) || c.Paused() != (len(c.kept) > 0) || other.Over() != c.Over() || !bytes.Equal(other.Result(), c.Result()) || !bytes.Equal(other.world.Save(nil), c.world.Save(nil)) {
			t.Errorf("%s: loaded differently", name)
		}
		if c.Over() {
			continue
		}
		for range 30 { // past seat hold and pause
			idle(t, c, 1)
			idle(t, other, 1)
			if c.Hash() != other.Hash() {
				t.Fatalf("%s: goes on differently in tick %d", name, c.Tick())
			}
		}
	}
}

// Save gives equal bytes for equal states, however often it is called, and never changes anything.
func TestSaveChangesNothing(t *testing.T) {
	a, b := phases(t)["ended"], phases(t)["ended"]
	for range 20 {
		idle(t, a, 1)
		idle(t, b, 1)
		b.Save()
		if len(a.Save()) == 0 || !bytes.Equal(a.Save(), b.Save()) {
			t.Fatal("Save changed the state")
		}
	}
}

func TestLoadRefusesEveryTornState(t *testing.T) {
	for name, c := range phases(t) {
		state := bytes.Clone(c.Save())
		for n := range state {
			if err := testCore(t).Load(state[:n]); err == nil {
				t.Fatalf("%s: loaded %d of %d bytes", name, n, len(state))
			}
		}
		if err := testCore(t).Load(append(state, 0)); err == nil {
			t.Errorf("%s: loaded with a byte too many", name)
		}
	}
}

func TestLoadRefusesNonsense(t *testing.T) {
	state := func(change func(*Core)) []byte {
		c := phases(t)["running"]
		change(c)
		c.savedFor = 0
		return c.Save()
	}
	for name, b := range map[string][]byte{
		"phase":       state(func(c *Core) { c.phase = Ended + 1 }),
		"round 0":     state(func(c *Core) { c.round = 0 }),
		"two alike":   state(func(c *Core) { c.players[1].number = 1 }),
		"unordered":   state(func(c *Core) { c.players[0], c.players[1] = c.players[1], c.players[0] }),
		"player 0":    state(func(c *Core) { c.players[0].number = 0 }),
		"from later":  state(func(c *Core) { c.lastNum = 2 }),
		"kept kind":   state(func(c *Core) { c.kept = []game.Event{{Kind: game.EventAdmin + 1}} }),
		"outbox":      state(func(c *Core) { c.players[0].out.n++ }),
		"more than n": state(func(c *Core) { c.players[1].out.n = 0 }),
		"version":     append([]byte{saveVersion + 1}, state(func(*Core) {})[1:]...),
	} {
		if err := testCore(t).Load(b); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

// tameCore returns a core whose rules spring no traps, whatever is loaded into them.
func tameCore(t *testing.T) *Core {
	def := counterDef(nil)
	def.New = func(game.Setup) (game.Match, error) { return &counter{tame: true}, nil }
	c, err := NewCore(def, testHeader())
	ok(t, err)
	return c
}

// FuzzLoad: no bytes make Load panic, and what it takes is a state that runs and saves.
func FuzzLoad(f *testing.F) {
	for _, c := range phases(f) {
		f.Add(bytes.Clone(c.Save()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, other := tameCore(t), tameCore(t)
		if c.Load(b) != nil {
			return
		}
		state := bytes.Clone(c.Save())
		if err := other.Load(state); err != nil || !bytes.Equal(other.Save(), state) {
			t.Fatalf("loaded state does not save and load: %v", err)
		}
		rows := game.NewRows(Kinds(c.def))
		for range 10 {
			rec := journal.Record{Tick: c.Tick() + 1}
			for _, p := range c.players {
				rec.Events = append(rec.Events, journal.Event{Kind: game.EventReturn, Player: p.number})
				rec.Inputs = append(rec.Inputs, journal.Inputs{Player: p.number, Ack: p.ack + 1, MessageAck: p.out.next, Samples: []game.Input{{Seq: p.ack + 1}}})
			}
			if c.Over() {
				return
			}
			if err := c.Apply(&rec); err != nil {
				t.Fatal(err)
			}
			c.Rows(rows)
		}
	})
}
