package netcode

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/netcode/token"
)

// Slow players at the same rate who have no views of their own share a window, in a team too; those who keep up are not disturbed.
func TestSlowCompany(t *testing.T) {
	for _, team := range []uint32{0, 1} {
		virtual(t, func(c *Config) { c.Reduced = -1 }, func(t *testing.T, ctx context.Context, e *edge) {
			m := e.match("m", (&lab{mob: 24}).in(nil))
			var rate atomic.Int64
			var slow, quick []*heard
			for i := range 3 {
				quick = append(quick, e.hear(ctx, token.Player{ID: fmt.Sprint("quick", i), Team: team}, nil))
				slow = append(slow, e.hear(ctx, token.Player{ID: fmt.Sprint("slow", i), Team: team}, func(_ *client.Config, w *wiretap) {
					w.dial = e.narrow(ctx, 20*time.Millisecond, &rate)
				}))
			}
			after(3 * time.Second)
			begin := time.Now()
			full := meanSize(quick[0].tap.deflated(time.Time{}))
			rate.Store(int64(30 * full * 6 / 10))
			after(20 * time.Second)
			names := map[string]int{}
			total := 0
			for _, p := range slow {
				for _, b := range p.tap.deflated(begin) {
					names[string(b)]++
					total++
				}
			}
			shared := 0
			for _, n := range names {
				if n > 1 {
					shared += n
				}
			}
			t.Logf("team %d: %d of %d compressed frames of slow players were shared, %.0f bytes a frame, %.0f of those who keep up",
				team, shared, total, meanSize(slow[0].tap.deflated(begin)), full)
			if total < 60 || shared < total/4 {
				t.Errorf("team %d: %d of %d compressed frames were shared", team, shared, total)
			}
			for i := range quick {
				if s := quick[i].honest(t); s.Frames < 22*30 || s.Keyframes != 1 {
					t.Errorf("quick %d: %d frames, %d keyframes", i, s.Frames, s.Keyframes)
				}
				if s := slow[i].honest(t); s.Frames < 60 || s.Frames > 500 {
					t.Errorf("slow %d: %d frames", i, s.Frames)
				}
				slow[i].tap.inflateAll(t)
			}
			rate.Store(0)
			after(10 * time.Second)
			for i, p := range slow {
				if s := p.honest(t); s.Connects != 1 {
					t.Errorf("slow %d connected %d times", i, s.Connects)
				}
			}
			if n := len(m.companies); n != 1 || m.companies[0].inside != 6 {
				t.Errorf("%d companies are left, %d inside the first", n, m.companies[0].inside)
			}
			_ = m.Kick("nobody", "") // orders what was read here before the match's next tick
		})
	}
}

// What a player has of his own costs the same after a gap as without: rows that were there all the time are not said anew.
func TestOwnRowsOverAGap(t *testing.T) {
	kinds := loop.Kinds((&lab{}).def())
	tables, err := delta.NewTables(kinds)
	if err != nil {
		t.Fatal(err)
	}
	m := &Match{tables: tables}
	p := &member{seat: loop.Seat{Player: game.Player{Number: 1}}}
	p.own.snapshots[0] = delta.NewSnapshot(tables, game.Own(1))
	var sizes []int
	for n := uint32(1); n <= 60; n++ {
		rows := game.NewRows(kinds)
		copy(rows.Put(game.Own(1), 1, labSecret), []int32{1, int32(n / 50)})
		rows.Sort()
		f := &tick{Frame: &loop.Frame{Tick: n, Rows: rows}, number: n}
		m.watch(p, f)
		if n%6 == 0 {
			msg := m.ownMessage(p, f, n == 6)
			sizes = append(sizes, len(msg))
			p.own.sent = p.own.now
		}
	}
	if want := []bool{true, false, false, false, false, false, false, false, true, false}; !slices.EqualFunc(sizes, want, func(n int, said bool) bool { return n > 0 == said }) {
		t.Errorf("sizes of the messages about own rows: %v", sizes)
	}
	if sizes[8] >= sizes[0] {
		t.Errorf("a change takes %d bytes, all of it %d", sizes[8], sizes[0])
	}
}
