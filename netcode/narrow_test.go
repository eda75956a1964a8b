package netcode

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/netcode/delta"
)

// narrow makes connections with a round trip, on which the server's bytes come at a rate that may change; 0: without bound.
func (e *edge) narrow(ctx context.Context, trip time.Duration, rate *atomic.Int64) dialer {
	far := e.far(ctx, trip)
	return func(dialing context.Context, network, addr string) (net.Conn, error) {
		c, err := far(dialing, network, addr)
		if err != nil {
			return nil, err
		}
		near, end := net.Pipe()
		go carry(ctx, end, c, 0)
		go drip(ctx, c, end, rate)
		return near, nil
	}
}

// drip takes bytes from one connection to another at a rate, through a buffer as large as the kernel's.
func drip(ctx context.Context, from, to net.Conn, rate *atomic.Int64) {
	in, wide := net.Pipe()
	go carry(ctx, from, in, 0)
	defer to.Close()
	p := make([]byte, 20)
	for {
		n, err := wide.Read(p)
		if err != nil || ctx.Err() != nil {
			return
		}
		if r := rate.Load(); r > 0 {
			select {
			case <-time.After(time.Duration(n) * time.Second / time.Duration(r)):
			case <-ctx.Done():
				return
			}
		}
		if _, err := to.Write(p[:n]); err != nil {
			from.Close()
			return
		}
	}
}

// bots lets bots play an arena match; the first of them over connections of his own. It returns how old his states are as they come.
func (e *edge) bots(ctx context.Context, m *Match, dial dialer) (all []*player, ages *[]time.Duration) {
	ages = new([]time.Duration)
	for i := range tapePlayers {
		w := &walker{brain: m.Config().Game.Brain(game.BrainSetup{Seed: uint64(i), Hz: 30, Static: m.Static(), Skill: 50})}
		if i == 0 {
			w.onFrame = func(_ *client.Client, tick uint32) { *ages = append(*ages, m.Lateness(tick)) }
		}
		all = append(all, e.playAs(ctx, e.token("m", fmt.Sprint("p", i)), w, func(c *client.Config) {
			if i == 0 {
				c.Dial = dial
			}
		}))
	}
	return all, ages
}

// A bot on half of the few bytes that he needs cannot have states as young as TestPaceHalfTheBandwidth says: TestBytesByRate shows that a
// sixth of the frames takes two thirds of the bytes, so half of them pays for about two frames a second, each as old as it is long.
// But none is much older than that, whatever piles up otherwise; he gets every frame again soon after; and nobody else notices.
func TestNarrowLine(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", func(c *loop.Config) { c.Game = arena.Game() })
		var rate atomic.Int64
		all, log := e.bots(ctx, m, e.narrow(ctx, 20*time.Millisecond, &rate))
		after(4 * time.Second)
		took := func(d time.Duration) (bytes, frames float64, ages []time.Duration) {
			before := all[0].Stats()
			get(all[0].walker, func() int { *log = nil; return 0 })
			after(d)
			s := all[0].Stats()
			ages = get(all[0].walker, func() []time.Duration { return slices.Sorted(slices.Values(*log)) })
			return float64(s.BytesIn-before.BytesIn) / d.Seconds(), float64(s.Frames-before.Frames) / d.Seconds(), ages
		}
		need, full, _ := took(6 * time.Second)
		rate.Store(int64(need / 2))
		got, fewer, ages := took(15 * time.Second)
		p50, most := ages[len(ages)/2], ages[len(ages)-1]
		t.Logf("%.0f B/s for %.1f frames/s; on half of that %.0f B/s, %.1f frames/s, age p50 %v max %v", need, full, got, fewer, p50, most)
		if p50 > 600*time.Millisecond || most > 900*time.Millisecond || fewer < 1.5 || got < 0.35*need {
			t.Errorf("%.0f B/s, %.1f frames a second, age p50 %v max %v", got, fewer, p50, most)
		}
		rate.Store(0)
		after(3 * time.Second)
		if _, again, _ := took(2 * time.Second); again < 29 {
			t.Errorf("%.1f frames a second after the trouble", again)
		}
		for i, p := range all {
			if s := p.honest(t); i > 0 && (s.Keyframes != 1 || s.Frames < 29*30) {
				t.Errorf("player %d: %d frames, %d keyframes", i, s.Frames, s.Keyframes)
			}
		}
	})
}

// TestBytesByRate prints what the arena's state costs a player at every rate, and how much of that the window and proper deltas of his
// own rows save.
func TestBytesByRate(t *testing.T) {
	tape := playTape(t, 2400, 1500)
	for _, k := range divisors {
		r := bytesByRate(t, tape, k)
		perSecond := func(n int) float64 { return 30 / float64(k) * float64(n) / float64(r.frames) }
		t.Logf("1 of %d frames: %.0f B/s without a window, %.0f with one, own rows %.0f more; oldest if the line is half of that needed for all: %.0f ms",
			k, perSecond(r.alone), perSecond(r.window), perSecond(r.own), 1e3*float64(r.window+r.own)/float64(r.frames)/500)
		if r.window*100 > r.alone*80 || r.own > 15*r.frames {
			t.Errorf("1 of %d frames: %+v", k, r)
		}
	}
}

// rateBytes is what some frames take, with their headers.
type rateBytes struct{ frames, alone, window, own int }

// bytesByRate sends every k-th state frame of a tape to its first player.
func bytesByRate(t *testing.T, tape *tapeOf, k uint32) (r rateBytes) {
	kinds := loop.Kinds(arena.Game())
	tables, err := delta.NewTables(kinds)
	if err != nil {
		t.Fatal(err)
	}
	m := &Match{tables: tables}
	p := &member{seat: loop.Seat{Player: game.Player{Number: 1}}}
	p.own.snapshots[0] = delta.NewSnapshot(tables, game.Own(1))
	ring, deflate := delta.NewRing(tables, game.All, 8), cohort.NewCompressor()
	window := deflate.NewWindow()
	size := func(out []byte, ok bool, msg []byte) int {
		if !ok {
			out = msg
		}
		return len(AppendFrame(nil, ok, out))
	}
	for i, rows := range tape.rows {
		f := uint32(i + 1)
		now := ring.Add(f, f, rows.Channel(game.All), rows)
		x := &tick{Frame: &loop.Frame{Tick: f, Rows: rows}, number: f}
		m.watch(p, x)
		if f%k != 0 {
			continue
		}
		if own := m.ownMessage(p, x, f == k); f > k && own != nil {
			r.own += len(AppendFrame(nil, false, own))
		}
		p.own.sent = p.own.now
		if f == k {
			continue
		}
		msg := m.enc.Encode(ring.At(f-k), now, delta.Options{})
		out, ok := deflate.Append(nil, msg)
		r.alone += size(out, ok, msg)
		out, ok = window.Append(nil, msg)
		r.window += size(out, ok, msg)
		r.frames++
	}
	return r
}
