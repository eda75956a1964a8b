package link

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestWrongCertificatesAreRefused(t *testing.T) {
	for name, cert := range map[string]string{"same id, another key": "other:b", "the id and key of a stranger": "other:z"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a := w.node("a")
				defer a.close()
				w.node("b").close() // b is known; now somebody else sits at its address
				id := cert[len(cert)-1:]
				thief := w.node(id, func(c *Config) { c.Cert = identities[cert].cert })
				defer thief.close()
				w.know("b", Peer{Addr: id + ":1", Cert: identities["b"].hash})
				if id != "b" {
					w.forget(id)
				}
				if _, err := call(a, "b", "x"); !errors.Is(err, ErrDown) {
					t.Errorf("call of the thief: %v", err)
				}
				if _, err := call(thief, "a", "x"); !errors.Is(err, ErrDown) {
					t.Errorf("call by the thief: %v", err)
				}
				synctest.Wait()
				if s := a.Stats(); s.TLSRefused != 2 || s.Connected != 0 || s.Accepts != 0 || a.ups != 0 {
					t.Errorf("stats: %+v, %v", s, a.events)
				}
			})
		})
	}
}

// A node that is known as itself must not answer in place of another.
func TestNoNodeAnswersForAnother(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, c := w.node("a"), w.node("c")
		defer a.close()
		defer c.close()
		w.know("b", Peer{Addr: "c:1", Cert: identities["c"].hash}) // even where the table is wrong
		if _, err := call(a, "b", "x"); !errors.Is(err, ErrDown) {
			t.Errorf("c answers for b: %v", err)
		}
		mustCall(t, a, "c", "as itself")
	})
}

// A peer whose host takes connections and never says anything delays nobody else, and soon fails at once.
func TestHalfDeadPeerBlocksNobody(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.node("a", func(c *Config) { c.DialTimeout, c.BackoffMin, c.BackoffMax = time.Second, 9*time.Second, 9*time.Second })
		b := w.node("b")
		defer a.close()
		defer b.close()
		mute := w.net.listen("c:1") // nobody accepts
		w.know("c", Peer{Addr: "c:1", Cert: identities["c"].hash})
		var errs []error
		for range 3 {
			start := time.Now()
			if err := a.Send("c", 1, make([]byte, 1000)); !errors.Is(err, ErrDown) || time.Since(start) != 0 {
				t.Fatalf("send: %v after %v", err, time.Since(start))
			}
			done := make(chan error, 1)
			go func() { _, err := call(a, "c", "x"); done <- err }()
			mustCall(t, a, "b", "meanwhile")
			if time.Since(start) != 0 {
				t.Fatalf("the call of b took %v", time.Since(start))
			}
			errs = append(errs, <-done)
			if took := time.Since(start); took > a.cfg.DialTimeout {
				t.Errorf("the call of c took %v", took)
			}
		}
		synctest.Wait()
		if s := a.Stats(); s.BreakerOpened != 1 || s.BreakersOpen != 1 {
			t.Fatalf("breaker: %+v after %v", s, errs)
		}
		start := time.Now()
		if _, err := call(a, "c", "x"); !errors.Is(err, ErrDown) || time.Since(start) != 0 {
			t.Errorf("with the breaker open: %v after %v", err, time.Since(start))
		}
		_ = mute.Close()
		c := w.node("c")
		defer c.close()
		time.Sleep(a.cfg.BackoffMax)
		mustCall(t, a, "c", "well again")
		mustCall(t, a, "c", "and again")
	})
}

func TestSilenceOfWatchedPeer(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		if a.Silent("b") < time.Hour {
			t.Error("heard of b before there was anything")
		}
		release := a.Watch("b")
		time.Sleep(10 * time.Second)
		if ups, downs := a.counts(); ups != 1 || downs != 0 || a.Silent("b") > 2*a.cfg.Heartbeat {
			t.Fatalf("after 10 s: %d up, %d down, silent %v", ups, downs, a.Silent("b"))
		}
		w.stall("b", true)
		start := time.Now()
		time.Sleep(250 * time.Millisecond)
		if _, downs := a.counts(); downs != 0 {
			t.Fatal("down too early")
		}
		time.Sleep(1750 * time.Millisecond)
		a.note(func() {
			if len(a.downs) != 1 || !errors.Is(a.downs[0], ErrSilence) {
				t.Fatalf("events: %v", a.events)
			}
			if took := a.when[0].Sub(start); took < a.cfg.Silence-a.cfg.Heartbeat || took > a.cfg.Silence+2*a.cfg.Heartbeat {
				t.Errorf("noticed after %v", took)
			}
		})
		w.stall("b", false)
		time.Sleep(a.cfg.DialTimeout + a.cfg.BackoffMax)
		if ups, _ := a.counts(); ups != 2 {
			t.Fatalf("up %d times", ups)
		}
		release()
		release()
		time.Sleep(2 * a.cfg.Idle)
		synctest.Wait()
		b.note(func() {
			if n := len(b.downs); n != 2 || !errors.Is(b.downs[1], ErrIdle) {
				t.Errorf("b saw %v", b.events)
			}
		})
		if s := a.Stats(); s.Connected != 0 || s.Disconnects["idle"] != 1 || s.Disconnects["silence"] != 1 {
			t.Errorf("stats: %+v", s)
		}
	})
}

func TestKilledPeerIsNoticedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		defer a.Watch("b")()
		time.Sleep(5 * time.Second)
		waiting := make(chan error, 1)
		start := time.Now()
		b.kill("b")
		go func() { _, err := call(a, "b", "x"); waiting <- err }()
		synctest.Wait()
		a.note(func() {
			if len(a.downs) != 1 || endReason(a.downs[0]) != endEOF || a.when[0] != start {
				t.Errorf("events: %v, %v after the kill", a.events, a.when[0].Sub(start))
			}
		})
		if err := <-waiting; !errors.Is(err, ErrDown) {
			t.Errorf("call: %v", err)
		}
	})
}

// A peer that reads nothing costs a bounded queue and then its connection.
func TestPeerThatTakesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "up")
		w.stall("b", true)
		body, sent := make([]byte, 64<<10), 0
		var err error
		for ; err == nil; sent++ {
			err = a.Send("b", 1, body)
		}
		if !errors.Is(err, ErrFull) || sent*len(body) > a.cfg.MaxQueue+2*len(body) || sent*len(body) < a.cfg.MaxQueue/2 {
			t.Errorf("after %d messages: %v", sent, err)
		}
		time.Sleep(a.cfg.WriteTimeout + time.Second)
		a.note(func() {
			if len(a.downs) != 1 || !errors.Is(a.downs[0], ErrSlow) {
				t.Errorf("events: %v", a.events)
			}
		})
		if s := a.Stats(); s.Drops["full"] != 1 || s.Disconnects["slow"] != 1 {
			t.Errorf("stats: %+v", s)
		}
	})
}

// A call finds a stalled connection out even where nobody watches it.
func TestSilenceUnderACall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a", func(c *Config) { c.CallTimeout = time.Minute }), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "up")
		w.stall("b", true)
		start := time.Now()
		if _, err := call(a, "b", "x"); !errors.Is(err, ErrSilence) || time.Since(start) > a.cfg.CallSilence+time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestSlowHandlerIsNotSilence(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.node("a", func(c *Config) { c.CallTimeout = time.Hour })
		b := w.node("b", func(c *Config) {
			c.Call = func(context.Context, string, string, []byte) ([]byte, error) {
				time.Sleep(10 * time.Minute)
				return []byte("x"), nil
			}
		})
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "x")
	})
}

func TestForgottenPeerIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "up")
		w.forget("b")
		time.Sleep(3 * time.Second)
		if _, err := call(a, "b", "x"); !errors.Is(err, ErrUnknown) {
			t.Errorf("call: %v", err)
		}
		a.note(func() {
			if len(a.downs) != 1 || !errors.Is(a.downs[0], ErrUnknown) {
				t.Errorf("events: %v", a.events)
			}
		})
		a.mu.Lock()
		left := len(a.peers)
		a.mu.Unlock()
		if left != 0 {
			t.Errorf("%d entries are left", left)
		}
		release := a.Watch("b")
		defer release()
		time.Sleep(time.Minute)
		dials := w.net.dialled()
		w.know("b", Peer{Addr: "b:1", Cert: identities["b"].hash})
		time.Sleep(time.Second)
		if w.net.dialled() != dials+1 || a.Stats().Connected != 1 {
			t.Errorf("%d dials", w.net.dialled()-dials)
		}
	})
}

func TestManyIdleClosesLoseNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		// Both use the connection at about the moment at which it is idle.
		w.net.latency = func() time.Duration { return 20 * time.Millisecond }
		short := func(c *Config) { c.Idle = time.Second }
		a, b := w.node("a", short), w.node("b", short)
		defer a.close()
		defer b.close()
		for i := range 200 {
			mustCall(t, a, "b", fmt.Sprint(i))
			time.Sleep(900*time.Millisecond + time.Duration(i)*7*time.Millisecond)
		}
		if s := a.Stats(); s.Disconnects["idle"] < 20 || s.CallErrors["down"] != 0 {
			t.Errorf("stats: %+v", s)
		}
	})
}
