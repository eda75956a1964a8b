// Package matchmaker turns tickets into matches. It is pure: no goroutine, no clock, no lock, no randomness; time comes in
// as an argument, and the same calls give the same matches. One owner calls a Queue (the queue's home node, under its own
// lock); who creates the matches, asks and answers over HTTP and moves the bytes to a second node is somebody else.
//
// # A ticket's life
//
//	Add -> Waiting -> (Cycle) Proposed -> (Confirm) Assigned
//	          |  <---- (Reject, hold ran out) ----'
//	          '-> Expired (its queue's timeout), or Remove
//
// Cycle proposes; a proposal holds its tickets while the match is created. Confirm assigns them. Reject puts them back with the
// age they had. A ticket is in one proposal at most, a player in one live ticket at most.
//
// # Which match
//
// Tickets are asked in the order in which they came. Each is given the match with the smallest skill spread that can be
// made around it (form.go): every member agrees with it in game, size and the attributes of the rules; all share a region
// where nobody's latency is above what he accepts by now; the skills of the parties (their means) differ by no more than the
// window of the one that waits longest, so that a fresh ticket cannot refuse one that waits for long: nobody starves behind
// others. A ticket for which there is none leaves the rest to younger ones: none of those matches could hold it. Parties
// stay in one team; teams are then balanced (balance.go). Tickets first fill running matches that asked for players.
//
// Explain counts with the predicate that Cycle uses (predicate.go), and then makes the very search of Cycle.
//
// # Moving to another node
//
// Changes returns what changed since it was last called, Snapshot everything, as bytes with ages instead of times of day; a
// second Queue that is given them with Apply can take over at any moment. A proposal's name is unique for ever and so fit to
// be the idempotency key of the match's creation: a successor asks whether the match is there and confirms, or rejects.
package matchmaker
