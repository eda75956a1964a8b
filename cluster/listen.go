package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/netcode"
)

// Limits of the HTTP listeners. A client that is silent or drips its handshake is gone after readHeader; with TLS there
// are two handshakes, with readHeaderTLS for each.
const (
	readHeader    = 5 * time.Second
	readHeaderTLS = 2900 * time.Millisecond
	readBody      = 10 * time.Second // headers included
	writeBody     = 30 * time.Second // answers of the player listener; connections to /v1/play have limits of their own
	keepAlive     = 60 * time.Second
	longProfile   = 5 * time.Minute
	maxHeader     = 8 << 10 // bytes; net/http adds 4 KiB
)

// door is a listener with its HTTP server.
type door struct {
	name string
	addr net.Addr
	ln   net.Listener
	srv  *http.Server
	tls  bool
}

// medium is how a node listens, dials and is woken. The zero value of a field means the machine's.
type medium struct {
	listen func(network, addr string) (net.Listener, error)
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	gossip func(*member.Config)  // gives membership another transport
	alarm  func() *netcode.Alarm // wakes the process for ticks; nil where the system has none
}

func (w medium) withDefaults() medium {
	if w.listen == nil {
		w.listen = net.Listen
	}
	if w.dial == nil {
		w.dial = new(net.Dialer).DialContext
	}
	if w.gossip == nil {
		w.gossip = func(*member.Config) {}
	}
	if w.alarm == nil {
		w.alarm = func() *netcode.Alarm {
			a, err := netcode.NewAlarm()
			if err != nil {
				return nil
			}
			return a
		}
	}
	return w
}

// openDoor listens. Nothing is accepted before serve.
func (n *Node) openDoor(name, addr string) (*door, error) {
	ln, err := n.cfg.net.listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &door{name: name, addr: ln.Addr(), ln: ln}, nil
}

// playerServer gives the door what the player listener needs: a wrapped listener, so that connections can be switched to
// writes that never block, and TLS where there is a certificate.
func (d *door) playerServer(h http.Handler, cert *tls.Certificate, log *slog.Logger) {
	var t *tls.Config
	if cert != nil {
		t = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
	}
	conn := netcode.DefaultConnConfig()
	d.tls = t != nil
	d.ln = netcode.WrapListener(d.ln, &conn, t)
	d.srv = newServer(h, log)
	d.srv.WriteTimeout = writeBody
	if d.tls {
		d.srv.ReadHeaderTimeout = readHeaderTLS
	}
}

// adminServer has no limit for answers, and a long one for requests, since net/http cancels what still runs when it is
// over: a CPU profile takes as long as it was asked for.
func (d *door) adminServer(h http.Handler, log *slog.Logger) {
	d.srv = newServer(h, log)
	d.srv.ReadTimeout = longProfile
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           recovered(h, log),
		ReadHeaderTimeout: readHeader,
		ReadTimeout:       readBody,
		IdleTimeout:       keepAlive,
		MaxHeaderBytes:    maxHeader,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2: it has no upgrade
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),        // what clients do wrong is not the operator's business
	}
}

// serve accepts until the door is closed.
func (d *door) serve() error {
	if err := d.srv.Serve(d.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return nil
}

// close ends the listener and what is left of its connections.
func (d *door) close() {
	if d.srv != nil {
		_ = d.srv.Close() // closing twice is no harm
	}
	_ = d.ln.Close()
}

// loadCertificate reads the certificate of the player listener; nil if none is configured.
func loadCertificate(cfg *Config) (*tls.Certificate, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &cert, nil
}

// recovered answers 500 where a handler panics, and says so in the log.
func recovered(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p) // net/http drops the connection, and expects this
			default:
				log.Error("request failed", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
