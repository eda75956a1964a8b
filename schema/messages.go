package schema

// Limits of the messages, in elements or bytes. The verifier refuses what is beyond them; the writers' callers keep to them.
const (
	MaxSamples  = 32      // samples of one client message
	MaxCommand  = 1024    // bytes of a command
	MaxToken    = 1024    // bytes of a player or resume token
	MaxClient   = 4096    // bytes of a client message
	MaxServer   = 4 << 20 // bytes of a server message
	MaxText     = 1024    // bytes of any other string
	MaxKinds    = 64      // field tables of a welcome
	MaxFields   = 32      // fields of a field table
	MaxRoster   = 4096    // entries of a roster
	MaxMessages = 1024    // reliable messages in one server message
	MaxData     = 1 << 16 // bytes of a reliable message
)

// Sample is the controls for one tick.
type Sample struct {
	Seq     uint32 // the player's own count of samples, from 1, without gaps
	Tick    uint32 // the server tick that it is meant for
	Shown   uint32 // the state tick on the player's screen
	Axes    [4]int16
	Buttons uint16
	Frac    uint8 // how far the screen was towards the next state frame, in 1/256
}

// Hello is the first message of a connection. With Resume set, Epoch to Message say what the client still has.
type Hello struct {
	Version  uint16 // protocol version
	Token    string // player token, or
	Resume   string // resume token
	Epoch    uint32 // highest that the client has seen
	Tick     uint32 // last server tick applied in that epoch, 0 if none
	ViewHash uint32 // view hash of channel All at that tick
	Message  uint32 // number of the last reliable message processed
}

// Field is one column of a field table.
type Field struct {
	Name   string
	Bits   uint8
	Signed bool
	Wraps  bool
	Linear bool
	Jump   int32
}

// Kind is the field table of one kind of row.
type Kind struct {
	Name   string
	Fields []Field
}

// Welcome is the first message from the server: who the receiver is and what he needs to decode the rest.
type Welcome struct {
	Match     string
	Player    uint32 // number of the receiver in this match
	PlayerID  string // id from his token
	Name      string
	Team      uint32
	Spectator bool
	Epoch     uint32
	Tick      uint32 // the match's tick now
	Hz        uint8  // ticks per second
	Every     uint8  // ticks per state frame
	Game      string
	Kinds     []Kind // the game's, then "overtime.match" and "overtime.ack"
	Resume    string // resume token, single use
	MapHash   string // empty if the game has no map
	Seats     uint8
	Sample    uint32 // last sample answered
	Command   uint32 // last command applied
	Message   uint32 // number of the next new message, minus one
	Node      string // public address of this node
	Standby   string // where to go when this node does not answer; may be empty
	Window    uint32 // compressed messages refer back at most so many bytes; 0: as RFC 7692 allows
}

// RosterEntry is one participant of a match.
type RosterEntry struct {
	Number    uint32
	Name      string
	Team      uint32
	Online    bool
	Bot       bool
	Spectator bool
}

// Kinds of reliable messages.
const (
	MessageGame   = 0 // the game's own
	MessageResult = 1 // the result of a round
	MessageAdmin  = 2 // a text from an operator, UTF-8
)

// Message is a reliable message.
type Message struct {
	Number uint32
	Kind   uint8
	Data   []byte
}

// Pong answers a ping.
type Pong struct {
	Client     uint32 // the ping's value
	Tick       uint32 // server tick now
	FracMicros uint32 // microseconds since that tick began
	LatenessMs int16  // how late (positive) or early the newest sample was against its tick
	HeldMicros uint16 // microseconds for which the ping waited at the server: no part of the round trip
}

// Move tells a client to resume elsewhere.
type Move struct{ URL, Token string }

// Bye is the last message before a close frame.
type Bye struct {
	Code   uint16
	Reason string
}

// Bits of wire flags.
const (
	flagSigned, flagWraps, flagLinear  = 1, 2, 4
	flagOnline, flagBot, flagSpectator = 1, 2, 4
)
