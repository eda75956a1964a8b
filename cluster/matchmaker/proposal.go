package matchmaker

import "time"

// Proposal is a match that Cycle wants to be made, or players for one that runs. Its tickets are held until Confirm, Reject, or
// until HoldFor has passed.
type Proposal struct {
	ID       string // unique for ever: the node that proposed and a number; fit as an idempotency key
	Queue    string
	Game     string
	Region   string // one that all share; "" if nobody named any
	Layout   []int  // size of each team of a full match
	Match    string // backfill: the running match; "": a new one
	Tickets  []string
	Seats    []Seat        // every player, by team and then by ticket
	Spread   float64       // skill of the best party minus that of the worst
	Skill    float64       // mean of the players
	Uneven   float64       // new matches with teams: mean skill of the best team minus that of the worst
	Waited   time.Duration // how long the oldest ticket waited
	Proposed time.Time
}

// Seat is one player's place in a proposal.
type Seat struct {
	Player string
	Ticket string
	Team   int // from 0
}

// HoldFor is how long tickets are held for a proposal that nobody confirms or rejects.
const HoldFor = 30 * time.Second

// KeepFor is how long tickets are kept after they were assigned or expired.
const KeepFor = 5 * time.Minute
