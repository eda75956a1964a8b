package game

// Score is one line of a match's score table.
type Score struct {
	Player uint32 // number of the player, or 0 for a team's line
	Team   uint32
	Points int32
}

// Scorer is implemented by a [Match] that keeps a score. Scores appends the lines to s, best first, and must not change any
// state; the loop calls it between ticks for the API.
type Scorer interface {
	Scores(s []Score) []Score
}
