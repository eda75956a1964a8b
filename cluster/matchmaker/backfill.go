package matchmaker

// Backfill is a running match that asks for players.
type Backfill struct {
	Match      string
	Game       string            // as in the proposal that made the match
	Layout     []int             // likewise: only tickets for matches of that layout are sent
	Attributes map[string]string // those of its players, as far as the rules want them equal
	Region     string            // where it runs
	Open       []int             // free seats by team, reserved ones not counted; len(Layout) of them
	Skill      float64           // mean of the players that are in it
}
