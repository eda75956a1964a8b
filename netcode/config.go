package netcode

import (
	"errors"
	"log/slog"

	"github.com/overtime-server/overtime/netcode/token"
)

// Config is what a Server is made from. The zero value of a field means its default.
type Config struct {
	Keys       *token.Keyring // signs and verifies players' tokens; required
	Origins    *Origins       // who may connect from a web page; default: pages of our own host
	Conn       ConnConfig     // limits of one connection; default DefaultConnConfig
	PublicURL  string         // ws:// or wss:// URL of this server as clients reach it, told in the welcome; may be empty
	MaxMatches int            // default 1,000
	MaxPlayers int            // players and spectators; default 20,000
	Reduced    int            // slow players of one match who are sent some rows only, each his own; default 16, negative: none. More share frames with all rows
	Alarm      *Alarm         // wakes the process for ticks; nil: the runtime's timers do, up to a millisecond late
	Log        *slog.Logger   // default slog.Default

	// Route is asked when a player says hello for a match that is not here, or only in an epoch older than one that he has
	// seen (epoch, 0 if none; the answer must then not be Here before this node has a newer one). It is called on the
	// connection's own goroutine, by many at once, and may take until ctx ends: 2 s, less when the match starts here or the
	// server stops meanwhile. Errors are ErrUnknownMatch and ErrBusy. nil: no match is elsewhere.
	Route RouteFunc
}

func (c Config) withDefaults() (Config, error) {
	if c.Keys == nil {
		return c, errors.New("netcode: Keys is required")
	}
	if c.Conn == (ConnConfig{}) {
		c.Conn = DefaultConnConfig()
	}
	if c.MaxMatches == 0 {
		c.MaxMatches = 1000
	}
	if c.MaxPlayers == 0 {
		c.MaxPlayers = 20000
	}
	if c.Reduced == 0 {
		c.Reduced = 16
	}
	if c.MaxMatches < 0 || c.MaxPlayers < 0 {
		return c, errors.New("netcode: MaxMatches and MaxPlayers must not be negative")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, c.Conn.Validate()
}
