package gametest

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// counter is a small game that keeps every promise, unless fault names one that it breaks.
type counter struct {
	fault  string
	sum    uint32 // of the buttons pressed
	events uint32
	hidden uint32 // state that a fault forgets to save
	id     uint32
}

func counterGame(fault string) game.Def {
	return game.Def{
		Name: "counter", Exact: true,
		Kinds: []game.Kind{{Name: "sum", Fields: []game.Field{{Name: "sum", Bits: 8}, {Name: "events", Bits: 8, Signed: true}}}},
		New:   func(game.Setup) (game.Match, error) { return &counter{fault: fault}, nil },
	}
}

// clock is what a game must not look at: it is different in every run.
var clock uint32

func (c *counter) Step(t *game.Tick) {
	if c.id == 0 {
		c.id = t.NewID()
	}
	for _, p := range t.Players {
		in, _ := t.Input(p.Number)
		c.sum += uint32(in.Buttons) + uint32(t.Rand.Uint64())
	}
	for _, e := range t.Events {
		c.events += uint32(len(e.Data)) + uint32(e.Kind)
	}
	switch c.hidden++; c.fault {
	case "clock":
		clock++
		c.sum += clock
	case "hidden":
		c.sum += c.hidden
	case "panic in step":
		panic("step")
	}
}

func (c *counter) Rows(r *game.Rows) {
	v := r.Put(game.All, c.id, 0)
	v[0], v[1] = int32(c.sum&255), int32(int8(c.events))
	switch c.fault {
	case "range":
		v[0] = 256
	case "sign":
		v[1] = int32(c.events & 255)
	case "twice":
		r.Put(game.All, c.id, 0)
	case "rows":
		c.sum++
	case "late rows":
		clock++
		v[0] = int32(clock & 255)
	}
}

func (c *counter) Scores(s []game.Score) []game.Score {
	if c.fault == "scores" {
		c.events++
	}
	return append(s, game.Score{Points: int32(c.sum)})
}

func (c *counter) Save(b []byte) []byte {
	if c.fault == "overwrite" {
		b = b[:0]
	}
	for _, v := range [...]uint32{c.sum, c.events, c.id} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func (c *counter) Load(b []byte) error {
	switch {
	case c.fault == "short":
		b = append(b[:len(b):len(b)], make([]byte, 12)...)
	case c.fault == "long" && len(b) >= 12, c.fault == "load panic":
	case c.fault == "refuse", len(b) != 12:
		return errors.New("not a saved counter")
	}
	c.sum, c.events = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	c.id = binary.LittleEndian.Uint32(b[8:])
	return nil
}

// Every promise that can be broken is found broken, and said which.
func TestVerifyFinds(t *testing.T) {
	for fault, want := range map[string]string{
		"":           "",
		"clock":      "second run: tick 1: saved bytes differ",
		"hidden":     "run with saves and loads",
		"range":      "sum.sum is 256",
		"sign":       "sum.events is",
		"twice":      "used twice",
		"rows":       "changed the state",
		"late rows":  "different rows when it is called twice",
		"scores":     "changed the state",
		"overwrite":  "does not append",
		"short":      "gives no error",
		"long":       "one byte too many gives no error",
		"load panic": "panic",
		"refuse":     "load of saved bytes",
	} {
		err := Verify(counterGame(fault), Options{Runs: 1, Ticks: 200})
		switch {
		case fault == "" && err != nil:
			t.Errorf("a good game is refused: %v", err)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("fault %q: got %v, want %q", fault, err, want)
		}
	}
}

// A game that does not promise equal bytes is not held to them.
func TestNotExact(t *testing.T) {
	def := counterGame("clock")
	def.Exact = false
	if err := Verify(def, Options{Runs: 1, Ticks: 50}); err != nil {
		t.Error(err)
	}
}

func TestVerifyBadSetup(t *testing.T) {
	def := counterGame("")
	def.Name = "No Name"
	if err := Verify(def, Options{}); err == nil {
		t.Error("an invalid definition is accepted")
	}
	def = counterGame("")
	def.New = func(game.Setup) (game.Match, error) { return nil, game.ErrSettings }
	if err := Verify(def, Options{}); !errors.Is(err, game.ErrSettings) {
		t.Errorf("got %v, want the error of New", err)
	}
	n := byte(0)
	def = counterGame("")
	def.Static = func(game.Setup) []byte { n++; return []byte{n} }
	if err := Verify(def, Options{}); err == nil || !strings.Contains(err.Error(), "Static") {
		t.Errorf("got %v, want that Static is not pure", err)
	}
}
