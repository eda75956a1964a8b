package netcode

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/overtime-server/overtime/schema"
)

// Violation is what the guard says about a client that breaks a rule: the close code it gets and which rule it was.
// All violations are predeclared; Reason is a fixed string, fit for a metric's label. It is an error so that it can
// travel through gws, which hands it to OnClose.
type Violation struct {
	Code   schema.CloseCode
	Reason string
}

// Error returns the rule that was broken.
func (v *Violation) Error() string { return v.Reason }

// The rules. Sections are those of RFC 6455, unless another is named.
var (
	errReservedBits  = &Violation{schema.CloseProtocol, "reserved bits"}                // 5.2, and RFC 7692 6.1
	errOpcode        = &Violation{schema.CloseProtocol, "reserved opcode"}              // 5.2
	errUnmasked      = &Violation{schema.CloseProtocol, "unmasked frame"}               // 5.1
	errLength        = &Violation{schema.CloseProtocol, "length encoding"}              // 5.2
	errControl       = &Violation{schema.CloseProtocol, "control frame"}                // 5.5
	errFragment      = &Violation{schema.CloseProtocol, "fragmentation"}                // 5.4
	errClosePayload  = &Violation{schema.CloseProtocol, "close payload"}                // 5.5.1, 7.4
	errCloseReason   = &Violation{schema.CloseInconsistent, "close reason"}             // 5.5.1, 8.1
	errEmptyDeflate  = &Violation{schema.CloseInconsistent, "empty compressed message"} // RFC 7692 7.2.3.6
	errText          = &Violation{schema.CloseUnsupported, "text message"}              // the protocol is binary
	errMessageSize   = &Violation{schema.CloseTooBig, "message size"}
	errFragmentCount = &Violation{schema.CloseRateLimit, "fragments"}
	errControlRate   = &Violation{schema.CloseRateLimit, "control frame rate"}
	errFrameRate     = &Violation{schema.CloseRateLimit, "frame rate"}
	errByteRate      = &Violation{schema.CloseRateLimit, "byte rate"}
)

const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10

	maxControl = 125 // bytes of payload of a control frame, RFC 6455 5.5
	maxHeader  = 14
)

// guard checks the frames of one client as they stream by, before the WebSocket library sees a byte of them: a frame
// with a 64-bit length and its top bit set ends any process that lets it through to gws, and floods of frames that never
// become a message would pass below every limit of the session. Its verdict does not depend on how the stream is cut
// into chunks. It belongs to the connection's reading goroutine and allocates nothing but for a close frame.
type guard struct {
	limits  *guardLimits
	deflate bool // RSV1 was negotiated

	// The header being gathered.
	hdr  [maxHeader]byte
	have uint8 // bytes of it

	// The frame whose payload passes by.
	left    int  // payload bytes still to come
	closing bool // it is a close frame: its payload is kept in ctl

	// The message in progress.
	open       bool // a first fragment was seen, not the last
	compressed bool
	fragments  int
	size       int

	// The client's close frame.
	ctl  []byte
	done bool             // it is complete: whatever follows is ignored
	peer schema.CloseCode // its code

	frames  Bucket
	bytes   Bucket
	control Bucket
	count   uint64 // frames that passed
}

// guardLimits are the guard's numbers, shared by all connections and read-only.
type guardLimits struct {
	message   int // bytes of a message on the wire
	fragments int
	frames    Limit
	bytes     Limit
	control   Limit
}

// scan checks the next chunk p, received at time now (see [Bucket.Take]). It returns how many of its bytes may be
// handed on: all of them; those before the frame that breaks a rule, with the violation; or those up to the end of the
// client's close frame. After a violation the guard must not be used any more.
func (g *guard) scan(p []byte, now int64) (ok int, v *Violation) {
	i, start := 0, 0 // start: where the frame at hand begins, or 0 if that was in an earlier chunk
	for i < len(p) && !g.done {
		if g.left > 0 && g.have == 0 { // the length is known before the mask key is there
			n := min(g.left, len(p)-i)
			if g.closing {
				g.ctl = append(g.ctl, p[i:i+n]...)
			}
			g.left -= n
			i += n
			if g.left == 0 && g.closing {
				if v = g.closed(); v != nil {
					return start, v
				}
			}
			continue
		}
		if g.have == 0 {
			start = i
		}
		n, complete, v := g.header(p[i:], now)
		if v != nil {
			return start, v
		}
		i += n
		if complete && g.closing && g.left == 0 {
			g.peer, g.done = closeNoStatus, true
		}
	}
	return i, nil
}

// simple reports the size of the frame at the begin of p, with its header, if it is a whole pong, or a whole binary message that is neither
// fragmented nor compressed nor of a 64-bit length, and no other is in progress. Such a frame need not pass through gws. It has not
// passed scan yet.
func (g *guard) simple(p []byte) (size int, ok bool) {
	if g.have != 0 || g.left != 0 || g.open || g.done || len(p) < 6 || p[1] < 0x80 || p[0] != 0x80|opBinary && p[0] != 0x80|opPong {
		return 0, false
	}
	switch size = 6 + int(p[1]&127); p[1] & 127 {
	case 126:
		size = 8 + int(binary.BigEndian.Uint16(p[2:]))
	case 127:
		return 0, false
	}
	return size, size <= len(p)
}

// unmask takes the mask off a simple frame and returns its payload.
func unmask(frame []byte) []byte {
	frame = frame[2+extended(frame[1]):]
	key, p := frame[:4], frame[4:]
	for word, rest := uint64(binary.LittleEndian.Uint32(key))*(1<<32|1), p; ; rest = rest[8:] {
		if len(rest) < 8 {
			for i := range rest {
				rest[i] ^= key[i&3]
			}
			return p
		}
		binary.LittleEndian.PutUint64(rest, binary.LittleEndian.Uint64(rest)^word)
	}
}

// header takes bytes of a frame header from p until it is complete or p is used up. The checks happen at fixed places
// in the stream: two bytes in, and when the length is known.
func (g *guard) header(p []byte, now int64) (n int, complete bool, v *Violation) {
	for n < len(p) {
		g.hdr[g.have] = p[n]
		g.have++
		n++
		if g.have < 2 {
			continue
		}
		ext := extended(g.hdr[1])
		if g.have == 2 {
			if v := g.checkStart(); v != nil {
				return n, false, v
			}
		}
		if g.have == 2+ext {
			if v := g.checkLength(now); v != nil {
				return n, false, v
			}
		}
		if g.have == 2+ext+4 { // 4 bytes of mask key
			g.have = 0
			g.count++
			return n, true, nil
		}
	}
	return n, false, nil
}

// extended returns how many bytes of extended length follow the second header byte b.
func extended(b byte) uint8 {
	switch b & 127 {
	case 126:
		return 2
	case 127:
		return 8
	}
	return 0
}

// checkStart checks what the first two bytes of a header say.
func (g *guard) checkStart() *Violation {
	b0, b1 := g.hdr[0], g.hdr[1]
	op, fin, rsv1 := b0&15, b0&0x80 != 0, b0&0x40 != 0
	switch {
	case b0&0x30 != 0, rsv1 && (!g.deflate || op == opContinuation || op >= opClose):
		return errReservedBits
	case op > opBinary && op < opClose, op > opPong:
		return errOpcode
	case b1&0x80 == 0:
		return errUnmasked
	case op >= opClose:
		if !fin || b1&127 > maxControl {
			return errControl
		}
	case op == opText:
		return errText
	case (op == opContinuation) != g.open:
		return errFragment
	}
	return nil
}

// checkLength checks the frame's length and the limits, and makes it the frame at hand.
func (g *guard) checkLength(now int64) *Violation {
	length := uint64(g.hdr[1] & 127)
	switch length {
	case 126:
		if length = uint64(binary.BigEndian.Uint16(g.hdr[2:])); length < 126 {
			return errLength
		}
	case 127:
		if length = binary.BigEndian.Uint64(g.hdr[2:]); length < 1<<16 || length>>63 != 0 {
			return errLength
		}
	}
	op := g.hdr[0] & 15
	g.closing = op == opClose
	if op < opClose {
		if v := g.data(length); v != nil {
			return v
		}
	}
	g.left = int(length)
	if g.closing {
		return g.closeLength()
	}
	return g.rates(op, now)
}

// data accounts for a data frame in its message.
func (g *guard) data(length uint64) *Violation {
	if !g.open {
		g.size, g.fragments = 0, 0
		g.compressed = g.hdr[0]&0x40 != 0
	}
	if length > uint64(g.limits.message-g.size) {
		return errMessageSize
	}
	g.size += int(length)
	if g.fragments++; g.fragments > g.limits.fragments {
		return errFragmentCount
	}
	g.open = g.hdr[0]&0x80 == 0
	if !g.open && g.compressed && g.size == 0 {
		return errEmptyDeflate
	}
	return nil
}

// rates takes the frame at hand from the buckets. Pings, pongs and empty fragments have a small one of their own.
func (g *guard) rates(op byte, now int64) *Violation {
	l := g.limits
	if op >= opClose || (g.left == 0 && (g.open || op == opContinuation)) {
		if !g.control.Take(l.control, now, 1) {
			return errControlRate
		}
	}
	if !g.frames.Take(l.frames, now, 1) {
		return errFrameRate
	}
	if !g.bytes.Take(l.bytes, now, g.left+6) {
		return errByteRate
	}
	return nil
}

// closeLength checks the declared length of a close frame's payload: nothing, or at least a code.
func (g *guard) closeLength() *Violation {
	if g.left == 1 {
		return errClosePayload
	}
	return nil
}

// closed checks the payload of the client's close frame, which is complete.
func (g *guard) closed() *Violation {
	key := g.hdr[2:6] // a control frame has no extended length
	body := g.ctl
	for i := range body {
		body[i] ^= key[i&3]
	}
	code := binary.BigEndian.Uint16(body)
	if !closeCodeAllowed(code) {
		return errClosePayload
	}
	if !utf8.Valid(body[2:]) {
		return errCloseReason
	}
	g.peer = schema.CloseCode(code)
	g.done = true
	return nil
}

// closeCodeAllowed says whether an end point may send this close code: RFC 6455 7.4.1 and 7.4.2, and 1012
// and 1013 of the IANA registry.
func closeCodeAllowed(code uint16) bool {
	switch {
	case code >= 3000 && code < 5000:
		return true
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1013:
		return true
	}
	return false
}
