package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A connection takes no calls from the moment at which it is let go, which is before it is out of use: here the goroutine
// that lets it go comes no further for a while.
func TestCallPassesByAConnectionThatIsLetGo(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "up")
		old := a.peers["b"].cur.Load()
		synctest.Wait()
		if !old.stop(ErrIdle, true) {
			t.Fatal("the connection is in use")
		}
		time.AfterFunc(50*time.Millisecond, func() { old.part(ErrIdle, &frame{typ: frameBye, kind: byeIdle}) })
		mustCall(t, a, "b", "over a fresh one")
		if a.peers["b"].cur.Load() == old {
			t.Error("the connection that takes no calls is still in use")
		}
		a.note(func() {
			if fmt.Sprint(a.events) != "[up b down b: "+ErrIdle.Error()+" up b]" {
				t.Errorf("events: %v", a.events)
			}
		})
	})
}

// An idle end that is called off, because a call came just then, leaves the connection as it was, in both directions.
func TestIdleEndCalledOff(t *testing.T) {
	for _, busy := range []string{"a", "b"} {
		t.Run("served by "+busy, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				release := make(chan struct{})
				slow := func(c *Config) {
					c.Call = func(_ context.Context, _, _ string, body []byte) ([]byte, error) {
						if string(body) == "slow" {
							<-release
						}
						return body, nil
					}
				}
				nodes := map[string]*node{"a": w.node("a", slow), "b": w.node("b", slow)}
				defer nodes["a"].close()
				defer nodes["b"].close()
				caller := map[string]string{"a": "b", "b": "a"}[busy]
				var wg sync.WaitGroup
				wg.Go(func() {
					if got, err := call(nodes[caller], busy, "slow"); err != nil || got != "slow" {
						t.Errorf("slow call: %q, %v", got, err)
					}
				})
				defer wg.Wait()
				defer close(release)
				synctest.Wait()
				nodes["a"].peers["b"].cur.Load().leave(ErrIdle, byeIdle)
				mustCall(t, nodes["a"], "b", "one way")
				mustCall(t, nodes["b"], "a", "other way")
				for id, n := range nodes {
					if ups, downs := n.counts(); ups != 1 || downs != 0 {
						t.Errorf("%s: %d ups and %d downs", id, ups, downs)
					}
				}
			})
		})
	}
}

// However calls cross with the idle ends of either side, each is answered and is served once.
func TestCallsCrossIdleEnds(t *testing.T) {
	const rounds = 80 // a handshake or two each
	bubble(t, func(t *testing.T, w *world) {
		var served sync.Map // body -> *atomic.Int32
		count := func(c *Config) {
			c.Call = func(_ context.Context, _, _ string, body []byte) ([]byte, error) {
				n, _ := served.LoadOrStore(string(body), new(atomic.Int32))
				n.(*atomic.Int32).Add(1)
				return body, nil
			}
		}
		a, b := w.node("a", count), w.node("b", count)
		defer a.close()
		defer b.close()
		for round := range rounds {
			time.Sleep(drainTime) // what was let go is over
			mustCall(t, a, "b", fmt.Sprint("up ", round))
			synctest.Wait()
			// The connections that both have now. One that is idle as soon as it is made could give way to a request of the peer
			// that came late and was given up, and that breaks without a bye.
			ofA, ofB := a.peers["b"].cur.Load(), b.peers["a"].cur.Load()
			if ofA == nil || ofB == nil || ofA.id != ofB.id {
				t.Fatal("no common connection after a call")
			}
			var wg sync.WaitGroup
			for i := range 4 {
				from, to := a, "b"
				if i%2 == 1 {
					from, to = b, "a"
				}
				wg.Go(func() {
					text := fmt.Sprint(round, i)
					if got, err := call(from, to, text); err != nil || got != text {
						t.Errorf("call %s: %q, %v", text, got, err)
					}
				})
			}
			wg.Go(func() { ofA.leave(ErrIdle, byeIdle) })
			wg.Go(func() { ofB.leave(ErrIdle, byeIdle) })
			wg.Wait()
		}
		served.Range(func(text, n any) bool {
			if got := n.(*atomic.Int32).Load(); got != 1 {
				t.Errorf("call %s was served %d times", text, got)
			}
			return true
		})
		a.note(func() {
			for _, err := range a.downs {
				if !errors.Is(err, ErrIdle) && !errors.Is(err, ErrReplaced) {
					t.Errorf("down: %v", err)
				}
			}
			if len(a.downs) < rounds/10 {
				t.Errorf("%d idle ends are too few to test anything", len(a.downs))
			}
		})
	})
}

// A new dial that overtakes the bye on the old connection does not fail the calls that the peer has not served.
func TestDialOvertakesBye(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "up")
		synctest.Wait()
		w.net.each("b:1", func(c *memConn) { c.in.stall(true) }) // the old connection is slower from now on
		b.peers["a"].cur.Load().leave(ErrIdle, byeIdle)
		answer := make(chan error, 1)
		go func() {
			_, err := call(a, "b", "not served on the old")
			answer <- err
		}()
		synctest.Wait()
		time.AfterFunc(a.cfg.Heartbeat/2, func() { w.net.each("b:1", func(c *memConn) { c.in.stall(false) }) })
		mustCall(t, b, "a", "over the new")
		if err := <-answer; err != nil {
			t.Error(err)
		}
	})
}

// endsIdle is an error that is asked for its text after the handler has returned and before the answer is queued.
type endsIdle struct{ end func() }

func (e endsIdle) Error() string { e.end(); return "text" }

// A call is under way until its answer is queued: an idle end before that would lose it, and have the call served again.
func TestIdleEndBeforeTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.node("a")
		var b *node
		served := 0
		b = w.node("b", func(c *Config) {
			c.Call = func(context.Context, string, string, []byte) ([]byte, error) {
				served++
				return nil, endsIdle{func() { b.peers["a"].cur.Load().leave(ErrIdle, byeIdle) }}
			}
		})
		defer a.close()
		defer b.close()
		var failure *Error
		if _, err := call(a, "b", "x"); !errors.As(err, &failure) || failure.Text != "text" || served != 1 {
			t.Errorf("%v, served %d times", err, served)
		}
	})
}

// A peer that waited for this node's end in vain has closed the connection. A call that meets that, with the bye unread, was
// not served.
func TestWriteFailsBeforeTheByeIsRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "up")
		synctest.Wait()
		w.net.each("b:1", func(c *memConn) { c.in.stall(true) })
		b.peers["a"].cur.Load().leave(ErrIdle, byeIdle)
		time.Sleep(drainTime)
		synctest.Wait()
		time.AfterFunc(a.cfg.Heartbeat/2, func() { w.net.each("b:1", func(c *memConn) { c.in.stall(false) }) })
		mustCall(t, a, "b", "over a fresh one")
		a.note(func() {
			if fmt.Sprint(a.events) != "[up b down b: "+ErrIdle.Error()+" up b]" {
				t.Errorf("events: %v", a.events)
			}
		})
	})
}
