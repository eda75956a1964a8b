package simnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/simnet"
)

// connect returns both ends of a stream from a to b.
func connect(t *testing.T, a, b *simnet.Host) (near, far net.Conn) {
	t.Helper()
	l := b.Listen(0)
	defer l.Close()
	near, err := a.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

// stream runs f in a bubble with two connected hosts.
func stream(t *testing.T, f func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(3)
		a, b := n.Host("a"), n.Host("b")
		near, far := connect(t, a, b)
		defer near.Close()
		defer far.Close()
		f(t, n, a, b, near, far)
	})
}

// Bytes arrive complete and in order whatever latency and loss do, and a writer waits for a slow reader.
func TestStreamKeepsOrder(t *testing.T) {
	stream(t, func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn) {
		n.Latency(simnet.Between(0, 20*time.Millisecond))
		n.Loss(0.2)
		want := make([]byte, 2<<20)
		for i := range want {
			want[i] = byte(i * i >> 7)
		}
		go func() {
			for rest := want; len(rest) > 0; {
				k := min(len(rest), 1+rand.IntN(100_000))
				if _, err := near.Write(rest[:k]); err != nil {
					t.Error(err)
				}
				rest = rest[k:]
			}
			near.(*simnet.Conn).CloseWrite()
		}()
		got, err := io.ReadAll(far)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes, equal %v, %v", len(got), bytes.Equal(got, want), err)
		}
		if _, err := far.Write([]byte("back")); err != nil { // the other direction is still open
			t.Fatal(err)
		}
		b4 := make([]byte, 4)
		if _, err := io.ReadFull(near, b4); err != nil || string(b4) != "back" {
			t.Fatalf("%q, %v", b4, err)
		}
		if _, err := near.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write after CloseWrite: %v", err)
		}
	})
}

func TestWriterWaitsForRoom(t *testing.T) {
	stream(t, func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn) {
		near.SetWriteDeadline(time.Now().Add(time.Second))
		k, err := near.Write(make([]byte, 1<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || k != 256<<10 {
			t.Errorf("wrote %d, %v", k, err)
		}
		var ne net.Error
		if !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("%v is not a timeout", err)
		}
	})
}

func TestDeadlineWakesReader(t *testing.T) {
	stream(t, func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn) {
		time.AfterFunc(time.Second, func() { near.SetReadDeadline(time.Unix(1, 0)) })
		start := time.Now()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		near.SetReadDeadline(time.Time{})
		far.Write([]byte("x"))
		if _, err := near.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsBothSides(t *testing.T) {
	stream(t, func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn) {
		go near.Close()
		if _, err := far.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("peer reads %v", err)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own read %v", err)
		}
		far.Write([]byte("to nobody"))
		time.Sleep(time.Second)
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("peer writes %v", err)
		}
	})
}

func TestKillResetsAndRefuses(t *testing.T) {
	stream(t, func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn) {
		l := b.Listen(80)
		far.Write([]byte("last words"))
		b.Kill()
		start := time.Now()
		got, err := io.ReadAll(near)
		if string(got) != "last words" || !errors.Is(err, syscall.ECONNRESET) || time.Since(start) > 10*time.Millisecond {
			t.Errorf("%q, %v after %v", got, err, time.Since(start))
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the killed end reads %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the killed end accepts %v", err)
		}
		if _, err := a.Dial(t.Context(), "tcp", b.Addr(80)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		if _, err := b.Dial(t.Context(), "tcp", a.Addr(80)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dial of the killed: %v", err)
		}
		b.Start()
		b.Listen(80).Close()
	})
}

// A lost host says nothing: streams stall and go on after healing, dials wait until their time is up.
func TestIsolatedHostIsSilent(t *testing.T) {
	stream(t, func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn) {
		b.Isolate()
		near.Write([]byte("late"))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := a.Dial(ctx, "tcp", b.Addr(80)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("dial: %v after %v", err, time.Since(start))
		}
		far.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := far.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		n.Heal()
		far.SetReadDeadline(time.Now().Add(2 * time.Second))
		if k, err := far.Read(make([]byte, 4)); k != 4 || err != nil {
			t.Errorf("after healing: %d, %v", k, err)
		}
		b.Isolate()
		near.Write([]byte("never"))
		time.Sleep(time.Minute)
		if _, err := near.Write([]byte("x")); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("after a minute of silence: %v", err)
		}
	})
}

// The kernel of a stopped process accepts and buffers; the process itself does nothing until it goes on.
func TestPausedProcessKeepsConnections(t *testing.T) {
	stream(t, func(t *testing.T, n *simnet.Net, a, b *simnet.Host, near, far net.Conn) {
		l := b.Listen(80)
		defer l.Close()
		b.Pause(true)
		time.AfterFunc(10*time.Second, func() { b.Pause(false) })
		if _, err := near.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		c, err := a.Dial(t.Context(), "tcp", b.Addr(80))
		if err != nil {
			t.Fatalf("dial: %v", err)
		}
		defer c.Close()
		start := time.Now()
		go far.Write([]byte("y"))
		if _, err := far.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if _, err := near.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d < 9*time.Second {
			t.Errorf("a stopped process worked after %v", d)
		}
		if s, err := l.Accept(); err != nil {
			t.Error(err)
		} else {
			s.Close()
		}
	})
}
