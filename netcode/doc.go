// Package netcode is the players' edge: it accepts WebSocket connections, checks what comes in, lets players into
// matches, and sends every match's state to everybody in it.
//
// # A connection
//
//	GET /v1/play        Origin and upgrade checks on net/http; then our connection wrapper (Conn), then gws on top of it
//	  hello             within 5 s: a player token, or a resume token; anything else first closes with 4001
//	  attach            the match lets the player in at its next tick, or refuses him
//	  welcome, roster, keyframe      in one write
//	  samples, commands, pings <->  state frames, messages, pongs
//	  bye, close frame  the close code says what the client should do next (schema.CloseCode)
//
// Two goroutines touch a connection: its own (simple.go, then gws' ReadLoop, and everything that follows from a message) and the match's (Match's
// methods of loop.Sink, which fan a tick out). Once a player is in a match, and where his connection is a plain socket on Linux, the
// match's goroutine reads it too, right before each tick, and his own waits for what only gws can handle (pull.go, lift.go): input counts at
// ticks only, and a goroutine that is woken for every message costs more than all the rest of it. How long a message has waited is known from the
// kernel, and a pong says it. Nothing that a client does can block the match's goroutine: bytes that the kernel refuses wait in
// the Conn, bounded, and while any wait the player misses state frames; he gets a keyframe afterwards.
//
// # Matches that are elsewhere
//
// A hello for a match that is not here, or here in an epoch older than one that the player has seen, is put to Config.Route by the
// connection's own goroutine (ask.go). The player is then sent on (Move, and 4010), or, where players cannot reach the other node, passed on: that
// node gets his handshake and every byte since, and from there bytes go to and fro as they are, so that compression and close
// codes stay a matter of the two ends (pass.go). A question about a match that starts here ends at once, so players may wait at
// a standby for its take-over.
//
// # Fan-out
//
// Rows of channel All (and of each team) are encoded once per state frame and base, and shared by everybody who has that base; nearly everybody
// has the frame before. Who is sent the same bytes shares a compression window, too (company.go): the frame is deflated once, with
// references into what all of them were sent earlier. A player's own rows go into a message of
// their own, in the same write and before the shared ones, and only when they differ from what his client predicts.
//
// # Slow clients
//
// A client acknowledges the last tick that it applied with what it sends, or by itself at least every third state frame. While
// more is on its way to it than a round trip explains, it misses state frames (pace.go); then it gets one delta from the last frame that
// it has, or a keyframe if that is older than the ring. A client that never acknowledges is judged by the kernel's refusals only.
//
// Who goes on being behind is sent fewer rows (reduce.go): the rows that matter most, as many as pass in a moment (thin.go), and the
// rest as his client predicts it, which costs nothing (delta.Reduced). His state is then young and nearly right. It is a state of his
// own: its view hash, with which his client checks its decoder, is that of the rows that he has, not of the match's, and equals nobody
// else's; a resume from it gets a keyframe. Such states come in frames with a base of 2 or more only: after a frame over one state frame, or a keyframe, a
// client has the match's rows. At most Config.Reduced players of a match are served so; more share frames with every row at a lower rate.
package netcode
