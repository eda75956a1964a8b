package link

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Links are a node's connections to its peers. All methods may be called from any goroutine.
type Links struct {
	cfg   Config
	count counters
}

// New checks the configuration. Nothing is dialled before somebody asks.
func New(cfg Config) (*Links, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Links{cfg: cfg, count: newCounters()}, nil
}

var errNotYet = errors.New("link: not built yet")

// From returns the id of the node that made a request on the link listener, proven by its certificate.
func (l *Links) From(r *http.Request) (string, error) { return "", errNotYet }

// ServeHTTP takes connections of peers: GET /link/v1 with Upgrade: overtime-link, on a net/http server that listens with
// TLS().
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.Error(w, errNotYet.Error(), http.StatusNotImplemented)
}

// Call asks a peer and waits for its answer, until ctx ends and at most for Config.CallTimeout; the peer's handler is
// given the time that is left. It connects first where there is no connection. Errors: ErrUnknown, ErrDown, ErrFull,
// ErrTooLarge, ErrClosed, *Error from the peer, context.DeadlineExceeded, context.Canceled. body may be reused when Call has
// returned; the answer is the caller's.
func (l *Links) Call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	return nil, errNotYet
}

// Send queues a one-way message and never blocks. Messages arrive in order, or are lost with the connection (Down says so).
// ErrDown when there is no connection: one is being made. ErrFull, ErrUnknown, ErrTooLarge, ErrClosed. body may be reused
// when Send has returned.
func (l *Links) Send(peer string, kind uint8, body []byte) error { return errNotYet }

// Watch keeps a connection to the peer up until release is called: it is dialled again with back-off, and silence is
// noticed. Watches are counted; release may be called more than once. A peer that is not known yet is dialled once it is.
func (l *Links) Watch(peer string) (release func()) { return func() {} }

// Open makes a bulk connection: bytes on it delay nothing else. The caller closes it; Close of Links does too. Errors as of
// Call.
func (l *Links) Open(ctx context.Context, peer, kind string) (net.Conn, error) { return nil, errNotYet }

// Silent returns the time since anything came from a peer on its connection, now or before; the largest duration if
// nothing ever came.
func (l *Links) Silent(peer string) time.Duration { return 0 }

// Stats returns the counters.
func (l *Links) Stats() Stats { return Stats{} }

// Close tells the peers, writes out what is queued for at most 250 ms, ends everything and waits for all goroutines,
// handlers of calls and bulk connections included (their contexts end, their connections are closed).
func (l *Links) Close() {}
