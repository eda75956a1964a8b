// Package member says who is probably there: it wraps memberlist (SWIM with the Lifeguard extensions) and turns its
// callbacks into one immutable [View] of the cluster.
//
// It is the calm part of the cluster and never an authority: a process that stands still for up to about two seconds is
// not declared dead, a dead one is known to all within about five. Both halves of a split declare each other dead, and a
// paused process comes back believing that it still owns its matches, so nothing that must be safe may rest on a view.
//
// What is added to memberlist:
//
//   - The view is built from callbacks alone. They run under memberlist's lock, so they only copy into a bounded inbox;
//     one goroutine of [Members] builds the view and calls the owner back. memberlist's Members and LocalNode return
//     pointers that are written to later and are never called.
//   - A node is a process: its id is random per start, and a restart is a new node, which memberlist lets in at once.
//   - Split halves find each other again: every 2 s one lost address is tried, names are resolved again every 15 s.
//   - Load travels as a small numbered broadcast and in push/pull, never in the static [Meta], because a change of that
//     costs the cluster a thousand packets.
//   - memberlist sends a broadcast of a user only from where it was queued. Here receivers pass it on, once each.
//   - Leaving is announced, because memberlist's callback cannot tell leaving from dying.
//   - Everything in a packet is authenticated by the secret key. Whoever has the key can do anything to the cluster.
package member
