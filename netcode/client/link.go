package client

import (
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
)

// link is one connection; its methods are gws' events, called on the goroutine of Run.
type link struct {
	c          *Client
	sock       *socket
	ws         *gws.Conn
	window     window
	welcomed   bool
	welcomedAt time.Duration
	cut        bool          // ended by ourselves
	err        error         // how it ended
	watched    time.Duration // when the deadlines were last moved
}

var _ gws.Event = (*link)(nil)

// OnOpen says hello.
func (l *link) OnOpen(*gws.Conn) {
	c := l.c
	l.watch()
	h := schema.Hello{Version: schema.Version, Token: c.cfg.Token}
	if c.resume != "" {
		h.Token, h.Resume, h.Message = "", c.resume, c.message
		if c.state != nil && c.state.Ready() {
			h.Epoch, h.Tick, h.ViewHash = c.state.Epoch(), c.state.Tick(), c.state.Hash()
		}
	}
	l.write(c.writer.Hello(&h))
}

// OnClose notes why.
func (l *link) OnClose(_ *gws.Conn, err error) {
	l.err = err
	if _, remote := err.(*gws.CloseError); !remote {
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

// OnPong is never called: the client does not ping on this level.
func (l *link) OnPong(*gws.Conn, []byte) {}

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
		l.c.receive(l, msg.Bytes())
		return
	}
	f := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	if b, err := f.inflate(msg.Bytes(), l.window.tail()); err == nil {
		l.window.push(b)
		l.c.receive(l, b)
	} else {
		l.c.count.decodeErrors.Add(1)
		l.fail(schema.CloseInconsistent)
	}
}

// watch moves the deadlines of the socket along, at most once a second: a connection on which nothing comes, or into
// which nothing goes, ends.
func (l *link) watch() {
	now := l.c.now()
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
	l.c.cfg.Log.Warn("bad message from the server", "code", uint16(code), "url", l.c.trying)
	l.ws.WriteClose(uint16(code), nil)
}
