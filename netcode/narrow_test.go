package netcode

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/loop"
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
	defer wide.Close()
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
