package client

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/schema"
)

const standbyURL = "ws://standby/v1/play"

// pair runs a test with an owner and a standby, which has the match too, an epoch later.
func pair(t *testing.T, configure func(standby *server, cfg *Config), f func(s, standby *server, n, there *network, p *player, c *Client, done chan error)) {
	var standby *server
	var there *network
	bubble(t, func(s *server, n *network, cfg *Config) {
		standby = newServer(t)
		standby.epoch, standby.tick = 2, 1500
		there = standby.network(20 * time.Millisecond)
		s.standby, standby.from = standbyURL, s
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasPrefix(addr, "standby:") {
				return there.dial(ctx, network, addr)
			}
			return n.dial(ctx, network, addr)
		}
		if configure != nil {
			configure(standby, cfg)
		}
	}, func(s *server, n *network, p *player, c *Client, done chan error) {
		defer close(standby.stop)
		pass(3 * time.Second)
		f(s, standby, n, there, p, c, done)
	})
}

// die makes the owner gone: nothing of it can be reached.
func die(s *server, n *network, c *Client) {
	n.down.Store(true)
	s.with(func() { s.peer.hushed = true })
	c.Cut()
}

// TestRace: when the owner is gone the standby has the client in no time, with the resume token and what it has seen.
func TestRace(t *testing.T) {
	gap, worst := longest()
	pair(t, func(_ *server, cfg *Config) { cfg.Gap = gap },
		func(s, standby *server, n, _ *network, p *player, c *Client, _ chan error) {
			die(s, n, c)
			pass(2 * time.Second)
			st := c.Stats()
			if st.Reconnects != 1 || st.Races != 1 || st.HashMismatches+st.DecodeErrors+st.Stale != 0 || *worst > 200*time.Millisecond {
				t.Errorf("longest gap %v, %+v", *worst, st)
			}
			if h := standby.hellos[0]; h.Epoch != 1 || h.Tick < 1080 || h.Resume != "resume-1" || h.Token != "" {
				t.Errorf("hello: %+v", h)
			}
			if last := p.ticks[len(p.ticks)-1]; last < 1550 {
				t.Errorf("last tick %d", last)
			}
			c.Leave()
		})
}

// TestRaceBack: the owner lives, only the connection broke: whoever wins, there is one connection in the end, and nothing is lost.
func TestRaceBack(t *testing.T) {
	pair(t, func(standby *server, _ *Config) {
		standby.refuse, standby.reason = schema.CloseMoved, "ws://match/v1/play"
	},
		func(s, standby *server, _, _ *network, _ *player, c *Client, done chan error) {
			for range 5 {
				c.Cut()
				pass(2 * time.Second)
			}
			st := c.Stats()
			if st.Connects != 6 || st.Races != 5 || st.Moves != 0 || st.Answered < st.Sent-3 || len(done) != 0 {
				t.Errorf("%+v", st)
			}
		})
}

// TestRaceRefusals: what one of two says does not end the client while the other may know better; what both say does.
func TestRaceRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		owner, standby schema.CloseCode // 0: it is gone
		after          time.Duration    // then the standby has the match
		ends           schema.CloseCode // 0: the client plays on
	}{
		"not yet":              {0, schema.CloseUnavailable, time.Second, 0},
		"unknown to the owner": {schema.CloseMatchOver, schema.CloseUnavailable, time.Second, 0},
		"unknown to one":       {0, schema.CloseMatchOver, time.Second, 0},
		"unknown to both":      {schema.CloseMatchOver, schema.CloseMatchOver, 0, schema.CloseMatchOver},
		"unknown for long":     {0, schema.CloseMatchOver, 0, schema.CloseMatchOver},
		"spent":                {0, schema.CloseResumeToken, 0, schema.CloseResumeToken},
		"failed":               {schema.CloseUnavailable, schema.CloseMatchFailed, 0, schema.CloseMatchFailed},
	} {
		t.Run(name, func(t *testing.T) {
			pair(t, nil, func(s, standby *server, n, _ *network, p *player, cl *Client, done chan error) {
				s.with(func() { s.refuse = c.owner })
				standby.with(func() { standby.refuse = c.standby })
				if c.owner == 0 {
					die(s, n, cl)
				} else {
					cl.Cut()
				}
				if c.after != 0 {
					pass(c.after)
					standby.with(func() { standby.refuse = 0 })
				}
				pass(8 * time.Second)
				if c.ends == 0 {
					if st := cl.Stats(); st.Reconnects != 1 || len(done) != 0 || p.ticks[len(p.ticks)-1] < 1600 {
						t.Errorf("%+v", st)
					}
					return
				}
				closed := &CloseError{}
				if len(done) == 0 || !errors.As(<-done, &closed) || closed.Code != c.ends {
					t.Errorf("ended with %v", closed)
				}
			})
		})
	}
}

// TestRaceEcho: a server that takes the hello of a runner that has lost for a new connection does not end the client.
func TestRaceEcho(t *testing.T) {
	pair(t, nil, func(s, standby *server, n, _ *network, _ *player, c *Client, done chan error) {
		die(s, n, c)
		pass(500 * time.Millisecond)
		standby.with(func() { standby.peer.ws.WriteClose(uint16(schema.CloseReplaced), nil) })
		pass(2 * time.Second)
		if st := c.Stats(); st.Reconnects != 2 || len(done) != 0 {
			t.Errorf("%+v", st)
		}
		pass(6 * time.Second) // later it is what it says
		standby.with(func() { standby.peer.ws.WriteClose(uint16(schema.CloseReplaced), nil) })
		pass(time.Second)
		if len(done) != 1 {
			t.Error("it goes on after it was replaced")
		}
	})
}

// TestSilentOwner: with a standby known, now or before, silence is noticed within a second, and the client is elsewhere.
func TestSilentOwner(t *testing.T) {
	for name, muted := range map[string]bool{"no frames": false, "nothing": true, "nothing, and the standby was withdrawn": true} {
		t.Run(name, func(t *testing.T) {
			gap, worst := longest()
			pair(t, func(_ *server, cfg *Config) { cfg.Gap = gap },
				func(s, standby *server, n, _ *network, _ *player, c *Client, _ chan error) {
					if strings.Contains(name, "withdrawn") {
						s.with(func() { s.peer.send(s.out.Standby("")) })
						pass(time.Second)
					}
					s.with(func() { s.mute, s.peer.hushed, s.peer.dead = true, true, muted })
					pass(5 * time.Second)
					most := map[bool]time.Duration{false: 2300 * time.Millisecond, true: 1100 * time.Millisecond}[muted]
					if st := c.Stats(); st.Silences != 1 || st.Reconnects != 1 || *worst > most || *worst < most/2 {
						t.Errorf("longest gap %v, %+v", *worst, st)
					}
				})
		})
	}
}

// TestStaleEpoch: a node of an older epoch is left, whether it says so in the welcome or in a keyframe.
func TestStaleEpoch(t *testing.T) {
	bubble(t, func(s *server, _ *network, _ *Config) { s.epoch = 3 }, func(s *server, n *network, p *player, c *Client, done chan error) {
		pass(2 * time.Second)
		s.with(func() { s.epoch = 2 })
		c.Cut()
		pass(2 * time.Second)
		frames := c.Stats().Frames
		if st := c.Stats(); st.Stale < 1 || st.Connects != 1 || len(done) != 0 {
			t.Errorf("welcomed by an owner of before: %+v", st)
		}
		s.with(func() { s.epoch = 4 })
		pass(5 * time.Second)
		if st := c.Stats(); st.Connects != 2 || st.Frames == frames {
			t.Errorf("not back: %+v", st)
		}
		stale := c.Stats().Stale
		s.with(func() { s.epoch, s.peer.fresh = 3, true })
		pass(100 * time.Millisecond)
		if st := c.Stats(); st.Stale <= stale {
			t.Errorf("took a keyframe of before: %+v", st)
		}
	})
}

// TestLeaveInRace: a player who leaves while addresses are tried does not wait for them.
func TestLeaveInRace(t *testing.T) {
	pair(t, func(standby *server, _ *Config) { standby.mute = true }, func(s, _ *server, n, _ *network, _ *player, c *Client, done chan error) {
		die(s, n, c)
		pass(500 * time.Millisecond)
		start := time.Now()
		c.Leave()
		if err := <-done; err != nil || time.Since(start) > time.Millisecond {
			t.Errorf("ended after %v with %v", time.Since(start), err)
		}
	})
}

// TestOutcome: whatever the others did, a winner's ending counts; without one the client ends only for good reasons.
func TestOutcome(t *testing.T) {
	codes := []schema.CloseCode{0, 1006, schema.CloseUnavailable, schema.CloseMatchOver, schema.CloseResumeToken, schema.CloseMoved}
	rapid.Check(t, func(t *rapid.T) {
		ends := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ending {
			return ending{code: rapid.SampledFrom(codes).Draw(t, "code"), welcomed: rapid.IntRange(0, 9).Draw(t, "won") == 0}
		}), 1, 4).Draw(t, "ends")
		won, spent, over, open := false, false, 0, 0
		for _, e := range ends {
			won = won || e.welcomed
			spent = spent || e.code == schema.CloseResumeToken
			switch {
			case e.code == schema.CloseMatchOver:
				over++
			case !e.final():
				open++
			}
		}
		got := outcome(ends)
		switch {
		case got.welcomed != won:
			t.Fatalf("%+v of %+v", got, ends)
		case !won && spent != (got.code == schema.CloseResumeToken):
			t.Fatalf("%+v of %+v", got, ends)
		case !won && !spent && over > 0 != (got.code == schema.CloseMatchOver):
			t.Fatalf("%+v of %+v", got, ends)
		case !won && got.code == schema.CloseMatchOver && got.doubt != (open > 0):
			t.Fatalf("doubt %v of %+v", got.doubt, ends)
		}
	})
}

// TestWatchdog: on duty it asks before it judges, and blames nobody for the time in which it did not run itself.
func TestWatchdog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d watchdog
		d.duty.Store(true)
		now, probed, stalled := time.Second, time.Duration(0), false
		d.heard.Store(int64(now))
		d.framed.Store(int64(now))
		d.due = now
		for range 50 {
			if rapid.IntRange(0, 2).Draw(t, "comes") == 0 {
				d.heard.Store(int64(now))
				probed = 0
				if rapid.Bool().Draw(t, "frame") {
					d.framed.Store(int64(now))
				}
			}
			quiet, frameless := now-time.Duration(d.heard.Load()), now-time.Duration(d.framed.Load())
			next, probe, lost := d.look(now)
			if lost && (stalled || frameless < frameMost && (quiet < quietMost || probed == 0 || now-probed < probeAfter)) {
				t.Fatalf("lost after %v, %v without a frame, asked %v ago, stalled %v", quiet, frameless, now-probed, stalled)
			}
			if !lost && !stalled && frameless >= frameMost {
				t.Fatalf("%v without a frame is borne", frameless)
			}
			if lost {
				return
			}
			if probe {
				probed = now
			}
			if next < time.Millisecond || next > quietMost {
				t.Fatalf("comes again after %v", next)
			}
			d.due = now + next
			late := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 50, 900}).Draw(t, "late ms")) * time.Millisecond
			if stalled = late > stall; stalled {
				probed = 0
			}
			now = d.due + late
		}
	})
}
