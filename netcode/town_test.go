package netcode

import (
	"context"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// town is a few edges with the same keys, known by name, and what they answer each other.
type town struct {
	t     testing.TB
	ctx   context.Context
	edges map[string]*edge

	mu    sync.Mutex // guards route, and edges against those who dial
	route map[string]func(ctx context.Context, match string, epoch uint32) (Route, error)
}

func playURL(name string) string { return "ws://" + name + "/v1/play" }

// inTown runs f in virtual time with an edge of each name.
func inTown(t *testing.T, names []string, f func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &town{t: t, ctx: ctx, edges: map[string]*edge{}, route: map[string]func(context.Context, string, uint32) (Route, error){}}
		keys := newKeys(t)
		for _, name := range names {
			w.edges[name] = startEdge(t, func(c *Config) {
				c.Keys, c.PublicURL = keys, playURL(name)
				c.Route = func(ctx context.Context, match string, epoch uint32) (Route, error) {
					w.mu.Lock()
					f := w.route[name]
					w.mu.Unlock()
					if f == nil {
						return Route{}, ErrUnknownMatch
					}
					return f(ctx, match, epoch)
				}
			})
		}
		defer func() {
			for _, e := range w.edges {
				e.stop()
			}
			cancel()
			synctest.Wait()
		}()
		f(t, w)
	})
}

// answer makes a node answer questions with f.
func (w *town) answer(name string, f func(ctx context.Context, match string, epoch uint32) (Route, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.route[name] = f
}

// always answers with one route.
func always(r Route, err error) func(context.Context, string, uint32) (Route, error) {
	return func(context.Context, string, uint32) (Route, error) { return r, err }
}

// dial connects by name.
func (w *town) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, _ := strings.Cut(addr, ":")
	w.mu.Lock()
	dial := w.edges[host].dial
	w.mu.Unlock()
	return dial(ctx, network, addr)
}

// through is a route that passes players on to a node.
func (w *town) through(name string) Route {
	return Route{Dial: func(ctx context.Context) (net.Conn, error) { return w.dial(ctx, "tcp", name+":80") }}
}

// play starts a client that enters at a node.
func (w *town) play(at, match, id string, change func(*client.Config)) *player {
	return w.edges[at].playAs(w.ctx, w.edges[at].token(match, id), &walker{}, func(c *client.Config) {
		c.URL, c.Dial = playURL(at), w.dial
		if change != nil {
			change(c)
		}
	})
}

// kill ends a node as a power cut would: not a word more to anybody, connections break.
func (w *town) kill(name string, standby *shadow) {
	e := w.edges[name]
	standby.freeze()
	for _, m := range e.srv.Matches() {
		m.Hold()
	}
	dead := newMemory()
	dead.Close()
	w.mu.Lock()
	e.dial = dead.dial
	w.mu.Unlock()
	e.srv.abort()
}

// shadow is a standby in the same process: it has every tick as soon as the owner has it.
type shadow struct {
	t      testing.TB
	core   *loop.Core
	mu     sync.Mutex // guards frozen, and core until then
	frozen bool       // it acknowledges nothing more
}

func (s *shadow) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = true
}

func (s *shadow) Record(rec *journal.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen {
		return
	}
	if err := s.core.Apply(rec); err != nil {
		s.t.Error(err)
	}
}

func (s *shadow) Checkpoint(uint32, []byte) {}

// shadowed starts a match at a node with a standby whose core may go on elsewhere.
func (w *town) shadowed(name, match string) (*Match, *shadow) {
	s := &shadow{t: w.t}
	m := w.edges[name].match(match, func(c *loop.Config) { c.Replica = s })
	core, err := loop.NewCore(m.Config().Game, m.Header())
	if err != nil {
		w.t.Fatal(err)
	}
	s.mu.Lock()
	s.core = core // no time has passed, so no tick has
	s.mu.Unlock()
	m.Release(math.MaxUint32)
	return m, s
}

// takeOver goes on with a match at a node.
func (w *town) takeOver(name, match string, s *shadow, epoch uint32) *Match {
	s.freeze()
	cfg := w.edges[name].config(match)
	cfg.Epoch = epoch
	m, err := w.edges[name].srv.Continue(cfg, s.core)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// dead is a node that does not answer.
func dead(context.Context) (net.Conn, error) { return nil, net.ErrClosed }

// moves counts the messages that send a player to an address.
func (r *tape) moves(url string) int {
	return r.count(func(m *wire.ServerMessage) bool {
		x, ok := schema.ReadMove(m)
		return ok && x.URL == url
	})
}

// standbys returns what a player was told after the welcome.
func (r *tape) standbys() (all []string) {
	r.count(func(m *wire.ServerMessage) bool {
		if x, ok := schema.ReadStandby(m); ok {
			all = append(all, x)
		}
		return false
	})
	return all
}

// over reports whether the connection has ended, with or without a close frame.
func (r *tape) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// freezer dials like the town, but from a moment on nothing that a node says arrives, nor anything from its listener.
func (w *town) freezer(name string, frozen <-chan struct{}) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, _ := strings.Cut(addr, ":")
		if host != name {
			return w.dial(ctx, network, addr)
		}
		select {
		case <-frozen:
			<-ctx.Done()
			return nil, ctx.Err()
		default:
		}
		c, err := w.dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		near, far := net.Pipe()
		pipe := func(dst, src net.Conn) {
			p := make([]byte, 4096)
			for {
				n, err := src.Read(p)
				select {
				case <-frozen:
					<-w.ctx.Done()
				default:
				}
				if err != nil {
					break
				}
				if _, err := dst.Write(p[:n]); err != nil {
					break
				}
			}
			dst.Close()
			src.Close()
		}
		go pipe(far, c)
		go pipe(c, far)
		return near, nil
	}
}
