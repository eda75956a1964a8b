package netcode

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// The owner dies without a word. Players, who know the standby, are back within moments: same seats, same clock, nothing lost.
func TestTakeOver(t *testing.T) {
	for _, late := range []time.Duration{0, 30 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
				m, standby := w.shadowed("a", "m")
				m.SetStandby(playURL("b"))
				w.answer("b", func(ctx context.Context, _ string, _ uint32) (Route, error) {
					<-ctx.Done()
					return Route{}, ErrBusy
				})
				var players []*player
				var mu sync.Mutex // guards gaps
				var gaps []time.Duration
				gap := func(d time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					gaps = append(gaps, d)
				}
				for i := range 8 {
					players = append(players, w.play("a", "m", fmt.Sprint("p", i), func(c *client.Config) {
						c.Seed = uint64(i)
						c.Gap = gap
					}))
				}
				after(5 * time.Second)
				var numbers []uint32
				for _, p := range players {
					numbers = append(numbers, get(p.walker, func() uint32 { return p.player }))
				}
				w.kill("a", standby)
				time.Sleep(late)
				tick := standby.core.Tick()
				next := w.takeOver("b", "m", standby, 2)
				after(3 * time.Second)
				for i, p := range players {
					s := p.honest(t)
					number := get(p.walker, func() uint32 { return p.player })
					if s.Reconnects != 1 || s.Stale != 0 || number != numbers[i] || s.Answered < s.Sent-20 || s.Abandoned != 0 {
						t.Errorf("player %d: %+v, number %d, was %d", i, s, number, numbers[i])
					}
				}
				most := late + 200*time.Millisecond
				if late > raceRound {
					most += 500 * time.Millisecond // the waiting players were told to come again
				}
				mu.Lock()
				defer mu.Unlock()
				if worst := slices.Max(gaps); worst > most {
					t.Errorf("the longest gap between frames was %v", worst)
				}
				if now, _ := next.Clock(); now < tick+80 || next.Info().Online != 8 {
					t.Errorf("tick %d after %d, %d online", now, tick, next.Info().Online)
				}
			})
		})
	}
}

// raceRound is how long a question keeps a player waiting.
const raceRound = routeTimeout

// The owner freezes: connections stay open and say nothing. Players notice, and go to the standby.
func TestTakeOverFrozen(t *testing.T) {
	inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
		m, standby := w.shadowed("a", "m")
		m.SetStandby(playURL("b"))
		w.answer("b", always(Route{}, ErrBusy))
		var longest atomic.Int64
		frozen := make(chan struct{})
		p := w.play("a", "m", "p", func(c *client.Config) {
			c.Dial = w.freezer("a", frozen)
			c.Gap = func(d time.Duration) { longest.Store(max(longest.Load(), int64(d))) }
		})
		after(3 * time.Second)
		close(frozen)
		standby.freeze()
		m.Hold()
		after(400 * time.Millisecond)
		w.takeOver("b", "m", standby, 2)
		after(5 * time.Second)
		worst := time.Duration(longest.Load())
		if s := p.honest(t); s.Reconnects != 1 || s.Silences != 1 || worst > 1200*time.Millisecond || worst < 700*time.Millisecond {
			t.Errorf("longest gap %v, %+v", worst, s)
		}
	})
}

// A zombie that still has the match in the old epoch shows it to nobody who has seen the new one.
func TestTakeOverZombie(t *testing.T) {
	inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
		_, standby := w.shadowed("a", "m")
		w.answer("a", always(Route{URL: playURL("b")}, nil))
		back := playURL("a")
		p := w.play("a", "m", "p", func(c *client.Config) {
			c.Roam = true
			c.Locate = func(context.Context, int) (string, error) { return back, nil }
		})
		after(2 * time.Second)
		e := w.edges["a"]
		zombie := e.srv.Match("m")
		zombie.Hold()
		w.takeOver("b", "m", standby, 2)
		back = playURL("b")
		p.Cut()
		after(2 * time.Second)
		back = playURL("a") // and now he asks the zombie again
		p.Cut()
		after(2 * time.Second)
		if s := p.honest(t); s.Reconnects != 2 || s.Moves != 1 || s.Answered < s.Sent-20 {
			t.Errorf("%+v", s)
		}
		if n := e.srv.stats.Closes()[schema.CloseMoved]; n != 1 {
			t.Errorf("%d moves by the zombie", n)
		}
	})
}
