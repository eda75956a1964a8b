package loop

import (
	"testing"
	"time"
)

// A tick is never late for a slow standby: frames that are overtaken are remembered only, and the rest leaves when it may.
func TestSlowStandbyDelaysNoTick(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s, f := startFollowed(t, 20*time.Millisecond, nil)
		a := enter(t, m, "a", who("a"))
		wait(30)
		if got := s.times[len(s.times)-1] - s.times[len(s.times)-2]; got != 33333333 && got != 33333334 || s.shed != 0 {
			t.Errorf("frames %v apart, %d shed", got, s.shed)
		}
		if _, sum := m.cfg.Stats.Gate.Read(); sum < 30*20*time.Millisecond {
			t.Errorf("output waited %v in all", sum)
		}
		f.delay = time.Hour
		before, _ := m.Clock()
		shown, online := s.sent, m.Info()
		ok(t, m.Command(a, 1, []byte("say hidden")))
		b := &link{name: "b"}
		ok(t, m.Attach(b, who("b")))
		wait(60)
		after, _ := m.Clock()
		if after-before != 60 || s.sent != shown+1 && s.sent != shown || b.joined != 0 || len(a.messages) != 0 || m.Info().Tick > online.Tick+1 {
			t.Errorf("%d ticks, frame %d after %d was sent, %+v, info of %d", after-before, s.sent, shown, b, m.Info().Tick)
		}
		if m.cfg.Stats.Held.Load() < 58 || uint64(s.shed) != m.cfg.Stats.Held.Load() {
			t.Errorf("%d frames shed, %d counted", s.shed, m.cfg.Stats.Held.Load())
		}
		m.Release(after)
		wait(0)
		if s.sent != after || b.joined != 1 || len(a.messages) != 1 || s.online != 2 || m.Info().Online != 2 {
			t.Errorf("after the release: frame %d of %d, %+v, %+v", s.sent, after, b, m.Info())
		}
	})
}

// Hold lets nothing more leave and says what may be seen.
func TestHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s, _ := startFollowed(t, time.Hour, nil)
		enterSolo := func() { m.Release(Solo); wait(5) }
		enterSolo()
		left := m.Hold()
		now, _ := m.Clock()
		if left != now || s.sent != now {
			t.Errorf("%d has left, frame %d was sent, tick is %d", left, s.sent, now)
		}
		wait(5)
		if s.sent != now || m.Hold() != left {
			t.Errorf("frame %d left after the hold at %d", s.sent, now)
		}
		enterSolo()
		if last, _ := m.Clock(); s.sent != last || last != now+10 {
			t.Errorf("frame %d of %d", s.sent, last)
		}
	})
}

// A match rests at the tick it was told to, says so once, and goes on without having skipped one.
func TestFreezeAndThaw(t *testing.T) {
	for _, gated := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			m, s := startTest(t, nil)
			if gated {
				m, s, _ = startFollowed(t, 0, nil)
			}
			a := enter(t, m, "a", who("a"))
			at, _ := m.Clock()
			var told []uint32
			done := func(tick uint32) { fence.Add(1); told = append(told, tick) }
			m.Freeze(at+4, done)
			wait(4)
			time.Sleep(100 * time.Millisecond)
			ok(t, m.Command(a, 1, []byte("say x")))
			wait(0)
			if now, _ := m.Clock(); now != at+4 || len(told) != 1 || told[0] != at+4 || s.sent != at+4 {
				t.Errorf("rests at %d, told %v, sent %d", now, told, s.sent)
			}
			m.Thaw()
			wait(0)
			if now, _ := m.Clock(); now != at+7 || m.cfg.Stats.Dropped.Load() != 0 || len(a.messages) != 1 {
				t.Errorf("goes on at %d, %d dropped, %v", now, m.cfg.Stats.Dropped.Load(), a.messages)
			}
			wait(3)
			m.Freeze(1, done) // long past: at once
			wait(2)
			if now, _ := m.Clock(); now != at+10 || len(told) != 2 || told[1] != at+10 {
				t.Errorf("rests at %d, told %v", now, told)
			}
			start := time.Now()
			stop(m) // a frozen match ends too
			if took := time.Since(start); took != patience || s.over != OverShutdown {
				t.Errorf("ended as %v after %v", s.over, took)
			}
		})
	}
}

// A freeze in the middle of a backlog gives the rest of it back.
func TestFreezeInABacklog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		enter(t, m, "a", who("a"))
		at, _ := m.Clock()
		m.Freeze(at, func(uint32) {})
		time.Sleep(140 * time.Millisecond)
		m.Freeze(at+2, func(uint32) {})
		wait(0)
		if now, _ := m.Clock(); now != at+2 || s.sent != at+2 {
			t.Errorf("rests at %d, sent %d", now-at, s.sent-at)
		}
		m.Thaw()
		wait(0)
		if now, _ := m.Clock(); now != at+4 || m.cfg.Stats.Dropped.Load() != 0 {
			t.Errorf("goes on at %d, %d dropped", now-at, m.cfg.Stats.Dropped.Load())
		}
	})
}

// A retired match ends at once and says nothing that was not released.
func TestRetire(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s, f := startFollowed(t, 0, nil)
		a := enter(t, m, "a", who("a"))
		f.delay = time.Hour
		left := m.Hold()
		b, c := &link{name: "b"}, &link{name: "c"}
		ok(t, m.Attach(b, who("b")))
		ok(t, m.Command(a, 1, []byte("end secret")))
		wait(3)
		ok(t, m.Attach(c, who("c")))
		info := *m.Info()
		m.Retire(OverMoved, "moved")
		m.Retire(OverFailed, "second")
		<-m.Done()
		if s.over != OverMoved || b.refused != RefusedMoved || c.refused != RefusedMoved || b.joined != 0 || len(a.messages) != 0 || s.sent > left {
			t.Errorf("over as %v, %+v, %+v, %v, frame %d", s.over, b, c, a.messages, s.sent)
		}
		if i := m.Info(); i.Outcome != OverMoved || i.Result != nil || i.Tick != info.Tick || i.Phase != Running {
			t.Errorf("%+v", i)
		}
		if m.Attach(c, who("c")) != ErrOver {
			t.Error("a retired match takes links")
		}
	})
}

// The end waits for its release like everything else; the stop of a node does not wait for ever.
func TestEndWaitsForItsRelease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s, f := startFollowed(t, 0, func(c *Config) { c.Rounds = RoundsOne })
		a := enter(t, m, "a", who("a"))
		f.delay = time.Hour
		m.Hold()
		ok(t, m.Command(a, 1, []byte("end r")))
		time.Sleep(time.Minute)
		if s.over != 0 || m.Info().Result != nil || m.Info().Outcome != 0 || len(a.messages) != 0 {
			t.Fatalf("over as %v, %+v", s.over, m.Info())
		}
		at, _ := m.Clock()
		m.Release(at)
		<-m.Done()
		if s.over != OverFinished || string(m.Info().Result) != "r" || m.Info().Outcome != OverFinished || len(a.messages) != 1 || s.sent != at {
			t.Errorf("over as %v, %+v, %v, frame %d", s.over, m.Info(), a.messages, s.sent)
		}
	})
	bubble(t, func(t *testing.T) {
		m, s, f := startFollowed(t, 0, func(c *Config) { c.Rounds = RoundsOne })
		a := enter(t, m, "a", who("a"))
		f.delay = time.Hour
		m.Hold()
		ok(t, m.Command(a, 1, []byte("end r")))
		wait(5)
		start := time.Now()
		stop(m)
		if s.over != OverShutdown || m.Info().Outcome != OverShutdown || m.Info().Result != nil || time.Since(start) != patience || len(a.messages) != 0 {
			t.Errorf("over as %v after %v, %+v", s.over, time.Since(start), m.Info())
		}
	})
}

// A match that fails says so when what was before it may leave.
func TestFailureWaitsForItsRelease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s, f := startFollowed(t, 0, nil)
		a := enter(t, m, "a", who("a"))
		tell(t, m, a, "panic")
		f.delay = time.Hour
		m.Hold()
		wait(1) // a tick that is not released
		tell(t, m, a, "panic")
		time.Sleep(time.Minute)
		if s.over != 0 {
			t.Fatalf("over as %v", s.over)
		}
		m.Release(Solo)
		<-m.Done()
		if s.over != OverFailed || m.Info().Outcome != OverFailed {
			t.Errorf("over as %v", s.over)
		}
	})
}

// Checkpoints come every two seconds and when asked for, after the record of their tick.
func TestSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _, f := startFollowed(t, 0, nil)
		enter(t, m, "a", who("a"))
		wait(95)
		m.Snapshot()
		at, _ := m.Clock()
		wait(25)
		if len(f.asked) != 3 || f.asked[0] != 60 || f.asked[1] != at+1 || f.asked[2] != 120 {
			t.Errorf("checkpoints of %v, asked at %d", f.asked, at)
		}
	})
}
