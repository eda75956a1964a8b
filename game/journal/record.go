package journal

import "github.com/overtime-server/overtime/game"

// Header is how a journal begins: all that is needed to build the match again.
type Header struct {
	Match    string // id
	Epoch    uint32
	Game     string // game.Def.Name
	Version  uint32 // game.Def.Version
	Seed     uint64
	Hz       int // ticks per second
	Every    int // ticks per state frame
	Seats    int
	SeatHold uint32 // ticks for which a dropped player's seat is kept
	Pause    int32  // ticks between rounds; negative: the match ends with its first round
	Settings []byte // the game's settings, JSON
	Started  int64  // Unix time in ms; information only
}

// EventKind extends game.EventKind by what only the loop sees.
type EventKind = game.EventKind

// Kinds of events that the rules do not see.
const (
	EventSpend  EventKind = 32 + iota // the player answered: Number is the generation of resume tokens valid from now on
	EventKick                         // removed by an operator; Data says why
	EventStop                         // the match ends with this tick; Data says why
	EventPause                        // by an operator: Number 1 stops the rules, 0 lets them go on
	EventFinish                       // by an operator: the match ends with the result in Data
	EventSay                          // by an operator: all players are told the text in Data
)

// Event is one event of a tick as it is journaled.
type Event struct {
	Kind   EventKind
	Player uint32 // number in the match; 0 for EventAdmin, EventStop, EventPause, EventFinish and EventSay
	Number uint32 // EventCommand: the command's number; EventSpend: the generation; EventPause: 1 or 0
	Join   Join   // EventJoin only
	Data   []byte
}

// Join is who takes a seat.
type Join struct {
	ID        string // id from the player's token
	Name      string
	Team      uint32
	Bot       bool
	Spectator bool
}

// Inputs is what one player's controls amount to in one tick.
type Inputs struct {
	Player     uint32
	Samples    []game.Input // 0 to game.MaxInputsTick, to be applied
	Ack        uint32       // last sample answered, after this tick
	Merged     uint16       // samples of this tick folded into another
	Late       uint16       // samples answered as too late
	Refused    uint16       // samples refused: rate or buffer
	MessageAck uint32       // last reliable message that the player has processed
}

// Record is everything that one tick saw, and the hash of the state after it.
type Record struct {
	Tick   uint32
	Void   bool // the tick ran without its events and inputs, after a panic
	Events []Event
	Inputs []Inputs // ascending by player; players without samples, answers or acknowledgements are left out
	Hash   uint64   // 64-bit state hash after the tick
}
