package netcode

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/game/tag"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
)

// memory is a listener whose connections are pipes, so that it works in virtual time.
type memory struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *memory) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *memory) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *memory) dial(context.Context, string, string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case l.conns <- a:
		return b, nil
	case <-l.done:
		return nil, errors.New("listener is closed")
	}
}

// dialer makes connections to an edge.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// edge is a Server behind a listener, with net/http set up as the product does.
type edge struct {
	t    testing.TB
	srv  *Server
	addr string
	dial dialer
	http *http.Server
	keys *token.Keyring
}

// startEdge starts a server behind an in-memory listener, for virtual time.
func startEdge(t testing.TB, change func(*Config)) *edge {
	t.Helper()
	l := newMemory()
	return serveEdge(t, l, l.dial, change)
}

// startTCP starts a server on a loopback port.
func startTCP(t testing.TB, change func(*Config)) *edge {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveEdge(t, l, new(net.Dialer).DialContext, change)
}

func serveEdge(t testing.TB, l net.Listener, dial dialer, change func(*Config)) *edge {
	t.Helper()
	cfg := Config{Keys: newKeys(t), Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	srv, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{t: t, srv: srv, addr: l.Addr().String(), dial: dial, keys: cfg.Keys}
	e.http = &http.Server{Handler: srv, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go e.http.Serve(WrapListener(l, &srv.cfg.Conn, nil))
	return e
}

func newKeys(t testing.TB) *token.Keyring {
	t.Helper()
	var k token.Key
	rand.Read(k[:])
	keys, err := token.NewKeyring([]token.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// stop shuts the server down; nothing of it may be left.
func (e *edge) stop() {
	e.t.Helper()
	fence.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.srv.Shutdown(ctx); err != nil {
		e.t.Error(err)
	}
	e.http.Close()
	if n := e.srv.stats.Panics.Load(); n != 0 {
		e.t.Errorf("%d panics below connections", n)
	}
}

func (e *edge) match(id string, change func(*loop.Config)) *Match {
	e.t.Helper()
	cfg := e.config(id)
	if change != nil {
		change(&cfg)
	}
	m, err := e.srv.Create(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	return m
}

func (e *edge) config(id string) loop.Config {
	return loop.Config{ID: id, Game: tag.Game(), Seed: 1, Log: slog.New(slog.DiscardHandler)}
}

func (e *edge) token(match, id string) string {
	return e.sign(token.Player{Match: match, ID: id})
}

// sign fills in what is missing in p and signs it.
func (e *edge) sign(p token.Player) string {
	e.t.Helper()
	if p.Name == "" {
		p.Name = p.ID
	}
	if p.Expiry.IsZero() {
		p.Expiry = time.Now().Add(time.Hour)
	}
	s, err := e.keys.SignPlayer(p)
	if err != nil {
		e.t.Fatal(err)
	}
	return s
}

// walker is a player who walks and counts.
type walker struct {
	client.Nop
	mu       fenced
	welcomes int
	frames   int
	player   uint32
	roster   []schema.RosterEntry
	messages []string
	results  int
	onFrame  func(c *client.Client, tick uint32) // in addition; may be nil
	brain    game.Brain                          // plays in place of the walk; may be nil
}

func (w *walker) Welcome(_ *client.Client, m *schema.Welcome, _ bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.welcomes++
	w.player = m.Player
}

func (w *walker) Frame(c *client.Client, tick uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames++
	if w.brain != nil {
		c.Send(w.brain.Think(c.View(), c.Player()))
	} else {
		c.Send(game.Input{Axes: [4]int16{int16(1000 * (tick % 30)), -500}})
	}
	if w.onFrame != nil {
		w.onFrame(c, tick)
	}
}

func (w *walker) Roster(_ *client.Client, all []schema.RosterEntry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roster = append(w.roster[:0], all...)
}

func (w *walker) Message(_ *client.Client, kind uint8, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind == schema.MessageResult {
		w.results++
		return
	}
	w.messages = append(w.messages, string(data))
}

// player is a running client.
type player struct {
	*client.Client
	*walker
	done <-chan error
}

// play starts a client with a token of its own.
func (e *edge) play(ctx context.Context, match, id string) *player {
	return e.playAs(ctx, e.token(match, id), &walker{}, nil)
}

func (e *edge) playAs(ctx context.Context, tok string, w *walker, change func(*client.Config)) *player {
	e.t.Helper()
	cfg := client.Config{URL: "ws://" + e.addr + "/v1/play", Token: tok, Dial: e.dial, Handler: w}
	if change != nil {
		change(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return &player{c, w, done}
}

// get reads a walker's field under its lock.
func get[T any](w *walker, f func() T) T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f()
}

// honest fails the test if the client saw anything wrong.
func (p *player) honest(t testing.TB) client.Stats {
	t.Helper()
	s := p.Stats()
	if s.HashMismatches != 0 || s.DecodeErrors != 0 {
		t.Errorf("player %d: %d hash mismatches, %d decode errors", p.player, s.HashMismatches, s.DecodeErrors)
	}
	return s
}

// virtual runs f in virtual time with an edge that is stopped, and whose clients are ended, at the end.
func virtual(t *testing.T, change func(*Config), f func(t *testing.T, ctx context.Context, e *edge)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := startEdge(t, change)
		ctx, cancel := context.WithCancel(t.Context())
		defer func() {
			e.stop()
			cancel()
			synctest.Wait()
		}()
		f(t, ctx, e)
	})
}

// fence orders what a test reads before it lets time pass with what its clients note after that: virtual time alone does not.
var fence atomic.Uint64

// fenced is a mutex of what clients note, which a test may read without it when everything has settled.
type fenced struct{ sync.Mutex }

func (f *fenced) Lock() {
	fence.Load()
	f.Mutex.Lock()
}

// after lets virtual time pass, and everything that is due then happen.
func after(d time.Duration) {
	fence.Add(1)
	time.Sleep(d)
	synctest.Wait()
}
