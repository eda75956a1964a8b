package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
)

// Node is what the API needs of a running node. All methods are called from many goroutines at once. Where they concern other
// nodes too they return when ctx is over at the latest. Where they are about a match of this node, errors are ErrNotFound, ErrOver for
// one that has ended, ErrBusy, and ErrMoved where another node has it by now, or in a moment: then the API asks that one. Kick, Pause, Event and
// Announce return when what they do would survive the death of this node; ErrUnreachable says that it may or may not have been done.
type Node interface {
	// CreateMatch starts a match on the node that suits it best. A request with the key of an earlier one is given that one's match,
	// whichever node took it; "" is no key. Errors: ErrInvalid, ErrGame, ErrRegion, ErrFull, ErrDraining, ErrKeyReused or
	// ErrUnreachable, wrapped with what is wrong.
	CreateMatch(ctx context.Context, spec MatchSpec, key string) (Created, error)
	// Owner names the node that answers for a match, "" for this one; ErrNotFound if no node knows the match.
	Owner(ctx context.Context, match string) (node string, err error)
	// Forward has another node answer a request; ErrUnreachable if it does not.
	Forward(ctx context.Context, node string, r Request) (Response, error)
	// Match returns a match of this node that runs, or one of those that ended last; ErrNotFound otherwise, ErrBusy where it is just going
	// to another node.
	Match(id string) (Match, error)
	// Matches returns a page of the running matches of all nodes that q asks for, ascending by id, whether there are more, and the
	// nodes that did not answer.
	Matches(ctx context.Context, q MatchQuery) (list []Match, more bool, silent []string)
	// Results returns a page of the matches that ended last on all nodes, ascending by end and id, whether there are more, and the
	// nodes that did not answer.
	Results(ctx context.Context, q ResultQuery) (list []Match, more bool, silent []string)
	// DeleteMatch ends a running match of this node and returns when it has ended; ErrNotFound and ErrBusy as for Match.
	DeleteMatch(id string) error
	// Kick removes a player from a match of this node at its next tick; ErrNoPlayer if he is not in it.
	Kick(ctx context.Context, match, player, reason string) error
	// Pause stops the rules of a match of this node, or lets them go on, at its next tick.
	Pause(ctx context.Context, match string, on bool) error
	// End ends a match of this node with a result, JSON, and returns what became of it.
	End(ctx context.Context, match string, result []byte) (Match, error)
	// Event hands the rules of a match of this node an event, as it is; ErrTooLarge if that is too much.
	Event(ctx context.Context, match string, data []byte) error
	// Announce tells everybody in a match, on a node or in the cluster a text. Errors: ErrNotFound, ErrNoNode, ErrUnreachable.
	Announce(ctx context.Context, to Audience, text string) (Told, error)
	// Tokens signs a token for every player of a match of this node, by id. Errors: ErrNotFound, ErrInvalid.
	Tokens(match string, players []Player) (map[string]string, error)
	// Nodes returns what is known of all nodes, ascending by id.
	Nodes() []NodeInfo
	// Drain lets a node begin to move its matches away and to take no more; again is no error. Errors: ErrNoNode, ErrUnreachable.
	Drain(ctx context.Context, node string) error
	// PlayerURL is where players of this node's matches connect. host is the name under which the caller reached this
	// listener, for nodes that listen on all addresses.
	PlayerURL(host string) string
	// Counters returns what /metrics shows.
	Counters() Counters
}

// MatchQuery says which running matches to return.
type MatchQuery struct {
	After  string            `json:"after,omitempty"` // ids above it
	Limit  int               `json:"limit"`           // 1 to 1,000
	Game   string            `json:"game,omitempty"`  // "": any
	State  string            `json:"state,omitempty"` // waiting, running, ended; "": any
	Labels map[string]string `json:"labels,omitempty"`
}

// Takes reports whether a match is one of those that q asks for, whatever its id.
func (q *MatchQuery) Takes(m *Match) bool {
	for name, v := range q.Labels {
		if have, ok := m.Labels[name]; !ok || have != v {
			return false
		}
	}
	return (q.Game == "" || m.Game == q.Game) && (q.State == "" || m.State == q.State)
}

// ResultQuery says which results to return: those above a time and id.
type ResultQuery struct {
	After   int64  `json:"after"`    // Unix time of the end in ms
	AfterID string `json:"after_id"` // of a match that ended then
	Limit   int    `json:"limit"`    // 1 to 1,000
	Game    string `json:"game"`     // "": any
}

// Audience is who is told something: the players of a match, of a node, or all.
type Audience struct {
	Match string // or
	Node  string // or neither
}

// Told says who was told something.
type Told struct {
	Matches int      `json:"matches" doc:"in which everybody is told"`
	Players int      `json:"players" doc:"in these matches, those who are away included: they are told when they return"`
	Missing []string `json:"missing,omitempty" doc:"nodes that did not answer"`
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
	ErrNoNode      = errors.New("no such node")
	ErrNoPlayer    = errors.New("no such player in the match")
	ErrOver        = errors.New("the match is over")
	ErrBusy        = errors.New("too much to do right now")
	ErrMoved       = fmt.Errorf("%w: the match is just going to another node", ErrBusy) // nothing was done: ask the node where it is now
	ErrTooLarge    = errors.New("the body is too large")
	ErrTicket      = errors.New("no such ticket")
	ErrPlayerBusy  = errors.New("a player waits in another ticket")
	ErrAssigned    = errors.New("the ticket has its match already")
)

// Created is a match that was made, or found under its key.
type Created struct {
	ID  string
	URL string // where its players connect; "": this node, see PlayerURL
}

// NodeInfo is what the API shows of a node.
type NodeInfo struct {
	ID      string  `json:"id"`
	State   string  `json:"state" enum:"ready,draining,left,dead"`
	Region  string  `json:"region"`
	URL     string  `json:"public_url" doc:"of its WebSocket; empty where players come through any node"`
	Version string  `json:"version"`
	Matches int     `json:"matches" min:"0"`
	Players int     `json:"players" min:"0"`
	Load    float64 `json:"load" min:"0" doc:"share of its places that is in use"`
}

// MatchSpec says which match to create. Zero values mean the game's defaults.
type MatchSpec struct {
	Game     string            `json:"game" max:"64" doc:"name of a game; none: the node's first"`
	Region   string            `json:"region" max:"64" doc:"of the node that hosts the match; none: any"`
	Seats    int               `json:"seats" min:"0" max:"255" doc:"0: as the game says"`
	TickHz   int               `json:"tick_hz" min:"0" max:"128" doc:"ticks a second; 0: as the game says"`
	Seed     *uint64           `json:"seed" doc:"of the game's random numbers; none: random"`
	Settings json.RawMessage   `json:"settings" doc:"the game's own"`
	Labels   map[string]string `json:"labels" max:"16" names:"1..256" values:"0..256" doc:"the caller's own; open: true lets quickplay use the match"`
}

// Match is what the API shows of a match.
type Match struct {
	ID          string             `json:"match_id"`
	Game        string             `json:"game"`
	State       string             `json:"state" enum:"waiting,running,ended"`
	Paused      bool               `json:"paused" doc:"by an operator"`
	Epoch       uint32             `json:"epoch" doc:"of its owners"`
	Tick        uint32             `json:"tick"`
	TickHz      int                `json:"tick_hz"`
	Round       uint32             `json:"round" doc:"from 1"`
	Seats       int                `json:"seats" doc:"players that fit"`
	Players     int                `json:"players" doc:"seats taken, kept ones included"`
	Online      int                `json:"online" doc:"players and spectators with a connection"`
	Owner       string             `json:"owner" doc:"node that runs it"`
	Standby     string             `json:"standby" doc:"node that goes on with it if the owner dies; empty: none"`
	Witness     string             `json:"witness" doc:"node that helps the two to decide; empty: none"`
	Protected   bool               `json:"protected" doc:"survives the death of its owner"`
	Unprotected string             `json:"unprotected,omitempty" doc:"why it would not"`
	Scores      []loop.PlayerScore `json:"scores" doc:"best first"`
	Labels      map[string]string  `json:"labels,omitempty"`
	Started     time.Time          `json:"started"`
	Ended       time.Time          `json:"ended,omitzero" doc:"once it is over: in ms, by the clock of the node on which it ended"`
	Result      json.RawMessage    `json:"result,omitempty" doc:"of the last finished round, the game's own"`
	Outcome     string             `json:"outcome,omitempty" enum:"finished,empty,failed,shutdown" doc:"once it is over"`
}

// Player is somebody to sign a token for.
type Player struct {
	ID        string `json:"id" need:"yes" min:"1" max:"64" pattern:"^[!-~]+$" doc:"your own name for the player"`
	Name      string `json:"name" max:"256" doc:"that others see"`
	Team      uint32 `json:"team" doc:"from 1; 0: none"`
	Bot       bool   `json:"bot"`
	Spectator bool   `json:"spectator" doc:"sees everything and takes no seat"`
}

// Counters are the plain counters that /metrics reads. They are never reset while the node runs.
type Counters struct {
	Net               *netcode.Stats
	Games             map[string]*loop.Stats // by game
	Matches           map[string]int         // running, by game
	Players           int                    // seats taken in running matches
	Limited           uint64                 // guest and quickplay requests refused by the rate limit
	BytesIn, BytesOut uint64                 // on the sockets of players
	Unprotected       map[string]int         // running matches that would not survive the death of their owner, by reason
	Cluster           *ClusterCounters       // nil: a node alone
	Webhook           *WebhookCounters       // nil: results are delivered nowhere
	Tickets           *TicketCounters
}

// ClusterCounters are about the other nodes.
type ClusterCounters struct {
	Members map[string]int    // nodes in the view, by state: alive, left, dead
	Parts   map[string]int    // matches that this node has a part in, by part: owner, other
	Gauges  map[string]int    // other things that there are now, by name
	Totals  map[string]uint64 // counted since the start, by name
	Errors  map[string]uint64 // counted since the start, by name: should stay 0, or small
}

// WebhookCounters are about the delivery of results.
type WebhookCounters struct {
	Pending   int  // results that wait
	Open      bool // the circuit breaker is open: the receiver does not answer
	Delivered uint64
	Attempts  uint64 // deliveries that failed and are tried again
	Dropped   uint64 // results given up because too many waited, or could not be written to disk
}
