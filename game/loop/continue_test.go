package loop

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// follower is a standby: a Replica that runs a core of its own from what it is given, and confirms every tick at once, or late.
type follower struct {
	t     *testing.T
	core  *Core
	m     *Match
	delay time.Duration // until a tick is confirmed
	cut   bool          // nothing arrives any more
	rec   journal.Record
	at    time.Time // when the last record came
	asked []uint32  // ticks of checkpoints
}

func (f *follower) Record(rec *journal.Record) {
	fence.Add(1)
	if f.cut {
		return
	}
	ok(f.t, journal.DecodeRecord(journal.AppendRecord(nil, rec), &f.rec))
	if err := f.core.Replay([]journal.Record{f.rec}); err != nil {
		f.t.Error(err)
	}
	f.at = time.Now()
	tick := rec.Tick
	if f.delay == 0 {
		f.m.Release(tick)
		return
	}
	time.AfterFunc(f.delay, func() { f.m.Release(tick) })
}

func (f *follower) Checkpoint(tick uint32, state []byte) {
	f.asked = append(f.asked, tick)
	if !f.cut && (tick != f.core.tick || !bytes.Equal(state, f.core.Save())) {
		f.t.Errorf("checkpoint of tick %d differs from the standby's of tick %d", tick, f.core.tick)
	}
}

// startFollowed starts a match with a standby.
func startFollowed(t *testing.T, delay time.Duration, change func(*Config)) (*Match, *sink, *follower) {
	t.Helper()
	f := &follower{t: t, delay: delay}
	cfg := Config{ID: "m", Game: counterDef(nil), Hz: 30, Seed: 7, Replica: f, Log: slog.New(slog.DiscardHandler), Pause: time.Second}
	if change != nil {
		change(&cfg)
	}
	s := &sink{t: t, cfg: cfg, began: time.Now()}
	m, err := newMatch(cfg, s)
	ok(t, err)
	f.m = m
	f.core, err = NewCore(m.cfg.Game, m.Header())
	ok(t, err)
	go m.run()
	t.Cleanup(func() { stop(m) })
	return m, s, f
}

// takeOver lets the standby go on; the owner is gone.
func takeOver(t *testing.T, m *Match, f *follower, change func(*Config)) (*Match, *sink) {
	t.Helper()
	cfg := Config{ID: "m", Epoch: m.cfg.Epoch + 1, Game: counterDef(nil), LastTick: f.at, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	s := &sink{t: t, cfg: cfg, began: time.Now()}
	n, err := Continue(cfg, f.core, s)
	ok(t, err)
	t.Cleanup(func() { stop(n) })
	return n, s
}

// user is a client that sends what was not answered again wherever he comes back, and counts.
type user struct {
	name     string
	link     *link
	samples  uint32 // sent
	commands uint32 // sent
	said     []string
	heard    []string
}

// talk sends a sample and now and then a command.
func (u *user) talk(t *testing.T, m *Match, rnd *rand.Rand) {
	u.samples++
	_ = m.Sample(u.link, Sample{Input: game.Input{Seq: u.samples, Axes: [4]int16{1}}})
	if rnd.IntN(5) == 0 {
		u.commands++
		text := fmt.Sprintf("say %s%d", u.name, u.commands)
		u.said = append(u.said, text)
		ok(t, m.Command(u.link, u.commands, []byte(text)))
	}
	if rnd.IntN(4) == 0 {
		ok(t, m.Ack(u.link, u.link.last))
	}
}

// comeBack resumes at another match, with what he saw, and sends again what was not answered.
func (u *user) comeBack(t *testing.T, m *Match) {
	old := u.link
	u.collect()
	u.link = enter(t, m, u.name, resume(old))
	if s := u.link.seat; s.Player.Number != old.seat.Player.Number || s.Message > old.last || s.Command > u.commands || s.Sample > u.samples {
		t.Fatalf("came back as %+v, was %+v", s, old.seat)
	}
	u.link.messages = slices.DeleteFunc(u.link.messages, func(x message) bool { return x.number <= old.last }) // what he has from before
	u.link.last = max(u.link.last, old.last)
	for n := u.link.seat.Command + 1; n <= u.commands; n++ {
		ok(t, m.Command(u.link, n, []byte(u.said[n-1])))
	}
	for n := u.link.seat.Sample + 1; n <= u.samples; n++ {
		ok(t, m.Sample(u.link, Sample{Input: game.Input{Seq: n, Axes: [4]int16{1}}}))
	}
	wait(1)
}

func (u *user) collect() {
	u.heard = append(u.heard, u.link.texts()...)
	u.link.messages = nil
}

// A match that a standby goes on with: the same state tick by tick, players who resume as if nothing had been, and every command,
// sample and message once.
func TestFailover(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { bubble(t, func(t *testing.T) { failover(t, seed) }) })
	}
}

func failover(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var first, second bytes.Buffer
	delay := time.Duration(rnd.IntN(3)) * 10 * time.Millisecond
	m, s, f := startFollowed(t, delay, func(c *Config) { c.Record = &first })
	a, b := &user{name: "a", link: enter(t, m, "a", who("a"))}, &user{name: "b", link: enter(t, m, "b", who("b"))}
	users := []*user{a, b}
	for range 20 + rnd.IntN(60) {
		a.talk(t, m, rnd)
		b.talk(t, m, rnd)
		wait(1)
	}
	a.talk(t, m, rnd) // never arrives
	f.cut = true
	wait(rnd.IntN(4)) // the owner goes on, and nobody sees or hears it
	if last := s.sent; last > f.core.tick {
		t.Fatalf("frame %d was shown, the standby is at %d", last, f.core.tick)
	}
	m.Retire(OverMoved, "gone")
	<-m.Done()
	at, hash := f.core.tick, f.core.Hash()
	n, s2 := takeOver(t, m, f, func(c *Config) { c.Record = &second })
	time.Sleep(time.Duration(rnd.IntN(1500)) * time.Millisecond)
	for _, u := range users {
		u.comeBack(t, n)
	}
	for range 30 {
		a.talk(t, n, rnd)
		b.talk(t, n, rnd)
		wait(1)
	}
	wait(10)
	if s2.cfg.Epoch != 2 || n.Info().Epoch != 2 || n.Info().Online != 2 || n.Info().Round != 1 {
		t.Errorf("%+v", n.Info())
	}
	for _, u := range users {
		u.collect()
		if p := s2.ack[u.link.seat.Player.Number]; uint32(p[0]) != u.samples || uint32(p[1]+p[2]+p[3]+p[4]) != u.samples || uint32(p[5]) != u.commands {
			t.Errorf("%s sent %d samples and %d commands, answered %v", u.name, u.samples, u.commands, p)
		}
	}
	stop(n)
	judgeTalk(t, users, n)
	onward(t, first.Bytes(), second.Bytes(), at, hash)
}

// judgeTalk compares what was said with what the rules heard and everybody was told: once, in the order of each.
func judgeTalk(t *testing.T, users []*user, m *Match) {
	t.Helper()
	heard := strings.Split(strings.TrimSuffix(string(m.core.world.(*counter).heard), ";"), ";")
	for _, u := range users {
		var mine, told []string
		for _, h := range heard {
			if who, text, _ := strings.Cut(h, ":"); who == fmt.Sprint(u.link.seat.Player.Number) {
				mine = append(mine, text)
			}
		}
		if !slices.Equal(mine, u.said) {
			t.Errorf("of %s the rules heard %q, he said %q", u.name, mine, u.said)
		}
		for _, h := range heard {
			_, text, _ := strings.Cut(h, ":say ")
			told = append(told, text)
		}
		if !slices.Equal(u.heard, told) {
			t.Errorf("%s was told %q, want %q", u.name, u.heard, told)
		}
	}
}

// onward checks that the second recording begins with the state at a tick of the first one's match, and replays.
func onward(t *testing.T, first, second []byte, at uint32, hash uint64) {
	t.Helper()
	head, recs, _ := readJournal(t, first)
	owner, err := NewCore(counterDef(nil), head)
	ok(t, err)
	ok(t, owner.Replay(recs[:at]))
	r, err := journal.NewReader(bytes.NewReader(second))
	ok(t, err)
	e, err := r.Next()
	ok(t, err)
	if e.Kind != journal.KindCheckpoint || e.Tick != at || !bytes.Equal(e.State, owner.Save()) || owner.Hash() != hash || r.Header().Epoch != 2 || r.Header().Seed != head.Seed {
		t.Fatalf("the second recording begins with %v of tick %d, want tick %d", e.Kind, e.Tick, at)
	}
	head, recs, _ = readJournal(t, second)
	c, err := NewCore(counterDef(nil), head)
	ok(t, err)
	ok(t, c.Load(owner.Save()))
	ok(t, c.Replay(recs))
}

// Who does not come back within two seconds is dropped, in the journal; his seat is kept. A spectator leaves.
func TestGraceAfterFailover(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var file bytes.Buffer
		m, _, f := startFollowed(t, 0, nil)
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
		enter(t, m, "w", spectator("w"))
		cut(m, b)
		m.Retire(OverMoved, "")
		n, _ := takeOver(t, m, f, func(c *Config) { c.Empty, c.Record = time.Minute, &file })
		wait(57)
		if i := n.Info(); i.Online != 2 || i.Taken != 2 {
			t.Errorf("within the grace: %+v", i)
		}
		wait(5)
		if i := n.Info(); i.Online != 0 || i.Taken != 2 {
			t.Errorf("after the grace: %+v", i)
		}
		b, a = enter(t, n, "b2", resume(b)), enter(t, n, "a2", resume(a))
		if i := n.Info(); i.Online != 2 || i.Taken != 2 || a.seat.Player.Number != 1 || b.seat.Player.Number != 2 {
			t.Errorf("back again: %+v", i)
		}
		stop(n)
		head, recs, _ := readJournal(t, file.Bytes())
		var drops, returns, leaves int
		for _, r := range recs {
			for _, e := range r.Events {
				switch e.Kind {
				case game.EventDrop:
					drops++
				case game.EventReturn:
					returns++
				case game.EventLeave:
					leaves++
				}
			}
		}
		if drops != 1 || returns != 2 || leaves != 1 || head.Epoch != 2 {
			t.Errorf("%d drops, %d returns, %d leaves were journaled", drops, returns, leaves)
		}
	})
}

// Who comes back in time returns without an event: the rules notice nothing.
func TestResumeInGraceIsNoEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _, f := startFollowed(t, 0, nil)
		a := enter(t, m, "a", who("a"))
		wait(3)
		m.Retire(OverMoved, "")
		seen := 0
		def := counterDef(func(_ *counter, t *game.Tick) { seen += len(t.Events) })
		c, err := NewCore(def, m.Header())
		ok(t, err)
		ok(t, c.Load(f.core.Save()))
		f.core = c
		n, s := takeOver(t, m, f, func(c *Config) { c.Game = def })
		a = enter(t, n, "a", resume(a))
		wait(90)
		if seen != 0 || n.Info().Online != 1 || s.online != 1 || !a.holds() {
			t.Errorf("%d events, %+v", seen, n.Info())
		}
		for _, l := range []*link{a, {seat: Seat{ID: "a", Player: game.Player{Number: 1}, Generation: a.seat.Generation - 2}}} {
			r := &link{name: "r"}
			ok(t, n.Attach(r, resume(l)))
			wait(2)
			if (l == a) != r.holds() {
				t.Errorf("token of generation %d: %+v", l.seat.Generation, r)
			}
		}
	})
}

// The new owner keeps the rhythm, and makes up for the ticks that nobody ran.
func TestContinueKeepsTheRhythm(t *testing.T) {
	for _, c := range []struct{ gap, ticks, dropped time.Duration }{{0, 0, 0}, {20, 0, 0}, {100, 3, 0}, {1000, 5, 25}} {
		bubble(t, func(t *testing.T) {
			m, s, f := startFollowed(t, 0, func(c *Config) { c.Phase = 0.4 })
			enter(t, m, "a", who("a"))
			wait(3)
			m.Retire(OverMoved, "")
			<-m.Done()
			at := f.core.tick
			last := s.began.Add(s.times[len(s.times)-1])
			time.Sleep(time.Until(last.Add(c.gap * time.Millisecond)))
			n, s2 := takeOver(t, m, f, nil)
			wait(0)
			if got := time.Duration(n.tick.Load() - at); got != c.ticks || time.Duration(n.cfg.Stats.Dropped.Load()) != c.dropped {
				t.Errorf("%v ms: %d ticks at once, %d dropped", c.gap, got, n.cfg.Stats.Dropped.Load())
			}
			wait(4)
			late := s2.began.Add(s2.times[len(s2.times)-1]).Sub(last) % (time.Second / 30)
			if late > 100 && late < time.Second/30-100 {
				t.Errorf("%v ms: ticks moved by %v", c.gap, late)
			}
		})
	}
}

func TestContinueRefuses(t *testing.T) {
	head := testCore(t).head
	good := Config{ID: head.Match, Epoch: 5, Game: counterDef(nil)}
	for name, change := range map[string]func(*Config){
		"id": func(c *Config) { c.ID = "other" }, "game": func(c *Config) { c.Game.Name = "other" },
		"version": func(c *Config) { c.Game.Version++ }, "epoch": func(c *Config) { c.Epoch = 3 },
	} {
		core := testCore(t)
		core.head.Epoch = 4
		cfg := good
		change(&cfg)
		if _, err := continued(cfg, core, &sink{t: t}); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	core := testCore(t)
	core.world.(*counter).armed = armSave
	if _, err := continued(good, core, &sink{t: t}); err == nil {
		t.Error("a core that cannot be saved goes on")
	}
	m, err := continued(good, testCore(t), &sink{t: t})
	ok(t, err)
	h := m.cfg.header(time.Time{})
	h.Epoch, h.Started = head.Epoch, head.Started
	if !bytes.Equal(journal.AppendHeader(nil, &h), journal.AppendHeader(nil, &head)) {
		t.Errorf("goes on as %+v, was %+v", h, head)
	}
}

// The owner died between a welcome and its answer: the new owner takes the token of that welcome and the one before, until either is
// used.
func TestTokensAcrossFailover(t *testing.T) {
	for _, welcomed := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			m, _, f := startFollowed(t, 0, nil)
			a := enter(t, m, "a", who("a"))
			cut(m, a)
			again := &link{name: "again"}
			ok(t, m.Attach(again, resume(a))) // and no answer
			wait(2)
			if again.seat.Generation != a.seat.Generation+1 {
				t.Fatalf("%+v after %+v", again.seat, a.seat)
			}
			m.Retire(OverMoved, "")
			n, _ := takeOver(t, m, f, nil)
			first, other := a, again
			if welcomed {
				first, other = again, a
			}
			back := enter(t, n, "back", resume(first))
			old := &link{name: "old"}
			ok(t, n.Attach(old, resume(other)))
			wait(2)
			// Without the welcome, the newer generation has just been issued once more.
			if !back.holds() && !old.holds() || welcomed && old.refused != RefusedResumeToken {
				t.Errorf("welcomed %v: %+v, then %+v", welcomed, back, old)
			}
		})
	}
}
