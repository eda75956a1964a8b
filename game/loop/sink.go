package loop

import (
	"github.com/overtime-server/overtime/game"
)

// Link is a player's connection as the edge knows it; the loop compares links and hands them back, nothing more.
type Link any

// Sink receives what a match produces. All methods are called by the match's goroutine and must not block.
type Sink interface {
	// Joined says that a link now carries a player. Frames for it begin with the next call of Frame.
	Joined(l Link, s Seat)
	// Refused says that a link was not let in. The loop forgets it.
	Refused(l Link, why Refusal)
	// Gone says that a link carries nobody any more. The loop forgets it.
	Gone(l Link, why Departure, text string)
	// Frame is called after every tick in which there is something to send: always when f.State.
	Frame(f *Frame)
	// Over is the last call: the match has ended or failed, and every link is forgotten.
	Over(why Outcome, text string)
}

// Gatherer is a Sink that reads from its links when a tick is about to take in what they have left: what is handed in during the call
// counts for that tick. Gather is called by the match's goroutine at the begin of every tick and must not block. Between ticks, while the
// match is frozen or waits, it is not called.
type Gatherer interface {
	Gather()
}

// Seat is what a link has got.
type Seat struct {
	Player     game.Player
	ID         string
	Generation uint32 // of the resume token to issue
	Sample     uint32 // last sample answered
	Command    uint32 // last command applied
	Message    uint32 // last reliable message that the player is known to have processed
	Tick       uint32
}

// Refusal says why a link was not let in.
type Refusal uint8

// Reasons to refuse a link.
const (
	RefusedFull        Refusal = iota + 1 // no seat left
	RefusedResumeToken                    // the token was used or its seat is gone
	RefusedOver                           // the match is over
	RefusedMoved                          // the match has left this node while the link waited: it goes on elsewhere
)

// Departure says why a link carries nobody any more.
type Departure uint8

// Reasons for a departure.
const (
	GoneReplaced Departure = iota + 1 // a newer connection of the same player
	GoneLeft                          // the player gave up his seat
	GoneRemoved                       // by the game or an operator
	GoneSequence                      // a sequence number out of bounds
)

// Outcome says how a match ended.
type Outcome uint8

// Outcomes of a match.
const (
	OverFinished Outcome = iota + 1 // its last round has a result, or it was deleted
	OverEmpty                       // nobody was there
	OverFailed                      // the rules panicked twice
	OverShutdown                    // the node stops
	OverMoved                       // it goes on at another node; only by Match.Retire
)

func (o Outcome) String() string {
	return [...]string{"", "finished", "empty", "failed", "shutdown", "moved"}[o]
}

// Frame is the state after a tick. It is valid during the call of Sink.Frame only.
type Frame struct {
	Tick   uint32
	State  bool       // this tick has a state frame: Rows is set
	Shed   bool       // the next tick follows at once, or the standby was too late: remember the rows, send nothing
	Rows   *game.Rows // sorted
	Roster bool       // somebody joined, left, dropped, returned or changed his team since the last frame
	core   *Core
}

// Players calls f for everybody in the match, ascending by number.
func (f *Frame) Players(fn func(game.Player)) {
	for _, p := range f.core.players {
		fn(p.seat())
	}
}

// Messages calls fn for every reliable message of a player above a number, in order. data is valid during the call.
func (f *Frame) Messages(player, after uint32, fn func(number uint32, kind uint8, data []byte)) {
	if p := f.core.find(player); p != nil && p.out.next > after {
		p.out.after(after, fn)
	}
}
