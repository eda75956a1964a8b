package matchmaker

// Explanation says why a ticket waits, true at one moment.
type Explanation struct {
	State      string         `json:"state"`
	WaitingS   float64        `json:"waiting_s"`
	Candidates int            `json:"candidates"`        // waiting tickets that may play with it by every rule
	Players    int            `json:"candidate_players"` // in them
	Needed     int            `json:"needed_players"`    // besides its own, for the smallest match that is allowed by now
	Excluded   map[string]int `json:"excluded"`          // the other tickets of the queue, each under the first Rule that keeps it apart
	Matches    map[string]int `json:"running_matches"`   // that look for players, each under the Rule that keeps the ticket out
	BlockedBy  string         `json:"blocked_by"`        // enough candidates and still no match: party_sizes, skill or region; "" otherwise
	NextS      *float64       `json:"next_widening_s"`   // until one of its own windows is wider; null if none will be
	NextNewS   *float64       `json:"next_candidate_s"`  // until widening lets another of the waiting tickets in; null if it never does
	Text       string         `json:"text"`
}

// Rule names what keeps a ticket apart from another, or from a running match.
type Rule string

// Rules in the order in which they are tried. An attribute is named as attribute:KEY.
const (
	RuleNone      Rule = ""
	RuleHeld      Rule = "held" // it is in a proposal
	RuleGame      Rule = "game"
	RuleSize      Rule = "size" // another size or layout of the match
	RuleAttribute Rule = "attribute:"
	RuleRegion    Rule = "region"  // no region in common at any latency
	RuleLatency   Rule = "latency" // none in common at the latencies that both accept by now
	RuleSkill     Rule = "skill"   // further apart than the window of the one that waits longer
	RuleSeats     Rule = "seats"   // a running match has no team with so many free seats
)
