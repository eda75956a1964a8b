package bots

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/overtime-server/overtime/bots/relay"
	"github.com/overtime-server/overtime/game"
)

// Config is what a run needs.
type Config struct {
	// Target and Admin are the player and the admin listener of any node: HOST:PORT or a URL. Admin may name several, a,b: tickets
	// go to the next where one does not answer.
	Target, Admin string
	// Key is the admin listener's key, "" if it has none.
	Key string
	// Matches is how many matches to make, Players how many bots play in each.
	Matches, Players int
	// Duration is how long to count.
	Duration time.Duration
	// Game is the name of the game, Games the games that the bots know, by name.
	Game  string
	Games map[string]game.Def
	// Matchmake has the bots look for matches with tickets, in parties of 1 to 4.
	Matchmake bool
	// TickHz is the tick rate to ask for, 0 for the game's own.
	TickHz int
	// Churn is the share of connections, 0 to 1, that is cut once every 5 s.
	Churn float64
	// Spread has every bot enter at a random node, first and whenever it comes back, in place of the one that plays its match.
	Spread bool
	// Scatter has every bot enter at a random node the first time only; it comes back where a player would.
	Scatter bool
	// Network is the name of a profile of package relay, "" for none.
	Network string
	// Skill of the bots, 0 to 100; 0 means 50.
	Skill int
	// Seed decides what the bots do, whose connections are cut, and what the network does; 0 means 1.
	Seed uint64
	// Settle is how long after the end a player may take to be heard of once more, and an answer to come; default 5 s.
	Settle time.Duration
	// JoinTimeout is how long all may take to join; default 30 s and 20 ms for every player.
	JoinTimeout time.Duration
	// End, if it is not nil, ends the counting before Duration is over, when it is closed.
	End <-chan struct{}
	// Sights, if it is not nil, receives every state frame that the bots see.
	Sights *Sights
	// Others are admin listeners of other nodes of the cluster: they are asked to delete a match where Admin cannot.
	Others []string
	// Progress receives one line a second, Log what goes wrong; both may be nil.
	Progress io.Writer
	Log      *slog.Logger
}

// Bounds of a run.
const (
	maxMatches = 10_000
	maxBots    = 20_000
)

// Validate reports the first thing wrong with a configuration, or nil.
func (c *Config) Validate() error {
	if _, err := baseURL(c.Target); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if _, err := newAdmins(nil, c.Admin); err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	if _, ok := c.Games[c.Game]; !ok {
		return fmt.Errorf("game %q is not known", c.Game)
	}
	if c.Network != "" {
		if _, err := relay.Lookup(c.Network); err != nil {
			return err
		}
	}
	switch {
	case c.Matches < 1 || c.Matches > maxMatches:
		return fmt.Errorf("matches: %d is not in 1 to %d", c.Matches, maxMatches)
	case c.Players < 1 || c.Players > game.MaxSeats:
		return fmt.Errorf("players: %d is not in 1 to %d", c.Players, game.MaxSeats)
	case c.Matches*c.Players > maxBots:
		return fmt.Errorf("%d bots in all, at most %d", c.Matches*c.Players, maxBots)
	case c.Duration <= 0:
		return errors.New("duration must be above 0")
	case c.Churn < 0 || c.Churn > 1:
		return fmt.Errorf("churn: %g is not in 0 to 1", c.Churn)
	case c.Skill < 0 || c.Skill > 100:
		return fmt.Errorf("skill: %d is not in 0 to 100", c.Skill)
	case c.TickHz < 0 || c.TickHz > game.MaxHz:
		return fmt.Errorf("tick rate: %d is not in 1 to %d", c.TickHz, game.MaxHz)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Skill == 0 {
		c.Skill = 50
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.Settle == 0 {
		c.Settle = settleWait
	}
	if c.JoinTimeout == 0 {
		c.JoinTimeout = 30*time.Second + time.Duration(c.Matches*c.Players)*20*time.Millisecond
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// baseURL turns HOST:PORT or a URL (http, https, ws or wss) into the base of HTTP calls, without a slash at its end.
func baseURL(addr string) (string, error) {
	if !strings.Contains(addr, "://") {
		addr = "http://" + addr
	}
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%.100q is neither HOST:PORT nor a URL", addr)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "http"
	case "https", "wss":
		u.Scheme = "https"
	default:
		return "", fmt.Errorf("%.100q: the scheme must be http or https", addr)
	}
	return u.Scheme + "://" + u.Host, nil
}

// playURL turns the address of a match into that of its WebSocket.
func playURL(addr string) (string, error) {
	base, err := baseURL(addr)
	if err != nil {
		return "", err
	}
	path := "/v1/play"
	if u, err := url.Parse(addr); err == nil && len(u.Path) > 1 {
		path = u.Path
	}
	return "ws" + strings.TrimPrefix(base, "http") + path, nil
}
