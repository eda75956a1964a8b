// Package replica carries a match from its owner to the nodes that may have to go on with it: the standby, and learners (a
// standby-to-be, or the target of a move). Both halves are pure: bytes in, bytes out, no goroutine, no clock, no connection.
// Package cluster owns the links and decides, with package guard, who is told what.
//
// # The owner's half
//
// A [Source] is the Replica of a loop.Match. What the match saw in a tick becomes a message {epoch, tick, hash before, hash
// after, record} for every receiver. The Source keeps the last checkpoint and the messages that a receiver may still need
// (the tail, bounded), and the hashes of the last [Hashes] ticks. A receiver that comes (back) names the tick and hash that it
// holds: if that hash is in the history and the tail goes on from there, it gets the tail; otherwise it gets a snapshot over a
// connection of its own, and then the tail.
//
// # The standby's half
//
// A [Standby] applies each record to a loop.Core of its own, compares the state hash, and only then acknowledges. It keeps the
// bytes of the last state that was proven, so that a record that does not fit, or rules that panic, cost nothing that was
// acknowledged. Promote hands its core out, to go on with as owner.
//
// # Games that are not exact
//
// When a hash differs, the standby names the tick and asks for state differences, and the match's Source changes over for good:
// a fresh snapshot, then for every tick the bytes in which the saved state differs from the one before (diff.go), proven by
// the same hash. A game whose definition does not promise exactness is carried in that way from its first tick.
//
// # Rules of another version
//
// A node whose rules are of another version than the match's, but load its states, cannot replay records. It asks for state
// differences, holds the bytes, and tries now and then whether its rules load them. Promote loads them: the match goes on under the new version,
// with another header and other hashes, so every other receiver begins with a snapshot. What a standby holds stays of the version that it was
// made with until the new owner's has come, so that it can stand with it.
//
// # Order of messages
//
//	owner                                    receiver
//	Begin {epoch, tenure, tick, hash}    ->
//	                                     <-  Ack {epoch, tenure, tick, hash}, or Need {snapshot} if it holds nothing
//	Record / Diff from tick+1, or        ->
//	a snapshot (bulk connection)         ->
//	                                     <-  Ack {epoch, tick, hash} for each; Need {diff} where a hash differs
//
// A receiver takes messages of its own epoch only; a Begin of a later one brings it there. Every acknowledgement carries the
// epoch in which it was given and the hash of the state, and counts only if both are the owner's (rules 5 and 7 of the
// ownership protocol). A frozen Standby takes and acknowledges nothing until the Begin of a later epoch.
package replica
