// Package gametest checks that a game keeps the promises of package game, and runs games without a server.
//
// [Check] is one line in a game's tests:
//
//	func TestContract(t *testing.T) { gametest.Check(t, mygame.Game(), gametest.Options{}) }
//
// Rules that load what other versions of them saved (game.Def.Loads) are checked with such states: [Snapshot] makes them, once for each
// version that is released, to be kept as JSON in testdata and handed to later versions' tests in Options.Saved.
//
// [Sim] is a match in memory: it plays the loop's part, one tick per call, with bots that see only what their clients
// would. Tests of rules, measurements of fun and benchmarks are built on it. Everything here is deterministic: equal
// seeds give equal runs. Nothing here is safe for use by several goroutines at once.
package gametest
