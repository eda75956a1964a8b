package guard

import "errors"

// ErrMessage is returned for bytes that are no message.
var ErrMessage = errors.New("guard: malformed message")

// Append appends the encoding of m about match.
func Append(dst []byte, match string, m *Message) []byte { return dst }

// Split separates the match of an encoded message from its rest, for Parse. match aliases b.
func Split(b []byte) (match, rest []byte, err error) { return nil, nil, ErrMessage }

// Parse decodes what Split left.
func Parse(rest []byte, m *Message) error { return ErrMessage }
