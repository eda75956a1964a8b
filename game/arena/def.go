package arena

import "github.com/overtime-server/overtime/game"

// Kinds of rows, by index into the definition's field tables.
const (
	KindBody   = iota // one living player
	KindScore         // one player, dead or alive
	KindRocket        // one rocket in flight
	KindPickup        // one place where something can be picked up
	KindMatch         // the match itself; there is one such row
	KindSelf          // what only the player himself knows
)

// Fields of the kinds, by index into a row.
const (
	BodyX, BodyY, BodyAim, BodyHealth, BodyTeam, BodyShots, BodyHits                = 0, 1, 2, 3, 4, 5, 6
	ScorePlayer, ScoreBody, ScoreTeam, ScorePoints, ScoreDeaths, ScoreBy, ScoreWith = 0, 1, 2, 3, 4, 5, 6
	RocketX, RocketY, RocketBy                                                      = 0, 1, 2
	PickupX, PickupY, PickupType, PickupUp                                          = 0, 1, 2, 3
	MatchMode, MatchEnd, MatchLimit, MatchRed, MatchBlue, MatchWinner, MatchSight   = 0, 1, 2, 3, 4, 5, 6
	SelfBody, SelfAmmo, SelfReady, SelfRespawn                                      = 0, 1, 2, 3
)

// Game returns the definition of the arena, ready to be handed to a server.
func Game() game.Def {
	return game.Def{
		Name: "arena", Version: 2, Exact: true,
		Kinds: []game.Kind{
			{Name: "body", Fields: []game.Field{
				{Name: "x", Bits: 16, Linear: true, Jump: 256},
				{Name: "y", Bits: 16, Linear: true, Jump: 256},
				{Name: "aim", Bits: aimBits, Wrap: true, Linear: true},
				{Name: "health", Bits: 7}, // 1 to MaxHealth
				{Name: "team", Bits: 2},   // 0 none, 1 red, 2 blue
				{Name: "shots", Bits: 8, Wrap: true},
				{Name: "hits", Bits: 8, Wrap: true}, // taken
			}},
			{Name: "score", Fields: []game.Field{
				{Name: "player", Bits: 32}, // his number in the match
				{Name: "body", Bits: 32},   // id of his body row
				{Name: "team", Bits: 2},
				{Name: "score", Bits: 16, Signed: true},
				{Name: "deaths", Bits: 16},
				{Name: "by", Bits: 32},  // number of the player who killed him last, 0 for none
				{Name: "with", Bits: 2}, // the weapon: 1 rifle, 2 rocket
			}},
			{Name: "rocket", Fields: []game.Field{
				{Name: "x", Bits: 16, Linear: true},
				{Name: "y", Bits: 16, Linear: true},
				{Name: "by", Bits: 32}, // number of the player who fired it
			}},
			{Name: "pickup", Fields: []game.Field{
				{Name: "x", Bits: 16}, {Name: "y", Bits: 16},
				{Name: "type", Bits: 2}, // 1 health, 2 rockets
				{Name: "up", Bits: 1},   // 1: it is there
			}},
			{Name: "match", Fields: []game.Field{
				{Name: "mode", Bits: 2},   // 0 everybody for himself, 1 teams
				{Name: "end", Bits: 32},   // tick at which time is up
				{Name: "limit", Bits: 16}, // score that ends the match, 0 for none
				{Name: "red", Bits: 16, Signed: true}, {Name: "blue", Bits: 16, Signed: true},
				{Name: "winner", Bits: 32}, // number of a player or team, 0 while it runs and for a draw
				{Name: "sight", Bits: 16},  // how far a player sees in a match with fog, 0 without
			}},
			{Name: "self", Fields: []game.Field{
				{Name: "body", Bits: 32},    // id of his body row
				{Name: "ammo", Bits: 8},     // rockets left
				{Name: "ready", Bits: 32},   // tick from which he may fire the next rocket
				{Name: "respawn", Bits: 32}, // tick at which he comes back, 0 while he lives
			}},
		},
		Static: staticMap,
		New:    newMatch,
		Brain:  newBrain,
	}
}
