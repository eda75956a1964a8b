package admin

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
)

// Node is what the API needs of a running node. All methods are called from many goroutines at once.
type Node interface {
	// CreateMatch starts a match. Errors: ErrInvalid, ErrFull or ErrDraining, wrapped with what is wrong.
	CreateMatch(spec MatchSpec) (id string, err error)
	// Match returns a match that runs, or one of those that ended last; ErrNotFound otherwise.
	Match(id string) (Match, error)
	// Matches returns up to limit running matches with an id above after, ascending, and whether there are more.
	Matches(after string, limit int) (list []Match, more bool)
	// DeleteMatch ends a running match and returns when it has ended; ErrNotFound otherwise.
	DeleteMatch(id string) error
	// Tokens signs a token for every player, by id. Errors: ErrNotFound, ErrInvalid.
	Tokens(match string, players []Player) (map[string]string, error)
	// PlayerURL is where players connect. host is the name under which the caller reached this listener, for nodes
	// that listen on all addresses.
	PlayerURL(host string) string
	// Counters returns what /metrics shows.
	Counters() Counters
}

// Errors that a Node returns. Their text goes to the caller.
var (
	ErrNotFound = errors.New("no such match")
	ErrInvalid  = errors.New("cannot be done")
	ErrFull     = errors.New("the node is full")
	ErrDraining = errors.New("the node is stopping")
)

// MatchSpec says which match to create. Zero values mean the game's defaults.
type MatchSpec struct {
	Game     string            `json:"game"`     // name of a game; "" is the node's first
	Seats    int               `json:"seats"`    // 1 to 255
	TickHz   int               `json:"tick_hz"`  // 1 to 128
	Seed     *uint64           `json:"seed"`     // nil: random
	Settings json.RawMessage   `json:"settings"` // the game's own
	Labels   map[string]string `json:"labels"`   // the caller's own; "open": "true" lets quickplay use the match
}

// Match is what the API shows of a match.
type Match struct {
	ID        string             `json:"match_id"`
	Game      string             `json:"game"`
	State     string             `json:"state"` // waiting, running or ended
	Epoch     uint32             `json:"epoch"`
	Tick      uint32             `json:"tick"`
	TickHz    int                `json:"tick_hz"`
	Round     uint32             `json:"round"`   // from 1
	Seats     int                `json:"seats"`   // players that fit
	Players   int                `json:"players"` // seats taken, kept ones included
	Online    int                `json:"online"`  // players and spectators with a connection
	Owner     string             `json:"owner"`   // node id
	Standby   string             `json:"standby"` // node id, "" if there is none
	Protected bool               `json:"protected"`
	Scores    []loop.PlayerScore `json:"scores"` // best first
	Labels    map[string]string  `json:"labels,omitempty"`
	Started   time.Time          `json:"started"`
	Result    json.RawMessage    `json:"result,omitempty"`  // of the last finished round
	Outcome   string             `json:"outcome,omitempty"` // once it is over: finished, empty, failed or shutdown
}

// Player is somebody to sign a token for.
type Player struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Team      uint32 `json:"team"`
	Bot       bool   `json:"bot"`
	Spectator bool   `json:"spectator"`
}

// Counters are the plain counters that /metrics reads. They are never reset while the node runs.
type Counters struct {
	Net               *netcode.Stats
	Games             map[string]*loop.Stats // by game
	Matches           map[string]int         // running, by game
	Players           int                    // seats taken in running matches
	Limited           uint64                 // guest and quickplay requests refused by the rate limit
	BytesIn, BytesOut uint64                 // on the sockets of players
}
