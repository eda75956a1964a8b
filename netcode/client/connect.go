package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
)

const readBuffer = 1024 // bytes; a usual state frame with its company fits, larger ones pass it by

// connect makes one connection and serves it to its end; where several nodes may have the match, they race for it.
func (c *Client) connect(ctx context.Context, attempt int) ending {
	to, err := c.targets(ctx, attempt)
	if err != nil {
		return c.failed(ending{err: err})
	}
	c.move = schema.Move{}
	if len(to) > 1 {
		return c.race(ctx, to)
	}
	l := &link{c: c, addr: to[0].addr, hello: c.hello()}
	defer c.hold(nil, nil)
	if status, err := l.dial(ctx); err != nil {
		return c.failed(ending{err: err, refused: status})
	}
	stop := context.AfterFunc(ctx, c.Cut)
	defer stop()
	l.ws.ReadLoop()
	e := c.ended(l)
	// A node that has just come into a match may not know it yet; others may.
	e.doubt = !e.welcomed && c.welcome.Match != "" && (c.stoodBy != "" || c.cfg.Locate != nil)
	if e.moved {
		c.count.moves.Add(1)
	}
	return e
}

// failed counts an attempt that came to nothing.
func (c *Client) failed(e ending) ending {
	c.count.failed.Add(1)
	return e
}

// ended says how a connection ended.
func (c *Client) ended(l *link) ending {
	l.unguard()
	e := ending{welcomed: l.welcomed, code: 1006, err: l.err}
	if l.admitted {
		c.link = nil
	}
	if l.welcomed {
		e.lasted = c.now() - l.welcomedAt
	} else {
		c.count.failed.Add(1)
	}
	var remote *gws.CloseError
	switch {
	case errors.As(l.err, &remote):
		e.code, e.reason = schema.CloseCode(remote.Code), string(remote.Reason)
	case l.bye.Code != 0: // the close frame was lost
		e.code, e.reason = schema.CloseCode(l.bye.Code), l.bye.Reason
	}
	if !l.cut || remote != nil {
		c.count.closed(e.code)
	}
	if l.race != nil && l.welcomed && e.code == schema.CloseReplaced && e.lasted < raceEcho {
		e.code = 1006 // by ourselves: the hello of a runner that had lost came late
	}
	if !l.welcomed && e.code == schema.CloseToken && e.reason == noHello {
		e.code = 1006 // the hello did not get there in time: that says nothing about the token
	}
	e.move = l.move
	if e.code == schema.CloseMoved && e.move.URL == "" {
		e.move.URL = e.reason
	}
	if _, err := parse(e.move.URL); err != nil {
		e.move = schema.Move{}
	}
	e.moved = e.move.URL != ""
	return e
}

// noHello is the reason of a close with 4001 for want of a hello, as the server words it.
const noHello = "no hello"

// headStart is what the address that a server named, or that a roaming player chose, has before the others.
const headStart = 300 * time.Millisecond

// targets returns where to connect: one address, or several to race for the match.
func (c *Client) targets(ctx context.Context, attempt int) ([]target, error) {
	if attempt == 0 && c.cfg.URL != "" {
		return []target{{addr: c.cfg.URL}}, nil
	}
	var to []target
	add := func(addr string, after time.Duration) {
		if addr != "" && !slices.ContainsFunc(to, func(t target) bool { return t.addr == addr }) {
			to = append(to, target{addr, after})
		}
	}
	after := time.Duration(0)
	if c.move.URL != "" {
		if c.move.Token != "" {
			c.resume = c.move.Token
		}
		add(c.move.URL, 0)
		after = headStart
	}
	other, last := c.stoodBy, c.url
	if last == "" {
		last = c.cfg.URL
	}
	if len(to) == 0 && c.cfg.Locate != nil && (c.cfg.Roam || attempt != 1 || other == "") {
		ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
		defer cancel()
		u, err := c.cfg.Locate(ctx, attempt)
		if err != nil && last == "" {
			return nil, fmt.Errorf("locate: %w", err)
		}
		if err == nil {
			if add(u, 0); c.cfg.Roam {
				after = headStart
			}
		}
	}
	if len(to) == 0 || other != "" {
		add(last, after)
		add(other, after)
	}
	return to, nil
}

// dial connects and shakes hands. status is the HTTP status of a refusal.
func (l *link) dial(ctx context.Context) (status int, err error) {
	cfg := &l.c.cfg
	u, err := parse(l.addr)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	raw, err := cfg.Dial(ctx, "tcp", hostPort(u))
	if err != nil {
		return 0, fmt.Errorf("dial: %w", err)
	}
	l.raw = raw
	if l.race == nil && !l.c.hold(raw, nil) {
		raw.Close()
		return 0, net.ErrClosed
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	l.sock = &socket{Conn: &meter{raw, &l.c.count.bytesIn, &l.c.count.bytesOut}}
	if u.Scheme == "wss" {
		l.sock.Conn = tls.Client(l.sock.Conn, tlsConfig(cfg.TLS, u))
	}
	header := http.Header{}
	header.Set("Sec-WebSocket-Protocol", schema.Subprotocol)
	if !cfg.NoCompression {
		header.Set("Sec-WebSocket-Extensions", offer)
	}
	ws, resp, err := gws.NewClientFromConn(l, &gws.ClientOption{
		Addr: l.addr, RequestHeader: header, HandshakeTimeout: cfg.DialTimeout,
		ReadBufferSize: readBuffer, ReadMaxPayloadSize: schema.MaxServer, ParallelGolimit: 1, NewSession: noSession,
	}, l.sock)
	if err != nil {
		if resp != nil {
			status = resp.StatusCode
		}
		return status, fmt.Errorf("handshake: %w", err)
	}
	if l.sock.deflate, err = accepted(resp.Header, !cfg.NoCompression); err != nil {
		raw.Close()
		return 0, err
	}
	l.ws = ws
	if l.race == nil {
		l.c.hold(raw, ws)
	}
	return 0, nil
}

// parse checks the address of a match.
func parse(addr string) (*url.URL, error) {
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return nil, fmt.Errorf("%w: %.100q", errURL, addr)
	}
	return u, nil
}

var errURL = errors.New("client: not a WebSocket address")

func tlsConfig(t *tls.Config, u *url.URL) *tls.Config {
	if t = t.Clone(); t == nil {
		t = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if t.ServerName == "" {
		t.ServerName = u.Hostname()
	}
	return t
}

func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "wss":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// noSession spares gws' map per connection.
func noSession() gws.SessionStorage { return session{} }

type session struct{ gws.SessionStorage }
