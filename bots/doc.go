// Package bots plays matches through the public protocol, as many as one likes, and reports what the players saw: it is the
// load generator, the measuring instrument and the company of lonely players.
//
// [Run] makes matches through the admin listener, fills them with bots that follow the route to where each match is played,
// counts from the moment all have joined, and cleans up. Every bot is a client of its own (package netcode/client): it
// decodes every frame, keeps its own state, compares its own hashes and thinks with the game's brain. [Play] is one bot.
package bots
