// Package guard says who owns a match, epoch by epoch: a pure state machine, one [Guard] per match and node, with no
// clock, no goroutine and no I/O.
//
// # The protocol
//
// A configuration of a match is a [List] of one to three nodes: owner, standby, witness. The list of epoch e+1 is the
// value of one single-decree Paxos (Lamport, The Part-Time Parliament, 1998: "Synod") among the three members of list e;
// a list of one or two nodes is changed by its owner alone. Failover, going on alone, adopting a standby, replacing a
// witness, hand-over and migration are nothing but values of that vote ([Value]):
//
//	[O]        the standby was lost           proposed by O
//	[O S W']   another witness                O        [O S W] once more: goes on after a frozen standby came back
//	[O S' W]   another standby                O        S' has caught up as a learner
//	[T S W]    migration at tick K            O        T has caught up as a learner; T and S hold K
//	[S O W]    hand-over at tick K            O        S holds K
//	[S]        promotion                      S        only if its log reaches the base of the list
//
// A match is born as [O]. Ballot 1 is the standby's and needs no prepare; after that the owner has the even ballots and
// the standby the odd ones.
//
// An owner releases what players get only up to the index its standby has acknowledged in this very epoch (alone: what it
// has logged). It releases nothing more from the moment it proposes a value of its own; a standby acknowledges nothing
// and takes nothing more from the moment it asks. So what a player saw is in the log of every later owner.
//
// An index counts journal entries of the match: it is the tick number. A tenure is a run of epochs with one owner, named
// by its first epoch (List.Since); a log belongs to a tenure.
//
// # How to drive it
//
// One goroutine per match and node calls every method. After each call that changes something (all but the queries Take,
// Role, List, Record, Peers, Deadline, Done) it takes [Guard.Actions] and carries them out in order, until there are none;
// then it arms one timer for [Guard.Deadline] and calls [Guard.Tick] when it is due. Time is in milliseconds on any clock
// of the node that never goes back. Actions other than ActSend and ActRelease are rare.
//
//	what happened                                          call
//	a match is created here                                Birth, then Logged for every tick
//	enlist for a match with no guard here, and there is    Join, then Receive the message
//	   room; a message of any other kind, or no room       Book.Answer, send what it returns
//	a guard's message from a peer                          Split (match), Parse, Receive
//	link.Up, link.Down with EOF or silence (300 ms)        Up, Down: for each guard whose Peers has that peer; after
//	                                                       ActWatch also for new peers whose link is up, or known dead
//	owner: a tick was stepped (loop's Replica.Record)      Logged
//	follower: a journal record or snapshot is here         Take: false = drop it; apply (a gap: drop it); Held
//	follower: a feed begins at exactly its index and hash  Take, Held: the copy is part of the owner's log
//	follower: its copy is gone                             Dropped
//	owner: a follower refuses the journal for good         Unable
//	ActNeed, and package place knows candidates            Offer
//	drain of a match to a node                             Move, on ActMoveReady MoveAt(K), on ActFreeze freeze, Frozen
//	the match is over and that has been released           End
//	the directory has a tombstone for it                   Ended
//	Done says true                                         throw the guard away, Book.Put its tombstone
//
// Guards of different nodes speak through [Message], carried by one link in order; loss, repetition and delay do no harm.
// The journal itself is package replica's business: its messages carry the owner's tenure (ActFeed, ActFollow name it),
// and a follower applies a record or swaps in a snapshot only when Take said yes just before, in the same goroutine.
//
// What an owner sends to players is gated by Release and Hold: a tick's frame, welcome, resume, messages and the match's end
// leave when ActRelease has named an index at or above it. Alone as well: never release "everything" for a guarded match,
// for the base of the next list is the highest index that was named by an ActRelease.
//
// A node's hint about who owns a match (List, Record) never gets older, but only a player's welcome that passed the gate
// proves ownership. A player's own copy of the highest epoch travels in hello; a node below it does not welcome.
//
// ActHold, ActStop and ActFreeze must be carried out before anything else is fed to the guard.
//
// # Safety and its price
//
// Nothing about time is needed for safety; the numbers in [Config] are about how soon things happen. A member that forgot
// its votes would break it: a restarted process is a new node id, and a node that has left a match keeps the guard, later
// its tombstone in a [Book], well past the match's end. Two nodes cannot be safe by themselves, and the last of three has no
// majority: what happens then is a [Policy].
package guard
