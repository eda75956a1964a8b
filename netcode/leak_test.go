package netcode

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

// uses are the ways in which a connection is made, used and dropped.
var uses = []struct {
	name string
	do   func(e *edge, tok string) error
}{
	{"plays, says goodbye", func(e *edge, tok string) error {
		c, err := e.visit(tok, deflating)
		if err == nil {
			c.bytes(closeFrame(1000, "bye"))
			_, err = c.closed()
		}
		return c.end(err)
	}},
	{"plays, leaves", func(e *edge, tok string) error {
		c, err := e.visit(tok, "")
		if err == nil {
			c.message(c.w.Leave())
			_, err = c.closed()
		}
		return c.end(err)
	}},
	{"plays, hangs up", func(e *edge, tok string) error {
		c, err := e.visit(tok, deflating)
		return c.end(err)
	}},
	{"plays, resets", func(e *edge, tok string) error {
		c, err := e.visit(tok, "")
		if t, ok := c.Conn.(*net.TCPConn); ok {
			t.SetLinger(0)
		}
		return c.end(err)
	}},
	{"breaks a rule", func(e *edge, tok string) error {
		c, err := e.visit(tok, "")
		if err == nil {
			c.bytes([]byte{0xff, 0xff, 0xff, 0xff})
			_, err = c.closed()
		}
		return c.end(err)
	}},
	{"hangs up after hello", func(e *edge, tok string) error {
		c, err := e.raw(nil)
		if err == nil {
			c.message(c.w.Hello(&schema.Hello{Version: schema.Version, Token: tok}))
		}
		return c.end(err)
	}},
	{"hangs up before hello", func(e *edge, tok string) error {
		c, err := e.raw(nil)
		return c.end(err)
	}},
	{"hangs up in the handshake", func(e *edge, tok string) error {
		c, err := e.rawDial()
		if err == nil {
			c.bytes([]byte(goodHandshake(e.addr).String()[:80]))
		}
		return c.end(err)
	}},
	{"says nothing", func(e *edge, tok string) error {
		c, err := e.rawDial()
		return c.end(err)
	}},
}

// visit joins and plays a little.
func (e *edge) visit(tok, offer string) (*rawClient, error) {
	c, w, err := e.joined(tok, func(h handshake) handshake { return h.set("Sec-WebSocket-Extensions", offer) })
	if err == nil {
		c.message(samplesFrom(w.Sample+1, 4))
		c.message(c.w.Ping(1))
		_, err = c.readMessage()
	}
	return c, err
}

// end closes the connection, if there is one.
func (c *rawClient) end(err error) error {
	if c != nil {
		c.Close()
	}
	return err
}

// footprint is what a process holds.
type footprint struct {
	heap            uint64
	goroutines, fds int
}

func measure() (f footprint) {
	for range 3 { // what pools hold goes in two collections
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	d, _ := os.ReadDir("/proc/self/fd")
	return footprint{m.HeapAlloc, runtime.NumGoroutine(), len(d)}
}

// visits has n connections made, used and dropped, some at a time, in matches that are over then.
func visits(t *testing.T, e *edge, n int) {
	const workers = 48
	for i := range 4 {
		m := e.match(fmt.Sprint("m", i), func(c *loop.Config) { c.Hz, c.Seats = 100, 128 })
		defer func() {
			m.Stop(loop.OverFinished)
			<-m.Done()
		}()
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				k := (i/workers + w) % len(uses)
				use := &uses[k]
				// Eight players, since a hello whose sender has hung up may be read after the next one.
				tok := e.token(fmt.Sprint("m", w%4), fmt.Sprintf("p%d-%d", w, i/workers%8))
				if err := use.do(e, tok); err != nil {
					t.Errorf("%s: %v", use.name, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestNothingIsLeft has 2,000 connections made, used and dropped: heap, goroutines and descriptors return to where they
// were.
func TestNothingIsLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of wall time")
	}
	n := 2000
	if raceDetector {
		n = 300
	}
	e := startTCP(t, nil)
	defer e.stop()
	quiet := func() bool { return e.srv.stats.Connections.Load() == 0 }
	visits(t, e, n) // what is made once is made now
	eventually(t, "no connection is left", quiet)
	before := measure()
	begin := time.Now()
	visits(t, e, n)
	took := time.Since(begin)
	begin = time.Now()
	var now footprint
	defer func() {
		t.Logf("%d connections in %v; before %+v, %v after %+v", n, took, before, time.Since(begin), now)
	}()
	eventually(t, "the footprint is what it was", func() bool {
		now = measure()
		return quiet() && now.goroutines <= before.goroutines && now.fds <= before.fds && now.heap <= before.heap+uint64(n)*128 // bytes; a session alone has 600
	})
}
