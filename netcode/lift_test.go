package netcode

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

// needsLift skips a test where sockets cannot be taken out of the runtime's poller.
func needsLift(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("matches read sockets on Linux only")
	}
}

// raise has a connection of dialTCP read by a goroutine that stands for a match: it handles nothing, and leaves everything to gws.
func raise(t *testing.T, c *Conn, f *far) {
	t.Helper()
	needsLift(t)
	c.pulled.Store(true)
	_, _ = f.Write(clientFrame(finBit|opBinary, "up")) // after which the reader looks
	eventually(t, "it is lifted", func() bool { return c.nb.park.baton.Load() == parked })
	var match sync.WaitGroup
	stop := make(chan struct{})
	match.Go(func() {
		in := newInlet(100)
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
			}
			if !c.nb.park.take() {
				continue
			}
			p, _, err := c.nb.pull(in)
			if err != nil {
				c.nb.park.leave.Store(true)
			}
			if c.leave(p); len(p) > 0 {
				c.nb.park.hand()
			} else {
				c.nb.park.release()
			}
		}
	})
	t.Cleanup(func() { close(stop); match.Wait(); c.Abort() }) // nobody else would notice an end
}

// What gws has to handle passes through the match: frames cut anywhere, control frames, fragments.
func TestLiftedToGWS(t *testing.T) {
	_, c, f := dialTCP(t, false, nil)
	raise(t, c, f)
	echo := join(clientFrame(opBinary, "ec"), clientFrame(finBit|opPing, "p"), clientFrame(finBit, "ho"))
	all := repeat(8, echo)
	go func() {
		for rnd := rand.New(rand.NewPCG(1, 2)); len(all) > 0; {
			n := min(len(all), 1+rnd.IntN(20))
			_, _ = f.Write(all[:n])
			all = all[n:]
		}
	}()
	for n := 0; n < 8; {
		b0, p, err := f.next()
		if n++; b0 == finBit|opPong && err == nil {
			n--
		} else if err != nil || b0 != finBit|opBinary || p != "echo" {
			t.Fatalf("%x %q %v", b0, p, err)
		}
	}
	c.CloseWith(schema.CloseUnavailable, "draining")
	if code, reason := f.closed(t); code != 4013 || reason != "draining" {
		t.Errorf("closed with %d %q", code, reason)
	}
	if c.nb.failure() != nil {
		t.Error("the end came from cutting the connection, not from half-closing it")
	}
}

// Bytes that the kernel refuses bring a lifted connection back: they are written as soon as the client reads, whole and in order; and then
// it is lifted again.
func TestLiftedSlowReader(t *testing.T) {
	_, c, f := dialTCP(t, false, nil)
	raise(t, c, f)
	frame := AppendFrame(nil, false, []byte(strings.Repeat("s", 500)))
	sent := fill(t, c, frame)
	for i := range sent {
		if _, p, err := f.next(); err != nil || len(p) != 500 {
			t.Fatalf("frame %d of %d: %d bytes, %v", i, sent, len(p), err)
		}
	}
	eventually(t, "it is not busy", func() bool { return !c.Busy() })
	eventually(t, "it is lifted again", func() bool {
		_, _ = f.Write(clientFrame(finBit|opBinary, "up"))
		return c.nb.park.baton.Load() == parked
	})
}

// Every end of a lifted connection is noticed, whoever brings it about.
func TestLiftedEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, c *Conn, f *far){
		"hang up": func(t *testing.T, _ *Conn, f *far) { _ = f.Close() },
		"close frame": func(t *testing.T, _ *Conn, f *far) {
			_, _ = f.Write(clientFrame(finBit|opClose, closePayload(1000, "")))
			_, _ = f.closed(t)
			_ = f.Close()
		},
		"abort":       func(_ *testing.T, c *Conn, _ *far) { c.Abort() },
		"close":       func(_ *testing.T, c *Conn, f *far) { c.CloseWith(schema.CloseRemoved, ""); _ = f.Close() },
		"broken rule": func(t *testing.T, _ *Conn, f *far) { _, _ = f.Write([]byte{0xff, 0xff}); _ = f.Close() },
		"several at once": func(_ *testing.T, c *Conn, f *far) {
			go c.Abort()
			go c.CloseWith(schema.CloseRemoved, "")
			_ = f.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, c, f := dialTCP(t, false, nil)
			raise(t, c, f)
			end(t, c, f)
			eventually(t, "the reader has ended", func() bool { return c.nb.failure() != nil })
		})
	}
}

// The baton is never in two hands, and nobody who is recalled stays in the park.
func TestPark(t *testing.T) {
	p := &park{wake: make(chan struct{}, 1)}
	var owned int // by who has the baton: the race detector sees two
	stop := make(chan struct{})
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					p.recall()
					runtime.Gosched()
				}
			}
		})
	}
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if !p.take() {
				runtime.Gosched()
				continue
			}
			if owned++; i%3 == 0 {
				p.hand()
			} else {
				p.release()
			}
		}
	})
	for range 5000 {
		owned++
		p.wait()
		p.leave.Store(false)
	}
	close(stop)
	others.Wait()
	if p.baton.Load() != withReader || owned < 5000 {
		t.Errorf("baton %d, owned %d times", p.baton.Load(), owned)
	}
}

// What is taken past gws is what gws would have got.
func TestSimpleFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")
		rest := rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "rest")
		b0 := rapid.SampledFrom([]byte{finBit | opBinary, opBinary, finBit | 0x40 | opBinary, finBit | opPing, finBit | opPong, finBit | opClose, finBit}).Draw(t, "b0")
		if b0 == finBit|opPong {
			payload = payload[:min(len(payload), maxControl)]
		}
		f := clientFrame(b0, string(payload))
		g := testGuard(true)
		size, ok := g.simple(slices.Concat(f, rest))
		if want := b0 == finBit|opBinary || b0 == finBit|opPong; ok != want {
			t.Fatalf("simple: %v, want %v", ok, want)
		}
		if _, cut := g.simple(f[:len(f)-1]); cut {
			t.Fatal("a frame that is cut short is simple")
		}
		if !ok {
			return
		}
		if size != len(f) || !bytes.Equal(unmask(f), payload) {
			t.Fatalf("%d of %d bytes, %x", size, len(f), payload)
		}
		if n, v := g.scan(f, 0); n != size || v != nil || g.have != 0 || g.left != 0 {
			t.Fatalf("the guard passed %d of %d: %v", n, size, v)
		}
		if _, v := g.scan(clientFrame(opBinary, "begin"), 0); v != nil {
			t.Fatal(v)
		}
		if _, ok := g.simple(f); ok {
			t.Fatal("simple within a fragmented message")
		}
	})
}

// session returns the only session.
func (e *edge) session() *session {
	e.srv.mu.Lock()
	defer e.srv.mu.Unlock()
	for x := range e.srv.sessions {
		return x
	}
	return nil
}

// A match that does not tick does not read: the connection is given back, and still answers.
func TestFrozenMatchStillReads(t *testing.T) {
	needsLift(t)
	e := startTCP(t, nil)
	defer e.stop()
	m := e.match("m", nil)
	c, _, err := e.joined(e.token("m", "a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	c.message(c.w.Ping(1))
	x := e.session()
	eventually(t, "the match reads", func() bool { return x.nb.park.baton.Load() == parked })
	frozen := make(chan struct{})
	m.Freeze(0, func(uint32) { close(frozen) })
	<-frozen
	c.message(c.w.Ping(2))
	for {
		m, err := c.readMessage()
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := schema.ReadPong(&m); ok && p.Client == 2 {
			break
		}
	}
	m.Thaw()
}

// A ping waits for a tick, and its answer says for how long.
func TestPongSaysHowLongThePingWaited(t *testing.T) {
	needsLift(t)
	e := startTCP(t, nil)
	defer e.stop()
	e.match("m", func(c *loop.Config) { c.Hz = 20 })
	c, _, err := e.joined(e.token("m", "a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	var trips, waits time.Duration
	begin := time.Now()
	for n := uint32(1); waits < 10*time.Millisecond; n++ { // from one answer, which comes with a tick, to the next tick: nearly 50 ms, unless we are late ourselves
		if n > 20 && time.Since(begin) > patience/2 {
			t.Fatalf("waited for %v of round trips of %v", waits, trips)
		}
		sent := time.Now()
		c.message(c.w.Ping(n))
		for {
			m, err := c.readMessage()
			if err != nil {
				t.Fatal(err)
			}
			p, ok := schema.ReadPong(&m)
			if !ok || p.Client != n {
				continue
			}
			trip, wait := time.Since(sent), time.Duration(p.HeldMicros)*time.Microsecond
			if wait > trip {
				t.Fatalf("waited for %v of a round trip of %v", wait, trip)
			}
			trips, waits = trips+trip, waits+wait
			break
		}
	}
}

// What has come when a tick begins counts for that tick, in whatever frames: a player's own goroutine would hand it in too late.
func TestMessagesCountForTheNextTick(t *testing.T) {
	for name, send := range map[string]func(c *rawClient, seq uint32){
		"short": func(c *rawClient, seq uint32) { c.message(samplesFrom(seq, 1)) },
		"long": func(c *rawClient, seq uint32) {
			c.message(c.w.Command(seq, make([]byte, 200)))
			c.message(samplesFrom(seq, 1))
		},
		"after a pong": func(c *rawClient, seq uint32) {
			c.bytes(slices.Concat(frame(fin|opPong, nil), frame(fin|opBinary, samplesFrom(seq, 1))))
		},
		"compressed": func(c *rawClient, seq uint32) { c.bytes(frame(fin|rsv1|opBinary, squeeze(samplesFrom(seq, 1)))) },
	} {
		t.Run(name, func(t *testing.T) {
			e := startTCP(t, nil)
			defer e.stop()
			m := e.match("m", func(c *loop.Config) { c.Hz = 20 })
			c, _, err := e.joined(e.token("m", "a"), func(h handshake) handshake { return h.set("Sec-WebSocket-Extensions", deflating) })
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.record(true, nil)
			applied, rounds, inTime := &m.Config().Stats.Applied, 0, 0
			few := func() bool { return inTime*8 < rounds*5 } // what comes while the match reads may be late, and on a busy machine much does
			for seq := uint32(1); rounds < 8 || rounds < 80 && few(); seq++ {
				tick, was := m.Tick(), applied.Load()
				eventually(t, "a tick", func() bool { return m.Tick() != tick })
				tick = m.Tick()
				if send(c, seq); m.Tick() == tick { // else the machine is busy
					eventually(t, "a tick", func() bool { return m.Tick() != tick })
					if rounds++; applied.Load() > was {
						inTime++
					}
				}
				eventually(t, "it is applied", func() bool { return applied.Load() > was })
			}
			if few() {
				t.Errorf("%d of %d samples counted for the next tick", inTime, rounds)
			}
		})
	}
}

// A wall clock that is set is noticed, one that is slewed is not; what the kernel's time stamps say between is not believed.
func TestWallClockThatIsSet(t *testing.T) {
	w, now, mono := wall{}, int64(1e18), int64(0)
	for i, c := range []struct {
		step time.Duration
		want bool
	}{{0, false}, {0, true}, {time.Hour, false}, {0, true}, {-3 * time.Second, false}, {0, true}, {500 * time.Microsecond, true}, {20 * time.Millisecond, false}} {
		mono += int64(33 * time.Millisecond)
		now += int64(33*time.Millisecond + c.step)
		if got := w.steady(now, mono); got != c.want {
			t.Errorf("%d: steady %v after %v", i, got, c.step)
		}
	}
}

// What fails in the handling of one player's message ends his connection, and not the match whose goroutine reads it.
func TestPanicInAPull(t *testing.T) {
	needsLift(t)
	e := startTCP(t, nil)
	defer e.stop()
	m := e.match("m", nil)
	c, _, err := e.joined(e.token("m", "a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	c.message(c.w.Ping(1))
	x := e.session()
	eventually(t, "the match reads", func() bool { return x.nb.park.baton.Load() == parked })
	x.match.Store(nil) // which handling a message does not survive
	c.message(c.w.Ping(2))
	if code, err := c.closed(); code != schema.CloseInternal || err != nil {
		t.Errorf("closed with %d, %v", code, err)
	}
	tick := m.Tick()
	eventually(t, "the match goes on", func() bool { return m.Tick() > tick+1 })
	if n := e.srv.stats.Panics.Swap(0); n != 1 {
		t.Errorf("%d panics", n)
	}
}
