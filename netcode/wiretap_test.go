package netcode

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// wiretap sees everything that a server sends to one client, over all of his connections, and may speak in his name.
type wiretap struct {
	dial dialer
	ask  func([]byte) []byte // changes the client's handshake; may be nil

	mu    sync.Mutex
	conns []*tapped
	halt  chan struct{} // while not nil, the client reads nothing
}

// seenFrame is one frame from the server.
type seenFrame struct {
	at      time.Time
	conn    int // which connection
	b0      byte
	payload []byte
}

func (f *seenFrame) deflated() bool { return f.b0 == fin|rsv1|opBinary }

// tapped is one connection.
type tapped struct {
	net.Conn
	tap  *wiretap
	n    int
	buf  []byte
	open bool // the answer to the handshake has passed
	all  []seenFrame

	out   sync.Mutex // whole frames go out
	said  int
	hello time.Time // when the client said hello
}

// tap makes a player's connections pass by a wiretap.
func (e *edge) tap(cfg *client.Config) *wiretap {
	w := &wiretap{dial: cfg.Dial}
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := w.dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		t := &tapped{Conn: c, tap: w, n: len(w.conns)}
		w.conns = append(w.conns, t)
		return t, nil
	}
	return w
}

// Read is the client's.
func (t *tapped) Read(p []byte) (int, error) {
	t.tap.mu.Lock()
	halt := t.tap.halt
	t.tap.mu.Unlock()
	if halt != nil {
		<-halt
	}
	n, err := t.Conn.Read(p)
	t.tap.mu.Lock()
	defer t.tap.mu.Unlock()
	t.buf = append(t.buf, p[:n]...)
	t.scan()
	return n, err
}

// scan takes whole frames out of what has been read.
func (t *tapped) scan() {
	if !t.open {
		_, rest, ok := bytes.Cut(t.buf, []byte("\r\n\r\n"))
		if !ok {
			return
		}
		t.buf, t.open = bytes.Clone(rest), true
	}
	for len(t.buf) >= 2 {
		head, n := 2, int(t.buf[1])
		switch {
		case n == 126 && len(t.buf) >= 4:
			head, n = 4, int(binary.BigEndian.Uint16(t.buf[2:]))
		case n >= 126:
			return
		}
		if len(t.buf) < head+n {
			return
		}
		t.all = append(t.all, seenFrame{time.Now(), t.n, t.buf[0], bytes.Clone(t.buf[head : head+n])})
		t.buf = t.buf[head+n:]
	}
}

// Write is the client's.
func (t *tapped) Write(p []byte) (int, error) {
	t.out.Lock()
	defer t.out.Unlock()
	q := p
	switch t.said++; {
	case t.said == 1 && t.tap.ask != nil:
		q = t.tap.ask(p)
	case t.said == 2:
		t.hello = time.Now()
	}
	_, err := t.Conn.Write(q)
	return len(p), err
}

// helloAt returns when the client said hello on a connection.
func (w *wiretap) helloAt(conn int) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[conn].hello
}

// say sends a frame in the client's name.
func (w *wiretap) say(p []byte) {
	w.mu.Lock()
	t := w.conns[len(w.conns)-1]
	w.mu.Unlock()
	t.out.Lock()
	defer t.out.Unlock()
	_, _ = t.Conn.Write(p)
}

// stall makes the client read nothing for a while.
func (w *wiretap) stall(d time.Duration) {
	halt := make(chan struct{})
	w.mu.Lock()
	w.halt = halt
	w.mu.Unlock()
	time.AfterFunc(d, func() {
		w.mu.Lock()
		w.halt = nil
		w.mu.Unlock()
		close(halt)
	})
}

// frames returns what has come since a moment.
func (w *wiretap) frames(since time.Time, keep func(*seenFrame) bool) (all []seenFrame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		for i := range c.all {
			if f := &c.all[i]; !f.at.Before(since) && (keep == nil || keep(f)) {
				all = append(all, *f)
			}
		}
	}
	return all
}

// deflated returns the payloads of the compressed frames that have come since a moment.
func (w *wiretap) deflated(since time.Time) (all [][]byte) {
	for _, f := range w.frames(since, (*seenFrame).deflated) {
		all = append(all, f.payload)
	}
	return all
}

// inflateAll inflates what a client was sent in compressed messages, as RFC 7692 section 7.2.2 says: one stream per connection.
func (w *wiretap) inflateAll(t testing.TB) (all [][]byte) {
	t.Helper()
	var window []byte
	conn := 0
	for _, f := range w.frames(time.Time{}, (*seenFrame).deflated) {
		if f.conn != conn {
			window, conn = nil, f.conn
		}
		msg, err := inflateStd(f.payload, window)
		if err != nil {
			t.Fatalf("after %d messages: %v", len(all), err)
		}
		all = append(all, msg)
		window = append(window, msg...)
		window = slices.Clone(window[max(0, len(window)-32<<10):])
	}
	return all
}

// inflateStd inflates one message with the standard library's decoder.
func inflateStd(payload, window []byte) ([]byte, error) {
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff})), window)
	return io.ReadAll(io.LimitReader(r, schema.MaxServer))
}

// meanSize returns the mean size of payloads.
func meanSize(all [][]byte) float64 {
	n := 0
	for _, p := range all {
		n += len(p)
	}
	return float64(n) / float64(max(1, len(all)))
}
