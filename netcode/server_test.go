package netcode

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
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

// edge is a Server behind an in-memory listener.
type edge struct {
	t    *testing.T
	srv  *Server
	net  *memory
	http *http.Server
	keys *token.Keyring
}

func startEdge(t *testing.T, change func(*Config)) *edge {
	t.Helper()
	keys, err := token.NewKeyring([]token.Key{token.GenerateKey()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Keys: keys}
	if change != nil {
		change(&cfg)
	}
	srv, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{t: t, srv: srv, net: newMemory(), keys: keys, http: &http.Server{Handler: srv, ReadHeaderTimeout: 5 * time.Second}}
	conn := DefaultConnConfig()
	go e.http.Serve(WrapListener(e.net, &conn, nil))
	return e
}

func (e *edge) stop() {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.srv.Shutdown(ctx); err != nil {
		e.t.Error(err)
	}
	e.http.Close()
	synctest.Wait()
}

func (e *edge) match(id string, change func(*loop.Config)) *Match {
	e.t.Helper()
	cfg := loop.Config{ID: id, Game: tag.Game(), Seed: 1}
	if change != nil {
		change(&cfg)
	}
	m, err := e.srv.Create(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	return m
}

func (e *edge) token(match, id string) string {
	e.t.Helper()
	s, err := e.keys.SignPlayer(token.Player{Match: match, ID: id, Name: id, Expiry: time.Now().Add(time.Hour)})
	if err != nil {
		e.t.Fatal(err)
	}
	return s
}

// walker is a player who walks and counts.
type walker struct {
	client.Nop
	mu       sync.Mutex
	welcomes int
	frames   int
	player   uint32
	roster   int
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
	c.Send(game.Input{Axes: [4]int16{int16(1000 * (tick % 30)), -500}})
}

func (w *walker) Roster(_ *client.Client, all []schema.RosterEntry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roster = len(all)
}

func (e *edge) play(ctx context.Context, match, id string) (*client.Client, *walker, <-chan error) {
	e.t.Helper()
	w := &walker{}
	c, err := client.New(client.Config{URL: "ws://127.0.0.1:1/v1/play", Token: e.token(match, id), Dial: e.net.dial, Handler: w})
	if err != nil {
		e.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return c, w, done
}

func TestPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEdge(t, nil)
		e.match("m", nil)
		ctx, cancel := context.WithCancel(t.Context())
		var clients []*client.Client
		var walkers []*walker
		var dones []<-chan error
		for _, id := range []string{"a", "b", "c"} {
			c, w, done := e.play(ctx, "m", id)
			clients, walkers, dones = append(clients, c), append(walkers, w), append(dones, done)
		}
		time.Sleep(10 * time.Second)
		for i, w := range walkers {
			s := clients[i].Stats()
			w.mu.Lock()
			if w.welcomes != 1 || w.frames < 295 || w.roster != 3 {
				t.Errorf("player %d: %d welcomes, %d frames, roster %d", i, w.welcomes, w.frames, w.roster)
			}
			w.mu.Unlock()
			if s.HashMismatches != 0 || s.DecodeErrors != 0 || s.HashChecks < 295 {
				t.Errorf("player %d: %+v", i, s)
			}
			t.Logf("%+v", s)
		}
		number := walkers[1].player
		clients[1].Cut()
		time.Sleep(3 * time.Second)
		if s := clients[1].Stats(); s.Reconnects != 1 || walkers[1].player != number {
			t.Errorf("after a cut: %+v, player %d", s, walkers[1].player)
		}
		e.stop()
		cancel()
		for _, d := range dones {
			t.Log(<-d)
		}
	})
}
