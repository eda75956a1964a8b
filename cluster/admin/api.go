package admin

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
)

// Node is what the API needs of a running node. All methods are called from many goroutines at once. Where they concern other
// nodes too they return when ctx is over at the latest.
type Node interface {
	// CreateMatch starts a match on the node that suits it best. A request with the key of an earlier one is given that one's match,
	// whichever node took it; "" is no key. Errors: ErrInvalid, ErrGame, ErrRegion, ErrFull, ErrDraining, ErrKeyReused or
	// ErrUnreachable, wrapped with what is wrong.
	CreateMatch(ctx context.Context, spec MatchSpec, key string) (Created, error)
	// Owner names the node that answers for a match, "" for this one; ErrNotFound if no node knows the match.
	Owner(ctx context.Context, match string) (node string, err error)
	// Forward has another node answer a request; ErrUnreachable if it does not.
	Forward(ctx context.Context, node string, r Request) (Response, error)
	// Match returns a match of this node that runs, or one of those that ended last; ErrNotFound otherwise.
	Match(id string) (Match, error)
	// Matches returns up to limit running matches of all nodes with an id above after, ascending, whether there are more, and
	// the nodes that did not answer.
	Matches(ctx context.Context, after string, limit int) (list []Match, more bool, silent []string)
	// DeleteMatch ends a running match of this node and returns when it has ended; ErrNotFound otherwise.
	DeleteMatch(id string) error
	// Tokens signs a token for every player of a match of this node, by id. Errors: ErrNotFound, ErrInvalid.
	Tokens(match string, players []Player) (map[string]string, error)
	// Nodes returns what is known of all nodes, ascending by id.
	Nodes() []NodeInfo
	// PlayerURL is where players of this node's matches connect. host is the name under which the caller reached this
	// listener, for nodes that listen on all addresses.
	PlayerURL(host string) string
	// Counters returns what /metrics shows.
	Counters() Counters
}

// Errors that a Node returns. Their text goes to the caller.
var (
	ErrNotFound    = errors.New("no such match")
	ErrInvalid     = errors.New("cannot be done")
	ErrGame        = errors.New("no such game")
	ErrRegion      = errors.New("no node in this region")
	ErrFull        = errors.New("all nodes are full")
	ErrDraining    = errors.New("the nodes are stopping")
	ErrKeyReused   = errors.New("this Idempotency-Key was used with another body")
	ErrLost        = errors.New("the match of this Idempotency-Key was lost with its node")
	ErrUnreachable = errors.New("the node that has to answer does not")
)

// Created is a match that was made, or found under its key.
type Created struct {
	ID  string
	URL string // where its players connect; "": this node, see PlayerURL
}

// NodeInfo is what the API shows of a node.
type NodeInfo struct {
	ID      string  `json:"id"`
	State   string  `json:"state"` // ready, draining, left or dead
	Region  string  `json:"region"`
	URL     string  `json:"public_url"` // of its WebSocket; "" where players come through any node
	Version string  `json:"version"`
	Matches int     `json:"matches"`
	Players int     `json:"players"`
	Load    float64 `json:"load"` // share of its places that is in use, 0 to 1
}

// MatchSpec says which match to create. Zero values mean the game's defaults.
type MatchSpec struct {
	Game     string            `json:"game"`     // name of a game; "" is the node's first
	Region   string            `json:"region"`   // of the node that hosts it; "": any
	Seats    int               `json:"seats"`    // 1 to 255
	TickHz   int               `json:"tick_hz"`  // 1 to 128
	Seed     *uint64           `json:"seed"`     // nil: random
	Settings json.RawMessage   `json:"settings"` // the game's own
	Labels   map[string]string `json:"labels"`   // the caller's own; "open": "true" lets quickplay use the match
}

// Match is what the API shows of a match.
type Match struct {
	ID          string             `json:"match_id"`
	Game        string             `json:"game"`
	State       string             `json:"state"` // waiting, running or ended
	Epoch       uint32             `json:"epoch"`
	Tick        uint32             `json:"tick"`
	TickHz      int                `json:"tick_hz"`
	Round       uint32             `json:"round"`   // from 1
	Seats       int                `json:"seats"`   // players that fit
	Players     int                `json:"players"` // seats taken, kept ones included
	Online      int                `json:"online"`  // players and spectators with a connection
	Owner       string             `json:"owner"`   // node id
	Standby     string             `json:"standby"` // node id, "" if there is none
	Witness     string             `json:"witness"` // node id, "" if there is none
	Protected   bool               `json:"protected"`
	Unprotected string             `json:"unprotected,omitempty"` // why the match would not survive its owner's death
	Scores      []loop.PlayerScore `json:"scores"`                // best first
	Labels      map[string]string  `json:"labels,omitempty"`
	Started     time.Time          `json:"started"`
	Result      json.RawMessage    `json:"result,omitempty"`  // of the last finished round
	Outcome     string             `json:"outcome,omitempty"` // once it is over: finished, empty, failed or shutdown
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
