// Package game is the contract between a game's rules and the server that runs them, together with the
// fixed-point maths and the seeded random numbers that rules need to be reproducible.
//
// A game is rules over a world; the loop (package game/loop) owns time. The loop calls [Match.Step] once a tick;
// nothing else may change the world. Everything Step sees (inputs, joins, drops, commands, the random generator) is in
// the match's journal, so the same journal gives the same state, byte for byte, on every machine. To keep that promise a
// game uses integers or fixed point in its state, takes randomness from [Tick.Rand] only, never ranges over a map where
// the order matters, and looks at no clock.
//
// What players may see are rows of int32 ([Match.Rows]), each in exactly one [Channel]. The network layer knows only
// rows and the field tables in [Def.Kinds]; it never knows the game.
//
// The package is pure: no network, clock, files, locks, logging or global randomness (a test holds this).
package game
