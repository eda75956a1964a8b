package client

import (
	"net"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// link is one connection; its methods are gws' events, called on the goroutine that reads it: that of Run, or of a runner of
// a race. Until it is welcomed it touches nothing of the client's that changes.
type link struct {
	// static after the handshake
	c       *Client
	race    *race // nil: it is the only one being tried
	addr    string
	hello   schema.Hello
	raw     net.Conn
	sock    *socket
	ws      *gws.Conn
	release func() bool // makes the race let go of raw

	// owned by the goroutine that reads
	window     window
	admitted   bool // it is the one to play on
	welcomed   bool
	welcomedAt time.Duration
	move       schema.Move   // where the server sends us
	bye        schema.Bye    // what it said before closing
	cut        bool          // ended by ourselves
	err        error         // how it ended
	watched    time.Duration // when the deadlines were last moved

	dog watchdog
}

var _ gws.Event = (*link)(nil)

// hello returns what a connection begins with: the right to play, and what the client still has.
func (c *Client) hello() schema.Hello {
	h := schema.Hello{Version: schema.Version, Token: c.cfg.Token, Epoch: c.epoch}
	if c.resume != "" {
		h.Token, h.Resume, h.Message = "", c.resume, c.message
		if c.state != nil && c.state.Ready() && c.state.Epoch() == c.epoch {
			h.Tick, h.ViewHash = c.state.Tick(), c.state.Hash()
		}
	}
	return h
}

// OnOpen says hello.
func (l *link) OnOpen(*gws.Conn) {
	l.watch()
	var w schema.ClientWriter
	l.write(w.Hello(&l.hello))
}

// OnClose notes why.
func (l *link) OnClose(_ *gws.Conn, err error) {
	l.err = err
	if _, remote := err.(*gws.CloseError); !remote && (l.race == nil || l.admitted) {
		l.c.mu.Lock()
		l.cut = l.cut || l.c.cutting
		l.c.cutting = false
		l.c.mu.Unlock()
	}
}

// OnPing answers with what was sent.
func (l *link) OnPing(ws *gws.Conn, payload []byte) {
	l.watch()
	ws.WritePong(payload)
}

// OnPong is the answer to the watchdog.
func (l *link) OnPong(*gws.Conn, []byte) { l.watch() }

// OnMessage takes one message.
func (l *link) OnMessage(_ *gws.Conn, msg *gws.Message) {
	defer msg.Close()
	deflated := l.sock.popDeflated()
	if l.cut {
		return // what gws still had
	}
	l.watch()
	if msg.Opcode != gws.OpcodeBinary {
		l.fail(schema.CloseUnsupported)
		return
	}
	l.c.count.messagesIn.Add(1)
	if !deflated {
		l.take(msg.Bytes())
		return
	}
	f := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	if b, err := f.inflate(msg.Bytes(), l.window.tail()); err == nil {
		l.window.push(b)
		l.take(b)
	} else {
		l.c.count.decodeErrors.Add(1)
		l.fail(schema.CloseInconsistent)
	}
}

// take takes one inflated message.
func (l *link) take(b []byte) {
	if l.welcomed || l.admit(b) {
		l.c.receive(l, b)
	}
}

// admit looks at what comes before and with the welcome. It returns true for the welcome of the connection to play on: the first of a
// race, and none of an epoch that the player has seen the end of.
func (l *link) admit(b []byte) bool {
	c := l.c
	m, err := schema.VerifyServer(b)
	var w wire.Welcome
	switch {
	case err != nil || schema.IsFrame(&m):
		c.count.decodeErrors.Add(1)
		l.fail(schema.CloseInconsistent)
		return false
	case m.Welcome(&w) == nil:
		l.farewell(&m)
		return false
	case w.Epoch() < l.hello.Epoch:
		l.stale()
		return false
	case l.race == nil:
	case !l.release() || !l.race.claim(l) || !c.hold(l.raw, l.ws): // in this order: a winner is out of the race's hands
		l.hangUp()
		return false
	}
	l.admitted = true
	c.link, c.trying = l, l.addr
	return true
}

// farewell notes what a message says about the end of the connection.
func (l *link) farewell(m *wire.ServerMessage) {
	if x, ok := schema.ReadMove(m); ok {
		l.move = x
	}
	if x, ok := schema.ReadBye(m); ok {
		l.bye = x
	}
}

// stale ends a connection to a node that was overtaken and does not know it yet.
func (l *link) stale() {
	l.c.count.stale.Add(1)
	l.hangUp()
}

// hangUp ends the connection without a word.
func (l *link) hangUp() {
	l.cut = true
	l.raw.Close()
}

// watch moves the deadlines of the socket along, at most once a second: a connection on which nothing comes, or into
// which nothing goes, ends.
func (l *link) watch() {
	now := l.c.now()
	l.dog.heard.Store(int64(now))
	if l.watched == 0 || now-l.watched > time.Second {
		l.watched = now
		if !l.c.isLeaving() {
			l.sock.SetDeadline(time.Now().Add(l.c.cfg.Silence))
		}
	}
}

func (l *link) write(b []byte) { l.ws.WriteMessage(gws.OpcodeBinary, b) }

// fail ends the connection because of what the server sent; the client resumes.
func (l *link) fail(code schema.CloseCode) {
	l.cut = true
	l.c.cfg.Log.Warn("bad message from the server", "code", uint16(code), "url", l.addr)
	l.ws.WriteClose(uint16(code), nil)
}
