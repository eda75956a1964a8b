// Package schema is the wire protocol: protocol.fbs, the code generated from it for Go (package wire) and TypeScript
// (folder ts), and the verifier that every client message passes before any accessor runs, since the Go runtime of
// FlatBuffers has none: forged lengths would read other players' bytes and a loop of offsets would end the process.
package schema

// Version is the protocol version that a client names in its hello; Subprotocol is its WebSocket subprotocol.
//
// History: 1, the first.
const (
	Version     = 1
	Subprotocol = "overtime.v1"
)
