package gametest

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// counter2 is the counter under its next version, which saves its number of steps in front. A fault breaks a promise about states of
// the version before.
type counter2 struct {
	counter
	old   bool // it loads what version 1 saved
	steps uint32
}

func counter2Game(fault string) game.Def {
	def := counterGame("")
	def.Version, def.Loads = 2, []uint32{1}
	def.New = func(s game.Setup) (game.Match, error) {
		if fault == "new" && s.Saved != 0 {
			return nil, game.ErrSettings
		}
		return &counter2{counter: counter{fault: fault}, old: s.Saved == 1}, nil
	}
	return def
}

func (c *counter2) Step(t *game.Tick) {
	c.steps++
	c.counter.Step(t)
}

func (c *counter2) Save(b []byte) []byte {
	return c.counter.Save(binary.LittleEndian.AppendUint32(b, c.steps))
}

func (c *counter2) Load(b []byte) error {
	switch {
	case c.old && c.fault == "old refused":
		return errors.New("too old")
	case c.old && c.fault == "old panics":
		panic("old")
	case c.old && c.fault == "old clock":
		clock++
		c.steps = clock
	case c.old && c.fault == "old range":
		c.counter.fault = "range"
	case c.old:
		c.steps = 0
	case len(b) < 4:
		return errors.New("short")
	default:
		c.steps, b = binary.LittleEndian.Uint32(b), b[4:]
	}
	return c.counter.Load(b)
}

func oldCounter(t *testing.T) Saved {
	t.Helper()
	def := counterGame("")
	def.Version = 1
	old, err := Snapshot(def, Options{Ticks: 100})
	if err != nil || old.Tick != 100 || len(old.Players) == 0 || old.LastID == 0 {
		t.Fatalf("%+v, %v", old, err)
	}
	b, err := json.Marshal(old)
	var again Saved
	if err = errors.Join(err, json.Unmarshal(b, &again)); err != nil || !reflect.DeepEqual(old, again) {
		t.Fatalf("through JSON it is %+v, was %+v: %v", again, old, err)
	}
	return again
}

// Rules that load what others saved are held to it: every promise that can be broken is found broken, and said which.
func TestVerifySaved(t *testing.T) {
	old := oldCounter(t)
	for fault, want := range map[string]string{
		"":            "",
		"new":         "bad settings",
		"old refused": "load: too old",
		"old panics":  "panic: old",
		"old clock":   "saved bytes differ",
		"old range":   "sum.sum is 256",
	} {
		err := Verify(counter2Game(fault), Options{Runs: 1, Ticks: 100, Saved: []Saved{old}})
		switch {
		case fault == "" && err != nil:
			t.Errorf("a good game is refused: %v", err)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "of version 1 at tick 100")):
			t.Errorf("fault %q: got %v, want %q", fault, err, want)
		}
	}
}

func TestVerifyWantsSavedStates(t *testing.T) {
	old := oldCounter(t)
	if err := Verify(counter2Game(""), Options{Runs: 1, Ticks: 10}); err == nil || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("no state of version 1: %v", err)
	}
	old.Version = 3
	if err := Verify(counter2Game(""), Options{Runs: 1, Ticks: 10, Saved: []Saved{oldCounter(t), old}}); err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("a state of version 3: %v", err)
	}
	own, err := Snapshot(counter2Game(""), Options{Ticks: 30})
	if err == nil {
		err = Verify(counter2Game(""), Options{Runs: 1, Ticks: 10, Saved: []Saved{oldCounter(t), own}})
	}
	if err != nil {
		t.Errorf("a state of its own version: %v", err)
	}
	own.State = own.State[4:]
	if err := Verify(counter2Game(""), Options{Runs: 1, Ticks: 10, Saved: []Saved{oldCounter(t), own}}); err == nil {
		t.Error("the format of a version changed, and nobody noticed")
	}
}
