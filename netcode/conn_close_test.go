package netcode

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// The client closes: its code comes back as gws has it, the connection ends when the client hangs up.
func TestClientCloses(t *testing.T) {
	for _, tt := range []struct {
		frame []byte
		echo  uint16
		cause schema.CloseCode
	}{
		{clientFrame(finBit|opClose, ""), 1005, 1005},
		{clientFrame(finBit|opClose, closePayload(1000, "bye")), 1000, 1000},
		{clientFrame(finBit|opClose, closePayload(1001, "")), 1000, 1001},
		{clientFrame(finBit|opClose, closePayload(4999, "")), 4999, 4999},
	} {
		overPipe(t, "", func(t *testing.T, u *upgraded) {
			go u.send(binary5, tt.frame, binary5)
			b0, p, err := u.client.next()
			if err != nil || b0 != 0x88 {
				t.Fatalf("%x, %v", b0, err)
			}
			if code := append([]byte(p), 0, 0); tt.echo != 1005 && uint16(code[0])<<8|uint16(code[1]) != tt.echo {
				t.Errorf("the answer is %q, want %d", p, tt.echo)
			}
			u.client.Close()
			<-u.ended
			if code, local := u.conn.Cause(); code != tt.cause || local {
				t.Errorf("cause %d, local %v, want %d", code, local, tt.cause)
			}
			if u.got() != "hello" {
				t.Errorf("got %q: what follows a close frame must be ignored", u.got())
			}
		})
	}
}

// The client vanishes without a close frame.
func TestClientVanishes(t *testing.T) {
	for _, in := range [][]byte{nil, binary5[:1], binary5[:4], binary5[:8]} {
		synctest.Test(t, func(t *testing.T) {
			u := upgrade(t, DefaultConnConfig(), "", nil)
			u.send(in)
			u.client.Close()
			<-u.ended
			if code, local := u.conn.Cause(); code != closeAbnormal || local {
				t.Errorf("cause %d, local %v", code, local)
			}
			if u.conn.SendFrame([]byte{0x82, 0}) || u.conn.SendReliable([]byte{0x82, 0}) == nil {
				t.Error("a dead connection takes frames")
			}
		})
	}
}

// The server closes: everything before leaves first, then one close frame; nothing more is heard; a client that does
// not hang up is cut off after the grace time.
func TestServerCloses(t *testing.T) {
	overPipe(t, "", func(t *testing.T, u *upgraded) {
		start := time.Now()
		frame := AppendFrame(nil, false, []byte("last words"))
		u.conn.Cork()
		_ = u.conn.SendReliable(frame)
		u.conn.CloseWith(schema.CloseReplaced, "")
		u.conn.CloseWith(schema.CloseRemoved, "the first wins")
		_ = u.conn.Flush()
		if u.conn.SendFrame(frame) {
			t.Error("a closed connection takes a frame")
		}
		if b0, p, err := u.client.next(); err != nil || b0 != 0x82 || p != "last words" {
			t.Fatalf("%x %q %v", b0, p, err)
		}
		b0, p, err := u.client.next()
		if want := closePayload(4005, schema.CloseReplaced.String()); err != nil || b0 != 0x88 || p != want {
			t.Fatalf("%x %q %v, want %q", b0, p, err, want)
		}
		u.send(binary5) // dropped; then the client stays silent
		<-u.ended
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("cut off after %v", d)
		}
		if u.got() != "" {
			t.Errorf("a message arrived after the close: %q", u.got())
		}
		if code, local := u.conn.Cause(); code != schema.CloseReplaced || !local {
			t.Errorf("cause %d, local %v", code, local)
		}
	})
}

// A client that answers the close frame by a flood is cut off before the grace time.
func TestFloodAfterClose(t *testing.T) {
	overPipe(t, "", func(t *testing.T, u *upgraded) {
		start := time.Now()
		u.conn.CloseWith(schema.CloseRemoved, "")
		go u.client.closed(t)
		for range 1000 {
			u.send(make([]byte, 4096))
		}
		<-u.ended
		if d := time.Since(start); d >= 2*time.Second {
			t.Errorf("cut off after %v", d)
		}
	})
}

func TestCloseReasonIsCut(t *testing.T) {
	for _, tt := range []struct{ reason, want string }{
		{"short", "short"},
		{strings.Repeat("a", 123), strings.Repeat("a", 123)},
		{strings.Repeat("a", 124), strings.Repeat("a", 123)},
		{strings.Repeat("a", 122) + "é", strings.Repeat("a", 122)},
	} {
		if f := appendClose(nil, 4000, tt.reason); string(f[4:]) != tt.want || int(f[1]) != len(f)-2 {
			t.Errorf("%q is sent as %q with length %d", tt.reason, f[4:], f[1])
		}
	}
}

// Cork: messages of gws, shared frames and reliable ones leave in one write, in their order.
func TestCorkIsOneWrite(t *testing.T) {
	overPipe(t, "", func(t *testing.T, u *upgraded) {
		synctest.Wait()
		before := u.lower.count()
		u.conn.Cork()
		u.send(clientFrame(finBit|opBinary, "echo")) // answered by gws from its own goroutine
		synctest.Wait()
		u.conn.Cork()
		if !u.conn.SendFrame(AppendFrame(nil, false, []byte("state"))) {
			t.Error("not sent")
		}
		_ = u.conn.Flush()
		_ = u.conn.SendReliable(AppendFrame(nil, false, []byte(big[:300])))
		synctest.Wait()
		if n := u.lower.count() - before; n != 0 {
			t.Errorf("%d writes while corked", n)
		}
		_ = u.conn.Flush()
		for _, want := range []string{"echo", "state", big[:300]} {
			if _, p, err := u.client.next(); err != nil || p != want {
				t.Fatalf("%q, %v, want %q", p, err, want)
			}
		}
		if n := u.lower.count() - before; n != 1 {
			t.Errorf("%d writes", n)
		}
		if s := u.conn.Stats(); s.FramesOut != 3 || s.FramesIn != 1 || s.BytesIn != 10 {
			t.Errorf("%+v", s)
		}
	})
}

// A client that does not read: state frames are dropped, reliable ones wait up to the bound, then the close frame is
// the last thing in the queue; a client that wakes up in time gets all of it.
func TestSlowClientOverflows(t *testing.T) {
	overPipe(t, "", func(t *testing.T, u *upgraded) {
		frame := AppendFrame(nil, false, []byte(big[:1000]))
		sent := 0
		for u.conn.SendReliable(frame) == nil {
			if sent++; sent == 1 && !u.conn.Busy() {
				t.Error("not busy")
			}
			if u.conn.SendFrame(frame) {
				t.Fatal("a state frame was queued behind others")
			}
			if q := u.conn.nb.queued(); q > DefaultConnConfig().PendMax {
				t.Fatalf("%d bytes wait", q)
			}
		}
		if want := (64 << 10) / len(frame); sent != want {
			t.Errorf("%d frames were taken, want %d", sent, want)
		}
		for range sent {
			if _, p, err := u.client.next(); err != nil || len(p) != 1000 {
				t.Fatal(len(p), err)
			}
		}
		if code, _ := u.client.closed(t); code != uint16(schema.CloseTooSlow) {
			t.Errorf("closed with %d", code)
		}
		u.client.Close()
		<-u.ended
		if code, local := u.conn.Cause(); code != schema.CloseTooSlow || !local {
			t.Errorf("cause %d, local %v", code, local)
		}
		if s := u.conn.Stats(); s.Skipped != uint64(sent) {
			t.Errorf("%d skipped, want %d", s.Skipped, sent)
		}
	})
}

// A client that does not read for DrainTimeout is given up.
func TestSlowClientTimesOut(t *testing.T) {
	overPipe(t, "", func(t *testing.T, u *upgraded) {
		start := time.Now()
		_ = u.conn.SendReliable(AppendFrame(nil, false, []byte("x")))
		<-u.ended
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("given up after %v", d)
		}
		if code, local := u.conn.Cause(); code != schema.CloseTooSlow || !local {
			t.Errorf("cause %d, local %v", code, local)
		}
	})
}

// The deadline of a write that waited must not fail later ones, which wait for nothing.
func TestDrainLeavesNoDeadline(t *testing.T) {
	overPipe(t, "", func(t *testing.T, u *upgraded) {
		_ = u.conn.SendReliable(AppendFrame(nil, false, []byte("x")))
		synctest.Wait()
		if d := time.Until(u.lower.deadline); d != 5*time.Second {
			t.Errorf("a waiting write has %v", d)
		}
		_, _, _ = u.client.next()
		synctest.Wait()
		if !u.lower.deadline.IsZero() {
			t.Error("the deadline stays")
		}
	})
}

func TestIdle(t *testing.T) {
	overPipe(t, "", func(t *testing.T, u *upgraded) {
		time.Sleep(3 * time.Second)
		u.send(clientFrame(finBit|opPong, ""))
		synctest.Wait()
		time.Sleep(time.Second)
		if d := u.conn.Idle(); d != time.Second {
			t.Errorf("idle for %v", d)
		}
	})
}

func TestConnConfigValidate(t *testing.T) {
	for name, change := range map[string]func(*ConnConfig){
		"message": func(c *ConnConfig) { c.MaxMessage = 0 }, "fragments": func(c *ConnConfig) { c.MaxFragments = 0 },
		"rate": func(c *ConnConfig) { c.FramesPerSecond = -1 }, "burst": func(c *ConnConfig) { c.ByteBurst = c.MaxMessage },
		"pend": func(c *ConnConfig) { c.PendMax = 0 }, "grace": func(c *ConnConfig) { c.CloseGrace = 0 },
		"lowat": func(c *ConnConfig) { c.NotSentLowat = 0 }, "user timeout": func(c *ConnConfig) { c.UserTimeout = 0 },
	} {
		c := DefaultConnConfig()
		if change(&c); c.Validate() == nil {
			t.Errorf("a bad %s is accepted", name)
		}
	}
}
