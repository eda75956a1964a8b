package delta

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
)

// world is a channel of random rows, frame by frame.
type world struct {
	kinds []game.Kind
	ring  *Ring
	rows  *game.Rows
	model model
	frame uint32
}

func newWorld(t *rapid.T) *world {
	kinds := drawKinds(t)
	return &world{kinds: kinds, ring: NewRing(mustTables(kinds), game.All, 4), rows: game.NewRows(kinds), frame: 1000}
}

// step makes the next state frame; still: of the same rows, each as it is predicted.
func (w *world) step(t *rapid.T, still bool) *Snapshot {
	m := model{}
	for id, r := range w.model {
		vals := make([]int32, len(r.vals))
		for i := range vals {
			vals[i] = r.vals[i] + r.disp[i]
		}
		m[id] = modelRow{kind: r.kind, vals: vals}
	}
	if !still {
		m = w.model.mutate(t, w.kinds)
	}
	w.model = w.model.next(w.kinds, m)
	w.rows.Reset()
	w.model.fill(w.rows, game.All)
	w.rows.Sort()
	w.frame++
	return w.ring.Add(w.frame, w.frame, w.rows.All(), w.rows)
}

// begin gives a receiver all of it, and returns the record of what he has.
func (w *world) begin(t *rapid.T, bound uint32) (*State, *Reduced) {
	state, now := mustState(w.kinds, 1), w.step(t, false)
	apply(t, state, new(Encoder).Encode(nil, now, Options{}))
	return state, NewReduced(now, bound)
}

// equal fails the test unless a receiver has exactly the rows, displacements included, of a snapshot.
func equal(t *rapid.T, got, want *Snapshot) {
	t.Helper()
	if got.hash != want.hash || got.tick != want.tick || len(got.rows) != len(want.rows) {
		t.Fatalf("hash %08x, tick %d, %d rows; want %08x, %d, %d", got.hash, got.tick, len(got.rows), want.hash, want.tick, len(want.rows))
	}
	for i := range want.rows {
		a, b := &got.rows[i], &want.rows[i]
		x, y := got.numbers(a), want.numbers(b)
		for j := range y {
			if a.id != b.id || a.kind != b.kind || x[j] != y[j] {
				t.Fatalf("row %d: kind %d, %v; want row %d, %d, %v", a.id, a.kind, x, b.id, b.kind, y)
			}
		}
	}
}

// Whatever is left out, the receiver has what the server has written down of him, no row that never was, and with a budget for it, all of the
// truth. Over one frame there is none.
func TestReducedIsWhatTheReceiverHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		state, r := w.begin(t, 5)
		var enc Encoder
		was := map[uint32]bool{}
		for range 30 {
			now := w.step(t, false)
			for id := range w.model {
				was[id] = true
			}
			if rapid.IntRange(0, 2).Draw(t, "skip") > 0 || now.frame-r.Has().frame < 2 {
				if now.frame-r.Has().frame < 2 && r.Next(now, Whole) != nil {
					t.Fatal("a frame over one")
				}
				continue
			}
			budget := rapid.SampledFrom([]int{0, 5, 20, 100, Whole}).Draw(t, "budget")
			next := r.Next(now, budget)
			for i := range next.rows {
				id := next.rows[i].id
				is, more := now.find(id), false
				for j, v := range next.values(&next.rows[i]) {
					more = more || is != nil && is.kind == next.rows[i].kind && v-now.values(is)[j] > 0
				}
				if budget == Whole && r.Ahead(now, id) || r.Ahead(now, id) != more {
					t.Fatalf("row %d is ahead: %v, %v", id, r.Ahead(now, id), more)
				}
			}
			if rapid.IntRange(0, 5).Draw(t, "lost") == 0 {
				continue // it was made, and not sent
			}
			apply(t, state, enc.Encode(r.Has(), next, Options{FullHash: rapid.Bool().Draw(t, "full")}))
			r.Sent()
			equal(t, state.Snapshot(game.All), r.Has())
			for i := range r.Has().rows {
				if id := r.Has().rows[i].id; !was[id] && r.right[i] != 1001 {
					t.Fatalf("row %d, which never was", id)
				}
			}
			if budget == Whole && r.Left() != 0 {
				t.Fatalf("%d rows left out of all", r.Left())
			}
			if r.Left() == 0 {
				equal(t, state.Snapshot(game.All), now)
			}
			if budget != Whole && r.cost > budget && r.cost > int(r.debts[r.order[0]].cost) {
				t.Fatalf("%d bytes of %d", r.cost, budget)
			}
		}
	})
}

// With no room but for the one row that is in every frame, none waits for longer than the bound and as many frames as there are rows, and when the world
// does nothing unexpected any more the receiver soon has all of it.
func TestReducedStarvesNoRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		const bound = 6
		state, r := w.begin(t, bound)
		var enc Encoder
		most := 0
		turn := func(still bool) *Snapshot {
			w.step(t, still)
			now := w.step(t, still)
			next := r.Next(now, rapid.IntRange(0, 12).Draw(t, "budget"))
			apply(t, state, enc.Encode(r.Has(), next, Options{}))
			r.Sent()
			most = max(most, len(r.debts))
			for i := range r.debts {
				if d := &r.debts[i]; !d.take && d.late > bound+2*uint32(most) {
					t.Fatalf("row %d is wrong for %d frames, of at most %d rows", d.id, d.late, most)
				}
			}
			return now
		}
		for range 25 {
			turn(false)
		}
		for range most + 1 {
			turn(true)
		}
		now := turn(true)
		equal(t, state.Snapshot(game.All), now)
	})
}

// A row that takes an id over is new to the receiver, even with the kind of the one before.
func TestReducedTellsRowsOfOneID(t *testing.T) {
	kinds := []game.Kind{{Name: "k", Fields: []game.Field{{Bits: 16}}}}
	ring, rows := NewRing(mustTables(kinds), game.All, 8), game.NewRows(kinds)
	add := func(frame uint32, values ...int32) *Snapshot {
		rows.Reset()
		for _, v := range values {
			rows.Put(game.All, 1, 0)[0] = v
		}
		return ring.Add(frame, frame, rows.All(), rows)
	}
	r := NewReduced(add(1, 5), 10)
	add(2)
	now := add(3, 5)
	if next := r.Next(now, Whole); next.rows[0].born != 3 || r.Left() != 0 || r.Cost() == 0 {
		t.Errorf("born %d, cost %d", next.rows[0].born, r.Cost())
	}
}

// After warm-up nothing is allocated.
func TestReducedAllocatesNothing(t *testing.T) {
	kinds := []game.Kind{{Name: "k", Fields: []game.Field{{Bits: 16, Linear: true}, {Bits: 16}}}}
	ring, rows := NewRing(mustTables(kinds), game.All, 8), game.NewRows(kinds)
	frame := uint32(0)
	add := func() *Snapshot {
		frame++
		rows.Reset()
		for id := range uint32(50) {
			v := rows.Put(game.All, id, 0)
			v[0], v[1] = int32(frame*frame*id), int32(frame/7+id)
		}
		return ring.Add(frame, frame, rows.All(), rows)
	}
	r := NewReduced(add(), 30)
	var enc Encoder
	turn := func() {
		add()
		next := r.Next(add(), 60)
		enc.Encode(r.Has(), next, Options{})
		r.Sent()
	}
	for range 10 {
		turn()
	}
	if n := testing.AllocsPerRun(50, turn); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
