package journal

import (
	"errors"
	"fmt"

	"github.com/overtime-server/overtime/game"
)

// Limits of one journal. The writer refuses what the reader would not take.
const (
	MaxEvents   = 4096     // events of one record
	MaxInputs   = 4096     // players with inputs in one record, spectators' acknowledgements included
	MaxData     = 64 << 10 // bytes of one event's data
	MaxString   = 256      // bytes of an id or a name
	MaxSettings = 64 << 10 // bytes of a game's settings
	MaxReason   = 1 << 10  // bytes of the reason in the end block
	MaxRecord   = 4 << 20  // bytes of one encoded record
	MaxState    = 64 << 20 // bytes of one checkpoint
	maxHeader   = MaxSettings + 4*MaxString
)

// ErrLimit is wrapped by everything that is refused because of a limit above.
var ErrLimit = errors.New("journal limit")

// ErrOrder is wrapped by everything that is refused because its tick does not follow the one before.
var ErrOrder = errors.New("journal order")

// Validate reports the first thing wrong with a header, or nil. Writer and Reader call it.
func (h *Header) Validate() error {
	switch {
	case len(h.Match) > MaxString || len(h.Game) > MaxString || len(h.Settings) > MaxSettings:
		return fmt.Errorf("%w: match id, game name or settings too long", ErrLimit)
	case h.Game == "":
		return errors.New("journal header: no game")
	case h.Hz < 1 || h.Hz > game.MaxHz:
		return fmt.Errorf("journal header: hz %d is not in 1 to %d", h.Hz, game.MaxHz)
	case h.Every < 1 || h.Every > 16:
		return fmt.Errorf("journal header: every %d is not in 1 to 16", h.Every)
	case h.Seats < 1 || h.Seats > game.MaxSeats:
		return fmt.Errorf("journal header: seats %d is not in 1 to %d", h.Seats, game.MaxSeats)
	}
	return nil
}

// check reports the first limit that a record breaks, or nil.
func (r *Record) check() error {
	if len(r.Events) > MaxEvents || len(r.Inputs) > MaxInputs {
		return fmt.Errorf("%w: tick %d: %d events, %d inputs", ErrLimit, r.Tick, len(r.Events), len(r.Inputs))
	}
	for i := range r.Events {
		e := &r.Events[i]
		if e.Kind == 0 || len(e.Data) > MaxData || len(e.Join.ID) > MaxString || len(e.Join.Name) > MaxString {
			return fmt.Errorf("%w: tick %d: event %d of kind %d, %d bytes", ErrLimit, r.Tick, i, e.Kind, len(e.Data))
		}
	}
	player := uint32(0)
	for i := range r.Inputs {
		in := &r.Inputs[i]
		if in.Player <= player || len(in.Samples) > game.MaxInputsTick {
			return fmt.Errorf("%w: tick %d: player %d after %d, %d samples", ErrLimit, r.Tick, in.Player, player, len(in.Samples))
		}
		player = in.Player
	}
	return nil
}

// sequence holds the order of ticks: the rule shared by Writer, Reader and Log.
type sequence struct {
	last    uint32
	started bool // a record or a checkpoint was seen
}

// record takes a record's tick.
func (s *sequence) record(tick uint32) error {
	if tick != s.last+1 {
		return fmt.Errorf("%w: record of tick %d after tick %d", ErrOrder, tick, s.last)
	}
	s.last, s.started = tick, true
	return nil
}

// checkpoint takes a checkpoint's tick: any one at the beginning, afterwards that of the last record.
func (s *sequence) checkpoint(tick uint32) error {
	if s.started && tick != s.last {
		return fmt.Errorf("%w: checkpoint of tick %d after tick %d", ErrOrder, tick, s.last)
	}
	s.last, s.started = tick, true
	return nil
}
