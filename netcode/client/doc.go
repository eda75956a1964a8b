// Package client is the Go half of the protocol: what a player's program needs to take part in a match. Bots and tests
// are its first users.
//
// # Flow
//
// [Client.Run] connects, says hello with the player token and then serves the connection until it ends. From the welcome on it
// decodes every state frame into one state, compares the view hash of each with the server's (which is of the rows that this client was sent: a slow one may have some
// as they are and others as predicted, and then no other client's hash equals its own), and calls the [Handler]: Frame
// once per state frame, right after channel All was applied. The handler answers in the same call with [Client.Send], so a tick costs
// one wake-up to read and one write.
//
// When the connection ends, the close code says what to do (schema.CloseCode.Action): stop, go elsewhere, or resume with the
// newest resume token, at first at once and then after exponential back-off with full jitter. After a resume the samples and
// commands that the server has not answered are sent again under their old numbers; reliable messages are handed out once and in
// order, whatever the server repeats.
//
// # Nodes that die
//
// A server names the node that stands by for the match. When the connection is lost, or nothing has come for 700 ms in spite of a ping, or no
// state frame for 2 s, the client tries both at once; the first that welcomes it wins, the other connection is closed (race.go). One that does
// not know the match, or is busy, is asked again while the other still may have it. Every welcome has an epoch: the client remembers the highest, leaves
// nodes of a lower one, and takes a higher one only with a keyframe.
//
// # Goroutines and memory
//
// A client is one goroutine, the caller of Run: it reads, decodes, calls the handler and writes. In a race every address has a goroutine, and
// the winner's goes on to do all that while Run waits for it. Leave, Cut and Stats may
// be called from any goroutine, everything else from handlers only. Compression is negotiated for messages that stand alone
// (server_no_context_takeover) and done by pooled inflaters, so a connection holds no window: it costs about 8 KiB.
package client
