package netcode

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
)

// sink is the server's side of a test connection: what gws reported.
type sink struct {
	gws.BuiltinEventHandler
	mu       sync.Mutex
	messages []string
	closeErr error
}

func (s *sink) OnMessage(ws *gws.Conn, m *gws.Message) {
	s.mu.Lock()
	s.messages = append(s.messages, string(m.Bytes()))
	s.mu.Unlock()
	if string(m.Bytes()) == "echo" {
		_ = ws.WriteMessage(gws.OpcodeBinary, []byte("echo"))
	}
	_ = m.Close()
}

func (s *sink) OnClose(_ *gws.Conn, err error) {
	s.mu.Lock()
	s.closeErr = err
	s.mu.Unlock()
}

func (s *sink) got() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.messages, "|")
}

// far is the client's side: a raw connection after the handshake.
type far struct {
	net.Conn
	r *bufio.Reader
}

// next reads one frame of the server.
func (f *far) next() (b0 byte, payload string, err error) {
	var h [2]byte
	if _, err = io.ReadFull(f.r, h[:]); err != nil {
		return 0, "", err
	}
	n := int(h[1])
	if n == 126 {
		var ext [2]byte
		_, _ = io.ReadFull(f.r, ext[:])
		n = int(binary.BigEndian.Uint16(ext[:]))
	}
	p := make([]byte, n)
	_, err = io.ReadFull(f.r, p)
	return h[0], string(p), err
}

// closed reads up to the close frame and to the end of the connection, and returns the code; 1005 for none, 1006 for no
// close frame. A second close frame is an error.
func (f *far) closed(t *testing.T) (code uint16, reason string) {
	t.Helper()
	code = 1006
	for {
		b0, p, err := f.next()
		if err != nil {
			return code, reason
		}
		if b0 != 0x88 {
			continue
		}
		if code != 1006 {
			t.Error("two close frames")
		}
		if code = 1005; len(p) >= 2 {
			code, reason = binary.BigEndian.Uint16([]byte(p)), p[2:]
		}
	}
}

// upgraded is a connection over a pipe with gws on it, whose reading goroutine runs.
type upgraded struct {
	*sink
	conn   *Conn
	client *far
	ended  chan struct{} // closed when ReadLoop and Linger are over
	lower  *countingConn
}

// countingConn counts the writes that reach the transport and keeps the last deadline that was set for them.
type countingConn struct {
	net.Conn
	mu       sync.Mutex
	writes   int
	deadline time.Time
}

func (c *countingConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *countingConn) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

// upgrade shakes hands over a pipe, with an offer of extensions and bytes that arrive together with the request.
func upgrade(t *testing.T, cfg ConnConfig, offer string, early []byte) *upgraded {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	near, other := net.Pipe()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + schema.Subprotocol + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if offer != "" {
		r.Header.Set("Sec-WebSocket-Extensions", offer)
	}
	class, reply := negotiate(r.Header)
	u := &upgraded{sink: &sink{}, client: &far{Conn: other, r: bufio.NewReader(other)}, ended: make(chan struct{}), lower: &countingConn{Conn: near}}
	u.conn = newConn(u.lower, early, class, reply, &cfg)
	ws, err := gws.NewUpgrader(u.sink, UpgradeOption(&cfg)).UpgradeFromConn(u.conn, u.conn.Reader(), r)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(u.ended)
		defer u.conn.Linger()
		ws.ReadLoop()
	}()
	resp, err := http.ReadResponse(u.client.r, r)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v", resp, err)
	}
	if got := resp.Header.Values("Sec-WebSocket-Extensions"); strings.Join(got, "|") != reply {
		t.Fatalf("the answer's extensions are %q, want %q", got, reply)
	}
	return u
}

// overPipe runs f in virtual time with a connection and sees that nothing of it is left.
func overPipe(t *testing.T, offer string, f func(t *testing.T, u *upgraded)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u := upgrade(t, DefaultConnConfig(), offer, nil)
		f(t, u)
		u.client.Close()
		<-u.ended
	})
}

func (u *upgraded) send(frames ...[]byte) { _, _ = u.client.Write(join(frames...)) }

// deflated is a message as a client compresses it.
func deflated(t *testing.T, msg []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(msg)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

const rsvBinary = finBit | rsv1Bit | opBinary

func TestHandshakeAnswers(t *testing.T) {
	for _, offer := range []string{"", "permessage-deflate; client_max_window_bits", "permessage-deflate; server_no_context_takeover",
		"permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=9", "x-permessage-deflate"} {
		overPipe(t, offer, func(t *testing.T, u *upgraded) { // upgrade compares the answer
			u.send(clientFrame(finBit|opBinary, "plain"))
			synctest.Wait()
			if u.got() != "plain" {
				t.Errorf("%q: got %q", offer, u.got())
			}
		})
	}
}

// Bytes that came with the handshake are neither lost nor seen twice, wherever they were cut.
func TestEarlyBytes(t *testing.T) {
	all := join(clientFrame(finBit|opBinary, "one"), clientFrame(finBit|opBinary, "two"))
	for cut := range len(all) + 1 {
		synctest.Test(t, func(t *testing.T) {
			u := upgrade(t, DefaultConnConfig(), "", all[:cut])
			u.send(all[cut:])
			synctest.Wait()
			if u.got() != "one|two" {
				t.Errorf("cut at %d: got %q", cut, u.got())
			}
			u.client.Close()
			<-u.ended
		})
	}
}

// What gws finds wrong while inflating leaves with the code that the protocol has for it.
func TestInflateFailures(t *testing.T) {
	good, bomb := bytes.Repeat([]byte("good "), 40), make([]byte, 8<<20)
	for _, tt := range []struct {
		name string
		in   []byte
		want uint16
		got  string
	}{
		{"good", clientFrame(rsvBinary, deflated(t, good)), 1006, string(good)},
		{"garbage", clientFrame(rsvBinary, "\xff\xff\xff\xff\xff"), 1007, ""},
		{"reserved block", clientFrame(rsvBinary, "\x06\x00\x00"), 1007, ""},
		{"cut short", clientFrame(rsvBinary, deflated(t, good)[:5]), 1007, ""},
		{"bomb", clientFrame(rsvBinary, deflated(t, bomb)[:4000]), 1009, ""},
		{"one byte too much", clientFrame(rsvBinary, deflated(t, bomb[:4097])), 1009, ""},
		{"the largest", clientFrame(rsvBinary, deflated(t, bomb[:4096])), 1006, string(bomb[:4096])},
		{"bomb in fragments", join(clientFrame(rsv1Bit|opBinary, deflated(t, bomb)[:2000]), clientFrame(finBit, deflated(t, bomb)[2000:4000])), 1009, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			overPipe(t, "permessage-deflate", func(t *testing.T, u *upgraded) {
				u.send(tt.in)
				synctest.Wait()
				if u.got() != tt.got {
					t.Errorf("%d bytes arrived, want %d", len(u.got()), len(tt.got))
				}
				if tt.want == 1006 {
					return
				}
				code, reason := u.client.closed(t)
				if code != tt.want || reason != schema.CloseCode(code).String() {
					t.Errorf("closed with %d %q, want %d", code, reason, tt.want)
				}
				if cause, local := u.conn.Cause(); uint16(cause) != tt.want || !local {
					t.Errorf("cause %d, local %v", cause, local)
				}
			})
		})
	}
}

// A violation: what came before it arrives, then there is exactly one close frame with its code, and OnClose knows.
func TestViolationCloses(t *testing.T) {
	for _, tt := range guardTests {
		if tt.want == nil || tt.want == errFrameRate || tt.want == errByteRate {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			offer := ""
			if tt.deflate {
				offer = "permessage-deflate"
			}
			overPipe(t, offer, func(t *testing.T, u *upgraded) {
				go u.send(binary5, tt.in, binary5) // it may not all be read
				if code, _ := u.client.closed(t); code != uint16(tt.want.Code) {
					t.Errorf("closed with %d, want %d", code, tt.want.Code)
				}
				u.client.Close()
				<-u.ended
				if !strings.HasPrefix(u.got(), "hello") || strings.HasSuffix(u.got(), "hello|hello|hello") {
					t.Errorf("arrived: %.40q", u.got())
				}
				if v, ok := errors.AsType[*Violation](u.closeErr); !ok || v != tt.want {
					t.Errorf("OnClose got %v", u.closeErr)
				}
				if code, local := u.conn.Cause(); code != tt.want.Code || !local {
					t.Errorf("cause %d, local %v", code, local)
				}
			})
		})
	}
}
