package loop

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// Config is what a match is made from. The zero value of a field means its default.
type Config struct {
	ID    string   // match id, in journals and logs; required
	Epoch uint32   // ownership epoch, from 1; default 1
	Game  game.Def // the rules; required

	Seed     uint64 // of the first round; later rounds derive theirs from it
	Hz       int    // ticks per second, 1 to game.MaxHz; default the game's
	Every    int    // ticks per state frame, 1 to 16; default the game's
	Seats    int    // players, spectators not counted; default the game's
	Settings []byte // the game's own settings, JSON; default the game's

	Rounds   Rounds        // what follows a round; default RoundsRepeat
	Pause    time.Duration // between rounds; default 8 s
	SeatHold time.Duration // for which a dropped player's seat is kept; default 60 s
	Empty    time.Duration // the match stops after so long without anybody online; default 5 s; negative: never

	Phase    float64   // place of the ticks within the wall clock's tick intervals, up to 1; spread it over the matches of a node. 0: the first tick is at once
	LastTick time.Time // Continue only: when the core's last tick was intended, so that the next one is on time or at once; zero: as Phase says

	// Alarm is asked by the match's goroutine to send, without waiting, when the next tick is due; false: it will not. nil: the runtime's
	// timers are punctual enough.
	Alarm func(time.Time, chan<- struct{}) bool

	Replica Replica // receives the journal, and nothing leaves before Match.Release; nil: nothing is held back

	Record io.Writer    // receives the journal from a goroutine of the match; nil: no recording. Closed at the end if it is an io.Closer
	Stats  *Stats       // counters, shared by matches of the same game; default: its own
	Log    *slog.Logger // default: slog.Default
}

// Rounds says what follows a round.
type Rounds uint8

// What follows a round.
const (
	RoundsRepeat Rounds = iota // the next round, for as long as somebody is there
	RoundsOne                  // the match is over
)

// ErrConfig is wrapped by every error about a configuration that cannot be used.
var ErrConfig = errors.New("match config")

// withDefaults fills zero values in and reports the first contradiction.
func (c Config) withDefaults() (Config, error) {
	c.Game = c.Game.WithDefaults()
	if err := c.Game.Validate(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	setInt := func(p *int, def int) {
		if *p == 0 {
			*p = def
		}
	}
	setInt(&c.Hz, c.Game.Hz)
	setInt(&c.Every, c.Game.Every)
	setInt(&c.Seats, c.Game.Seats)
	setDur := func(p *time.Duration, def time.Duration) {
		if *p == 0 {
			*p = def
		}
	}
	setDur(&c.Pause, 8*time.Second)
	setDur(&c.SeatHold, time.Minute)
	setDur(&c.Empty, 5*time.Second)
	if c.Epoch == 0 {
		c.Epoch = 1
	}
	if c.Stats == nil {
		c.Stats = NewStats()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, c.validate()
}

func (c Config) validate() error {
	switch {
	case c.ID == "" || len(c.ID) > 64:
		return fmt.Errorf("%w: id must have 1 to 64 bytes", ErrConfig)
	case c.Hz < 1 || c.Hz > game.MaxHz:
		return fmt.Errorf("%w: tick_hz %d is not in 1 to %d", ErrConfig, c.Hz, game.MaxHz)
	case c.Every < 1 || c.Every > 16:
		return fmt.Errorf("%w: every %d is not in 1 to 16", ErrConfig, c.Every)
	case c.Seats < 1 || c.Seats > game.MaxSeats:
		return fmt.Errorf("%w: seats %d is not in 1 to %d", ErrConfig, c.Seats, game.MaxSeats)
	case !(c.Phase >= 0 && c.Phase <= 1): // NaN too
		return fmt.Errorf("%w: phase %v is not in 0 to 1", ErrConfig, c.Phase)
	case c.SeatHold < 0 || c.Pause < 0:
		return fmt.Errorf("%w: seat hold and pause must not be negative", ErrConfig)
	}
	return nil
}

// header is the journal header of a match with this configuration.
func (c Config) header(now time.Time) journal.Header {
	pause := int32(ticks(c.Pause, c.Hz))
	if c.Rounds == RoundsOne {
		pause = -1
	}
	return journal.Header{
		Match: c.ID, Epoch: c.Epoch, Game: c.Game.Name, Version: c.Game.Version, Seed: c.Seed,
		Hz: c.Hz, Every: c.Every, Seats: c.Seats, SeatHold: ticks(c.SeatHold, c.Hz), Pause: pause,
		Settings: c.Settings, Started: now.UnixMilli(),
	}
}

// ticks converts a duration to ticks, rounded up.
func ticks(d time.Duration, hz int) uint32 {
	return uint32((int64(d)*int64(hz) + int64(time.Second) - 1) / int64(time.Second))
}
