package delta

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
)

// Receivers that miss frames as they like always have exactly the rows and the hash of the model: one that gets every
// frame, two that skip, one that loses its state.
func TestReceiversHaveTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := drawKinds(t)
		tables, err := NewTables(kinds)
		if err != nil {
			t.Fatal(err)
		}
		every := rapid.IntRange(1, 3).Draw(t, "every")
		chans := []game.Channel{game.All, game.Team(2), game.Own(7)}
		rings := make([]*Ring, len(chans))
		models := make([]model, len(chans))
		for i, c := range chans {
			rings[i] = NewRing(tables, c, 6)
		}
		type receiver struct {
			state *State
			base  uint32 // state frame that it has, 0 for none
			skip  int
		}
		receivers := make([]receiver, 3)
		for i := range receivers {
			if receivers[i].state, err = NewState(kinds, every); err != nil {
				t.Fatal(err)
			}
			receivers[i].skip = i
		}
		rows := game.NewRows(kinds)
		var enc Encoder
		for frame := uint32(20000); frame < 20012; frame++ {
			tick := frame * uint32(every)
			rows.Reset()
			for i, c := range chans {
				models[i] = models[i].next(kinds, models[i].mutate(t, kinds))
				models[i].fill(rows, c)
			}
			rows.Sort()
			for i, c := range chans {
				s := rings[i].Add(tick, frame, rows.Channel(c), rows)
				if want := models[i].hash(kinds); s.Hash() != want || s.Dropped() != 0 {
					t.Fatalf("channel %d: hash %08x of the snapshot, want %08x", c, s.Hash(), want)
				}
				same(t, kinds, s, models[i])
			}
			for j := range receivers {
				r := &receivers[j]
				if r.skip > 0 && rapid.IntRange(0, r.skip).Draw(t, "skip") > 0 {
					continue
				}
				if r.base != 0 && rapid.IntRange(0, 30).Draw(t, "reset") == 0 {
					r.state.Reset()
					r.base = 0
				}
				full := rapid.Bool().Draw(t, "full hash")
				for i := len(chans) - 1; i >= 0; i-- { // All comes last
					now, base := rings[i].At(frame), rings[i].At(r.base)
					if r.base == 0 || rings[0].At(r.base) == nil {
						base = nil
					}
					if i != 0 && Predicted(base, now) {
						continue
					}
					res := apply(t, r.state, enc.Encode(base, now, Options{FullHash: full, Epoch: 3}))
					if res.Tick != tick || res.Channel != chans[i] || res.Keyframe != (base == nil) || res.Clock != (i == 0) {
						t.Fatalf("result %+v at tick %d", res, tick)
					}
				}
				r.base = frame
				same(t, kinds, r.state, models...)
				for i, c := range chans {
					if h := r.state.Snapshot(c).Hash(); h != models[i].hash(kinds) {
						t.Fatalf("channel %d: hash %08x of the state, want %08x", c, h, models[i].hash(kinds))
					}
				}
				if r.state.Tick() != tick || r.state.Epoch() != 3 {
					t.Fatalf("tick %d epoch %d", r.state.Tick(), r.state.Epoch())
				}
			}
		}
	})
}

// Predicted says the same as an encoder that finds nothing to write.
func TestPredictedMeansNothingToSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := drawKinds(t)
		tables, _ := NewTables(kinds)
		ring := NewRing(tables, game.All, 8)
		rows := game.NewRows(kinds)
		var m model
		var enc Encoder
		for frame := uint32(1); frame <= 6; frame++ {
			rows.Reset()
			m = m.next(kinds, m.mutate(t, kinds))
			m.fill(rows, game.All)
			rows.Sort()
			now := ring.Add(frame, frame, rows.All(), rows)
			for back := uint32(1); back < frame; back++ {
				base := ring.At(frame - back)
				enc.Encode(base, now, Options{})
				if got, want := Predicted(base, now), len(enc.rows) == 0; got != want {
					t.Fatalf("%d frames back: predicted %v, %d bytes of rows", back, got, len(enc.rows))
				}
			}
		}
	})
}
