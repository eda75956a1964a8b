package netcode

import (
	"encoding/binary"
	"unicode/utf8"
)

// AppendFrame appends one whole unmasked binary frame around payload to dst. deflated sets RSV1: payload is compressed
// by permessage-deflate. It serves the frames that many connections share.
func AppendFrame(dst []byte, deflated bool, payload []byte) []byte {
	b0 := byte(0x80 | opBinary)
	if deflated {
		b0 |= 0x40
	}
	n := len(payload)
	switch {
	case n <= maxControl:
		dst = append(dst, b0, byte(n))
	case n < 1<<16:
		dst = append(dst, b0, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, b0, 127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return append(dst, payload...)
}

// appendClose appends a close frame to dst. The reason is cut to what fits, at a rune; code 0 sends neither.
func appendClose(dst []byte, code uint16, reason string) []byte {
	if code == 0 {
		return append(dst, 0x80|opClose, 0)
	}
	if len(reason) > maxControl-2 {
		n := maxControl - 2
		for n > 0 && !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	dst = append(dst, 0x80|opClose, byte(2+len(reason)), byte(code>>8), byte(code))
	return append(dst, reason...)
}
