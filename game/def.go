package game

import (
	"errors"
	"fmt"
	"slices"
)

// Limits that the wire format and the loop rely on. [Def.Validate] checks them.
const (
	MaxKinds      = 32  // kinds of rows a game may have
	MaxFields     = 24  // fields of one kind
	MaxSeats      = 255 // players of one match, spectators not counted
	MaxHz         = 128 // ticks per second
	MaxCommand    = 1024
	MaxMessage    = 1024 // bytes of one reliable message
	NumAxes       = 4    // analogue axes of an [Input]
	DefaultHz     = 30
	DefaultSeats  = 16
	MaxRepeat     = 8  // ticks for which a missing sample repeats the last one
	MaxInputsTick = 2  // samples consumed for one player in one tick
	MaxLoads      = 64 // versions that Def.Loads names
)

// Def describes a game to the server. It is a value without state: one Def serves every match of the game, from many
// goroutines at once, and must not be changed after it was handed over.
type Def struct {
	// Name is the game's name in the API and in journals: lower-case letters, digits and dashes.
	Name string
	// Version is the version of the rules. A recorded match replays only under the version that made it. Raise it with every change
	// after which equal journals may give other Save bytes.
	Version uint32
	// Loads names other versions of the rules whose saved states Match.Load takes as well: then running matches change to
	// this version when a cluster is updated node by node. Naming a later one lets them change back. Where the bytes alone
	// do not tell who saved them, Setup.Saved does. Package gametest checks it with states that those versions saved.
	// Optional; without it a match ends with the last node that has its version.
	Loads []uint32
	// Hz is the default number of ticks per second, 1 to MaxHz; 0 means DefaultHz.
	Hz int
	// Every is the number of ticks per state frame, 1 to 16; 0 means 1.
	Every int
	// Seats is the default capacity, 1 to MaxSeats; 0 means DefaultSeats.
	Seats int
	// Exact promises that equal journals give equal Save bytes. Package gametest finds out whether it holds.
	Exact bool
	// Kinds are the field tables of the public rows; a row's kind is an index into it.
	Kinds []Kind
	// Static returns the part of the world that never changes (the map), or nil. Clients fetch it once by content hash.
	// It must be a pure function of its argument. Optional.
	Static func(Setup) []byte
	// New makes the world of one round. It must be a pure function of its argument; a bad Settings value is an error.
	New func(Setup) (Match, error)
	// Brain makes the mind of one bot player. Optional; without it bots send random controls.
	Brain func(BrainSetup) Brain
}

// Setup is everything a round starts from.
type Setup struct {
	Seed     uint64 // differs from round to round
	Hz       int    // ticks per second
	Seats    int    // capacity
	Settings []byte // the game's own settings as JSON, nil for its defaults
	Static   []byte // what Def.Static returned
	Saved    uint32 // version of the rules that saved what the match is to Load, where it is one of Def.Loads; else 0
}

// BrainSetup is what a bot knows when it enters a match.
type BrainSetup struct {
	Seed   uint64
	Hz     int
	Static []byte
	Skill  int // 0 (worst) to 100 (best); the usual bot has 50
}

// Brain decides what a bot player does. It is used by one goroutine.
type Brain interface {
	// Think is called once per state frame with what this player's client sees and the number of the player; it
	// returns the controls for the next tick. Seq and Seen are filled in by the caller. Think must not retain v.
	Think(v View, me uint32) Input
}

// View is the state as one player's client has it: the rows of all channels that he receives.
type View interface {
	// Tick is the tick of the state.
	Tick() uint32
	// Each calls f for every row of a kind in ascending order of id. The row is valid during the call only.
	Each(kind uint8, f func(id uint32, row []int32))
}

// Kind is the field table of one sort of row.
type Kind struct {
	Name   string // unique within the game
	Fields []Field
}

// Field describes one column of a row to the delta codec and to clients.
type Field struct {
	Name   string
	Bits   uint8 // value range: 1 to 32 bits, two's complement if Signed
	Signed bool
	Wrap   bool  // values live on a circle of 2^Bits (angles); differences take the short way round
	Linear bool  // predicted by the last displacement; otherwise predicted to hold its value
	Jump   int32 // a larger step is a teleport: no displacement, no interpolation across it; 0 means none is
}

// Match is one running round of a game. All methods are called by the one goroutine that owns the match.
type Match interface {
	// Step advances the world by one tick. It is the only place where state changes.
	Step(t *Tick)
	// Rows puts what is public now into r. It must not change any state.
	Rows(r *Rows)
	// Save appends all state, hidden parts included, to b and returns it. Equal states give equal bytes.
	Save(b []byte) []byte
	// Load replaces the state by one that Save produced under the same Setup, or that of a version in Def.Loads did (Static may
	// differ then).
	Load(b []byte) error
}

// Errors of Def.Validate and Setup handling.
var ErrSettings = errors.New("bad settings") // wrap it when Settings cannot be used

// WithDefaults returns d with zero values replaced by their defaults.
func (d Def) WithDefaults() Def {
	if d.Hz == 0 {
		d.Hz = DefaultHz
	}
	if d.Every == 0 {
		d.Every = 1
	}
	if d.Seats == 0 {
		d.Seats = DefaultSeats
	}
	return d
}

// Validate reports the first thing wrong with a definition (after WithDefaults), or nil.
func (d Def) Validate() error {
	switch {
	case !validName(d.Name):
		return fmt.Errorf("game %q: name must be lower-case letters, digits and dashes", d.Name)
	case d.Hz < 1 || d.Hz > MaxHz:
		return fmt.Errorf("game %s: hz %d is not in 1 to %d", d.Name, d.Hz, MaxHz)
	case d.Every < 1 || d.Every > 16:
		return fmt.Errorf("game %s: every %d is not in 1 to 16", d.Name, d.Every)
	case d.Seats < 1 || d.Seats > MaxSeats:
		return fmt.Errorf("game %s: seats %d is not in 1 to %d", d.Name, d.Seats, MaxSeats)
	case len(d.Kinds) == 0 || len(d.Kinds) > MaxKinds:
		return fmt.Errorf("game %s: %d kinds, want 1 to %d", d.Name, len(d.Kinds), MaxKinds)
	case d.New == nil:
		return fmt.Errorf("game %s: New is nil", d.Name)
	case len(d.Loads) > MaxLoads || slices.Contains(d.Loads, d.Version) || slices.Contains(d.Loads, 0):
		return fmt.Errorf("game %s: loads %v: want at most %d versions, from 1, without its own, %d", d.Name, d.Loads, MaxLoads, d.Version)
	}
	for _, k := range d.Kinds {
		if err := k.Validate(); err != nil {
			return fmt.Errorf("game %s: %w", d.Name, err)
		}
	}
	return nil
}

// CanLoad reports whether matches of this game can load what a version of the rules has saved: its own, or one that Loads names.
func (d Def) CanLoad(version uint32) bool {
	return version == d.Version || slices.Contains(d.Loads, version)
}

// Validate reports the first thing wrong with a field table, or nil.
func (k Kind) Validate() error {
	if len(k.Fields) == 0 || len(k.Fields) > MaxFields {
		return fmt.Errorf("kind %s: %d fields, want 1 to %d", k.Name, len(k.Fields), MaxFields)
	}
	for _, f := range k.Fields {
		if f.Bits < 1 || f.Bits > 32 || f.Jump < 0 {
			return fmt.Errorf("kind %s: field %s: bits %d, jump %d", k.Name, f.Name, f.Bits, f.Jump)
		}
	}
	return nil
}

func validName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}
