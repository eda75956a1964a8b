// Package link keeps one TLS 1.3 connection between each pair of nodes that talk, and carries calls, one-way messages and
// heartbeats over it. Large transfers (snapshots) get connections of their own, see Links.Open.
//
// # Who is who
//
// Every process makes an Ed25519 certificate when it starts; its SHA-256 hash travels with the node's membership data,
// which the cluster's key authenticates. Both ends present a certificate, and each accepts exactly the one whose hash
// Config.Peer knows for the node id that is written in it. There is no authority, no name and no date to check.
//
// # Bytes
//
// A connection begins as HTTP/1.1 over TLS, so that the listener can serve other requests of nodes too:
//
//	GET /link/v1 HTTP/1.1
//	Connection: Upgrade
//	Upgrade: overtime-link
//	Overtime-Link-Kind: snapshot     only for a bulk connection: what it carries
//	Overtime-Link-Dial: 7            number of this dial, rising within the dialler's process
//	Overtime-Link-Id: 5f0c...        16 hexadecimal digits, random, name the connection
//	Overtime-Link-Last: 81aa...      the last connection of this pair that ended for the dialler; 0: none
//
// 101 begins frames (or, on a bulk connection, whatever its users say); 409 says that the two nodes dialled at once and
// that the other connection lives; 503 that there are too many bulk connections or that the node is closing.
// A frame is a length of 4 bytes (of what follows, at least 1), a type of one byte and its fields. Numbers are
// little-endian.
//
//	1 message  kind 1, body                         in order, no answer
//	2 call     number 8, milliseconds left 4, length of method 1, method, body
//	3 answer   number 8, body
//	4 failure  number 8, length of code 1, code, text
//	5 cancel   number 8                             the caller has gone
//	6 ping     stamp 8                              answered by a pong with the same stamp
//	7 pong     stamp 8
//	8 bye      reason 1                             calls that arrive later are not served; what is under way is read until the end
//
// # One connection per pair
//
// When both nodes dial at once the dial of the node with the smaller id wins: it refuses the other's while its own is
// under way, and the other gives its own up when it accepts. A connection in use is never replaced by that race; it is
// replaced when its dialler dials anew, or when the other end says that this very connection ended for it. What was said on
// the old one before is read first, for a heartbeat at most: it may tell which calls were not served.
//
// # Goroutines
//
// A peer has one goroutine that decides when to dial, beats and lets go; a connection has a reader and a writer; a call that
// is served has one. Nothing that a peer does or fails to do blocks another peer: queues are bounded in bytes, writes have
// deadlines, dials have time limits, and a circuit breaker answers in place of a peer that does not.
//
// Frames to one peer share one order, so a large body delays what is behind it, heartbeats too: at 1 Gbit/s 4 MiB take
// 35 ms. What exceeds some 100 KiB belongs on a bulk connection.
package link
