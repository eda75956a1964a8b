package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestRoundTrip: an echo takes a round trip of the profile, again and again.
func TestRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Profile{RTT: 60 * time.Millisecond, Jitter: 25 * time.Millisecond}
		near, far := net.Pipe()
		go io.Copy(far, far)
		c := Wrap(near, p, 3)
		buf := make([]byte, 16)
		var least, most time.Duration = time.Hour, 0
		for range 500 {
			start := time.Now()
			if _, err := c.Write([]byte("ping")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, buf[:4]); err != nil {
				t.Fatal(err)
			}
			d := time.Since(start)
			least, most = min(least, d), max(most, d)
		}
		if lo, hi := p.RTT-p.Jitter, p.RTT+p.Jitter; least < lo || most > hi || most-least < p.Jitter {
			t.Errorf("round trips from %v to %v, want %v to %v", least, most, lo, hi)
		}
		c.Close()
		far.Close()
	})
}

// TestPipelined: chunks written every 33 ms are spread by the jitter only; the latency does not hold them up one behind the other.
func TestPipelined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Profile{RTT: 300 * time.Millisecond}
		near, far := net.Pipe()
		c := Wrap(near, p, 1)
		go func() {
			for i := range 100 {
				far.Write([]byte{byte(i)})
				time.Sleep(33 * time.Millisecond)
			}
		}()
		start := time.Now()
		buf := make([]byte, 64)
		for i := range 100 {
			n, err := c.Read(buf)
			if err != nil || n != 1 || buf[0] != byte(i) {
				t.Fatalf("chunk %d: %d bytes, %v", i, n, err)
			}
			if want, got := 150*time.Millisecond+time.Duration(i)*33*time.Millisecond, time.Since(start); got != want {
				t.Fatalf("chunk %d after %v, want %v", i, got, want)
			}
		}
		c.Close()
		far.Close()
	})
}

// TestBulk: much more than the queues hold passes unharmed both ways at once, with small reads and large writes.
func TestBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := Wrap(near, Profile{RTT: 20 * time.Millisecond, Jitter: 20 * time.Millisecond, Rate: 1 << 20}, 9)
		data := make([]byte, 3*maxQueue+17)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		go func() { io.Copy(far, far); far.Close() }()
		go func() {
			for at := 0; at < len(data); {
				n := min(len(data)-at, 1+rand.IntN(9000))
				if _, err := c.Write(data[at : at+n]); err != nil {
					t.Error(err)
				}
				at += n
			}
		}()
		start, got := time.Now(), make([]byte, len(data))
		for at := 0; at < len(got); {
			n, err := c.Read(got[at:min(len(got), at+1+rand.IntN(700))])
			if err != nil {
				t.Fatal(err)
			}
			at += n
		}
		if !bytes.Equal(got, data) {
			t.Error("what came back differs")
		}
		if least := time.Duration(len(data)) * time.Second / (1 << 20); time.Since(start) < least {
			t.Errorf("%d bytes took %v, the rate allows no less than %v", len(data), time.Since(start), least)
		}
		c.Close()
	})
}

// TestCloseDelivers: what was written before Close reaches the peer, then the end does.
func TestCloseDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := Wrap(near, Profile{RTT: time.Second}, 1)
		c.Write([]byte("good"))
		c.Write([]byte("bye"))
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after close: %v", err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
		if got, err := io.ReadAll(far); string(got) != "goodbye" || err != nil {
			t.Errorf("the peer read %q, %v", got, err)
		}
	})
}

// TestCut: the profile's cut ends both sides and loses what is under way.
func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		p := Profile{RTT: time.Minute, CutEvery: time.Second}
		c := Wrap(near, p, 5)
		at, _ := life(p, 5)
		c.Write([]byte("lost"))
		start := time.Now()
		if _, err := c.Read(make([]byte, 1)); err != ErrCut || time.Since(start) != at {
			t.Errorf("read ended after %v with %v, want after %v with %v", time.Since(start), err, at, ErrCut)
		}
		if _, err := c.Write([]byte("x")); err != ErrCut {
			t.Errorf("write: %v", err)
		}
		if got, _ := io.ReadAll(far); len(got) != 0 {
			t.Errorf("the peer read %q", got)
		}
		c.Cut(true)
		c.Close()
	})
}

// TestDeadlines: deadlines work while waiting, can be moved, and leave the connection usable.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := Wrap(near, Profile{RTT: 2 * time.Second}, 1)
		start := time.Now()
		c.SetReadDeadline(start.Add(time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatalf("read: %v after %v", err, time.Since(start))
		}
		c.SetDeadline(start.Add(time.Hour))
		go far.Write([]byte("a"))
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatalf("read: %d, %v", n, err)
		}
		c.SetDeadline(time.Time{})
		for range 2 * maxQueue / 4096 { // the peer does not read: the queue fills up
			c.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := c.Write(make([]byte, 4096)); err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
				c.Cut(false)
				return
			}
		}
		t.Error("writes never blocked")
	})
}

// TestServe relays real TCP and ends with its context, taking the connections with it.
func TestServe(t *testing.T) {
	echo, front := listen(t), listen(t)
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, front, echo.Addr().String(), Profile{RTT: 4 * time.Millisecond}, 1) }()
	c, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	start := time.Now()
	c.Write([]byte("hello"))
	buf := make([]byte, 5)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("%q, %v", buf, err)
	}
	if d := time.Since(start); d < 4*time.Millisecond {
		t.Errorf("a round trip took %v, want 4 ms at least", d)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n, err := c.Read(buf); err == nil {
		t.Errorf("read %d bytes after the relay ended", n)
	}
}

func listen(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
