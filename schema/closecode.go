package schema

import "strconv"

// CloseCode is a WebSocket close code. The number says what a client should do next ([CloseCode.Action]); this one list
// serves the wire, the documentation, the metrics and the tests. The codes below are the product's own (4000 to 4014);
// those of RFC 6455 that either side uses follow them.
type CloseCode uint16

// Close codes of the product.
const (
	CloseMatchFailed  CloseCode = 4000 // the match failed
	CloseToken        CloseCode = 4001 // the token is missing, wrong or expired, or no hello came in time
	CloseMalformed    CloseCode = 4002 // malformed message
	CloseNotAllowed   CloseCode = 4003 // not allowed
	CloseMatchOver    CloseCode = 4004 // the match is over or unknown
	CloseReplaced     CloseCode = 4005 // replaced by a newer connection of the same player
	CloseResumeToken  CloseCode = 4006 // the resume token was used before or is wrong
	CloseSequence     CloseCode = 4007 // a sequence number is out of bounds
	CloseRateLimit    CloseCode = 4008 // rate limit exceeded
	CloseNoHeartbeat  CloseCode = 4009 // nothing heard for too long
	CloseMoved        CloseCode = 4010 // the match is elsewhere; the reason carries the address
	CloseTooSlow      CloseCode = 4011 // too slow for too long
	CloseVersion      CloseCode = 4012 // the protocol version is not supported
	CloseUnavailable  CloseCode = 4013 // the server is full or draining
	CloseRemoved      CloseCode = 4014 // removed by an operator or by the game
	CloseNormal       CloseCode = 1000 // RFC 6455: the purpose is fulfilled
	CloseGoingAway    CloseCode = 1001 // RFC 6455: an end point goes away
	CloseProtocol     CloseCode = 1002 // RFC 6455: protocol error
	CloseUnsupported  CloseCode = 1003 // RFC 6455: a sort of data that is not accepted
	CloseInconsistent CloseCode = 1007 // RFC 6455: data that does not fit its type; bad deflate
	CloseTooBig       CloseCode = 1009 // RFC 6455: message too big
	CloseInternal     CloseCode = 1011 // RFC 6455: unexpected condition
)

// Action is what a client does about the end of a connection.
type Action uint8

// Actions.
const (
	ActionResume  Action = iota // resume; after the first failed attempt with back-off
	ActionBackOff               // resume, but wait first
	ActionMove                  // resume there now; the reason carries the address
	ActionRetry                 // connect again after back-off; the seat, if any, is kept
	ActionLobby                 // back to the lobby: this match is lost
	ActionStop                  // do not connect again
)

// actions of the product's codes, by code - 4000.
var actions = [...]Action{
	CloseMatchFailed - 4000: ActionLobby,
	CloseToken - 4000:       ActionStop,
	CloseMalformed - 4000:   ActionStop,
	CloseNotAllowed - 4000:  ActionStop,
	CloseMatchOver - 4000:   ActionStop,
	CloseReplaced - 4000:    ActionStop,
	CloseResumeToken - 4000: ActionStop,
	CloseSequence - 4000:    ActionResume,
	CloseRateLimit - 4000:   ActionBackOff,
	CloseNoHeartbeat - 4000: ActionResume,
	CloseMoved - 4000:       ActionMove,
	CloseTooSlow - 4000:     ActionResume,
	CloseVersion - 4000:     ActionStop,
	CloseUnavailable - 4000: ActionRetry,
	CloseRemoved - 4000:     ActionStop,
}

// Action returns what a client does after a close with this code. A close without a code (0, or 1006 as libraries
// report it) is a broken connection and is resumed, so is a server that goes away; a protocol error, bad data or a
// message too big would only happen again; any other code is resumed after back-off.
func (c CloseCode) Action() Action {
	switch {
	case c >= 4000 && int(c-4000) < len(actions):
		return actions[c-4000]
	case c == 0, c == CloseGoingAway, c == 1006:
		return ActionResume
	case c == CloseNormal, c == CloseProtocol, c == CloseUnsupported, c == CloseInconsistent, c == CloseTooBig:
		return ActionStop
	}
	return ActionBackOff
}

var closeNames = map[CloseCode]string{
	CloseMatchFailed:  "match failed",
	CloseToken:        "token missing, wrong or expired",
	CloseMalformed:    "malformed message",
	CloseNotAllowed:   "not allowed",
	CloseMatchOver:    "match is over or unknown",
	CloseReplaced:     "replaced by a newer connection",
	CloseResumeToken:  "resume token used or wrong",
	CloseSequence:     "sequence out of bounds",
	CloseRateLimit:    "rate limit",
	CloseNoHeartbeat:  "no heartbeat",
	CloseMoved:        "moved",
	CloseTooSlow:      "too slow for too long",
	CloseVersion:      "protocol version",
	CloseUnavailable:  "server full or draining",
	CloseRemoved:      "removed",
	CloseNormal:       "normal closure",
	CloseGoingAway:    "going away",
	CloseProtocol:     "protocol error",
	CloseUnsupported:  "unsupported data",
	CloseInconsistent: "inconsistent data",
	CloseTooBig:       "message too big",
	CloseInternal:     "internal error",
}

// String returns the code's meaning in a few plain words, or its number if it has no name here.
func (c CloseCode) String() string {
	if s, ok := closeNames[c]; ok {
		return s
	}
	return "close code " + strconv.Itoa(int(c))
}
