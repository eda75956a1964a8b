package netcode

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
)

// On any line, with any round trip and other messages in between, a frame comes to fill the time that it may take, and the line is neither
// left idle nor overfull; frames go on whatever else is sent.
func TestThinFindsItsSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.SampledFrom([]int{20, 30, 60, 128}).Draw(t, "hz")
		rate := rapid.Float64Range(500, 5000).Draw(t, "bytes a second")
		rtt := time.Duration(rapid.IntRange(1, 200).Draw(t, "rtt")) * time.Millisecond
		other := rapid.SampledFrom([]uint64{0, 0, 30, 60}).Draw(t, "bytes of other messages") // half a second apart
		p := &pace{first: 1, seen: 1, ntrips: 1, rtt: rtt}
		p.trips[0] = rtt
		p.slim()
		free := 0.0 // when the line is empty, in seconds
		var bytes uint64
		var flying []parcel
		var ages []float64
		var settled uint64 // bytes of the first 20 s
		for tick := uint32(2); tick < uint32(60*hz); tick++ {
			now := float64(tick) / float64(hz)
			put := func(n float64) float64 {
				bytes += uint64(n)
				free = max(free, now) + n/rate
				return free
			}
			if tick%uint32(hz/2) == 0 && other > 0 {
				put(float64(other))
			}
			l := lag{tick: tick, every: 1, hz: uint32(hz), seen: p.seen, bytes: bytes}
			if len(flying) > 0 && flying[0].due <= now {
				l.seen, l.took = flying[0].tick, time.Duration((flying[0].due-flying[0].left)*1e9)
				flying = flying[1:]
			}
			if p.next(l, tick) != send || p.ask {
				continue
			}
			arrives := put(p.thin.room)
			if now <= 20 {
				settled = bytes
			} else {
				ages = append(ages, arrives-now)
			}
			p.thin.sent(int(p.thin.room), 1)
			flying = append(flying, parcel{tick: tick, left: now, due: arrives + rtt.Seconds()})
		}
		sum, most := 0.0, 0.0
		for _, a := range ages {
			sum, most = sum+a, max(most, a)
		}
		mean := sum / float64(len(ages))
		used := float64(bytes-settled) / 40 / rate
		// What the algorithm holds to. Sizes grow while frames pass in thinWait, and a frame is thinFill of its size or more: so what thinRate
		// frames of full size a second take is this much of the line at most.
		overfull := thinRate * thinWait.Seconds() / thinFill
		// Sizes fall by an eighth for a frame that took longer than thinWait and grow by a 32nd for another, so no more than every fifth takes
		// longer. It does where one more frame and another message are before it, 120 ms each. A size that is too large is noticed when
		// a round trip has passed: by then up to five frames were sent, and half of the size is left when all were heard of.
		if len(ages) < 40*4 || mean > 0.8*thinWait.Seconds()+0.2*0.36 || most > 0.36 || used < overfull/2-0.05 || used > overfull {
			t.Fatalf("%d frames in 40 s, on the line for %.3f s, at most %.3f, %.2f of it used; size %.0f", len(ages), mean, most, used, p.thin.size)
		}
	})
}

// A connection that gets nothing through is given up after 10 s, as any other.
func TestThinGivesUp(t *testing.T) {
	p := &pace{first: 1, seen: 1, ntrips: 1, rtt: time.Millisecond}
	p.slim()
	for tick := uint32(2); tick < 600; tick++ {
		if p.next(lag{tick: tick, every: 1, hz: 30, seen: 1}, tick) == tooSlow {
			if tick < 300 || tick > 330 {
				t.Errorf("given up at tick %d", tick)
			}
			return
		}
	}
	t.Error("not given up")
}

// Who comes back from a view of his own gets a keyframe, for nobody else has what he has; and so does who changes his team.
func TestReducedComesBack(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", (&lab{mob: 40}).in(nil))
		var rate atomic.Int64
		p := e.hear(ctx, token.Player{ID: "slow", Team: 1}, func(_ *client.Config, w *wiretap) { w.dial = e.narrow(ctx, 20*time.Millisecond, &rate) })
		other := e.hear(ctx, token.Player{ID: "quick", Team: 1}, nil)
		after(3 * time.Second)
		for i := range 3 {
			rate.Store(700)
			after(8 * time.Second)
			if n := e.srv.stats.Reduced.Load(); n != 1 {
				t.Errorf("%d players with views of their own", n)
			}
			before := p.Stats()
			rate.Store(0)
			p.Cut()
			after(2 * time.Second)
			if s := p.honest(t); s.Connects != uint64(i+2) || s.Keyframes != before.Keyframes+1 || s.KeyframeRequests != 0 {
				t.Errorf("%d connects, %d keyframes, %d asked for", s.Connects, s.Keyframes-before.Keyframes, s.KeyframeRequests)
			}
			if n := e.srv.stats.Reduced.Load(); n != 0 {
				t.Errorf("%d players with views of their own after he came back", n)
			}
		}
		if s := other.honest(t); s.Keyframes != 1 || s.Frames < 30*30 {
			t.Errorf("the other noticed: %d frames, %d keyframes", s.Frames, s.Keyframes)
		}
		if m.reduced != 0 || len(m.companies) > 2 {
			t.Errorf("%d views, %d companies are left", m.reduced, len(m.companies))
		}
		_ = m.Kick("nobody", "") // orders what was read here before the match's next tick
	})
}

// No more players than Config.Reduced have views of their own; the others share frames.
func TestReducedIsBounded(t *testing.T) {
	virtual(t, func(c *Config) { c.Reduced = 2 }, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", (&lab{mob: 40}).in(nil))
		var rate atomic.Int64
		var all []*heard
		for i := range 4 {
			all = append(all, e.hear(ctx, token.Player{ID: fmt.Sprint("p", i)}, func(_ *client.Config, w *wiretap) { w.dial = e.narrow(ctx, 20*time.Millisecond, &rate) }))
		}
		after(3 * time.Second)
		rate.Store(700)
		after(8 * time.Second)
		if n := e.srv.stats.Reduced.Load(); n != 2 {
			t.Errorf("%d players with views of their own", n)
		}
		rate.Store(0)
		after(5 * time.Second)
		for _, p := range all {
			p.honest(t)
		}
	})
}
