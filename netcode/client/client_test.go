package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
)

// player sends a sample a frame and notes what reaches it.
type player struct {
	Nop
	texts    []string
	welcomes []bool
	ticks    []uint32
	mu       sync.Mutex // guards frame
	frame    func(c *Client, tick uint32)
}

func (p *player) each(f func(c *Client, tick uint32)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frame = f
}

func (p *player) Welcome(_ *Client, _ *schema.Welcome, resumed bool) {
	fence.Load()
	p.welcomes = append(p.welcomes, resumed)
}

func (p *player) Message(_ *Client, _ uint8, data []byte) {
	fence.Load()
	p.texts = append(p.texts, string(data))
}

func (p *player) Frame(c *Client, tick uint32) {
	fence.Load()
	p.ticks = append(p.ticks, tick)
	c.Send(game.Input{Buttons: uint16(tick)})
	p.mu.Lock()
	f := p.frame
	p.mu.Unlock()
	if f != nil {
		f(c, tick)
	}
}

// fence orders what a test reads before it lets time pass with what the client and the server do after that: virtual time alone does not.
var fence atomic.Uint64

// fenced is a mutex of what a test may read without it when everything has settled.
type fenced struct{ sync.Mutex }

func (f *fenced) Lock() {
	fence.Load()
	f.Mutex.Lock()
}

// longest returns what a client may tell times to, and where the longest of them is.
func longest() (func(time.Duration), *time.Duration) {
	worst := new(time.Duration)
	return func(d time.Duration) {
		fence.Load()
		*worst = max(*worst, d)
	}, worst
}

// pass lets time pass; afterwards everybody waits.
func pass(d time.Duration) {
	fence.Add(1)
	time.Sleep(d)
	synctest.Wait()
}

// bubble runs a test in virtual time with a server and a client; configure may change the client's configuration.
func bubble(t *testing.T, configure func(*server, *network, *Config), f func(s *server, n *network, p *player, c *Client, done chan error)) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newServer(t), &player{}
		n := s.network(20 * time.Millisecond)
		cfg := Config{URL: "ws://match/v1/play", Token: "token", Handler: p, Dial: n.dial, Seed: 1, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
		if configure != nil {
			configure(s, n, &cfg)
		}
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		defer func() {
			fence.Add(1)
			cancel()
			close(s.stop)
			time.Sleep(time.Minute) // whatever still has a timer ends
		}()
		f(s, n, p, c, done)
	})
}

func TestPlay(t *testing.T) {
	for _, deflate := range []bool{false, true} {
		t.Run(fmt.Sprintf("deflate=%v", deflate), func(t *testing.T) {
			gaps := 0
			ack, acks := longest()
			bubble(t, func(s *server, _ *network, cfg *Config) {
				s.deflate = deflate
				cfg.Gap = func(d time.Duration) {
					fence.Load()
					if gaps++; d < tickD-time.Millisecond || d > tickD+time.Millisecond {
						t.Errorf("gap of %v", d)
					}
				}
				cfg.Ack = ack
			}, func(s *server, n *network, p *player, c *Client, done chan error) {
				pass(10 * time.Second)
				st := c.Stats()
				if st.Frames < 297 || st.Frames > 300 || uint64(gaps) != st.Frames-1 || len(p.ticks) != int(st.Frames) {
					t.Errorf("%d frames, %d gaps, %d calls, want about 299", st.Frames, gaps, len(p.ticks))
				}
				if st.HashChecks < 2*297 || st.HashMismatches+st.DecodeErrors+st.KeyframeRequests != 0 || st.Keyframes != 1 {
					t.Errorf("checks: %+v", st)
				}
				if st.Sent != st.Frames || st.Answered < st.Sent-3 || *acks > 3*tickD || *acks < tickD {
					t.Errorf("%d samples sent, %d answered, the slowest after %v", st.Sent, st.Answered, *acks)
				}
				if s.late > 2 || s.early > 2 || st.Late != uint64(s.late) {
					t.Errorf("%d samples late, up to %d ticks early", s.late, s.early)
				}
				if st.RTT != 20*time.Millisecond {
					t.Errorf("round trip %v", st.RTT)
				}
				if s.acked < s.tick-3 {
					t.Errorf("tick %d acknowledged at %d", s.acked, s.tick)
				}
				if plain := uint64(100_000); deflate != (st.BytesIn < plain*9/10) && st.BytesIn > plain*2 {
					t.Errorf("%d bytes came in", st.BytesIn)
				}
				fence.Add(1)
				c.Leave()
				if err := <-done; err != nil || !s.left {
					t.Errorf("left: %v, the server knows: %v", err, s.left)
				}
			})
		})
	}
}

// TestChurn: over many cuts every sample is applied or answered once, every command applied once, every message handed out
// once, all in order (the server checks the order of samples and commands).
func TestChurn(t *testing.T) {
	bubble(t, nil, func(s *server, n *network, p *player, c *Client, done chan error) {
		commands := 0
		p.each(func(c *Client, tick uint32) {
			if tick%7 == 0 {
				commands++
				if err := c.Command(fmt.Appendf(nil, "c%d", commands)); err != nil {
					t.Error(err)
				}
			}
		})
		for i := range 400 {
			pass(37 * time.Millisecond)
			if i%30 == 29 {
				c.Cut()
			}
			if i%3 == 0 {
				s.say(fmt.Sprintf("m%d", i/3+1))
			}
		}
		p.each(nil)
		pass(time.Second)
		st := c.Stats()
		if st.Reconnects < 12 || st.HashMismatches+st.DecodeErrors != 0 || len(st.Closes) != 0 {
			t.Errorf("after churn: %+v", st)
		}
		if st.Answered < st.Sent-3 || st.Abandoned != 0 || len(s.seen) < int(st.Sent)-3 {
			t.Errorf("%d samples sent, %d answered, %d seen, %d abandoned", st.Sent, st.Answered, len(s.seen), st.Abandoned)
		}
		if len(s.commands) != commands || commands < 50 {
			t.Errorf("%d commands given, %d applied", commands, len(s.commands))
		}
		for i, text := range s.commands {
			if text != fmt.Sprintf("c%d", i+1) {
				t.Fatalf("command %d is %q", i+1, text)
			}
		}
		if len(p.texts) != 134 {
			t.Errorf("%d messages, want 134", len(p.texts))
		}
		for i, text := range p.texts {
			if text != fmt.Sprintf("m%d", i+1) {
				t.Fatalf("message %d is %q", i+1, text)
			}
		}
		if len(s.hellos) < 13 || s.hellos[0].Token != "token" || s.hellos[0].Resume != "" {
			t.Fatalf("first hello: %+v", s.hellos[0])
		}
		for i, h := range s.hellos[1:] {
			if h.Token != "" || h.Resume == "" || i > 0 && h.Tick == 0 {
				t.Fatalf("hello %d: %+v", i+2, h)
			}
		}
		for i, resumed := range p.welcomes {
			if resumed != (i > 0) {
				t.Errorf("welcome %d: resumed %v", i, resumed)
			}
		}
	})
}

// TestCloseCodes: the client ends, or comes back, as the code says.
func TestCloseCodes(t *testing.T) {
	for code := schema.CloseCode(4000); code <= 4014; code++ {
		reason := "because"
		if code == schema.CloseMoved {
			reason = "ws://other/v1/play"
		}
		t.Run(fmt.Sprint(uint16(code)), func(t *testing.T) {
			bubble(t, nil, func(s *server, n *network, p *player, c *Client, done chan error) {
				pass(3 * time.Second)
				s.with(func() { s.peer.ws.WriteClose(uint16(code), []byte(reason)) })
				pass(2 * time.Second)
				st := c.Stats()
				if st.Closes[code] != 1 || len(st.Closes) != 1 {
					t.Errorf("closes: %v", st.Closes)
				}
				var closed *CloseError
				switch a := code.Action(); a {
				case schema.ActionStop, schema.ActionLobby:
					if err := <-done; !errors.As(err, &closed) || closed.Code != code || closed.Reason != reason {
						t.Errorf("ended with %v", err)
					}
				default:
					if st.Connects != 2 || len(done) != 0 || code == schema.CloseMoved && st.Moves != 1 {
						t.Errorf("after 2 s: %+v, ended %v", st, len(done) > 0)
					}
				}
			})
		})
	}
}

// A hello that a bad network kept back is no wrong token: the client comes again.
func TestLateHello(t *testing.T) {
	for reason, again := range map[string]bool{noHello: true, "token wrong": false} {
		bubble(t, func(s *server, _ *network, _ *Config) { s.refuse, s.reason = schema.CloseToken, reason },
			func(s *server, n *network, p *player, c *Client, done chan error) {
				pass(2 * time.Second)
				s.with(func() { s.refuse = 0 })
				pass(6 * time.Second)
				if st := c.Stats(); (st.Connects == 1) != again || (len(done) == 0) != again {
					t.Errorf("closed with %q: %d connections, ended: %v", reason, st.Connects, len(done) > 0)
				}
				if !again {
					<-done
				}
			})
	}
}

// TestMismatch: a wrong hash is counted, a keyframe asked for once, and the client goes on.
func TestMismatch(t *testing.T) {
	wrong := uint32(1040)
	bubble(t, func(s *server, _ *network, _ *Config) {
		s.mangle = func(tick uint32, b []byte) []byte {
			if tick == wrong {
				b = s.enc.Encode(s.all.At(tick-1), s.all.At(tick), delta0)
				return flipHash(t, b)
			}
			return b
		}
	}, func(s *server, n *network, p *player, c *Client, done chan error) {
		pass(4 * time.Second)
		st := c.Stats()
		if st.HashMismatches != 1 || st.KeyframeRequests != 1 || s.keys != 1 || st.Keyframes != 2 || st.Connects != 1 {
			t.Errorf("after a wrong hash: %+v", st)
		}
		if st.Frames < 110 || p.ticks[len(p.ticks)-1] < s.tick-2 {
			t.Errorf("%d frames, the last of tick %d of %d", st.Frames, p.ticks[len(p.ticks)-1], s.tick)
		}
	})
}

// TestMalformed: rubbish ends the connection, not the client.
func TestMalformed(t *testing.T) {
	bubble(t, func(s *server, _ *network, _ *Config) {
		s.mangle = func(tick uint32, b []byte) []byte {
			if tick == 1040 {
				return []byte(strings.Repeat("rubbish ", 10))
			}
			return b
		}
	}, func(s *server, n *network, p *player, c *Client, done chan error) {
		pass(5 * time.Second)
		if st := c.Stats(); st.DecodeErrors != 1 || st.Connects != 2 || p.ticks[len(p.ticks)-1] < s.tick-2 {
			t.Errorf("after rubbish: %+v", st)
		}
	})
}

// TestSilence: a server that falls silent is given up after a while.
func TestSilence(t *testing.T) {
	bubble(t, nil, func(s *server, n *network, p *player, c *Client, done chan error) {
		pass(2 * time.Second)
		s.with(func() { s.peer.hushed = true })
		pass(7 * time.Second)
		if st := c.Stats(); st.Connects != 1 {
			t.Errorf("after 7 s: %d connects", st.Connects)
		}
		pass(5 * time.Second)
		if st := c.Stats(); st.Connects != 2 {
			t.Errorf("after 12 s: %d connects", st.Connects)
		}
	})
}

// TestGiveUp: with the network gone the client tries, ever more slowly, and ends.
func TestGiveUp(t *testing.T) {
	bubble(t, nil, func(s *server, n *network, p *player, c *Client, done chan error) {
		pass(2 * time.Second)
		start := time.Now()
		n.down.Store(true)
		c.Cut()
		err := <-done
		if d := time.Since(start); !errors.Is(err, ErrGaveUp) || d < 60*time.Second || d > 66*time.Second {
			t.Errorf("ended after %v with %v", d, err)
		}
		if n.dials.Load() < 15 || n.dials.Load() > 80 {
			t.Errorf("%d attempts", n.dials.Load())
		}
	})
}

// TestLeaveWhileAway: a player who leaves while there is no connection does not wait for one.
func TestLeaveWhileAway(t *testing.T) {
	bubble(t, nil, func(s *server, n *network, p *player, c *Client, done chan error) {
		pass(2 * time.Second)
		n.down.Store(true)
		c.Cut()
		pass(5 * time.Second)
		start := time.Now()
		c.Leave()
		c.Leave()
		if err := <-done; err != nil || time.Since(start) > time.Millisecond {
			t.Errorf("ended after %v with %v", time.Since(start), err)
		}
	})
}
