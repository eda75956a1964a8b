package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// ReplayReport says what came of a replay.
type ReplayReport struct {
	Match         string  `json:"match"`
	Epoch         uint32  `json:"epoch"`
	Game          string  `json:"game"`
	Version       uint32  `json:"version"` // of the game's rules
	TickHz        int     `json:"tick_hz"`
	Ticks         int     `json:"ticks"`                      // replayed
	LastTick      uint32  `json:"last_tick"`                  // of the journal, as far as it could be read
	Seconds       float64 `json:"seconds"`                    // that the ticks took when they were played
	ReplaySeconds float64 `json:"replay_seconds"`             // that they took now
	Speed         float64 `json:"speed"`                      // the one divided by the other: times real time
	VoidTicks     int     `json:"void_ticks"`                 // run without inputs because the rules panicked
	Checkpoints   int     `json:"checkpoints"`                // compared with the state at their tick
	Differences   int     `json:"differences"`                // ticks and checkpoints that led to another state than the recorded one
	First         uint32  `json:"first_difference,omitempty"` // tick of the first of them
	What          string  `json:"difference,omitempty"`       // what differs there
	End           string  `json:"end,omitempty"`              // why the match ended, from the journal's last block
	Torn          string  `json:"torn,omitempty"`             // where the journal stops, if it has no last block: its process was killed or still writes
	Corrupt       string  `json:"corrupt,omitempty"`          // what is damaged, and where
	OK            bool    `json:"ok"`                         // no difference, nothing damaged
}

// Replay plays a recorded match again at full speed and compares the state after every tick, and every checkpoint, with what was
// recorded. After a difference it goes on from the next checkpoint. An error means that nothing could be replayed: no
// journal, a game that is not among games or has other rules, or ctx is over.
func Replay(ctx context.Context, r io.Reader, games []game.Def) (*ReplayReport, error) {
	jr, err := journal.NewReader(r)
	if err != nil {
		var bad *journal.CorruptError
		if errors.As(err, &bad) {
			return &ReplayReport{Corrupt: bad.Error()}, nil
		}
		return nil, err
	}
	h := jr.Header()
	p := &replay{report: ReplayReport{Match: h.Match, Epoch: h.Epoch, Game: h.Game, Version: h.Version, TickHz: h.Hz}}
	for _, g := range games {
		if g.Name == h.Game {
			p.core, err = newCore(g, h)
			if err != nil {
				return nil, err
			}
		}
	}
	if p.core == nil {
		return nil, fmt.Errorf("journal is of game %s, which this program does not have", h.Game)
	}
	began := time.Now()
	for err == nil {
		if err = ctx.Err(); err != nil {
			return nil, err
		}
		err = p.next(jr)
	}
	if err = p.ended(err); err != nil {
		return nil, err
	}
	p.report.measure(time.Since(began))
	return &p.report, nil
}

// newCore builds the match; rules that panic on a header that they do not like give an error.
func newCore(def game.Def, h journal.Header) (c *loop.Core, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("game %s: panic: %v", def.Name, p)
		}
	}()
	return loop.NewCore(def, h)
}

// replay is a replay on its way.
type replay struct {
	report ReplayReport
	core   *loop.Core
	lost   bool // the core's state is of no use until the next checkpoint
	differ bool // the last record differed
}

// next takes one block.
func (p *replay) next(jr *journal.Reader) error {
	e, err := jr.Next()
	if err != nil {
		return err
	}
	p.report.LastTick = e.Tick
	switch e.Kind {
	case journal.KindRecord:
		p.record(e.Record)
	case journal.KindCheckpoint:
		p.checkpoint(e.Tick, e.State)
	case journal.KindEnd:
		p.report.End = e.Reason
	}
	return nil
}

func (p *replay) record(rec *journal.Record) {
	if p.lost {
		return
	}
	p.report.Ticks++
	if rec.Void {
		p.report.VoidTicks++
	}
	err := p.try(func() error { return p.core.Replay([]journal.Record{*rec}) })
	var other *loop.DivergedError
	p.differ = err != nil
	p.lost = err != nil && !errors.As(err, &other)
	if err != nil {
		p.difference(rec.Tick, err)
	}
}

// checkpoint compares the state with the recorded one, and takes that over if they differ or if the journal begins here.
func (p *replay) checkpoint(tick uint32, state []byte) {
	begins := p.report.Ticks == 0 && p.core.Tick() != tick
	same := !p.lost && p.core.Tick() == tick && bytes.Equal(p.core.Save(), state)
	if !begins {
		p.report.Checkpoints++
	}
	if same {
		return
	}
	if !begins && !p.lost && !p.differ {
		p.difference(tick, fmt.Errorf("tick %d: the checkpoint is of another state", tick))
	}
	err := p.try(func() error { return p.core.Load(state) })
	p.lost, p.differ = err != nil, false
	if err != nil {
		p.difference(tick, fmt.Errorf("tick %d: the checkpoint cannot be loaded: %w", tick, err))
	}
}

// try turns a panic of the rules into an error.
func (p *replay) try(f func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("tick %d: the rules panic: %v", p.core.Tick(), x)
		}
	}()
	return f()
}

func (p *replay) difference(tick uint32, err error) {
	if p.report.Differences == 0 {
		p.report.First, p.report.What = tick, err.Error()
	}
	p.report.Differences++
}

// ended sorts out why there is no next block; what is returned is an error of the medium.
func (p *replay) ended(err error) error {
	var torn *journal.TornError
	var bad *journal.CorruptError
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
	case errors.As(err, &torn):
		p.report.Torn, p.report.LastTick = torn.Error(), torn.Tick
	case errors.As(err, &bad):
		p.report.Corrupt, p.report.LastTick = bad.Error(), bad.After
	default:
		return err
	}
	return nil
}

func (r *ReplayReport) measure(took time.Duration) {
	r.Seconds = float64(r.Ticks) / float64(max(1, r.TickHz))
	r.ReplaySeconds = took.Seconds()
	if took > 0 {
		r.Speed = r.Seconds / took.Seconds()
	}
	r.OK = r.Differences == 0 && r.Corrupt == ""
}
