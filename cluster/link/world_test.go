package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// identity is a certificate made once for all tests.
type identity struct {
	cert tls.Certificate
	hash [32]byte
}

var identities = func() map[string]identity {
	all := map[string]identity{}
	for _, name := range []string{"a", "b", "c", "d", "other:b", "other:z"} {
		id := name[len(name)-1:]
		cert, sum, err := NewCertificate(id)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		all[name] = identity{cert, sum}
	}
	return all
}()

// world is a network with nodes whose Config.Peer is one common table.
type world struct {
	t   *testing.T
	net *memNet

	mu    sync.Mutex
	peers map[string]Peer
}

func newWorld(t *testing.T) *world {
	return &world{t: t, net: newMemNet(), peers: map[string]Peer{}}
}

func (w *world) peer(id string) (Peer, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.peers[id]
	return p, ok
}

func (w *world) know(id string, p Peer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peers[id] = p
}

func (w *world) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.peers, id)
}

// node is a Links with its listener and what it was told.
type node struct {
	*Links
	w   *world
	srv *http.Server

	mu     sync.Mutex
	events []string // "up b", "down b: reason"
	ups    int
	downs  []error
	when   []time.Time // of downs
	got    []string    // messages
}

func (n *node) note(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

// counts returns how often Up and Down were called.
func (n *node) counts() (ups, downs int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ups, len(n.downs)
}

// node starts a node that answers "echo" with the body.
func (w *world) node(id string, change ...func(*Config)) *node {
	n := w.dialler(id, change...)
	n.srv = &http.Server{Handler: n.Links, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	ln := tls.NewListener(w.net.listen(id+":1"), n.TLS())
	go func() { _ = n.srv.Serve(ln) }()
	w.know(id, Peer{Addr: id + ":1", Cert: identities[id].hash})
	return n
}

// dialler is a node without a listener that nobody knows.
func (w *world) dialler(id string, change ...func(*Config)) *node {
	w.t.Helper()
	n := &node{w: w}
	cfg := Config{
		ID: id, Cert: identities[id].cert, Peer: w.peer, Dial: w.net.dial, Log: slog.New(slog.DiscardHandler),
		Call: func(_ context.Context, _, method string, body []byte) ([]byte, error) {
			if method != "echo" {
				return nil, &Error{Code: "unknown", Text: method}
			}
			return body, nil
		},
		Message: func(from string, kind uint8, body []byte) {
			n.note(func() { n.got = append(n.got, fmt.Sprintf("%s %d %s", from, kind, body)) })
		},
		Up: func(peer string) { n.note(func() { n.ups++; n.events = append(n.events, "up "+peer) }) },
		Down: func(peer string, err error) {
			n.note(func() {
				n.events = append(n.events, "down "+peer+": "+err.Error())
				n.downs = append(n.downs, err)
				n.when = append(n.when, time.Now())
			})
		},
		Stream: func(_, _ string, c net.Conn) { _, _ = io.Copy(c, c); _ = c.Close() },
	}
	for _, f := range change {
		f(&cfg)
	}
	l, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	n.Links = l
	return n
}

// close ends the node as a process does that stops.
func (n *node) close() {
	n.Links.Close()
	if n.srv != nil {
		_ = n.srv.Close()
	}
}

// kill ends all connections to the node's listener without a word.
func (n *node) kill(id string) {
	_ = n.srv.Close() // the listener
	n.w.net.each(id+":1", func(c *memConn) { _ = c.Close() })
}

// stall makes a node deaf and, for the others, dumb: its host is there and nothing moves.
func (w *world) stall(id string, on bool) {
	w.net.each(id+":1", func(c *memConn) { c.stall(on) })
	w.net.mu.Lock()
	w.net.hang[id+":1"] = on
	w.net.mu.Unlock()
}

func call(n *node, peer, body string) (string, error) {
	b, err := n.Call(context.Background(), peer, "echo", []byte(body))
	return string(b), err
}

func mustCall(t *testing.T, n *node, peer, body string) {
	t.Helper()
	if got, err := call(n, peer, body); err != nil || got != body {
		t.Fatalf("call of %s: %q, %v", peer, got, err)
	}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}
