package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
)

const readBuffer = 1024 // bytes; a usual state frame with its company fits, larger ones pass it by

// connect makes one connection and serves it to its end.
func (c *Client) connect(ctx context.Context, attempt int) ending {
	addr, err := c.locate(ctx, attempt)
	if err != nil {
		return c.failed(ending{err: err})
	}
	c.trying, c.move, c.bye = addr, schema.Move{}, schema.Bye{}
	l := &link{c: c}
	defer c.hold(nil, nil)
	status, err := l.dial(ctx, addr)
	if err != nil {
		return c.failed(ending{err: err, refused: status})
	}
	stop := context.AfterFunc(ctx, c.Cut)
	defer stop()
	c.link = l
	l.ws.ReadLoop()
	c.link = nil
	return c.ended(l)
}

// failed counts an attempt that came to nothing.
func (c *Client) failed(e ending) ending {
	c.count.failed.Add(1)
	return e
}

// ended says how a connection ended.
func (c *Client) ended(l *link) ending {
	e := ending{welcomed: l.welcomed, code: 1006, err: l.err}
	if l.welcomed {
		e.lasted = c.now() - l.welcomedAt
	} else {
		c.count.failed.Add(1)
	}
	var remote *gws.CloseError
	switch {
	case errors.As(l.err, &remote):
		e.code, e.reason = schema.CloseCode(remote.Code), string(remote.Reason)
	case c.bye.Code != 0: // the close frame was lost
		e.code, e.reason = schema.CloseCode(c.bye.Code), c.bye.Reason
	}
	if !l.cut || remote != nil {
		c.count.closed(e.code)
	}
	if e.code == schema.CloseMoved && c.move.URL == "" {
		c.move.URL = e.reason
	}
	if _, err := parse(c.move.URL); err != nil {
		c.move = schema.Move{}
	}
	if e.moved = c.move.URL != ""; e.moved {
		c.count.moves.Add(1)
	}
	return e
}

// locate returns where to connect.
func (c *Client) locate(ctx context.Context, attempt int) (string, error) {
	switch {
	case c.move.URL != "":
		if c.move.Token != "" {
			c.resume = c.move.Token
		}
		return c.move.URL, nil
	case attempt == 0 && c.cfg.URL != "":
		return c.cfg.URL, nil
	}
	last := c.url
	if last == "" {
		last = c.cfg.URL
	}
	if c.cfg.Locate != nil {
		ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
		defer cancel()
		u, err := c.cfg.Locate(ctx, attempt)
		if err == nil {
			return u, nil
		}
		if last == "" {
			return "", fmt.Errorf("locate: %w", err)
		}
	}
	if attempt > 0 && attempt%2 == 0 && c.welcome.Standby != "" {
		return c.welcome.Standby, nil
	}
	return last, nil
}

// dial connects and shakes hands. status is the HTTP status of a refusal.
func (l *link) dial(ctx context.Context, addr string) (status int, err error) {
	cfg := &l.c.cfg
	u, err := parse(addr)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	raw, err := cfg.Dial(ctx, "tcp", hostPort(u))
	if err != nil {
		return 0, fmt.Errorf("dial: %w", err)
	}
	if !l.c.hold(raw, nil) {
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
		Addr: addr, RequestHeader: header, HandshakeTimeout: cfg.DialTimeout,
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
	l.c.hold(raw, ws)
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
