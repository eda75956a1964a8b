package loop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// However much comes in for one tick, it is bounded, and what is taken fits into the journal.
func TestFloodOfEventsStaysJournaled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var file bytes.Buffer
		m, s := startTest(t, func(c *Config) { c.Seats, c.Record = 200, &file })
		a := enter(t, m, "a", who("a"))
		taken, admin := uint32(0), 0
		big := bytes.Repeat([]byte("x"), game.MaxCommand)
		for m.Command(a, taken+1, big) == nil {
			taken++
		}
		wait(1)
		for m.Admin(make([]byte, journal.MaxData)) == nil {
			admin++
		}
		wait(1)
		links := 0
		for ; m.Attach(&link{}, who(fmt.Sprint("b", links%100))) == nil; links++ {
			m.Detach(&link{name: "stranger"}) // always taken
		}
		wait(1)
		if taken < 1000 || admin < 20 || links < 1000 || m.cfg.Stats.InboxFull.Load() != 3 {
			t.Errorf("%d commands, %d admin events, %d attaches taken", taken, admin, links)
		}
		play(t, m, a, game.Input{})
		if s.ack[1][0] != 1 || s.ack[1][5] != int32(taken) || m.cfg.Stats.RecordLost.Load() != 0 {
			t.Errorf("ack row %v, %d recordings lost", s.ack[1], m.cfg.Stats.RecordLost.Load())
		}
		stop(m)
		head, recs, _ := readJournal(t, file.Bytes())
		c, err := NewCore(counterDef(nil), head)
		ok(t, err)
		ok(t, c.Replay(recs))
	})
}

// The worst that the items of one tick can make of a record: attach, answer, and detach again.
func TestWorstRecordFits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var file bytes.Buffer
		m, _ := startTest(t, func(c *Config) { c.Seats, c.Record = 200, &file })
		a := enter(t, m, "a", who("a"))
		for {
			l := &link{}
			if m.Attach(l, Attach{Who: journal.Join{ID: "a"}}) != nil {
				break
			}
			_ = m.Answer(l)
			m.Detach(l)
		}
		wait(2)
		if m.cfg.Stats.RecordLost.Load() != 0 || a.gone != GoneReplaced {
			t.Errorf("%d recordings lost", m.cfg.Stats.RecordLost.Load())
		}
	})
}

func TestSizesAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, _ := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		long := strings.Repeat("x", journal.MaxString+1)
		huge := make([]byte, journal.MaxData+1)
		for name, err := range map[string]error{
			"command": m.Command(a, 1, huge[:game.MaxCommand+1]),
			"admin":   m.Admin(huge),
			"kick":    m.Kick("a", string(huge)),
			"id":      m.Attach(&link{}, Attach{Who: journal.Join{ID: long}}),
			"name":    m.Attach(&link{}, Attach{Who: journal.Join{ID: "b", Name: long}}),
		} {
			if err != ErrSize {
				t.Errorf("%s: %v", name, err)
			}
		}
		wait(1)
		if !a.holds() || heard(m) != "" || m.Info().Taken != 1 {
			t.Errorf("%+v", a)
		}
	})
}

func TestInboxIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := enter(t, m, "a", who("a"))
		taken := 0
		for m.Sample(a, Sample{Input: game.Input{Seq: uint32(taken + 1)}}) == nil {
			taken++
		}
		if limit := 1024 + 64*m.cfg.Seats; taken != limit || m.cfg.Stats.InboxFull.Load() != 1 {
			t.Errorf("%d samples taken, limit %d", taken, limit)
		}
		m.Detach(a) // and stop are taken all the same
		wait(1)
		if m.Info().Online != 0 || s.over != 0 {
			t.Errorf("%+v", m.Info())
		}
	})
}

func TestConfig(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no id":         func(c *Config) { c.ID = "" },
		"long id":       func(c *Config) { c.ID = strings.Repeat("x", 65) },
		"hz":            func(c *Config) { c.Hz = 129 },
		"negative hz":   func(c *Config) { c.Hz = -1 },
		"every":         func(c *Config) { c.Every = 17 },
		"seats":         func(c *Config) { c.Seats = 256 },
		"phase":         func(c *Config) { c.Phase = 1.5 },
		"pause":         func(c *Config) { c.Pause = -1 },
		"hold":          func(c *Config) { c.SeatHold = -1 },
		"game":          func(c *Config) { c.Game.Name = "Bad Name" },
		"settings":      func(c *Config) { c.Settings = []byte("bad") },
		"long settings": func(c *Config) { c.Settings, c.Record = make([]byte, journal.MaxSettings+1), &bytes.Buffer{} },
	} {
		cfg := Config{ID: "m", Game: counterDef(nil)}
		change(&cfg)
		if m, err := Start(cfg, &sink{t: t}); err == nil {
			t.Errorf("%s: started", name)
			stop(m)
		}
	}
}
