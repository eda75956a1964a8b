package cluster

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/game/tag"
)

// forged says where a recording lies.
type forged struct {
	hash       uint32 // tick with another hash
	checkpoint uint32 // tick whose checkpoint is of another state
	open       bool   // no end block
}

const recordedTicks = 100

// record makes the journal of a match of two players who run about, with checkpoints every 20 ticks.
func record(t *testing.T, lie forged) []byte {
	t.Helper()
	head := journal.Header{Match: "m", Epoch: 1, Game: "tag", Version: tag.Game().Version, Seed: 3, Hz: 30, Every: 1, Seats: 4, SeatHold: 30, Pause: 30}
	core, err := loop.NewCore(tag.Game(), head)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := journal.NewWriter(&b, head)
	if err != nil {
		t.Fatal(err)
	}
	for tick := uint32(1); tick <= recordedTicks; tick++ {
		rec := journal.Record{Tick: tick}
		if tick <= 2 {
			rec.Events = []journal.Event{{Kind: game.EventJoin, Player: tick, Join: journal.Join{ID: string('a' + rune(tick)), Name: "x"}}}
		}
		for p := uint32(1); p < min(tick, 3); p++ {
			in := game.Input{Seq: tick, Axes: [game.NumAxes]int16{int16(tick * 100 * p), int16(5000 - 77*tick)}}
			rec.Inputs = append(rec.Inputs, journal.Inputs{Player: p, Samples: []game.Input{in}, Ack: tick})
		}
		if err := core.Apply(&rec); err != nil {
			t.Fatal(err)
		}
		if rec.Hash = core.Hash(); tick == lie.hash {
			rec.Hash++
		}
		state := core.Save()
		if tick == lie.checkpoint {
			state = append(bytes.Clone(state[:len(state)-1]), state[len(state)-1]^1)
		}
		err := w.WriteRecord(&rec)
		if err == nil && tick%20 == 0 {
			err = w.WriteCheckpoint(tick, state)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !lie.open {
		if err := w.End("finished"); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func replayed(t *testing.T, file []byte) *ReplayReport {
	t.Helper()
	r, err := Replay(context.Background(), bytes.NewReader(file), testGames())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReplayFindsNothingWrong(t *testing.T) {
	r := replayed(t, record(t, forged{}))
	if !r.OK || r.Ticks != recordedTicks || r.LastTick != recordedTicks || r.Checkpoints != 5 || r.End != "finished" || r.Torn != "" {
		t.Errorf("report %+v", r)
	}
}

func TestReplayNamesTheFirstDifference(t *testing.T) {
	r := replayed(t, record(t, forged{hash: 42}))
	if r.OK || r.Differences != 1 || r.First != 42 || !strings.Contains(r.What, "tick 42: state hash") {
		t.Errorf("one hash changed: report %+v", r)
	}
	r = replayed(t, record(t, forged{checkpoint: 60}))
	if r.OK || r.First != 60 || !strings.Contains(r.What, "checkpoint") {
		t.Errorf("a checkpoint changed: report %+v", r)
	}
	// The changed checkpoint was taken over, so the ticks up to the next one differ, and none after that.
	if r.Differences < 2 || r.Differences > 21 {
		t.Errorf("a checkpoint changed: %d differences", r.Differences)
	}
}

func TestReplayOfATornFile(t *testing.T) {
	r := replayed(t, record(t, forged{open: true}))
	if !r.OK || r.Torn == "" || r.Ticks != recordedTicks {
		t.Errorf("no end block: report %+v", r)
	}
	file := record(t, forged{})
	r = replayed(t, file[:len(file)/2])
	if !r.OK || r.Torn == "" || r.Ticks == 0 || r.Ticks >= recordedTicks || r.LastTick != uint32(r.Ticks) {
		t.Errorf("half a file: report %+v", r)
	}
}

func TestReplayFindsEveryFlippedByte(t *testing.T) {
	good := record(t, forged{})
	for at := range good {
		if at%7 != 0 && at > 400 { // the head of the file byte by byte, then samples
			continue
		}
		bad := bytes.Clone(good)
		bad[at] ^= 0x20
		r, err := Replay(context.Background(), bytes.NewReader(bad), testGames())
		if err == nil && r.OK {
			t.Errorf("byte %d of %d flipped: %+v", at, len(good), r)
		}
	}
}

func TestReplayOfWhatItCannot(t *testing.T) {
	ctx := context.Background()
	if _, err := Replay(ctx, strings.NewReader("MThd and so on"), testGames()); !errors.Is(err, journal.ErrFormat) {
		t.Errorf("another sort of file: %v", err)
	}
	file := record(t, forged{})
	if _, err := Replay(ctx, bytes.NewReader(file), testGames()[1:]); err == nil || !strings.Contains(err.Error(), "tag") {
		t.Errorf("a game that is not there: %v", err)
	}
	newer := tag.Game()
	newer.Version++
	if _, err := Replay(ctx, bytes.NewReader(file), []game.Def{newer}); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("other rules: %v", err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Replay(over, bytes.NewReader(file), testGames()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Rules that panic, or that changed without a new version, are differences, not crashes.
func TestReplaySurvivesOtherRules(t *testing.T) {
	file := record(t, forged{})
	def := tag.Game()
	real := def.New
	def.New = func(s game.Setup) (game.Match, error) {
		m, err := real(s)
		return &moody{Match: m}, err
	}
	r, err := Replay(context.Background(), bytes.NewReader(file), []game.Def{def})
	if err != nil || r.First != 30 || !strings.Contains(r.What, "panic") || r.LastTick != recordedTicks || r.Ticks >= recordedTicks {
		t.Errorf("report %+v, %v", r, err)
	}
}

// moody rules fail in tick 30.
type moody struct{ game.Match }

func (m *moody) Step(t *game.Tick) {
	if t.N == 30 {
		panic("not today")
	}
	m.Match.Step(t)
}
