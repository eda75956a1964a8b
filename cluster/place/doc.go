// Package place says which nodes should host a match, stand by for it or be the home of a queue. It is pure: no clock, no
// network, no state beyond one Search.
//
// Every node decides on its own, on load that was gossiped a second ago or more. A stale view is good enough to say who is
// there, and too old to say who is least loaded: nodes that all choose the least loaded of it choose the same one. So
// Candidates ranks the ready nodes by rendezvous hash, and a Search asks the first Width of them for their true load, then
// takes a place at the lowest on condition that it has not risen above the next. Two of n random choices are much
// better than one (Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 2001), but leave three matches over the
// mean on the fullest of a hundred nodes; six and more leave one.
//
// True load counts what the node serves and every place it holds for a match that is being made. A place is held by one
// node only, and its condition makes decisions that are taken at the same time come out like decisions taken one after
// another.
package place
