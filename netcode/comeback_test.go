package netcode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// carry takes bytes from one connection to another, which they reach after a while. It ends with the test.
func carry(ctx context.Context, from, to net.Conn, d time.Duration) {
	type parcel struct {
		due time.Time
		p   []byte
	}
	way := make(chan parcel, 1<<12)
	go func() {
		defer to.Close()
		for x := range way {
			if d := time.Until(x.due); d > 0 { // to select on a timer that is due already can end Go 1.26's race detector with a SIGSEGV
				select {
				case <-time.After(d):
				case <-ctx.Done():
					return
				}
			}
			if _, err := to.Write(x.p); err != nil {
				from.Close()
			}
		}
	}()
	defer close(way)
	for {
		p := make([]byte, 4096)
		n, err := from.Read(p)
		if err != nil {
			return
		}
		way <- parcel{time.Now().Add(d), p[:n]}
	}
}

// far makes connections with a round trip.
func (e *edge) far(ctx context.Context, trip time.Duration) dialer {
	return func(dialing context.Context, network, addr string) (net.Conn, error) {
		c, err := e.dial(dialing, network, addr)
		if err != nil {
			return nil, err
		}
		near, end := net.Pipe()
		go carry(ctx, c, end, trip/2)
		go carry(ctx, end, c, trip/2)
		return near, nil
	}
}

// stateFrame returns the size of a connection's first state frame of All, when it came, and what it is.
func (w *wiretap) stateFrame(t *testing.T, conn int) (bytes int, at time.Time, key bool) {
	t.Helper()
	var window []byte
	for _, f := range w.frames(time.Time{}, func(f *seenFrame) bool { return f.conn == conn && f.b0&15 == opBinary }) {
		msg := f.payload
		if f.deflated() {
			var err error
			if msg, err = inflateStd(msg, window); err != nil {
				t.Fatal(err)
			}
			window = append(window, msg...)
		}
		m, err := schema.VerifyServer(msg)
		if err != nil {
			t.Fatal(err)
		}
		if !schema.IsFrame(&m) {
			continue
		}
		if m.Channel() == uint32(game.All) {
			return len(f.payload), f.at, m.Keyframe()
		}
	}
	t.Fatalf("no state frame on connection %d of %d", conn, len(w.conns))
	return
}

// Who comes back soon is sent what has changed since he went, which is less than everything, within a round trip and two ticks
// of asking; who comes back late is sent everything.
func TestComeBackByDelta(t *testing.T) {
	for _, trip := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond} {
		virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
			m := e.match("m", func(c *loop.Config) { c.Game = arena.Game() })
			def := arena.Game()
			var away time.Time // until then he cannot connect
			p, far := &heard{}, e.far(ctx, trip)
			for i := range tapePlayers {
				w := &walker{brain: def.Brain(game.BrainSetup{Seed: uint64(i), Hz: 30, Static: m.Static(), Skill: 50})}
				x := e.playAs(ctx, e.token("m", fmt.Sprint("p", i)), w, func(c *client.Config) {
					if i != 0 {
						return
					}
					c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
						if time.Now().Before(away) {
							return nil, errors.New("no network")
						}
						return far(ctx, network, addr)
					}
					p.tap = e.tap(c)
				})
				if i == 0 {
					p.player = x
				}
			}
			after(5 * time.Second)
			whole := e.hear(ctx, token.Player{ID: "new", Spectator: true}, noTakeover)
			after(time.Second)
			everything, _, _ := whole.tap.stateFrame(t, 0)

			for i, d := range []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second} {
				away = time.Now().Add(d)
				p.Cut()
				after(d + 2*time.Second)
				n, at, key := p.tap.stateFrame(t, i+1)
				t.Logf("round trip %v, %v away: %d bytes; a keyframe: %d", trip, d, n, everything)
				if took := at.Sub(p.tap.helloAt(i + 1)); took > trip+2*time.Second/30+time.Millisecond {
					t.Errorf("round trip %v: first state after %v", trip, took)
				}
				if late := d > 3*time.Second; key != late || !late && n >= everything {
					t.Errorf("round trip %v, %v away: keyframe %v, %d bytes; a keyframe has %d", trip, d, key, n, everything)
				}
				if s := p.honest(t); s.Connects != uint64(i+2) || s.KeyframeRequests != 0 {
					t.Errorf("%d connects, %d keyframe requests", s.Connects, s.KeyframeRequests)
				}
				after(2 * time.Second)
			}
		})
	}
}

// A delta is sent only to who has just what the ring holds: his own rows and his team's are right at once in any case.
func TestComeBackClaims(t *testing.T) {
	for _, every := range []int{1, 2} {
		for name, c := range map[string]struct {
			change func(*schema.Hello)
			away   time.Duration
			key    bool
		}{
			"true":              {func(*schema.Hello) {}, time.Second, false},
			"at once":           {func(*schema.Hello) {}, 0, false},
			"nearly too late":   {func(*schema.Hello) {}, 2800 * time.Millisecond, false},
			"too late":          {func(*schema.Hello) {}, 3300 * time.Millisecond, true},
			"another hash":      {func(h *schema.Hello) { h.ViewHash++ }, time.Second, true},
			"another epoch":     {func(h *schema.Hello) { h.Epoch++ }, time.Second, true},
			"another tick":      {func(h *schema.Hello) { h.Tick -= uint32(every) }, time.Second, true},
			"between frames":    {func(h *schema.Hello) { h.Tick++ }, time.Second, true},
			"of the future":     {func(h *schema.Hello) { h.Tick += 1000 }, time.Second, true},
			"nothing":           {func(h *schema.Hello) { h.Epoch, h.Tick, h.ViewHash = 0, 0, 0 }, time.Second, true},
			"beyond everything": {func(h *schema.Hello) { h.Tick = 1<<32 - 2 }, time.Second, true},
		} {
			t.Run(fmt.Sprintf("%s, every %d", name, every), func(t *testing.T) {
				virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
					e.match("m", (&lab{mob: 4}).in(func(c *loop.Config) { c.Every = every }))
					comeBackClaiming(t, e, c.change, c.away, c.key)
				})
			})
		}
	}
}

func comeBackClaiming(t *testing.T, e *edge, change func(*schema.Hello), away time.Duration, wantKey bool) {
	c, w, err := e.joined(e.sign(token.Player{Match: "m", ID: "a", Team: 2}), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoding(t, w)
	c.acks = true
	c.record(true, d.take)
	after(4 * time.Second)
	c.Close()
	after(away)
	h := schema.Hello{Version: schema.Version, Resume: w.Resume, Epoch: d.state.Epoch(), Tick: d.state.Tick(), ViewHash: d.state.Hash()}
	change(&h)
	if c, err = e.raw(nil); err != nil {
		t.Fatal(err)
	}
	d.frames, d.keyframes = 0, 0
	d.state.Resumed()
	c.message(c.w.Hello(&h))
	c.record(true, func(m *wire.ServerMessage) {
		d.take(m)
		if schema.IsFrame(m) && m.Channel() == uint32(game.All) {
			d.checkLab(t, w)
		}
	})
	after(time.Second)
	if len(d.errs) != 0 || d.frames < 14 || d.keyframes > 1 || wantKey != (d.keyframes == 1) {
		t.Errorf("%d frames, %d keyframes, errors %v", d.frames, d.keyframes, d.errs)
	}
	if n := e.srv.stats.Reconnected.Load(); n != 1 {
		t.Errorf("%d resumes", n)
	}
}

// checkLab checks the rows that a player has of his own and of his team.
func (d *decoding) checkLab(t *testing.T, w schema.Welcome) {
	t.Helper()
	tick := d.state.Tick()
	for _, x := range []struct {
		channel  game.Channel
		kind     uint8
		of, want int32
	}{
		{game.Own(w.Player), labSecret, int32(w.Player), labValue(w.Player, tick)},
		{game.Team(w.Team), labPlan, int32(w.Team), labValue(w.Team, tick)},
	} {
		kind, row, ok := d.state.Row(x.channel, 1)
		if !ok || kind != x.kind || row[0] != x.of || row[1] != x.want {
			t.Errorf("channel %x at tick %d: %v of kind %d", uint32(x.channel), tick, row, kind)
		}
	}
}
