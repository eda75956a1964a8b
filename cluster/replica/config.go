package replica

import (
	"errors"
	"fmt"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// ErrConfig is wrapped by every error about a configuration that cannot be used.
var ErrConfig = errors.New("replica config")

// SourceConfig is what a [Source] is made from. The zero value of a field means its default.
type SourceConfig struct {
	Match  string         // id, 1 to MaxMatch bytes; required
	Header journal.Header // how the match began; required
	Epoch  uint32         // of the list of members that is decided now; from 1
	Since  uint32         // tenure: the first epoch of this owner, at most Epoch
	Config []byte         // the list as package guard encodes it, for Begin; at most MaxConfig bytes, not changed by the caller
	Exact  bool           // game.Def.Exact: records are sent until a hash differs; otherwise state differences from the start
	From   *Handover      // nil: the match begins here; else what Standby.Promote returned

	// Out sends a message to a receiver and never blocks; false if the link did not take it, which is then tried again
	// with the next tick. msg is valid during the call. Required.
	Out func(peer string, msg []byte) bool
	// Bulk hands over a snapshot for a connection of its own to a receiver, which reads it with ReadSnapshot. The bytes
	// are never changed and may be kept. Must not block. Failure is told by Source.BulkFailed. Required.
	// Out and Bulk are called from within the Source's methods, under its lock: they must not call it.
	Bulk func(peer string, snapshot []byte)

	MaxTicks   int    // messages kept for receivers that are behind; default 10 s, at most 1<<16
	MaxBytes   int    // bytes of them; default 4 MiB, at most 256 MiB
	MaxMessage int    // bytes of a message; default 1 MiB, at most 4 MiB (what links take)
	Stats      *Stats // shared counters; default: its own
}

// withDefaults fills zero values in and reports the first contradiction.
func (c SourceConfig) withDefaults() (SourceConfig, error) {
	if c.MaxTicks == 0 {
		c.MaxTicks = 10 * c.Header.Hz
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 4 << 20
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = 1 << 20
	}
	if c.Stats == nil {
		c.Stats = &Stats{}
	}
	return c, c.Validate()
}

// Validate reports the first thing wrong with a configuration whose defaults are filled in, or nil.
func (c *SourceConfig) Validate() error {
	switch {
	case c.Match == "" || len(c.Match) > MaxMatch:
		return fmt.Errorf("%w: match id must have 1 to %d bytes", ErrConfig, MaxMatch)
	case c.Since < 1 || c.Since > c.Epoch:
		return fmt.Errorf("%w: tenure %d, epoch %d", ErrConfig, c.Since, c.Epoch)
	case len(c.Config) > MaxConfig:
		return fmt.Errorf("%w: list of %d bytes", ErrConfig, len(c.Config))
	case c.Out == nil || c.Bulk == nil:
		return fmt.Errorf("%w: Out and Bulk are required", ErrConfig)
	case c.MaxTicks < 1 || c.MaxTicks > 1<<16 || c.MaxBytes < 1 || c.MaxBytes > 256<<20:
		return fmt.Errorf("%w: tail of %d ticks, %d bytes", ErrConfig, c.MaxTicks, c.MaxBytes)
	case c.MaxMessage < 4<<10 || c.MaxMessage > 4<<20:
		return fmt.Errorf("%w: messages of %d bytes", ErrConfig, c.MaxMessage)
	}
	if err := c.Header.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// StandbyConfig is what a [Standby] is made from. The zero value of a field means its default.
type StandbyConfig struct {
	Match string // id, 1 to MaxMatch bytes; required
	// Game finds the rules for a match of the version that a header names: of that version, or of another one that loads its
	// states (game.Def.Loads); ok is false if this node has neither. Required.
	Game     func(name string, version uint32) (def game.Def, ok bool)
	MaxState int    // bytes of a state; default and at most journal.MaxState
	Stats    *Stats // shared counters; default: its own
}

// withDefaults fills zero values in and reports the first contradiction.
func (c StandbyConfig) withDefaults() (StandbyConfig, error) {
	if c.MaxState == 0 {
		c.MaxState = journal.MaxState
	}
	if c.Stats == nil {
		c.Stats = &Stats{}
	}
	return c, c.Validate()
}

// Validate reports the first thing wrong with a configuration whose defaults are filled in, or nil.
func (c *StandbyConfig) Validate() error {
	switch {
	case c.Match == "" || len(c.Match) > MaxMatch:
		return fmt.Errorf("%w: match id must have 1 to %d bytes", ErrConfig, MaxMatch)
	case c.Game == nil:
		return fmt.Errorf("%w: Game is required", ErrConfig)
	case c.MaxState < 1 || c.MaxState > journal.MaxState:
		return fmt.Errorf("%w: states of %d bytes", ErrConfig, c.MaxState)
	}
	return nil
}

// Handover is what a standby leaves to the Source of the owner that it becomes.
type Handover struct {
	Header  journal.Header
	Tick    uint32  // last tick applied
	Hash    uint64  // state hash after it
	History History // of the ticks before, and of Tick
	Inexact bool    // the match is carried as state differences
}
