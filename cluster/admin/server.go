package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
)

// Config is what the API is made from.
type Config struct {
	Node Node         // required
	Addr string       // HOST:PORT of the listener, for the check of the Host header
	Key  string       // what callers must bring as bearer token; "": nothing, on loopback only
	Log  *slog.Logger // default: slog.Default
}

// errKey is what Validate says about a listener that everybody can reach.
var errKey = errors.New("an admin listener that is not on loopback needs a key (OVERTIME_ADMIN_KEY)")

// Validate reports the first thing wrong with a configuration, or nil.
func (c Config) Validate() error {
	if c.Key == "" && !IsLoopback(hostname(c.Addr)) {
		return errKey
	}
	return nil
}

// Server answers requests of operators. Safe for concurrent use.
type Server struct {
	// static after New
	cfg   Config
	inner http.Handler // of requests that may be answered
	gated http.Handler
}

// New returns the API of a node.
func New(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	s.inner = s.routes()
	s.gated = s.gate(s.inner)
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.gated.ServeHTTP(w, r) }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/matches", s.createMatch)
	mux.HandleFunc("GET /v1/matches", s.listMatches)
	mux.HandleFunc("GET /v1/matches/{id}", s.atOwner(s.getMatch))
	mux.HandleFunc("DELETE /v1/matches/{id}", s.atOwner(s.deleteMatch))
	mux.HandleFunc("POST /v1/matches/{id}/tokens", s.atOwner(s.signTokens))
	mux.HandleFunc("GET /v1/nodes", s.listNodes)
	mux.Handle("GET /metrics", metrics(s.cfg.Node, s.cfg.Log))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { NotHere(w, r, mux) })
	return mux
}

// NotHere answers a request that no route of mux takes: 405 where other methods are served, else 404.
func NotHere(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(probe); pattern != "/" && pattern != "" && method != r.Method {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		Problem(w, http.StatusNotFound, "nothing is served at this path")
		return
	}
	w.Header()["Allow"] = allowed
	Problem(w, http.StatusMethodNotAllowed, "this path takes other methods")
}
