// Package token signs and verifies what a client carries: player tokens, resume tokens and guest bearers.
//
// A token is "o1" + kind, a dot, the payload and, after another dot, its signature, the last two in URL-safe base64
// without padding:
//
//	o1p.<payload>.<HMAC-SHA256 over everything before the second dot>
//
// The key of each kind is derived from a cluster key by HKDF-SHA256 (RFC 5869) with the kind's purpose as info, so a token
// of one kind never passes for another. Several cluster keys may be valid at a time: the first signs, all verify, which
// is how keys are rotated. Time is an argument; the package reads no clock.
//
// Clients must not be told which check failed: answer every error here with the same close code and text, and count or
// log the distinct error.
package token
