package link

import (
	"bufio"
	"encoding/binary"
	"io"
)

// Types of frames, see the package comment.
const (
	frameMessage = 1 + iota
	frameCall
	frameAnswer
	frameFailure
	frameCancel
	framePing
	framePong
	frameBye
)

// Reasons in a bye.
const (
	byeIdle = 1 + iota
	byeClosed
	byeUnknown
)

const (
	headSize  = 4   // length of what follows
	overhead  = 128 // no frame is longer than its body and this, MaxName included
	maxFrame  = MaxBody + overhead
	maxText   = 1024      // of a failure
	readAhead = 32 << 10  // bytes asked from the system at once
	keepFrame = 256 << 10 // bytes; larger buffers are not kept after use
	growFrame = 64 << 10  // bytes by which a frame's buffer grows as the frame arrives
)

// frame is one parsed frame. Its slices are valid until the next one is read.
type frame struct {
	typ  uint8
	kind uint8  // of a message; reason of a bye
	num  uint64 // of a call; stamp of a ping
	left uint32 // milliseconds of a call
	name []byte // method of a call, code of a failure
	body []byte // text of a failure
}

// parseFrame checks a frame without its length. It is the one place that looks at a peer's bytes.
func parseFrame(b []byte) (frame, error) {
	if len(b) == 0 || len(b) > maxFrame {
		return frame{}, ErrProtocol
	}
	f := frame{typ: b[0]}
	b = b[1:]
	switch f.typ {
	case frameMessage, frameBye:
		if len(b) == 0 {
			return frame{}, ErrProtocol
		}
		f.kind, f.body = b[0], b[1:]
	case frameCall, frameAnswer, frameFailure, frameCancel, framePing, framePong:
		if len(b) < 8 {
			return frame{}, ErrProtocol
		}
		f.num, f.body = binary.LittleEndian.Uint64(b), b[8:]
	default:
		return frame{}, ErrProtocol
	}
	return f, f.fields()
}

// fields takes what a call and a failure have besides, and checks what depends on the type.
func (f *frame) fields() error {
	switch f.typ {
	case frameCall:
		if len(f.body) < 4 {
			return ErrProtocol
		}
		f.left, f.body = binary.LittleEndian.Uint32(f.body), f.body[4:]
		if f.left == 0 {
			return ErrProtocol
		}
		fallthrough
	case frameFailure:
		if len(f.body) == 0 || len(f.body) < 1+int(f.body[0]) {
			return ErrProtocol
		}
		n := 1 + int(f.body[0])
		f.name, f.body = f.body[1:n], f.body[n:]
		if !validName(string(f.name)) || f.typ == frameFailure && len(f.body) > maxText {
			return ErrProtocol
		}
	case frameCancel, framePing, framePong:
		if len(f.body) != 0 {
			return ErrProtocol
		}
	case frameBye:
		if len(f.body) != 0 || f.kind < byeIdle || f.kind > byeUnknown {
			return ErrProtocol
		}
	}
	if len(f.body) > MaxBody {
		return ErrProtocol
	}
	return nil
}

// appendFrame appends f with its length. Own frames are trusted to be within bounds.
func appendFrame(dst []byte, f *frame) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, f.typ)
	switch f.typ {
	case frameMessage, frameBye:
		dst = append(dst, f.kind)
	default:
		dst = binary.LittleEndian.AppendUint64(dst, f.num)
	}
	if f.typ == frameCall {
		dst = binary.LittleEndian.AppendUint32(dst, f.left)
	}
	if f.typ == frameCall || f.typ == frameFailure {
		dst = append(dst, uint8(len(f.name)))
		dst = append(dst, f.name...)
	}
	dst = append(dst, f.body...)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-headSize))
	return dst
}

// frameReader reads frames. It belongs to one goroutine.
type frameReader struct {
	r    *bufio.Reader
	head [headSize]byte
	buf  []byte
}

// next returns the next frame, valid until the call after it.
func (r *frameReader) next() (frame, error) {
	if _, err := io.ReadFull(r.r, r.head[:]); err != nil {
		return frame{}, err
	}
	n := binary.LittleEndian.Uint32(r.head[:])
	if n == 0 || n > maxFrame {
		return frame{}, ErrProtocol
	}
	if cap(r.buf) > keepFrame && n <= keepFrame {
		r.buf = nil
	}
	// Memory follows what has come, not what was announced.
	r.buf = r.buf[:0]
	for left := int(n); left > 0; {
		step := min(left, max(growFrame, cap(r.buf)-len(r.buf)))
		at := len(r.buf)
		r.buf = append(r.buf, make([]byte, step)...)
		if _, err := io.ReadFull(r.r, r.buf[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return frame{}, err
		}
		left -= step
	}
	return parseFrame(r.buf)
}
