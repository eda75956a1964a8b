package link

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Both nodes dial at about the same time, with any latency: one connection results, no call fails, and no connection that
// was in use is broken.
func TestBothDialAtOnce(t *testing.T) {
	refused := uint64(0)
	for seed := range uint64(80) {
		bubble(t, func(t *testing.T, w *world) {
			rng, own := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			chance := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }
			some := [2]time.Duration{chance(30 * time.Millisecond), chance(30 * time.Millisecond)}
			w.net.latency = func() time.Duration { return some[own.IntN(2)] } // under the net's lock
			a, b := w.node("a"), w.node("b")
			defer a.close()
			defer b.close()
			if seed%3 == 0 {
				defer a.Watch("b")()
				defer b.Watch("a")()
			}
			var wg sync.WaitGroup
			var lates [6]time.Duration
			for i := range lates {
				lates[i] = chance(80 * time.Millisecond)
			}
			for i, late := range lates {
				from, to := a, "b"
				if i%2 == 1 {
					from, to = b, "a"
				}
				wg.Go(func() {
					time.Sleep(late)
					if got, err := call(from, to, fmt.Sprint(i)); err != nil || got != fmt.Sprint(i) {
						t.Errorf("seed %d: call %d: %q, %v", seed, i, got, err)
					}
				})
			}
			wg.Wait()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			for _, n := range []*node{a, b} {
				n.note(func() {
					if n.ups != 1 || len(n.downs) != 0 {
						t.Errorf("seed %d: %v", seed, n.events)
					}
				})
			}
			if one, two := a.peers["b"].cur.Load(), b.peers["a"].cur.Load(); one == nil || two == nil || one.id != two.id {
				t.Errorf("seed %d: the two ends are of different connections", seed)
			}
			refused += a.Stats().Refused["race"] + b.Stats().Refused["race"]
		})
	}
	if refused < 20 {
		t.Errorf("the dials crossed %d times only", refused)
	}
	t.Log("dials refused:", refused)
}

// A connection that ended for one side only, so that the other still has it, does not keep them apart.
func TestHalfOpenConnectionIsReplaced(t *testing.T) {
	for _, first := range []string{"a", "b"} {
		t.Run("dialled by "+first, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.node("a"), w.node("b")
				defer a.close()
				defer b.close()
				if first == "a" {
					mustCall(t, a, "b", "up")
				} else {
					mustCall(t, b, "a", "up")
				}
				synctest.Wait()
				// b's end closes and a is told nothing, as when a middlebox forgets the connection.
				w.net.each(map[string]string{"a": "b:1", "b": "a:1"}[first], func(c *memConn) { c.in.stall(true) })
				b.peers["a"].cur.Load().close(ErrSilence)
				time.Sleep(b.cfg.BackoffMax)
				mustCall(t, b, "a", "again")
				synctest.Wait()
				a.note(func() {
					if fmt.Sprint(a.events) != "[up b down b: "+ErrReplaced.Error()+" up b]" {
						t.Errorf("events: %v", a.events)
					}
				})
			})
		})
	}
}

// side is what one node of the model knows.
type side struct {
	dialling, cur *modelDial
	seq           uint64
	last          uint64
}

// modelDial is a dial of the model: a request under way, then an answer under way.
type modelDial struct {
	from   int
	c      claim
	stage  int // 0: request under way, 1: accepted, answer under way, 2: refused, answer under way, 3: over
	mutual bool
}

// However requests and answers of two nodes cross, they end with the same connection, and none that was in use at both
// ends is given up, as long as nothing breaks.
func TestTieConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s [2]side
		var under []*modelDial
		ids := uint64(0)
		dial := func(n int) {
			if s[n].cur == nil && s[n].dialling == nil {
				s[n].seq++
				ids++
				d := &modelDial{from: n, c: claim{dial: s[n].seq, id: ids, last: s[n].last}}
				s[n].dialling, under = d, append(under, d)
			}
		}
		step := func(d *modelDial) {
			at, from := &s[1-d.from], &s[d.from]
			switch d.stage {
			case 0:
				st := standing{dialing: at.dialling != nil, smaller: 1-d.from == 0}
				if at.cur != nil {
					st.conn, st.mine, st.dial, st.id = true, at.cur.from == 1-d.from, at.cur.c.dial, at.cur.c.id
				}
				if !st.takes(d.c) {
					d.stage = 2
					return
				}
				if at.cur != nil && at.cur.mutual {
					t.Fatalf("a connection in use is replaced")
				}
				at.dialling, at.cur, d.stage = nil, d, 1
			case 1, 2:
				if from.dialling == d {
					from.dialling = nil
					if d.stage == 1 {
						from.cur, d.mutual = d, at.cur == d
					}
				} else if at.cur == d { // given up: the other end sees it end
					at.cur, at.last = nil, d.c.id
				}
				d.stage = 3
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch pick := rapid.IntRange(0, 2+2*len(under)).Draw(t, "pick"); {
			case pick < 2:
				dial(pick)
			case len(under) > 0:
				step(under[pick%len(under)])
			}
		}
		for _, d := range under {
			for d.stage < 3 {
				step(d)
			}
		}
		for round := 0; s[0].cur == nil || s[0].cur != s[1].cur; round++ {
			if round == 4 {
				t.Fatalf("no connection: %+v", s)
			}
			dial(round % 2)
			for _, d := range under {
				for d.stage < 3 {
					step(d)
				}
			}
		}
	})
}
