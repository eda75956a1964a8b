package game

// Player is one participant of a match as the rules see him.
type Player struct {
	Number    uint32 // his number in this match, from 1, never given twice
	Team      uint32 // 0 means no team; see Tick.SetTeam
	Name      string // as shown to others; at most 24 bytes of valid UTF-8 without control characters
	Online    bool   // false while his seat is kept for his return
	Bot       bool
	Spectator bool // takes no seat, sends no inputs
}

// Input is a sample of a player's controls for one tick.
type Input struct {
	Seq      uint32 // the player's own count of samples, from 1
	Seen     uint32 // the state tick that was on his screen, clamped by the server to the last 250 ms
	Frac     uint8  // how far towards the next state frame his screen was, in 1/256 of a frame
	Buttons  uint16 // a bit per button; the game defines them
	Axes     [NumAxes]int16
	Repeated bool // the server repeated the last sample because none arrived in time
}

// EventKind says what an [Event] is.
type EventKind uint8

// Events happen between two ticks and are handed to the next Step in order.
const (
	EventJoin    EventKind = iota + 1 // a player took a seat (or began to watch)
	EventLeave                        // he left for good; he is no longer in Tick.Players
	EventDrop                         // his connection broke; his seat is kept
	EventReturn                       // he is back
	EventCommand                      // Data is one command of his: at most MaxCommand bytes that nobody has checked
	EventAdmin                        // Data comes from an operator or from the game's backend; Player is 0
)

// Event is something that happened to a match other than a sample of controls.
type Event struct {
	Kind   EventKind
	Player uint32
	Data   []byte // valid during Step only
}

// Channel names who receives a row or a message. A row is in exactly one channel.
type Channel uint32

// All is the channel that everybody receives, spectators included.
const All Channel = 0

const (
	ownBit  Channel = 1 << 31
	teamBit Channel = 1 << 30
)

// Own is the channel that only one player receives.
func Own(player uint32) Channel { return ownBit | Channel(player) }

// Team is the channel that the players of one team receive.
func Team(team uint32) Channel { return teamBit | Channel(team) }

// IsOwn reports whether the channel is one player's own, and whose.
func (c Channel) IsOwn() (player uint32, ok bool) { return uint32(c &^ ownBit), c&ownBit != 0 }

// IsTeam reports whether the channel is a team's, and which.
func (c Channel) IsTeam() (team uint32, ok bool) {
	return uint32(c &^ teamBit), c&ownBit == 0 && c&teamBit != 0
}

// Tick is what one Step may see and do. It is valid during the call only, and everything that can be read from it is in
// the match's journal. The exported fields are set by the loop; the rules read them.
type Tick struct {
	N       uint32   // number of this tick, from 1; rounds do not reset it
	Rand    *Rand    // the match's generator; the loop saves it
	Players []Player // everyone with a seat and every spectator, ascending by number
	Events  []Event  // what happened since the last tick, in order
	Host    Host     // the loop's side of the methods below; rules use the methods
}

// Host is how a Tick reaches the loop. Implemented by game/loop and by test harnesses; rules do not call it directly.
type Host interface {
	Inputs(player uint32) []Input
	NewID() uint32
	Send(to Channel, msg []byte)
	SetTeam(player, team uint32)
	Kick(player uint32, why string)
	End(result []byte)
}

// Inputs returns the samples to apply for a player in this tick, oldest first: none (neutral controls), one, or two when
// a late one catches up. Two samples are one tick's worth of time: rules use the last one's axes and the union of the
// buttons (see MergeInputs), so that nobody buys time by sending more.
func (t *Tick) Inputs(player uint32) []Input { return t.Host.Inputs(player) }

// Input returns the samples of Inputs merged into one; ok is false if there is none.
func (t *Tick) Input(player uint32) (in Input, ok bool) { return MergeInputs(t.Host.Inputs(player)) }

// NewID returns an id for a row that no row of this match had before.
func (t *Tick) NewID() uint32 { return t.Host.NewID() }

// Send queues a reliable message of at most MaxMessage bytes (longer ones are a bug in the rules and panic) to everybody
// in a channel: numbered per player, delivered exactly once and in order, also to a player who is away (bounded: the
// oldest give way). The bytes are copied.
func (t *Tick) Send(to Channel, msg []byte) { t.Host.Send(to, msg) }

// SetTeam puts a player into a team, or into none with 0, at once: Tick.Players shows it, messages to the team from now on are
// for him, and from this tick's state frame on he receives the rows of Team(team) in place of those of his old team. He keeps
// the team until the rules change it or he leaves, over rounds and reconnects too. A player comes with the team that his
// token names, which may be 0 or one that the game does not know. A number that is not in the match has no effect.
func (t *Tick) SetTeam(player, team uint32) { t.Host.SetTeam(player, team) }

// Kick removes a player after this tick; why is shown to him.
func (t *Tick) Kick(player uint32, why string) { t.Host.Kick(player, why) }

// End ends the round after this tick with a result (JSON by convention; copied). The loop then starts the next round or
// ends the match, as its configuration says. Calls after the first have no effect.
func (t *Tick) End(result []byte) { t.Host.End(result) }

// MergeInputs folds the samples of one tick into one: the last one's values with the buttons of all.
func MergeInputs(s []Input) (in Input, ok bool) {
	if len(s) == 0 {
		return Input{}, false
	}
	in = s[len(s)-1]
	for _, x := range s[:len(s)-1] {
		in.Buttons |= x.Buttons
	}
	return in, true
}
