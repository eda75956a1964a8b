package netcode

import (
	"context"
	"errors"
	"net"
	"time"
)

// Route says how a player reaches a match that is not here. The first field that is set counts, in this order.
type Route struct {
	// Here: the match is played on this node by now; look again.
	Here bool
	// URL is the ws:// or wss:// address of the node that plays it: the player is sent there (Move, then 4010).
	URL string
	// Dial connects to the player edge of the node that plays it, which must serve GET /v1/play on the connection: the player's
	// bytes are passed on through this node. It is called once, on the player's connection's goroutine; ctx ends after routeTimeout.
	Dial func(ctx context.Context) (net.Conn, error)
}

// Errors of Config.Route.
var (
	// ErrUnknownMatch says that nobody plays the match: the player is told 4004. Any other error but ErrBusy means the same.
	ErrUnknownMatch = errors.New("unknown match")
	// ErrBusy says that the match exists and cannot be reached right now: the player is told 4013 and tries again.
	ErrBusy = errors.New("match cannot be reached")
)

// RouteFunc answers where a match is played; see Config.Route.
type RouteFunc = func(ctx context.Context, match string, epoch uint32) (Route, error)

// routeTimeout is how long a question may take, and how long connecting to another node's edge.
const routeTimeout = 2 * time.Second
