package netcode

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// A resume token works until its player has answered on the connection that it opened, and never again.
func TestResumeOnce(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", nil)
		c, w, _ := e.rawJoin(e.token("m", "a"))
		c.message(samplesFrom(1, 1))
		after(time.Second)
		c.Close()
		after(time.Second)

		_, first := e.rawHello(schema.Hello{Resume: w.Resume})
		after(100 * time.Millisecond)
		c2, second := e.rawHello(schema.Hello{Resume: w.Resume}) // nobody has answered on the first
		after(100 * time.Millisecond)
		first.expect(t, schema.CloseReplaced)
		second.expect(t, 0)
		c2.message(samplesFrom(2, 1))
		after(100 * time.Millisecond)

		_, third := e.rawHello(schema.Hello{Resume: w.Resume})
		after(100 * time.Millisecond)
		third.expect(t, schema.CloseResumeToken)
		second.expect(t, 0)
		if i := m.Info(); i.Taken != 1 || i.Online != 1 {
			t.Errorf("%d seats taken, %d online", i.Taken, i.Online)
		}
		w2 := lastWelcome(second)
		c2.Close()
		after(100 * time.Millisecond)
		_, fourth := e.rawHello(schema.Hello{Resume: w2.Resume})
		after(100 * time.Millisecond)
		if fourth.expect(t, 0); lastWelcome(fourth).Player != w.Player {
			t.Errorf("the token of the second connection opens seat %d, want %d", lastWelcome(fourth).Player, w.Player)
		}
	})
}

func lastWelcome(r *tape) (w schema.Welcome) {
	r.count(func(m *wire.ServerMessage) bool {
		if x, ok := schema.ReadWelcome(m); ok {
			w = x
		}
		return false
	})
	return w
}

// Welcomes that are lost lock nobody out: not the one to a player token, not those to a resume token, and neither when the
// welcome arrived but its answer did not.
func TestLostWelcome(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		lost := func(h schema.Hello) {
			t.Helper()
			c, err := e.raw(nil)
			if err != nil {
				t.Fatal(err)
			}
			h.Version = schema.Version
			c.message(c.w.Hello(&h))
			after(200 * time.Millisecond) // nobody reads
			c.Close()
			after(100 * time.Millisecond)
		}
		lost(schema.Hello{Token: e.token("m", "a")})
		lost(schema.Hello{Token: e.token("m", "a")})
		c, w, _ := e.rawJoin(e.token("m", "a"))
		c.message(samplesFrom(1, 1))
		after(100 * time.Millisecond)
		c.Close()
		after(100 * time.Millisecond)
		for range 3 {
			lost(schema.Hello{Resume: w.Resume})
		}
		c, r := e.rawHello(schema.Hello{Resume: w.Resume})
		after(100 * time.Millisecond)
		for range 5 { // each welcome arrives, no answer does: the client comes with the newest token
			w = lastWelcome(r)
			c.Close()
			after(100 * time.Millisecond)
			c, r = e.rawHello(schema.Hello{Resume: w.Resume})
			after(100 * time.Millisecond)
			r.expect(t, 0)
		}
		if n := lastWelcome(r).Player; n != 1 {
			t.Errorf("ends as player %d, want 1", n)
		}
	})
}

// A fresh resume token comes before the old one expires, and works long after.
func TestFreshResumeToken(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", func(c *loop.Config) { c.Hz = 1 })
		c, _, err := e.joined(e.token("m", "a"), nil)
		if err != nil {
			t.Fatal(err)
		}
		var fresh []time.Duration
		start := time.Now()
		c.record(true, func(m *wire.ServerMessage) {
			if _, ok := schema.ReadResume(m); ok {
				fresh = append(fresh, time.Since(start).Round(time.Second))
			}
		})
		p := e.play(ctx, "m", "b")
		after(70 * time.Minute)
		if len(fresh) != 2 || fresh[0] < 29*time.Minute || fresh[0] > 31*time.Minute {
			t.Errorf("fresh tokens after %v, want one every 30 min", fresh)
		}
		p.Cut() // the token of its welcome expired 10 minutes ago
		after(10 * time.Second)
		if s := p.honest(t); s.Reconnects != 1 || p.player != 2 {
			t.Errorf("%d reconnects, closes %v", s.Reconnects, s.Closes)
		}
	})
}

// The seat of a player who does not come back is free after SeatHold, and his token is worth nothing then.
func TestSeatHold(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", func(c *loop.Config) { c.SeatHold = 20 * time.Second })
		e.rawJoin(e.token("m", "stays"))
		c, w, _ := e.rawJoin(e.token("m", "goes"))
		c.Close()
		after(19 * time.Second)
		if taken := m.Info().Taken; taken != 2 {
			t.Errorf("%d seats taken after 19 s", taken)
		}
		after(3 * time.Second)
		if taken := m.Info().Taken; taken != 1 {
			t.Errorf("%d seats taken after 22 s", taken)
		}
		_, r := e.rawHello(schema.Hello{Resume: w.Resume})
		after(time.Second)
		r.expect(t, schema.CloseResumeToken)
	})
}

// Across many cut connections every reliable message arrives once and in order, every command is applied once and in
// order, every sample is answered, and no state is wrong.
func TestExactlyOnceAcrossCuts(t *testing.T) {
	for seed := range uint64(6) {
		if raceDetector && seed >= 3 {
			break // slow, and the seeds differ in their numbers only
		}
		t.Run(strconv.Itoa(int(seed)), func(t *testing.T) {
			l := &lab{talk: 2}
			virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) { exactlyOnce(t, ctx, e, l, seed) })
		})
	}
}

func exactlyOnce(t *testing.T, ctx context.Context, e *edge, l *lab, seed uint64) {
	e.match("m", l.in(func(c *loop.Config) { c.Every = 1 + int(seed%3) }))
	rnd := rand.New(rand.NewPCG(seed, 7))
	commands, stop := 0, false
	w := &walker{onFrame: func(c *client.Client, tick uint32) {
		if stop || c.Command(fmt.Appendf(nil, "note %d", commands+1)) != nil {
			return
		}
		commands++
	}}
	p := e.playAs(ctx, e.token("m", "a"), w, func(c *client.Config) {
		c.Seed, c.BackOff, c.MaxBackOff = seed, 20*time.Millisecond, 300*time.Millisecond
	})
	other := e.play(ctx, "m", "b")
	after(time.Second)
	for range 40 {
		time.Sleep(time.Duration(rnd.IntN(1500_000)) * time.Microsecond)
		p.Cut()
	}
	time.Sleep(2 * time.Second)
	get(w, func() bool { stop = true; return true })
	after(3 * time.Second)
	s := p.honest(t)
	if s.Reconnects < 30 || s.Abandoned != 0 || s.Sent-s.Answered > 12 || s.Applied+s.Merged+s.Late+s.Refused+12 < s.Sent {
		t.Errorf("%d reconnects, %d samples sent, %d answered, %d abandoned; applied %d, merged %d, late %d, refused %d",
			s.Reconnects, s.Sent, s.Answered, s.Abandoned, s.Applied, s.Merged, s.Late, s.Refused)
	}
	ascending(t, "notes", l.noted(), commands)
	ascending(t, "messages", p.messages, -1)
	if len(p.messages) < 100 || commands < 100 {
		t.Errorf("only %d messages and %d commands", len(p.messages), commands)
	}
	if o := other.honest(t); o.Connects != 1 || o.Keyframes != 1 {
		t.Errorf("the other player noticed: %d connects, %d keyframes", o.Connects, o.Keyframes)
	}
	ascending(t, "messages of the other", other.messages, -1)
}

// ascending fails unless s counts up by ones; and, if n is not negative, from 1 to n.
func ascending(t *testing.T, what string, s []string, n int) {
	t.Helper()
	if n >= 0 && len(s) != n {
		t.Errorf("%d %s, want %d", len(s), what, n)
	}
	for i := range s {
		x, _ := strconv.Atoi(s[i])
		if i == 0 && n >= 0 && x != 1 {
			t.Errorf("%s begin with %d", what, x)
		}
		if y, _ := strconv.Atoi(s[max(i, 1)-1]); i > 0 && x != y+1 {
			t.Errorf("%s: %d after %d", what, x, y)
			return
		}
	}
}

// Messages for a player who is away wait for him, as many as the bound allows: the newest.
func TestMessagesWait(t *testing.T) {
	l := &lab{talk: 3} // 10 a second
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", l.in(nil))
		e.rawJoin(e.token("m", "stays"))
		for _, away := range []time.Duration{3 * time.Second, 30 * time.Second} {
			id := fmt.Sprint("away-", away.Seconds())
			c, w, first := e.rawJoin(e.token("m", id))
			c.message(c.w.Samples(nil, 0, 0))
			after(time.Second)
			c.Close()
			after(away)
			last := numbers(first)
			_, second := e.rawHello(schema.Hello{Resume: w.Resume, Message: last[len(last)-1]})
			after(200 * time.Millisecond)
			got := numbers(second)
			if len(got) == 0 {
				t.Fatalf("%v away: no messages", away)
			}
			for i, n := range got[1:] {
				if n != got[i]+1 {
					t.Errorf("%v away: message %d after %d", away, n, got[i])
				}
			}
			missed := int(got[0] - last[len(last)-1] - 1)
			if want := max(0, int(away/(100*time.Millisecond))-64); missed < want-3 || missed > want+3 {
				t.Errorf("%v away: %d messages gave way, want about %d", away, missed, want)
			}
		}
	})
}

// numbers returns the numbers of all reliable messages.
func numbers(r *tape) (n []uint32) {
	r.count(func(m *wire.ServerMessage) bool {
		for _, x := range schema.AppendMessages(nil, m) {
			n = append(n, x.Number)
		}
		return false
	})
	return n
}

// A token for one match or player is worth nothing for another.
func TestResumeElsewhere(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		e.rawJoin(e.token("m", "a"))
		_, w, _ := e.rawJoin(e.token("m", "b"))
		good, err := e.keys.VerifyResume(w.Resume, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for want, change := range map[schema.CloseCode]func(*token.Resume){
			schema.CloseMatchOver:   func(r *token.Resume) { r.Match = "gone" },
			schema.CloseResumeToken: func(r *token.Resume) { r.Player = 1 },
		} {
			r := good
			change(&r)
			s, err := e.keys.SignResume(r)
			if err != nil {
				t.Fatal(err)
			}
			_, tp := e.rawHello(schema.Hello{Resume: s})
			after(time.Second)
			tp.expect(t, want)
		}
		r := good
		r.Generation += 2
		s, _ := e.keys.SignResume(r)
		_, tp := e.rawHello(schema.Hello{Resume: s})
		after(time.Second)
		tp.expect(t, schema.CloseResumeToken)
	})
}
