package client

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"
)

// Config is what a client needs. URL or Locate, Token and Handler are required.
type Config struct {
	// URL is where the match is played (ws://host:port/v1/play, or wss).
	URL string
	// Token is the player token.
	Token string
	// Locate finds the URL anew: for the first connection (attempt 0) if URL is empty, and for every attempt after a loss,
	// counted from 1. With a standby that the server named, the first attempt is a race between the last URL and the standby, and
	// later ones have what Locate finds run with them. If it fails, or is nil, they run without it.
	Locate func(ctx context.Context, attempt int) (url string, err error)
	// Roam has Locate asked for every attempt, also where the client knows better: what it finds gets a head start.
	Roam bool
	// Dial makes connections, several at once; nil means plain TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is used for wss; nil means the defaults.
	TLS *tls.Config
	// NoCompression stops offering permessage-deflate.
	NoCompression bool
	// Handler is called by one goroutine at a time.
	Handler Handler
	// Gap and Ack observe the time between successive state frames, and from sending a sample to the first frame that answers it.
	// They are called where Handler is. Optional.
	Gap, Ack func(time.Duration)
	// Seed decides the jitter of back-offs.
	Seed uint64
	// Log receives what goes wrong; nil means silence.
	Log *slog.Logger

	// DialTimeout bounds one attempt to connect up to the end of the WebSocket handshake; default 5 s.
	DialTimeout time.Duration
	// Silence is how long nothing may come from the server, which pings every 5 s, before the connection is given up; default 10 s.
	Silence time.Duration
	// GiveUp is how long the client tries to come back before Run returns ErrGaveUp; default 60 s, as long as a seat is kept.
	GiveUp time.Duration
	// BackOff is the upper bound of the first wait, MaxBackOff that of any: wait n is uniform in 0 to BackOff*2^n; defaults 50 ms and 5 s.
	BackOff, MaxBackOff time.Duration
}

// Validate reports the first thing wrong, or nil.
func (c *Config) Validate() error {
	switch {
	case c.URL == "" && c.Locate == nil:
		return errors.New("client: neither URL nor Locate")
	case c.Roam && c.Locate == nil:
		return errors.New("client: Roam without Locate")
	case c.Token == "":
		return errors.New("client: no token")
	case c.Handler == nil:
		return errors.New("client: no handler")
	case c.DialTimeout < 0 || c.Silence < 0 || c.GiveUp < 0 || c.BackOff < 0 || c.MaxBackOff < 0:
		return errors.New("client: negative duration")
	}
	return nil
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.DialTimeout, 5*time.Second)
	set(&c.Silence, 10*time.Second)
	set(&c.GiveUp, 60*time.Second)
	set(&c.BackOff, 50*time.Millisecond)
	set(&c.MaxBackOff, 5*time.Second)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
