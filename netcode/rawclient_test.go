package netcode

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// rawClient speaks WebSocket by hand, so that it can break every rule. It knows nothing of gws.
type rawClient struct {
	net.Conn
	br    *bufio.Reader
	resp  *http.Response // answer to the handshake
	w     schema.ClientWriter
	start time.Time
	every uint32      // ticks per state frame, from the welcome
	acks  bool        // acknowledge state frames while recording
	told  atomic.Bool // the server's close frame has come
}

// handshake is what the client sends; every line can be replaced.
type handshake struct {
	request string
	lines   []string // with names, in order
}

const rawKey = "dGhlIHNhbXBsZSBub25jZQ=="

// goodHandshake is one that is accepted.
func goodHandshake(addr string) handshake {
	return handshake{"GET /v1/play HTTP/1.1", []string{
		"Host: " + addr, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: " + rawKey, "Sec-WebSocket-Protocol: " + schema.Subprotocol,
	}}
}

// set replaces the line of that name, and leaves it out if the value is empty.
func (h handshake) set(name, value string) handshake {
	var lines []string
	for _, l := range h.lines {
		if !strings.HasPrefix(l, name+":") {
			lines = append(lines, l)
		}
	}
	if value != "" {
		lines = append(lines, name+": "+value)
	}
	return handshake{h.request, lines}
}

// add appends a line.
func (h handshake) add(name, value string) handshake {
	return handshake{h.request, append(h.lines[:len(h.lines):len(h.lines)], name+": "+value)}
}

func (h handshake) String() string {
	return h.request + "\r\n" + strings.Join(h.lines, "\r\n") + "\r\n\r\n"
}

// deflating is the offer of a client that compresses.
const deflating = "permessage-deflate; client_no_context_takeover"

// rawDial opens a connection and sends nothing.
func (e *edge) rawDial() (*rawClient, error) {
	conn, err := e.dial(context.Background(), "tcp", e.addr)
	if err != nil {
		return nil, err
	}
	return &rawClient{Conn: conn, br: bufio.NewReader(conn), start: time.Now()}, nil
}

// raw connects and shakes hands; h may be changed by f.
func (e *edge) raw(f func(handshake) handshake) (*rawClient, error) {
	c, err := e.rawDial()
	if err != nil {
		return nil, err
	}
	h := goodHandshake(e.addr)
	if f != nil {
		h = f(h)
	}
	if _, err := io.WriteString(c, h.String()); err != nil {
		return c, err
	}
	return c, c.answer()
}

// answer reads the answer to the handshake.
func (c *rawClient) answer() error {
	var err error
	c.resp, err = http.ReadResponse(c.br, nil)
	if err == nil && c.resp.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("HTTP status %d", c.resp.StatusCode)
	}
	return err
}

// joined connects, says hello and reads until the welcome.
func (e *edge) joined(tok string, f func(handshake) handshake) (*rawClient, schema.Welcome, error) {
	c, err := e.raw(f)
	if err != nil {
		return c, schema.Welcome{}, err
	}
	w, err := c.join(schema.Hello{Version: schema.Version, Token: tok})
	return c, w, err
}

// join says hello and reads until the welcome.
func (c *rawClient) join(h schema.Hello) (schema.Welcome, error) {
	c.message(c.w.Hello(&h))
	for {
		m, err := c.readMessage()
		if err != nil {
			return schema.Welcome{}, err
		}
		if w, ok := schema.ReadWelcome(&m); ok {
			c.every = uint32(w.Every)
			return w, nil
		}
	}
}

// bytes sends raw bytes. Errors show when reading.
func (c *rawClient) bytes(p []byte) { _, _ = c.Write(p) }

// message sends a binary message.
func (c *rawClient) message(p []byte) { c.bytes(frame(fin|opBinary, p)) }

const (
	fin  = 0x80
	rsv1 = 0x40
)

// maskKey is the key of every frame: what a guard does must not depend on it.
var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// frame builds a masked frame with the shortest length.
func frame(b0 byte, payload []byte) []byte {
	var b []byte
	switch n := len(payload); {
	case n < 126:
		b = []byte{b0, 0x80 | byte(n)}
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16([]byte{b0, 0x80 | 126}, uint16(n))
	default:
		b = binary.BigEndian.AppendUint64([]byte{b0, 0x80 | 127}, uint64(n))
	}
	b = append(b, maskKey[:]...)
	for i, x := range payload {
		b = append(b, x^maskKey[i&3])
	}
	return b
}

// longFrame builds a header that declares a length of 64 bits, with some payload.
func longFrame(b0 byte, length uint64, payload ...byte) []byte {
	b := binary.BigEndian.AppendUint64([]byte{b0, 0x80 | 127}, length)
	return append(append(b, maskKey[:]...), payload...)
}

// closeFrame builds a close frame.
func closeFrame(code uint16, reason string) []byte {
	return frame(fin|opClose, append(binary.BigEndian.AppendUint16(nil, code), reason...))
}

// peerClosed is the server's close frame.
type peerClosed struct {
	code   schema.CloseCode // 1005: none given
	reason string
}

func (e *peerClosed) Error() string { return fmt.Sprintf("closed: %d %s", e.code, e.reason) }

var errServerFrame = errors.New("the server broke the protocol")

// readFrame reads one frame of the server.
func (c *rawClient) readFrame() (b0 byte, payload []byte, err error) {
	var h [8]byte
	if _, err = io.ReadFull(c.br, h[:2]); err != nil {
		return 0, nil, err
	}
	b0 = h[0]
	n := uint64(h[1] & 127)
	switch {
	case h[1]&0x80 != 0 || b0&fin == 0 || b0&0x30 != 0:
		return 0, nil, errServerFrame
	case n == 126:
		_, err = io.ReadFull(c.br, h[:2])
		n = uint64(binary.BigEndian.Uint16(h[:2]))
	case n == 127:
		_, err = io.ReadFull(c.br, h[:8])
		n = binary.BigEndian.Uint64(h[:8])
	}
	if err != nil || n > schema.MaxServer {
		return 0, nil, errServerFrame
	}
	payload = make([]byte, n)
	if _, err = io.ReadFull(c.br, payload); err == nil && b0&15 == opClose {
		c.told.Store(true)
	}
	return b0, payload, err
}

// readMessage reads until the next uncompressed message and verifies it. A close frame is a *peerClosed. Pings are not
// answered.
func (c *rawClient) readMessage() (m wire.ServerMessage, err error) {
	for {
		b0, p, err := c.readFrame()
		if err != nil {
			return m, err
		}
		switch b0 & 15 {
		case opClose:
			return m, closedBy(p)
		case opBinary:
			if b0&rsv1 == 0 {
				return schema.VerifyServer(p)
			}
		}
	}
}

func closedBy(p []byte) error {
	if len(p) < 2 {
		return &peerClosed{code: closeNoStatus}
	}
	return &peerClosed{schema.CloseCode(binary.BigEndian.Uint16(p)), string(p[2:])}
}

// closed reads to the close frame and on to the end of the connection; 1006 if there was no close frame. What follows the
// close frame is an error.
func (c *rawClient) closed() (code schema.CloseCode, err error) {
	for {
		b0, p, err := c.readFrame()
		if err != nil {
			return closeAbnormal, err
		}
		if b0&15 != opClose {
			continue
		}
		var pc *peerClosed
		errors.As(closedBy(p), &pc)
		if n, err := io.Copy(io.Discard, c.br); n > 0 {
			return pc.code, fmt.Errorf("%d bytes after the close frame: %w", n, errServerFrame)
		} else if _, timeout := err.(net.Error); timeout && err.(net.Error).Timeout() {
			return pc.code, fmt.Errorf("not hung up after the close frame: %w", err)
		}
		return pc.code, nil
	}
}

// tape reads a raw client's messages from a goroutine of its own, so that the client is not slow.
type tape struct {
	mu    fenced
	msgs  []wire.ServerMessage
	code  schema.CloseCode // of the close frame, once it came
	pings int
	ended bool
	tick  uint32 // of the last state frame, of one who acknowledges
}

// record starts to read for c and sends every message to each, if that is not nil. pong says whether pings are answered. The connection
// is closed after a close frame.
func (c *rawClient) record(pong bool, each func(*wire.ServerMessage)) *tape {
	r := &tape{}
	go func() {
		defer c.Close()
		for {
			b0, p, err := c.readFrame()
			if err == nil && b0&15 == opPing && pong {
				c.bytes(frame(fin|opPong, p))
			}
			if !r.take(b0, p, err, each) {
				return
			}
			if c.acks && b0 == fin|opBinary {
				r.ack(c, p)
			}
		}
	}()
	return r
}

// ack acknowledges a message if it is a state frame of All.
func (r *tape) ack(c *rawClient, p []byte) {
	m, err := schema.VerifyServer(p)
	if err != nil || !schema.IsFrame(&m) || m.Channel() != 0 {
		return
	}
	if r.tick += c.every * max(1, uint32(m.Base())); m.Keyframe() {
		r.tick = m.Tick()
	}
	var w schema.ClientWriter // that of c belongs to the test
	c.message(w.Samples(nil, r.tick, 0))
}

func (r *tape) take(b0 byte, p []byte, err error, each func(*wire.ServerMessage)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.ended = true
	case b0&15 == opClose:
		var pc *peerClosed
		errors.As(closedBy(p), &pc)
		r.code, r.ended = pc.code, true
	case b0&15 == opPing:
		r.pings++
	case b0&15 == opBinary && b0&rsv1 == 0:
		if m, err := schema.VerifyServer(p); err == nil {
			r.msgs = append(r.msgs, m)
			if each != nil {
				each(&m)
			}
		}
	}
	return !r.ended
}

// expect fails the test unless the server closed with a code (0: it has not closed).
func (r *tape) expect(t testing.TB, code schema.CloseCode) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.code != code || r.ended != (code != 0) {
		t.Errorf("closed with %d (ended: %v), want %d", r.code, r.ended, code)
	}
}

// count returns how many messages satisfy f.
func (r *tape) count(f func(*wire.ServerMessage) bool) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.msgs {
		if f(&r.msgs[i]) {
			n++
		}
	}
	return n
}
