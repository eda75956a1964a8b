package matchmaker

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Bounds of what a ticket may hold.
const (
	MaxSize       = 255 // players of one match, as in a game's seats
	MaxTeams      = 32
	MaxParty      = 64 // players of one ticket
	MaxRegions    = 64 // distinct regions that the tickets of a queue name at any moment
	MaxAttributes = 16 // of one player
	MaxLatency    = 60_000
	MaxSkill      = 1e9
	maxText       = 64 // bytes of an id, a name of a region, queue or game, an attribute's key or value
)

// Errors of Queue. They come wrapped with what is wrong; their text may go to the caller.
var (
	ErrInvalid  = errors.New("ticket cannot be used")
	ErrExists   = errors.New("ticket exists already")
	ErrNotFound = errors.New("no such ticket")
	ErrFull     = errors.New("queue is full")
	ErrAssigned = errors.New("ticket has its match already")
	ErrProposal = errors.New("no such proposal") // it was dissolved: delete the match that was made for it
	ErrBackfill = errors.New("backfill cannot be used")
)

// BusyError says that a player waits already.
type BusyError struct {
	Player string
	Ticket string // the ticket that he is in
	Queue  string // its queue
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("player %s is already in ticket %s of queue %s", e.Player, e.Ticket, e.Queue)
}

// Player is one member of a ticket.
type Player struct {
	ID         string            `json:"id"`                   // 1 to 64 printable ASCII bytes without space
	Skill      float64           `json:"skill,omitempty"`      // any scale, -1e9 to 1e9; counted in thousandths
	Latency    map[string]int    `json:"latency_ms,omitempty"` // round trip to each region he can use; none: every region suits him
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Request is what Add takes. Size, Teams and Layout say which match the ticket is for; a queue's rules may say so instead, and
// then the ticket leaves them out or agrees.
type Request struct {
	ID      string   `json:"-"`                // the ticket's, chosen by the caller; 1 to 64 printable ASCII bytes
	Game    string   `json:"game,omitempty"`   // "": the rules' one, or the node's default
	Size    int      `json:"size,omitempty"`   // players of the match, all teams together
	Teams   int      `json:"teams,omitempty"`  // equal teams that Size is divided into; default 1
	Layout  []int    `json:"layout,omitempty"` // size of each team, instead of Size and Teams
	Players []Player `json:"players"`          // the party, 1 to MaxParty; it stays in one team
}

// State of a ticket.
type State uint8

// States of a ticket. Only Waiting and Proposed are live: their players may not be in another ticket.
const (
	Waiting  State = iota + 1 // Cycle looks at it
	Proposed                  // held while its match is created
	Assigned                  // final; kept for a while so that it can be asked
	Expired                   // final; kept likewise
)

func (s State) String() string {
	switch s {
	case Waiting:
		return "waiting"
	case Proposed:
		return "proposed"
	case Assigned:
		return "assigned"
	case Expired:
		return "expired"
	}
	return "unknown"
}

// Assignment says where the players of a ticket play. The queue does not look into it.
type Assignment struct {
	Match  string            `json:"match_id"`
	URL    string            `json:"url"`
	Tokens map[string]string `json:"tokens"` // by player; secrets, never to be logged
}

// Ticket is what Get returns, a copy.
type Ticket struct {
	ID         string
	State      State
	Game       string
	Layout     []int // of the match that it waits for
	Players    []string
	Since      time.Time // waits since, by this node's clock
	Proposal   string    // while Proposed
	Assignment Assignment
	Reason     string // why it is Expired
}

// ticket is one entry of a queue.
type ticket struct {
	id      string
	seq     uint64 // order of arrival in this queue; never used twice
	since   int64  // Unix nanoseconds
	ended   int64  // when it became Assigned or Expired
	state   State
	players []member
	skill   int64     // mean of the party, thousandths
	reach   []latency // by region, what the slowest of the party has; regions that all of them can use
	open    bool      // no player named a region: any suits
	attrs   []attribute
	game    string
	own     shape  // what the ticket itself asked for; zero: nothing
	group   *group // with whom it can play at all; nil once final

	proposal string
	assigned Assignment
	reason   string
}

// member is a player inside a ticket.
type member struct {
	id    string
	skill int64 // thousandths
}

// latency is the round trip to the region in a slot of the queue's table.
type latency struct {
	region uint8
	ms     uint16
}

// attribute is a value that all players of a ticket share, or the fact that they differ.
type attribute struct {
	key, value string
	mixed      bool
}

func (t *ticket) live() bool { return t.state == Waiting || t.state == Proposed }

// total is the sum of the party's skills in thousandths.
func (t *ticket) total() int64 {
	var sum int64
	for _, m := range t.players {
		sum += m.skill
	}
	return sum
}

// thousandths makes a skill exact, so that sums do not depend on their order.
func thousandths(skill float64) int64 { return int64(math.Round(skill * 1000)) }

func validID(s string) bool {
	if s == "" || len(s) > maxText {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// check reports the first thing wrong with a request by itself, without a queue's rules.
func (r Request) check() error {
	switch {
	case !validID(r.ID):
		return fmt.Errorf("%w: its id must be 1 to %d printable ASCII characters", ErrInvalid, maxText)
	case r.Game != "" && !validID(r.Game):
		return fmt.Errorf("%w: game must be at most %d printable ASCII characters", ErrInvalid, maxText)
	case len(r.Players) == 0:
		return fmt.Errorf("%w: it has no players", ErrInvalid)
	case len(r.Players) > MaxParty:
		return fmt.Errorf("%w: %d players are more than %d", ErrInvalid, len(r.Players), MaxParty)
	}
	seen := make(map[string]bool, len(r.Players))
	for i, p := range r.Players {
		if err := p.check(); err != nil {
			return fmt.Errorf("%w: player %d: %s", ErrInvalid, i+1, err)
		}
		if seen[p.ID] {
			return fmt.Errorf("%w: player %s is in it twice", ErrInvalid, p.ID)
		}
		seen[p.ID] = true
	}
	return nil
}

func (p Player) check() error {
	switch {
	case !validID(p.ID):
		return fmt.Errorf("id must be 1 to %d printable ASCII characters", maxText)
	case !(math.Abs(p.Skill) <= MaxSkill): // not a number, too
		return fmt.Errorf("skill must be -%.0e to %.0e", MaxSkill, MaxSkill)
	case len(p.Latency) > MaxRegions:
		return fmt.Errorf("%d regions are more than %d", len(p.Latency), MaxRegions)
	case len(p.Attributes) > MaxAttributes:
		return fmt.Errorf("%d attributes are more than %d", len(p.Attributes), MaxAttributes)
	}
	for region, ms := range p.Latency {
		if !validID(region) || ms < 0 || ms > MaxLatency {
			return fmt.Errorf("latency_ms must name regions and milliseconds from 0 to %d", MaxLatency)
		}
	}
	for k, v := range p.Attributes {
		if !validID(k) || len(v) > maxText {
			return fmt.Errorf("attributes must have keys and values of at most %d bytes", maxText)
		}
	}
	return nil
}
