package client

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"

	"github.com/overtime-server/overtime/schema"
)

// meter counts the bytes of a connection; it is the lowest layer, below TLS.
type meter struct {
	net.Conn
	in, out *atomic.Uint64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.in.Add(uint64(n))
	return n, err
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.out.Add(uint64(n))
	return n, err
}

// socket lies under gws and takes the compression bit (RSV1) out of the frames that arrive, since gws with its own
// compression costs 554 KiB a connection; the handler asks for it with popDeflated. It also refuses a declared length that no message may have,
// before gws computes with it.
//
// It is used by the reading goroutine only, but for Write and Close.
type socket struct {
	net.Conn
	deflate  bool // permessage-deflate was negotiated
	frames   scanner
	deflated []bool // of data messages whose first header has passed; bounded by the headers of one read
	popped   int
}

var errFrame = errors.New("client: frame too large")

// Read reads for gws.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if !s.scan(p[:n]) {
		return 0, errFrame
	}
	return n, err
}

func (s *socket) scan(p []byte) bool {
	for len(p) > 0 {
		k := s.frames.skip(p)
		if p = p[k:]; len(p) == 0 {
			break
		}
		if s.frames.first() {
			if op := p[0] & 0x0f; op == 1 || op == 2 {
				s.deflated = append(s.deflated, s.deflate && p[0]&0x40 != 0)
				if s.deflate {
					p[0] &^= 0x40
				}
			}
		}
		if !s.frames.header(p[0]) {
			return false
		}
		p = p[1:]
	}
	return true
}

// popDeflated reports whether the next message is compressed. It must be called once for every data message, in order.
func (s *socket) popDeflated() bool {
	if s.popped >= len(s.deflated) {
		return false
	}
	d := s.deflated[s.popped]
	if s.popped++; s.popped == len(s.deflated) {
		s.deflated, s.popped = s.deflated[:0], 0
	}
	return d
}

// scanner follows the frames (RFC 6455 section 5.2) in the bytes that a server sends, behind the response to the handshake.
type scanner struct {
	crlf    uint8    // how much of the empty line that ends the response has passed; 4: all
	have    uint8    // bytes of the header that have passed
	head    [10]byte // the header: the server does not mask
	payload uint64   // bytes of payload that are still to come
}

// skip returns how many of the next bytes are no part of a frame's header.
func (s *scanner) skip(p []byte) int {
	n := 0
	for n < len(p) && s.crlf < 4 {
		switch {
		case p[n] == "\r\n\r\n"[s.crlf]:
			s.crlf++
		case p[n] == '\r':
			s.crlf = 1
		default:
			s.crlf = 0
		}
		n++
	}
	k := min(uint64(len(p)-n), s.payload)
	s.payload -= k
	return n + int(k)
}

// first reports whether the next byte of a header is its first.
func (s *scanner) first() bool { return s.have == 0 }

// header takes the next byte of a header. It returns false for a length that no message may have.
func (s *scanner) header(b byte) bool {
	s.head[s.have] = b
	s.have++
	if s.have < 2 {
		return true
	}
	var n uint64
	switch code := s.head[1] & 0x7f; {
	case code < 126:
		n = uint64(code)
	case code == 126 && s.have == 4:
		n = uint64(binary.BigEndian.Uint16(s.head[2:]))
	case code == 127 && s.have == 10:
		n = binary.BigEndian.Uint64(s.head[2:])
	default:
		return true
	}
	s.have, s.payload = 0, n
	return n <= schema.MaxServer
}
