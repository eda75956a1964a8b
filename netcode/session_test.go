package netcode

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// rawJoin lets a raw client in whose messages are recorded from then on; pings are answered.
func (e *edge) rawJoin(tok string) (*rawClient, schema.Welcome, *tape) {
	e.t.Helper()
	c, w, err := e.joined(tok, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return c, w, c.record(true, nil)
}

// rawHello connects, says hello and records from then on.
func (e *edge) rawHello(h schema.Hello) (*rawClient, *tape) {
	e.t.Helper()
	c, err := e.raw(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	r := c.record(true, nil)
	h.Version = max(h.Version, schema.Version)
	c.message(c.w.Hello(&h))
	return c, r
}

func isWelcome(m *wire.ServerMessage) bool { _, ok := schema.ReadWelcome(m); return ok }
func isState(m *wire.ServerMessage) bool   { return schema.IsFrame(m) && m.Channel() == 0 }

// closedWith fails unless Run ended with a close code.
func (p *player) closedWith(t testing.TB, code schema.CloseCode) {
	t.Helper()
	select {
	case err := <-p.done:
		var ce *client.CloseError
		if !errors.As(err, &ce) || ce.Code != code {
			t.Errorf("ended with %v, want %d", err, code)
		}
	default:
		t.Errorf("still running, want %d", code)
	}
}

func TestHelloInTime(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		late, err := e.raw(nil)
		if err != nil {
			t.Fatal(err)
		}
		lateTape := late.record(true, nil)
		intime, err := e.raw(nil)
		if err != nil {
			t.Fatal(err)
		}
		intimeTape := intime.record(true, nil)
		after(4900 * time.Millisecond)
		lateTape.expect(t, 0)
		intime.message(intime.w.Hello(&schema.Hello{Version: schema.Version, Token: e.token("m", "a")}))
		after(200 * time.Millisecond)
		lateTape.expect(t, schema.CloseToken)
		intimeTape.expect(t, 0)
		if intimeTape.count(isWelcome) != 1 {
			t.Error("who said hello in time has no welcome")
		}
	})
}

// A half frame and silence, at any place within it, end with the heartbeat, and the seat is kept.
func TestHalfFrame(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", nil)
		whole := frame(fin|opBinary, samplesFrom(1, 8))
		for i, n := range []int{1, 3, 7, len(whole) - 1} {
			c, _, err := e.joined(e.token("m", string(rune('a'+i))), nil)
			if err != nil {
				t.Fatal(err)
			}
			r := c.record(false, nil)
			c.bytes(whole[:n])
			after(9900 * time.Millisecond)
			r.expect(t, 0)
			after(1200 * time.Millisecond)
			r.expect(t, schema.CloseNoHeartbeat)
			c.Close()
		}
		if taken := m.Info().Taken; taken != 4 {
			t.Errorf("%d seats are kept, want 4", taken)
		}
	})
}

func TestHeartbeat(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		_, _, answers := e.rawJoin(e.token("m", "answers"))
		c, _, err := e.joined(e.token("m", "silent"), nil)
		if err != nil {
			t.Fatal(err)
		}
		silent := c.record(false, nil)
		after(9900 * time.Millisecond)
		silent.expect(t, 0)
		after(1200 * time.Millisecond)
		silent.expect(t, schema.CloseNoHeartbeat)
		after(50 * time.Second)
		answers.expect(t, 0)
		if answers.pings < 11 || answers.pings > 13 {
			t.Errorf("%d pings in a minute, want one every 5 s", answers.pings)
		}
	})
}

func TestNoRoom(t *testing.T) {
	virtual(t, func(c *Config) { c.MaxPlayers = 3 }, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("small", func(c *loop.Config) { c.Seats = 1 })
		e.match("large", nil)
		_, _, first := e.rawJoin(e.token("small", "a"))
		c, second := e.rawHello(schema.Hello{Token: e.token("small", "b")})
		after(time.Second)
		second.expect(t, schema.CloseUnavailable)
		c.Close()
		e.rawJoin(e.token("large", "c"))
		e.rawJoin(e.token("large", "d"))
		_, full := e.rawHello(schema.Hello{Token: e.token("large", "e")})
		after(time.Second)
		full.expect(t, schema.CloseUnavailable)
		first.expect(t, 0)
		if r := e.srv.stats.Refused(); r["match is full"] != 1 || r["full"] != 1 {
			t.Errorf("refused: %v", r)
		}
	})
}

// A draining server takes no new players, but those who were cut off come back.
func TestDraining(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		p := e.play(ctx, "m", "a")
		after(time.Second)
		e.srv.Drain()
		newcomer := e.play(ctx, "m", "b")
		p.Cut()
		after(time.Second)
		if s := p.honest(t); s.Reconnects != 1 {
			t.Errorf("%d reconnects while draining", s.Reconnects)
		}
		if s := newcomer.Stats(); s.Connects != 0 || s.Closes[schema.CloseUnavailable] == 0 {
			t.Errorf("a new player: %d connects, closes %v", s.Connects, s.Closes)
		}
		if _, err := e.srv.Create(loop.Config{ID: "x"}); !errors.Is(err, ErrDraining) {
			t.Errorf("a new match: %v", err)
		}
	})
}

func TestReplaced(t *testing.T) {
	l := &lab{}
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", l.in(nil))
		old, w, oldTape := e.rawJoin(e.token("m", "a"))
		after(time.Second)
		conn, again, err := e.joined(e.token("m", "a"), nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.acks = true
		newTape := conn.record(true, nil)
		after(10 * time.Millisecond)
		oldTape.expect(t, schema.CloseReplaced)
		old.Close()
		frames := newTape.count(isState)
		after(3 * time.Second) // the end of the old connection has been dealt with by now
		newTape.expect(t, 0)
		if n := newTape.count(isState) - frames; n < 89 {
			t.Errorf("the new connection got %d frames in 3 s", n)
		}
		if again.Player != w.Player || m.Info().Online != 1 || m.Info().Taken != 1 || l.count("drop") != 0 || l.count("join") != 1 {
			t.Errorf("player %d and %d, %+v, events %v", w.Player, again.Player, m.Info(), l.events)
		}
	})
}

func TestKickAndLeave(t *testing.T) {
	l := &lab{}
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", l.in(func(c *loop.Config) { c.Empty = -1 }))
		operator, leaver := e.play(ctx, "m", "operator"), e.play(ctx, "m", "leaver")
		game, _, byGame := e.rawJoin(e.token("m", "game"))
		after(time.Second)
		if err := m.Kick("operator", "be nice"); err != nil {
			t.Fatal(err)
		}
		game.message(game.w.Command(1, []byte("kick")))
		leaver.Leave()
		after(time.Second)
		operator.closedWith(t, schema.CloseRemoved)
		byGame.expect(t, schema.CloseRemoved)
		if err := <-leaver.done; err != nil {
			t.Errorf("left with %v", err)
		}
		if c := e.srv.stats.Closes(); c[schema.CloseNormal] != 1 || c[schema.CloseRemoved] != 2 {
			t.Errorf("closes %v", c)
		}
		if i := m.Info(); i.Taken != 0 || l.count("leave") != 3 {
			t.Errorf("%d seats taken, events %v", i.Taken, l.events)
		}
		p := e.play(ctx, "m", "operator") // he may come again
		after(time.Second)
		if p.player != 4 {
			t.Errorf("he came back as player %d, want a number never given before", p.player)
		}
	})
}

func TestSpectator(t *testing.T) {
	l := &lab{}
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", l.in(func(c *loop.Config) { c.Seats = 1 }))
		e.play(ctx, "m", "a")
		after(time.Second)
		w := &walker{} // sends samples all the same
		s := e.playAs(ctx, e.sign(token.Player{Match: "m", ID: "s", Spectator: true}), w, nil)
		after(5 * time.Second)
		st := s.honest(t)
		if st.Connects != 1 || st.Frames < 145 || len(s.roster) != 2 || !s.roster[1].Spectator {
			t.Errorf("%d connects, %d frames, roster %+v", st.Connects, st.Frames, s.roster)
		}
		if i := m.Info(); i.Taken != 1 || i.Online != 2 {
			t.Errorf("%d seats taken, %d online", i.Taken, i.Online)
		}
		s.Cut()
		after(time.Second)
		if i := m.Info(); i.Taken != 1 || i.Online > 2 {
			t.Errorf("after a cut: %d seats taken, %d online", i.Taken, i.Online)
		}
	})
}

func TestRosterOnChange(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		var rosters [][]schema.RosterEntry
		c, _, err := e.joined(e.token("m", "a"), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.record(true, func(m *wire.ServerMessage) {
			if m.RosterLength() > 0 {
				rosters = append(rosters, schema.AppendRoster(nil, m))
			}
		})
		after(time.Second)
		if len(rosters) != 1 {
			t.Fatalf("%d rosters after the welcome", len(rosters))
		}
		last := func() []schema.RosterEntry { return rosters[len(rosters)-1] }
		b, _, _ := e.rawJoin(e.token("m", "b"))
		after(time.Second)
		if len(rosters) != 2 || len(last()) != 2 || last()[1].Name != "b" || !last()[1].Online {
			t.Fatalf("after a join: %+v", rosters)
		}
		b.Close()
		after(time.Second)
		if len(rosters) != 3 || len(last()) != 2 || last()[1].Online {
			t.Fatalf("after a drop: %+v", rosters)
		}
		b, _, _ = e.rawJoin(e.token("m", "b"))
		after(time.Second)
		if len(rosters) != 4 || !last()[1].Online {
			t.Fatalf("after a return: %+v", rosters)
		}
		b.message(b.w.Leave())
		after(time.Second)
		if len(rosters) != 5 || len(last()) != 1 {
			t.Fatalf("after he left: %+v", rosters)
		}
	})
}

func TestKeyframeRequest(t *testing.T) {
	l := &lab{}
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", l.in(nil))
		c, w, err := e.joined(e.sign(token.Player{Match: "m", ID: "a", Team: 3}), nil)
		if err != nil {
			t.Fatal(err)
		}
		keys := map[uint32]int{}
		c.record(true, func(m *wire.ServerMessage) {
			if m.Keyframe() {
				keys[m.Channel()]++
			}
		})
		after(time.Second)
		if len(keys) != 3 {
			t.Fatalf("keyframes at first: %v, want one of three channels", keys)
		}
		c.message(c.w.Keyframe())
		after(time.Second)
		for ch, n := range keys {
			if n != 2 {
				t.Errorf("channel %x of player %d: %d keyframes after a request, want 2", ch, w.Player, n)
			}
		}
	})
}

// A hello that is still being read when the server stops is told so.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEdge(t, nil)
		e.match("m", nil)
		_, _, playing := e.rawJoin(e.token("m", "a"))
		c, err := e.raw(nil)
		if err != nil {
			t.Fatal(err)
		}
		waiting := c.record(true, nil)
		after(time.Second)
		e.stop()
		synctest.Wait()
		playing.expect(t, schema.CloseUnavailable)
		waiting.expect(t, schema.CloseUnavailable)
		if n := len(e.srv.Matches()); n != 0 {
			t.Errorf("%d matches left", n)
		}
	})
}

// Whose connection broke is fanned out to no more, however often he comes back: what a match holds and does for its
// players does not grow.
func TestDropsLeaveTheFanOut(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", (&lab{}).in(nil))
		stays := e.play(ctx, "m", "stays")
		tok := e.sign(token.Player{Match: "m", ID: "a", Team: 7})
		for range 30 {
			c, _, _ := e.rawJoin(tok)
			after(300 * time.Millisecond)
			c.Close()
			after(100 * time.Millisecond)
		}
		if len(m.members) != 1 || len(m.companies) != 1 {
			t.Errorf("%d members, %d companies after 30 drops", len(m.members), len(m.companies))
		}
		if s := stays.honest(t); s.Keyframes != 1 || e.srv.stats.Keyframes.Load() != 31 {
			t.Errorf("%d keyframes for who stays, %d in all", s.Keyframes, e.srv.stats.Keyframes.Load())
		}
	})
}
