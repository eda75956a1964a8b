package loop

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

func TestMatchLife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		wait(3)
		if m.Info().Phase != Waiting || s.match[0] != int32(Waiting) {
			t.Fatalf("phase %v before anybody came", m.Info().Phase)
		}
		a := enter(t, m, "a", who("a"))
		if a.seat.Player.Number != 1 || a.seat.ID != "a" || m.Info().Phase != Running || m.Info().Taken != 1 || m.Info().Online != 1 {
			t.Fatalf("link %+v, info %+v", a, m.Info())
		}
		play(t, m, a, game.Input{Axes: [4]int16{5}})
		wait(20)
		if r := s.rows[1]; r[1] != 1+game.MaxRepeat || r[0] != 5*(1+game.MaxRepeat) {
			t.Errorf("a sample is applied once and repeated %d times: %v", game.MaxRepeat, r)
		}
		ok(t, m.Leave(a))
		wait(1)
		if a.gone != GoneLeft || m.Info().Taken != 0 {
			t.Errorf("after leaving: %+v, %+v", a, m.Info())
		}
		m.Stop(OverShutdown)
		<-m.Done()
		if s.over != OverShutdown || m.Attach(&link{}, who("b")) != ErrOver || m.Answer(a) != ErrOver {
			t.Error("the match is not over:", s.over)
		}
	})
}

// Frames come at their intended times, every n-th tick, and the clock agrees.
func TestTicksAreOnTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, func(c *Config) { c.Hz, c.Every, c.Phase = 7, 3, 0.5 })
		time.Sleep(20 * time.Second)
		synctest.Wait()
		for i, at := range s.times {
			if want := intended(7, 0.5, int64(i)*3+2); at != want {
				t.Fatalf("frame %d at %v, want %v", i, at, want)
			}
		}
		tick, since := m.Clock()
		if want := 20*time.Second - intended(7, 0.5, int64(tick)-1); since != want || len(s.times) != int(tick/3) {
			t.Errorf("tick %d began %v ago, want %v; %d frames", tick, since, want, len(s.times))
		}
		if late := m.Lateness(tick + 7); late != since-time.Second {
			t.Errorf("lateness %v of a tick a second ahead", late)
		}
		for name, h := range map[string]*Histogram{"duration": &m.cfg.Stats.Duration, "lateness": &m.cfg.Stats.Lateness} {
			counts, sum := h.Read()
			if counts[0] != m.cfg.Stats.Ticks.Load() || counts[0] != uint64(tick) || sum != 0 { // virtual time: both are 0
				t.Errorf("%s: %v of %d ticks, sum %v", name, counts, tick, sum)
			}
		}
		if m.cfg.Stats.Dropped.Load()+m.cfg.Stats.Shed.Load()+m.cfg.Stats.Overruns.Load() != 0 {
			t.Error("ticks were dropped or shed at no load")
		}
	})
}

// A stall: five ticks are made up for with one state frame, the rest of the backlog is dropped and counted.
func TestStallIsCaughtUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		stall := time.Duration(0)
		def := counterDef(func(*counter, *game.Tick) {
			time.Sleep(stall) // the rules take so long
			stall = 0
		})
		m, s := startTest(t, func(c *Config) { c.Game = def })
		enter(t, m, "a", who("a"))
		wait(10)
		before, _ := m.Clock()
		frames := s.frames
		stall = time.Second + 10*time.Millisecond
		wait(20)
		ok(t, m.Attach(&link{}, who("b")))
		wait(20)
		if s.online != 2 {
			t.Errorf("%d online: the roster was lost with a shed frame", s.online)
		}
		after, _ := m.Clock()
		st := m.cfg.Stats
		if st.Dropped.Load() != 25 || after-before != 40-25 || st.Shed.Load() != 4 || st.Overruns.Load() != 1 {
			t.Errorf("%d dropped, %d run, %d shed, %d overruns", st.Dropped.Load(), after-before, st.Shed.Load(), st.Overruns.Load())
		}
		if s.frames-frames != 40-25-4 || s.shed != 4 {
			t.Errorf("%d frames, %d shed", s.frames-frames, s.shed)
		}
	})
}

func TestRounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var joins []uint32 // tick, player
		var rounds []*counter
		seeds := map[uint64]bool{}
		def := counterDef(func(c *counter, t *game.Tick) {
			if c.ticks == 0 {
				rounds = append(rounds, c)
				seeds[c.digest] = true
				for _, e := range t.Events {
					if e.Kind == game.EventJoin {
						joins = append(joins, t.N, e.Player)
					}
				}
			}
		})
		m, s := startTest(t, func(c *Config) { c.Game, c.Pause = def, time.Second })
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", Attach{Who: journal.Join{ID: "b", Spectator: true}})
		began := s.match[2]
		tell(t, m, a, `end {"winner":1}`)
		ended := int32(s.last)
		if want := []int32{int32(Ended), 1, ended, ended + 30}; !slices.Equal(s.match, want) {
			t.Fatalf("match row %v, want %v", s.match, want)
		}
		if i := m.Info(); i.Phase != Ended || string(i.Result) != `{"winner":1}` {
			t.Errorf("%+v", i)
		}
		for _, l := range []*link{a, b} {
			if len(l.messages) != 1 || l.messages[0] != (message{1, MessageResult, `{"winner":1}`}) {
				t.Errorf("%s was told %v", l.name, l.messages)
			}
		}
		c := enter(t, m, "c", who("c")) // in the pause
		wait(23)
		if len(rounds) != 1 || m.Info().Phase != Ended {
			t.Fatalf("stepped in the pause: %d rounds", len(rounds))
		}
		wait(5)
		next := uint32(ended) + 30
		if want := []int32{int32(Running), 2, int32(next), 0}; !slices.Equal(s.match, want) || m.Info().Round != 2 {
			t.Errorf("match row %v, want %v", s.match, want)
		}
		if want := []uint32{uint32(began), 1, next, 1, next, 2, next, 3}; !slices.Equal(joins, want) {
			t.Errorf("joins (tick, player) %v, want %v", joins, want)
		}
		if len(rounds) != 2 || len(seeds) != 2 || c.gone != 0 {
			t.Errorf("%d rounds, %d seeds", len(rounds), len(seeds))
		}
	})
}

func TestEveryRoundHasItsSeed(t *testing.T) {
	seen := map[uint64]bool{}
	for round := uint32(1); round <= 100; round++ {
		seen[testCore(t).setup(round).Seed] = true
	}
	if len(seen) != 100 || !seen[testHeader().Seed] || testCore(t).setup(1).Seed != testHeader().Seed {
		t.Errorf("%d seeds of 100 rounds", len(seen))
	}
}

// What the rules see in the first tick of a round: everybody joins, then what came in this very tick.
func TestCommandInTheFirstTickOfARound(t *testing.T) {
	c := testCore(t)
	apply(t, c, join(1, 1, journal.Join{ID: "a"}, journal.Join{ID: "b"}), command(2, 1, 1, "end x"))
	idle(t, c, int(testHeader().Pause)-1)
	if c.Phase() != Ended {
		t.Fatal(c.Phase())
	}
	first := command(c.Tick()+1, 1, 2, "say now")
	first.Events = append(first.Events, journal.Event{Kind: game.EventCommand, Player: 2, Number: 1, Data: []byte("say gone")},
		journal.Event{Kind: game.EventLeave, Player: 2})
	apply(t, c, first)
	if w := c.world.(*counter); c.Round() != 2 || w.ticks != 1 || string(w.heard) != "1:say now;" {
		t.Errorf("round %d, heard %q", c.Round(), w.heard)
	}
}

func TestOneRound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, func(c *Config) { c.Rounds, c.Every = RoundsOne, 4 })
		a := enter(t, m, "a", who("a"))
		wait(1)
		ok(t, m.Command(a, 1, []byte(`end {"winner":1}`)))
		<-m.Done()
		if s.over != OverFinished || m.Info().Phase != Ended || string(m.Info().Result) != `{"winner":1}` {
			t.Errorf("outcome %v, %+v", s.over, m.Info())
		}
		if len(a.messages) != 1 || a.messages[0].kind != MessageResult { // though its tick has no state frame
			t.Errorf("messages %v", a.messages)
		}
	})
}

// A result that is too long for a message is told without its bytes; what was to be told before stays.
func TestLongResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, n := range []int{maxResult, maxResult + 1, 100_000} {
			m, _ := startTest(t, nil)
			a := enter(t, m, "a", who("a"))
			tell(t, m, a, "say before")
			tell(t, m, a, fmt.Sprint("result ", n))
			want := n
			if n > maxResult {
				want = 0
			}
			if o := &m.core.find(1).out; o.n != 2 || len(a.messages) != 2 || a.messages[1].kind != MessageResult || len(a.messages[1].text) != want {
				t.Errorf("result of %d bytes: %d messages kept, %d seen", n, o.n, len(a.messages))
			}
			if len(m.Info().Result) != n {
				t.Errorf("result of %d bytes: %d in Info", n, len(m.Info().Result))
			}
		}
	})
}

// Commands of the pause are answered, and the next round does not hear them.
func TestCommandInThePause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, func(c *Config) { c.Pause = time.Second })
		a := enter(t, m, "a", who("a"))
		tell(t, m, a, "end")
		tell(t, m, a, "say nothing")
		wait(40)
		tell(t, m, a, "say something")
		if heard(m) != "1:say something;" || s.ack[1][5] != 3 || m.Info().Round != 2 {
			t.Errorf("heard %q, ack row %v", heard(m), s.ack[1])
		}
	})
}

func TestEmptyMatchStops(t *testing.T) {
	for name, c := range map[string]struct {
		empty time.Duration
		visit bool
		want  time.Duration
	}{
		"nobody came":     {5 * time.Second, false, time.Minute},
		"long patience":   {2 * time.Minute, false, 2 * time.Minute},
		"everybody left":  {5 * time.Second, true, 5 * time.Second},
		"never":           {-1, false, 0},
		"never once used": {-1, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m, s := startTest(t, func(cfg *Config) { cfg.Empty, cfg.Hz = c.empty, 10 })
				if c.visit {
					a := &link{}
					ok(t, m.Attach(a, who("a")))
					time.Sleep(10 * time.Second)
					m.Detach(a)
				}
				began := time.Now()
				select {
				case <-m.Done():
					if took := time.Since(began); c.want == 0 || took < c.want || took > c.want+time.Second || s.over != OverEmpty {
						t.Errorf("outcome %v after %v", s.over, took)
					}
				case <-time.After(5 * time.Minute):
					if c.want != 0 {
						t.Error("still running")
					}
				}
			})
		})
	}
}

// Who comes back now and then keeps a match alive: the time without anybody is counted anew.
func TestVisitsKeepAMatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		l := enter(t, m, "a", who("a"))
		for range 5 {
			cut(m, l)
			wait(4 * 30)
			l = enter(t, m, "again", resume(l))
		}
		if s.over != 0 {
			t.Errorf("outcome %v", s.over)
		}
	})
}

// Info follows every change of players at once, those too that no event brings about.
func TestInfoFollowsRemovals(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, func(c *Config) { c.SeatHold = 7 * time.Second / 30 })
		a, b, c := enter(t, m, "a", who("a")), enter(t, m, "b", who("b")), enter(t, m, "c", who("c"))
		for s.last%30 != 1 { // just after the publication of the second
			wait(1)
		}
		tell(t, m, a, "kick 2")
		if i := m.Info(); i.Taken != 2 || i.Online != 2 || b.gone != GoneRemoved || b.why != "kicked by the rules" {
			t.Errorf("after a kick: %+v, %+v", i, b)
		}
		m.Detach(c)
		wait(1)
		if i := m.Info(); i.Taken != 2 || i.Online != 1 {
			t.Errorf("after a drop: %+v", i)
		}
		wait(7)
		if i := m.Info(); i.Taken != 1 {
			t.Errorf("after a seat expired: %+v", i)
		}
	})
}

// A roster goes with the first state frame after a change, once.
func TestRoster(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		step := func(what string, online int, f func()) {
			before := s.rosters
			f()
			wait(3)
			if s.rosters != before+1 || s.online != online {
				t.Errorf("%s: %d rosters, %d online", what, s.rosters-before, s.online)
			}
		}
		a, a2, b := &link{}, &link{}, &link{}
		step("join", 1, func() { ok(t, m.Attach(a, who("a"))) })
		step("second", 2, func() { ok(t, m.Attach(b, who("b"))) })
		step("drop", 1, func() { m.Detach(a) })
		step("return", 2, func() { ok(t, m.Attach(a2, who("a"))) })
		step("kick", 1, func() { ok(t, m.Kick("b", "out")) })
		step("kick by the rules", 0, func() { ok(t, m.Command(a2, 1, []byte("kick 1"))) })
	})
}
