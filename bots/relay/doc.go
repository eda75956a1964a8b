// Package relay puts network conditions between a client and a server: latency, jitter, a rate each way, stalls, cuts
// and resets, all seeded. It is used in two ways: [Dialer] wraps the client's own connections, which is cheap enough for
// thousands of them in one process, and [Serve] relays from one address to another for clients that cannot be wrapped.
//
// What travels is TCP: nothing is lost or reordered within a connection. A lost packet shows as what it does to a
// stream: a stall.
//
// The pure part is [Line], the schedule of one direction; [Conn] carries it out with one goroutine and two timers.
package relay
