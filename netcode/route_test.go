package netcode

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// A player who enters at the wrong node is sent to the right one, once, and stays there.
func TestMove(t *testing.T) {
	inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
		w.edges["a"].match("m", nil)
		w.answer("b", always(Route{URL: playURL("a")}, nil))
		p := w.play("b", "m", "p", nil)
		after(3 * time.Second)
		s := p.honest(t)
		if s.Moves != 1 || s.Connects != 1 || s.Frames < 60 || s.Closes[schema.CloseMoved] != 1 {
			t.Errorf("%+v", s)
		}
		if st := w.edges["b"].srv.stats; st.Moved.Load() != 1 || st.Questions.Load() != 1 || w.edges["a"].srv.stats.Joined.Load() != 1 {
			t.Errorf("moved %d, asked %d", st.Moved.Load(), st.Questions.Load())
		}
		// He comes back at the wrong node with the token of the right one.
		p2 := w.play("b", "m", "q", func(c *client.Config) {
			c.Roam = true
			c.Locate = func(context.Context, int) (string, error) { return playURL("b"), nil }
		})
		for range 5 {
			after(2 * time.Second)
			p2.Cut()
		}
		after(2 * time.Second)
		if s := p2.honest(t); s.Connects != 6 || s.Moves != 6 || s.FailedAttempts != 6 || s.Answered < s.Sent-20 {
			t.Errorf("after 5 returns at another node: %+v", s)
		}
	})
}

// What Config.Route answers decides what the player is told.
func TestRouteAnswers(t *testing.T) {
	long := "ws://" + strings.Repeat("x", 200) + "/v1/play"
	for name, c := range map[string]struct {
		route Route
		err   error
		code  schema.CloseCode
	}{
		"unknown":   {err: ErrUnknownMatch, code: schema.CloseMatchOver},
		"any error": {err: errors.New("what"), code: schema.CloseMatchOver},
		"busy":      {err: ErrBusy, code: schema.CloseUnavailable},
		"late":      {err: context.DeadlineExceeded, code: schema.CloseUnavailable},
		"nothing":   {code: schema.CloseMatchOver},
		"not here":  {route: Route{Here: true}, code: schema.CloseUnavailable},
		"there":     {route: Route{URL: playURL("a")}, code: schema.CloseMoved},
		"far away":  {route: Route{URL: long}, code: schema.CloseMoved},
		"dead node": {route: Route{Dial: dead}, code: schema.CloseUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, []string{"b"}, func(t *testing.T, w *town) {
				w.answer("b", always(c.route, c.err))
				e := w.edges["b"]
				conn, r := e.rawHello(schema.Hello{Token: e.token("m", "p")})
				defer conn.Close()
				after(3 * time.Second)
				r.expect(t, c.code)
				want := 0
				if c.code == schema.CloseMoved {
					want = 1
				}
				if n := r.moves(c.route.URL); n != want {
					t.Errorf("%d moves", n)
				}
			})
		})
	}
}

// A question may take two seconds: the connection stays, and the player is let in the moment his match starts here.
func TestRouteWaits(t *testing.T) {
	inTown(t, []string{"b"}, func(t *testing.T, w *town) {
		w.answer("b", func(ctx context.Context, _ string, _ uint32) (Route, error) {
			<-ctx.Done()
			return Route{}, ctx.Err()
		})
		e := w.edges["b"]
		in, there := e.rawHello(schema.Hello{Token: e.token("m", "p")})
		defer in.Close()
		out, never := e.rawHello(schema.Hello{Token: e.token("other", "p")})
		defer out.Close()
		after(time.Second)
		there.expect(t, 0)
		e.match("m", nil)
		after(100 * time.Millisecond)
		if lastWelcome(there).Match != "m" {
			t.Error("not let in")
		}
		never.expect(t, 0)
		after(time.Second)
		never.expect(t, schema.CloseUnavailable)
		if n := len(e.srv.questions); n != 0 {
			t.Errorf("%d questions left", n)
		}
	})
}

// No more than a bound of questions is asked at a time.
func TestRouteBounded(t *testing.T) {
	inTown(t, []string{"b"}, func(t *testing.T, w *town) {
		e := w.edges["b"]
		e.srv.mu.Lock()
		for range maxQuestions {
			e.srv.questions[&question{cancel: func() {}}] = struct{}{}
		}
		e.srv.mu.Unlock()
		c, r := e.rawHello(schema.Hello{Token: e.token("m", "p")})
		defer c.Close()
		after(time.Second)
		r.expect(t, schema.CloseUnavailable)
		if n := e.srv.stats.Refused()[errQuestions.Error()]; n != 1 {
			t.Errorf("%d refused", n)
		}
	})
}

// A node that is behind the epoch that a player has seen does not welcome him, but asks.
func TestRouteEpoch(t *testing.T) {
	inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
		w.edges["a"].match("m", func(c *loop.Config) { c.Epoch = 3 })
		asked := uint32(0)
		w.answer("a", func(_ context.Context, _ string, epoch uint32) (Route, error) {
			asked = epoch
			return Route{URL: playURL("b")}, nil
		})
		e := w.edges["a"]
		for epoch, code := range map[uint32]schema.CloseCode{0: 0, 2: 0, 3: 0, 4: schema.CloseMoved} {
			c, r := e.rawHello(schema.Hello{Token: e.token("m", "p"), Epoch: epoch})
			after(time.Second)
			r.expect(t, code)
			c.Close()
			after(time.Second)
		}
		if asked != 4 {
			t.Errorf("asked about epoch %d", asked)
		}
	})
}

// Players are told who stands by in the welcome, and whenever that changes.
func TestStandby(t *testing.T) {
	inTown(t, []string{"a"}, func(t *testing.T, w *town) {
		e := w.edges["a"]
		m := e.match("m", nil)
		m.SetStandby("ws://x/")
		c, r := e.rawHello(schema.Hello{Token: e.token("m", "p")})
		defer c.Close()
		after(time.Second)
		if got := lastWelcome(r).Standby; got != "ws://x/" {
			t.Errorf("welcomed with standby %q", got)
		}
		m.SetStandby("ws://x/")
		m.SetStandby("ws://y/")
		after(time.Second)
		m.SetStandby("")
		after(time.Second)
		if got := r.standbys(); strings.Join(got, " ") != "ws://y/ " {
			t.Errorf("told %q", got)
		}
	})
}

// Who is in a match that leaves, who waits for it to let him in, and who comes while it leaves is sent after it, or told that it is elsewhere.
// Who comes when it has left is told what Config.Route answers.
func TestRetire(t *testing.T) {
	for _, url := range []string{playURL("b"), ""} {
		inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
			e := w.edges["a"]
			m := e.match("m", nil)
			asked := 0
			w.answer("a", func(context.Context, string, uint32) (Route, error) {
				asked++
				return Route{URL: playURL("b")}, nil
			})
			come := func(id string) *tape {
				c, r := e.rawHello(schema.Hello{Token: e.token("m", id)})
				t.Cleanup(func() { c.Close() })
				synctest.Wait() // his hello has been read
				return r
			}
			inside := come("p")
			after(time.Second)
			m.Freeze(0, func(uint32) {})
			synctest.Wait()
			sent := map[*tape]string{inside: url, come("waits"): url}
			if url != "" {
				m.MoveTo(url)
				sent[come("comes")] = url
			}
			m.Retire(loop.OverMoved, "moved")
			after(time.Second)
			if e.srv.Match("m") != nil || asked != 0 {
				t.Errorf("here: %v, asked %d times", e.srv.Match("m") != nil, asked)
			}
			sent[come("late")] = playURL("b")
			after(time.Second)
			for x, url := range sent {
				x.expect(t, schema.CloseMoved)
				if n := x.moves(url); n != 1 && url != "" {
					t.Errorf("%d moves to %q", n, url)
				}
			}
			if lastWelcome(inside).Match != "m" || asked != 1 {
				t.Errorf("welcomed to %q, asked %d times", lastWelcome(inside).Match, asked)
			}
		})
	}
}
