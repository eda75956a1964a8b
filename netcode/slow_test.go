package netcode

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// decoding applies what a raw client records to a state of its own.
type decoding struct {
	state     *delta.State
	frames    int // of All
	keyframes int // of them
	errs      []error
}

func newDecoding(t testing.TB, w schema.Welcome) *decoding {
	t.Helper()
	s, err := delta.NewState(delta.KindsFromWire(w.Kinds), int(w.Every))
	if err != nil {
		t.Fatal(err)
	}
	return &decoding{state: s}
}

func (d *decoding) take(m *wire.ServerMessage) {
	if !schema.IsFrame(m) {
		return
	}
	res, err := d.state.Apply(m)
	if err != nil {
		d.errs = append(d.errs, err)
	}
	if res.Clock {
		d.frames++
		if res.Keyframe {
			d.keyframes++
		}
	}
}

// Who stops reading misses state frames and costs nobody anything; when he reads again he gets the newest state, at once
// and whole.
func TestSlowReader(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", (&lab{}).in(nil))
		other := e.play(ctx, "m", "other")
		c, w, err := e.joined(e.token("m", "slow"), nil)
		if err != nil {
			t.Fatal(err)
		}
		d := newDecoding(t, w)
		for range 3 {
			c.message(samplesFrom(1, 0)) // he still speaks
			before := d.frames
			after(4 * time.Second) // not reading
			skipped := e.srv.stats.FramesSkipped.Swap(0)
			if skipped < 110 {
				t.Errorf("%d state frames skipped in 4 s", skipped)
			}
			for d.frames < before+20 {
				m, err := c.readMessage()
				if err != nil {
					t.Fatal(err)
				}
				d.take(&m)
			}
		}
		if len(d.errs) != 0 || d.keyframes < 3 || d.keyframes > 7 {
			t.Errorf("%d frames, %d keyframes, errors %v", d.frames, d.keyframes, d.errs)
		}
		if tick, _ := e.srv.Match("m").Clock(); tick-d.state.Tick() > 1 {
			t.Errorf("his state is of tick %d, the match at %d", d.state.Tick(), tick)
		}
		if s := other.honest(t); s.Keyframes != 1 || s.Frames < 360 {
			t.Errorf("the other noticed: %d frames, %d keyframes", s.Frames, s.Keyframes)
		}
		c.Close()
	})
}

// Who never reads again is given up with 4011 and keeps his seat.
func TestNeverReads(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", (&lab{}).in(nil))
		e.play(ctx, "m", "other")
		c, w, err := e.joined(e.token("m", "stuck"), nil)
		if err != nil {
			t.Fatal(err)
		}
		after(4900 * time.Millisecond)
		if n := e.srv.stats.Closes()[schema.CloseTooSlow]; n != 0 {
			t.Errorf("given up before 5 s")
		}
		after(2 * time.Second)
		if n := e.srv.stats.Closes()[schema.CloseTooSlow]; n != 1 || m.Info().Online != 1 || m.Info().Taken != 2 {
			t.Errorf("%d connections ended with 4011, %+v", n, m.Info())
		}
		c.Close()
		_, r := e.rawHello(schema.Hello{Resume: w.Resume})
		after(time.Second)
		if r.expect(t, 0); lastWelcome(r).Player != w.Player {
			t.Errorf("came back as %d, was %d", lastWelcome(r).Player, w.Player)
		}
	})
}

// Reliable messages wait for a slow reader up to a bound; past it the connection ends with 4011, long before the time is
// up, and the messages that the match keeps come after the resume.
func TestReliableOverflow(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", (&lab{}).in(nil))
		other := e.play(ctx, "m", "other")
		c, w, err := e.joined(e.token("m", "stuck"), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(12) {
			c.message(c.w.Command(i+1, []byte("say 20")))
			after(40 * time.Millisecond)
		}
		after(100 * time.Millisecond)
		r := c.record(true, nil) // the close frame waits for him, too
		after(100 * time.Millisecond)
		r.expect(t, schema.CloseTooSlow)
		if n := e.srv.stats.Closes()[schema.CloseTooSlow]; n != 1 {
			t.Errorf("closes %v", e.srv.stats.Closes())
		}
		_, again := e.rawHello(schema.Hello{Resume: w.Resume, Message: 3})
		after(time.Second)
		got := numbers(again)
		if again.expect(t, 0); len(got) < 20 || len(got) > 64 {
			t.Errorf("%d messages after the resume", len(got))
		}
		if s := other.honest(t); s.Keyframes != 1 || s.Connects != 1 {
			t.Errorf("the other noticed: %+v", s)
		}
	})
}

// A tick that comes late leaves the state frames of the ones before out: whatever the gap, the next one is decoded.
func TestTicksThatCatchUp(t *testing.T) {
	for _, every := range []int{1, 2, 3} {
		t.Run(fmt.Sprint("every ", every), func(t *testing.T) {
			virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
				m := e.match("m", (&lab{}).in(func(c *loop.Config) { c.Every = every }))
				var players []*player
				for i := range 3 {
					players = append(players, e.play(ctx, "m", fmt.Sprint("p", i)))
				}
				c, w, err := e.joined(e.token("m", "holds-up"), nil)
				if err != nil {
					t.Fatal(err)
				}
				d := newDecoding(t, w)
				c.record(true, d.take)
				after(time.Second)
				for i := range uint32(12) {
					c.message(c.w.Command(i+1, fmt.Appendf(nil, "sleep %dms", 30*(i+1))))
					after(time.Second)
				}
				if m.Config().Stats.Shed.Load() == 0 {
					t.Error("no state frame was left out: this tests nothing")
				}
				if len(d.errs) != 0 {
					t.Errorf("a raw client: %d frames, %v", d.frames, d.errs)
				}
				for i, p := range players {
					if s := p.honest(t); s.Connects != 1 || s.KeyframeRequests != 0 {
						t.Errorf("player %d: %d connects, %d keyframe requests", i, s.Connects, s.KeyframeRequests)
					}
				}
			})
		})
	}
}
