package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
)

// CloseError is how Run ends when the server closed the connection for good.
type CloseError struct {
	Code   schema.CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("closed by the server: %d %s (%s)", uint16(e.Code), e.Code, e.Reason)
}

// Errors of Run and of the methods for handlers.
var (
	ErrGaveUp  = errors.New("client: could not come back in time")
	ErrRefused = errors.New("client: the server refuses the connection") // an HTTP status in place of a WebSocket
	ErrBusy    = errors.New("client: too many commands are waiting")
	ErrCommand = errors.New("client: command too long")
)

// Client is one player's connection to one match, across losses and moves. Make it with New, serve it with Run.
type Client struct {
	cfg   Config // static after construction
	start time.Time
	count counters

	// Owned by the goroutine that serves: that of Run, or of the runner that has won a race while Run waits for it.
	link      *link // the connection, nil between connections
	writer    schema.ClientWriter
	state     *delta.State
	welcome   schema.Welcome
	resume    string      // newest resume token
	url       string      // of the last welcome
	stoodBy   string      // of the node that was named last as a standby
	trying    string      // of the connection
	move      schema.Move // where the server sends us
	epoch     uint32      // the highest seen; whatever is of a lower one is old
	clock     clock
	ack       ackRow
	pending   pending
	commands  []command // not yet applied by the server, oldest first
	command   uint32    // number of the last command
	message   uint32    // number of the last reliable message handed out
	roster    []schema.RosterEntry
	messages  []schema.Message
	staged    []schema.Sample // to be sent when the handler returns
	unacked   bool            // the server must be told what has arrived
	acked     uint32          // tick of the state that it was told of last
	lastFrame time.Duration   // when the last state frame came; 0 before the first
	wantKey   time.Duration   // when a keyframe was asked for; 0 if none is on its way
	ping      uint32          // value of the ping on its way, 0 if none
	pingAt    time.Duration   // when the last was sent
	pings     int             // sent on this connection

	mu      sync.Mutex // guards the following fields
	conn    net.Conn   // what Cut closes
	ws      *gws.Conn
	cutting bool // by Cut
	leaving bool
	left    chan struct{} // closed by Leave
}

// New returns a client that Run has to be called on, once.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Client{cfg: cfg.withDefaults(), start: time.Now(), left: make(chan struct{})}, nil
}

// now is the time since the client began; never 0.
func (c *Client) now() time.Duration { return time.Since(c.start) + 1 }

// Run plays until the client has left (nil), ctx ends (its error), the server closes for good (*CloseError), or the client
// cannot come back (ErrGaveUp, ErrRefused).
func (c *Client) Run(ctx context.Context) error {
	wait := backoff{c.cfg.BackOff, c.cfg.MaxBackOff, rand.New(rand.NewPCG(c.cfg.Seed, 1))}
	plan := plan{giveUp: c.cfg.GiveUp}
	plan.start(c.now())
	for attempt := 0; ; attempt++ {
		end := c.connect(ctx, attempt)
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.isLeaving() {
			return nil
		}
		c.move = end.move
		step := plan.next(end, c.now())
		if step.err != nil {
			return step.err
		}
		if end.welcomed {
			attempt = 0
			c.cfg.Log.Debug("connection lost", "code", uint16(end.code), "err", end.err)
		}
		if step.wait >= 0 && !c.sleep(ctx, wait.wait(step.wait)) && ctx.Err() != nil {
			return ctx.Err()
		}
		if c.isLeaving() {
			return nil
		}
	}
}

// sleep waits; it returns false early when the client leaves or ctx ends.
func (c *Client) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-c.left:
	}
	return false
}

// View is the state of the match as of the last state frame, for use inside handlers. It is nil before the first welcome.
func (c *Client) View() game.View {
	if c.state == nil {
		return nil
	}
	return c.state
}

// Player returns the player's number in the match, 0 before the first welcome. For use inside handlers.
func (c *Client) Player() uint32 { return c.welcome.Player }

// Kind returns the index and the field table of a kind of row by its name. For use inside handlers.
func (c *Client) Kind(name string) (uint8, schema.Kind, bool) {
	for i, k := range c.welcome.Kinds {
		if k.Name == name {
			return uint8(i), k, true
		}
	}
	return 0, schema.Kind{}, false
}

// Unanswered counts the samples that were sent at least age ago and that the server has not answered. For use inside
// handlers, and after Run has returned.
func (c *Client) Unanswered(age time.Duration) int { return c.pending.before(c.now() - age) }

// Leave gives up the seat and ends Run. Any goroutine may call it.
func (c *Client) Leave() {
	c.mu.Lock()
	if c.leaving {
		c.mu.Unlock()
		return
	}
	c.leaving = true
	close(c.left)
	ws, conn := c.ws, c.conn
	c.mu.Unlock()
	switch {
	case ws != nil:
		var w schema.ClientWriter
		ws.WriteMessage(gws.OpcodeBinary, w.Leave())
		conn.SetDeadline(time.Now().Add(leaveWait))
	case conn != nil:
		conn.Close()
	}
}

// leaveWait is how long the server has to close the connection of a player who left.
const leaveWait = 2 * time.Second

// Cut breaks the connection without a word, as a network would; the client then comes back by itself. Any goroutine may
// call it.
func (c *Client) Cut() {
	c.mu.Lock()
	conn := c.conn
	c.cutting = conn != nil
	c.mu.Unlock()
	switch x := conn.(type) {
	case nil:
	case interface{ Cut(reset bool) }:
		x.Cut(false)
	default:
		conn.Close()
	}
}

func (c *Client) isLeaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaving
}

// hold makes a connection the one that Cut and Leave act on. It returns false if the client has left.
func (c *Client) hold(conn net.Conn, ws *gws.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.ws = conn, ws
	if ws == nil {
		c.cutting = false
	}
	return !c.leaving
}
