package link

import (
	"errors"
	"net"
)

// Errors of sending and calling, and reasons of Config.Down. They come wrapped: compare with errors.Is.
var (
	// ErrUnknown says that Config.Peer does not know the node, or no longer with this certificate.
	ErrUnknown = errors.New("link: unknown node")
	// ErrDown says that there is no connection: it cannot be made, it broke under a call (which then may or may not have
	// been served), or the peer's circuit breaker is open. The cause is in the text.
	ErrDown = errors.New("link: down")
	// ErrFull says that the queue to the peer is full; nothing was queued.
	ErrFull = errors.New("link: queue full")
	// ErrTooLarge says that a body exceeds MaxBody, or that a method or kind is longer than 64 bytes; nothing was queued.
	ErrTooLarge = errors.New("link: too large")
	// ErrClosed says that Links was closed. As a reason of Down it says that the peer closed its own.
	ErrClosed = errors.New("link: closed")
	// ErrSilence is the reason of Down when nothing came for Config.Silence from a watched peer, or for Config.CallSilence
	// while a call waited.
	ErrSilence = errors.New("link: silence")
	// ErrIdle is the reason of Down when the connection was closed because nobody used it. The peer is well.
	ErrIdle = errors.New("link: idle")
	// ErrReplaced is the reason of Down when the peer dialled anew, so that the connection must have ended for it.
	ErrReplaced = errors.New("link: replaced")
	// ErrSlow is the reason of Down when the peer did not take what was written within Config.WriteTimeout, or answers
	// and heartbeats to it no longer fitted into its queue.
	ErrSlow = errors.New("link: peer takes nothing")
	// ErrProtocol is the reason of Down when the peer sent something malformed.
	ErrProtocol = errors.New("link: malformed frame")
)

// Codes of Error that this package makes itself. Handlers may use them and any other.
const (
	CodeBusy     = "busy"     // the peer serves too many calls of this node: nothing was done, try again later
	CodeInternal = "internal" // the handler failed with an error that is not an *Error, or panicked
	CodeTimeout  = "timeout"  // the handler's context ended; arrives as context.DeadlineExceeded
	CodeMethod   = "method"   // the peer serves no calls
)

// Error is a failure that the peer's handler answered, as opposed to one of the link.
type Error struct {
	Code string // short and stable, for programs; at most 64 bytes
	Text string // for people; at most 1,024 bytes, longer ones are cut
}

func (e *Error) Error() string {
	if e.Text == "" {
		return "link: peer answers " + e.Code
	}
	return "link: peer answers " + e.Code + ": " + e.Text
}

// Ended reports whether a reason of Config.Down says that the peer's side ended the connection: its process died (end of
// file, reset) or closed its Links. False for silence, for a peer that takes nothing, and for ends that this node chose. A
// process that was stopped sees its peers this way when it goes on, since they gave it up.
func Ended(err error) bool {
	var t net.Error
	if errors.As(err, &t) && t.Timeout() {
		return false // the system's own silence: nothing was acknowledged
	}
	end := endReason(err)
	return end == endEOF || end == endClosed
}
