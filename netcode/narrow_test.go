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

// A bot on half of the few bytes that he needs cannot have states as young as TestPaceHalfTheBandwidth says: what changes in six
// ticks takes nearly the bytes of six frames. But none is old, whatever piles up otherwise; he gets every frame again soon
// after; and nobody else notices.
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
		if most > time.Second || fewer < 1 || got < 0.35*need {
			t.Errorf("%.0f B/s, %.1f frames a second, age max %v", got, fewer, most)
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
