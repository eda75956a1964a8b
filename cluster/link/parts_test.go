package link

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBreaker(t *testing.T) {
	now := time.Unix(1000, 0)
	b := breaker{after: 3, min: 100 * time.Millisecond, max: time.Second}
	waits := []time.Duration{100, 200, 400, 800, 1000, 1000}
	for i, wait := range waits {
		wait *= time.Millisecond
		if opened := b.fail(now, 0); opened != (i == 2) {
			t.Errorf("failure %d: opened %v", i+1, opened)
		}
		if !b.until.Equal(now.Add(wait)) {
			t.Errorf("failure %d: waits %v, want %v", i+1, b.until.Sub(now), wait)
		}
		if b.open(now) != (i >= 2) || b.open(now.Add(wait)) {
			t.Errorf("failure %d: open at the wrong time", i+1)
		}
		if at := b.next(true); i < 2 && !at.IsZero() || i >= 2 && at != b.until {
			t.Errorf("failure %d: asked, the next attempt is at %v", i+1, at)
		}
	}
	b.ok()
	if b.open(now) || !b.next(false).IsZero() {
		t.Error("failures are remembered")
	}
	b.fails = 1 << 20
	if b.fail(now, 0.999); b.until.Before(now.Add(b.max/2)) || b.until.After(now.Add(b.max)) {
		t.Error("chance leads out of bounds")
	}
}

func TestPulse(t *testing.T) {
	const tick = 50 * time.Millisecond
	p := pulse{idleAfter: time.Second}
	watched := beat{length: tick, limit: 300 * time.Millisecond}
	for i := range 5 {
		if got := p.tick(watched); got != deedPing {
			t.Fatalf("quiet tick %d: %v", i+1, got)
		}
	}
	alive := watched
	alive.came = true
	if p.tick(alive) != deedNone {
		t.Fatal("something came")
	}
	for i := range 6 {
		if got := p.tick(watched); (got == deedSilent) != (i == 5) {
			t.Fatalf("quiet tick %d: %v", i+1, got)
		}
	}
	p = pulse{idleAfter: time.Second}
	if p.tick(beat{length: 10 * time.Second, limit: time.Second}) != deedPing {
		t.Error("silent before it was pinged")
	}
	p = pulse{idleAfter: time.Second}
	for i := range 20 {
		if got := p.tick(beat{length: tick}); (got == deedIdle) != (i == 19) {
			t.Fatalf("unused tick %d: %v", i+1, got)
		}
	}
	p = pulse{idleAfter: time.Second}
	for i := range 100 {
		if got := p.tick(beat{length: tick, sent: i%10 == 0}); got != deedNone {
			t.Fatalf("used tick %d: %v", i+1, got)
		}
	}
}

func TestOutbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 1000
		o := newOutbox(limit)
		var want, got []byte
		held := 0
		drain := func() {
			b, _ := o.take()
			held = len(b)
			for len(b) > 0 {
				n := rapid.IntRange(1, len(b)).Draw(t, "wrote")
				got = append(got, b[:n]...)
				o.wrote(n)
				held -= n
				b = b[n:]
			}
			o.back(b[:0])
		}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "drain") == 0 {
				drain()
				continue
			}
			f := frame{typ: frameMessage, body: rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "body")}
			fits := len(want)-len(got)+len(f.body)+overhead <= limit
			if out := o.put(&f, 0); (out == queued) != fits {
				t.Fatalf("put: %v, fits %v", out, fits)
			} else if out == queued {
				want = appendFrame(want, &f)
			}
		}
		o.finish(&frame{typ: frameBye, kind: byeIdle})
		want = appendFrame(want, &frame{typ: frameBye, kind: byeIdle})
		if o.put(&frame{typ: framePing}, slack) != gone {
			t.Fatal("a frame after the last")
		}
		drain()
		if !bytes.Equal(got, want) {
			t.Fatal("bytes were lost or moved")
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{ID: "a", Cert: identities["a"].cert, Peer: func(string) (Peer, bool) { return Peer{}, false }}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no id":           func(c *Config) { c.ID = "" },
		"space in id":     func(c *Config) { c.ID = "a b" },
		"other's cert":    func(c *Config) { c.Cert = identities["b"].cert },
		"no cert":         func(c *Config) { c.Cert.Certificate = nil },
		"no peers":        func(c *Config) { c.Peer = nil },
		"negative":        func(c *Config) { c.CallTimeout = -1 },
		"silence":         func(c *Config) { c.Silence = c.Heartbeat + 1 },
		"call silence":    func(c *Config) { c.CallSilence = time.Millisecond },
		"back-off":        func(c *Config) { c.BackoffMin = time.Hour },
		"queue too small": func(c *Config) { c.MaxQueue = 1 << 20 },
		"no calls":        func(c *Config) { c.MaxCalls = -1 },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, _, err := NewCertificate("a b"); err == nil {
		t.Error("a certificate for a bad id")
	}
}

func TestEnded(t *testing.T) {
	for err, want := range map[error]bool{
		io.EOF: true, syscall.ECONNRESET: true, ErrClosed: true, fmt.Errorf("read: %w", io.ErrUnexpectedEOF): true,
		ErrSilence: false, ErrSlow: false, ErrIdle: false, ErrReplaced: false, ErrUnknown: false, ErrProtocol: false,
		os.ErrDeadlineExceeded: false, syscall.ETIMEDOUT: false,
	} {
		if Ended(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
}
