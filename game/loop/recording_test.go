package loop

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// disk is where a recording goes: it may be slow or full.
type disk struct {
	bytes.Buffer
	delay  time.Duration
	room   int // bytes left; negative: endless
	closed bool
}

func (d *disk) Write(b []byte) (int, error) {
	time.Sleep(d.delay)
	if d.room >= 0 && d.Len()+len(b) > d.room {
		return 0, errors.New("disk full")
	}
	return d.Buffer.Write(b)
}

func (d *disk) Close() error { d.closed = true; return nil }

// record plays a match with some of everything in it, and returns its recording.
func record(t *testing.T, d *disk) *Match {
	m, s := startTest(t, func(c *Config) { c.Record, c.Pause, c.SeatHold = d, time.Second, 2*time.Second })
	rnd := rand.New(rand.NewPCG(3, 4))
	a, b := enter(t, m, "a", who("a")), enter(t, m, "b", who("b"))
	enter(t, m, "w", spectator("w"))
	for i := range 300 {
		if rnd.IntN(3) > 0 {
			b.seat.Sample++
			ok(t, m.Sample(b, Sample{Input: game.Input{Seq: b.seat.Sample, Axes: [4]int16{int16(i)}}, Tick: s.last + uint32(rnd.IntN(4))}))
		}
		switch i {
		case 40:
			tell(t, m, a, "say hello")
		case 60:
			ok(t, m.Admin([]byte("admin")))
		case 80:
			cut(m, a)
		case 100:
			a = enter(t, m, "a2", resume(a))
		case 120:
			tell(t, m, b, "panic")
		case 150:
			tell(t, m, b, "end now") // the next round follows
		case 240:
			cut(m, a) // his seat expires
		}
		wait(1)
	}
	if m.Info().Round != 2 || m.Info().Taken != 1 || m.cfg.Stats.Panics.Load() != 1 {
		t.Fatalf("%+v", m.Info())
	}
	stop(m)
	return m
}

// A recording read back replays with no difference; one changed sample is found, and its tick named.
func TestRecordingReplays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &disk{room: -1}
		m := record(t, d)
		head, recs, end := readJournal(t, d.Bytes())
		if uint32(len(recs)) != m.Info().Tick || end != "shutdown" || !d.closed || head.Match != "m" || head.Seed != 7 {
			t.Fatalf("%d records of %d ticks, end %q, header %+v", len(recs), m.Info().Tick, end, head)
		}
		replay := func(recs []journal.Record) error {
			c, err := NewCore(counterDef(nil), head)
			ok(t, err)
			return c.Replay(recs)
		}
		ok(t, replay(recs))

		at := slices.IndexFunc(recs, func(r journal.Record) bool { return r.Tick > 70 && len(r.Inputs) > 0 && len(r.Inputs[0].Samples) > 0 })
		recs[at].Inputs[0].Samples[0].Axes[0] ^= 1
		var file bytes.Buffer
		w, err := journal.NewWriter(&file, head)
		ok(t, err)
		for i := range recs {
			ok(t, w.WriteRecord(&recs[i]))
		}
		ok(t, w.End("changed"))
		_, changed, _ := readJournal(t, file.Bytes())
		var diverged *DivergedError
		if err := replay(changed); !errors.As(err, &diverged) || diverged.Tick != recs[at].Tick {
			t.Errorf("%v, changed tick %d", err, recs[at].Tick)
		}
	})
}

// A recording's checkpoints are states of the match: one can start anywhere.
func TestRecordingCheckpoints(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &disk{room: -1}
		record(t, d)
		r, err := journal.NewReader(bytes.NewReader(d.Bytes()))
		ok(t, err)
		core, err := NewCore(counterDef(nil), r.Header())
		ok(t, err)
		checkpoints := 0
		for {
			e, err := r.Next()
			ok(t, err)
			if e.Kind == journal.KindEnd {
				break
			}
			if e.Kind == journal.KindCheckpoint {
				checkpoints++
				if e.Tick == core.Tick() && !bytes.Equal(core.Save(), e.State) {
					t.Fatalf("checkpoint of tick %d is another state", e.Tick)
				}
				ok(t, core.Load(e.State))
				continue
			}
			if core.Tick()+1 == e.Tick {
				ok(t, core.Replay([]journal.Record{*e.Record}))
			}
		}
		if checkpoints == 0 {
			t.Error("no checkpoint in ten seconds")
		}
	})
}

// A disk that fails ends the recording, which is counted, and never touches the match.
func TestRecordingFails(t *testing.T) {
	for name, d := range map[string]*disk{"full": {room: 3000}, "no room at all": {room: 0}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m, s := startTest(t, func(c *Config) { c.Record = d })
				enter(t, m, "a", who("a"))
				wait(200)
				if s.over != 0 || !onTime(s.times) || m.cfg.Stats.RecordLost.Load() != 1 {
					t.Errorf("outcome %v, %d recordings lost", s.over, m.cfg.Stats.RecordLost.Load())
				}
			})
		})
	}
}

// A slow disk holds up no tick.
func TestRecordingOnASlowDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &disk{room: -1, delay: 3 * time.Second}
		m, s := startTest(t, func(c *Config) { c.Record = d })
		enter(t, m, "a", who("a"))
		wait(300)
		if !onTime(s.times) || s.frames < 300 {
			t.Errorf("%d frames", s.frames)
		}
		stop(m)
		head, recs, _ := readJournal(t, d.Bytes())
		c, err := NewCore(counterDef(nil), head)
		ok(t, err)
		ok(t, c.Replay(recs))
		if uint32(len(recs)) != s.last {
			t.Errorf("%d records of %d ticks", len(recs), s.last)
		}
	})
}
