package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"slices"
	"time"
)

// Config is what the API is made from.
type Config struct {
	Node    Node         // required
	Addr    string       // HOST:PORT of the listener, for the check of the Host header
	Key     string       // what callers must bring as bearer token; "": nothing, on loopback only
	ReadKey string       // with it, callers may read; "": nobody may read only. It needs Key
	Version string       // of the program, for the API document
	Routes  []Route      // operations besides those of this package
	Log     *slog.Logger // default: slog.Default
}

// errKey is what Validate says about a listener that everybody can reach.
var errKey = errors.New("an admin listener that is not on loopback needs a key (OVERTIME_ADMIN_KEY)")

// Validate reports the first thing wrong with a configuration, or nil.
func (c Config) Validate() error {
	switch {
	case c.Key == "" && !IsLoopback(hostname(c.Addr)):
		return errKey
	case c.Key == "" && c.ReadKey != "":
		return errors.New("a key that may only read (OVERTIME_ADMIN_READ_KEY) needs one that may do more (OVERTIME_ADMIN_KEY)")
	case c.Key == c.ReadKey && c.Key != "":
		return errors.New("the two admin keys must differ")
	}
	return nil
}

// Server answers requests of operators. Safe for concurrent use.
type Server struct {
	// static after New
	cfg      Config
	table    table
	document []byte
	limiter  *Limiter

	bodies room // of requests that are being answered
}

// New returns the API of a node. It panics over routes that contradict each other.
func New(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, limiter: NewLimiter(rate, burst, addresses)}
	known := newSchemas()
	s.table = newTable(slices.Concat(s.matchRoutes(), s.operateRoutes(), s.nodeRoutes(), s.otherRoutes(), s.consoleRoutes(), cfg.Routes), known)
	s.document = document(s.table, known, cfg.Version)
	return s, nil
}

// otherRoutes are those that do not answer with JSON of their own.
func (s *Server) otherRoutes() []Route {
	list := []Route{
		Raw("openapi", "GET /v1/openapi.json", "application/json", "This document", http.HandlerFunc(s.openAPI)),
		Raw("metrics", "GET /metrics", "text/plain", "Metrics in the text format of Prometheus", metrics(s.cfg.Node, &s.limiter.refused, s.cfg.Log)),
	}
	for path, h := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		list = append(list, Raw("", "GET /debug/pprof/"+path, "", "", h).Only(RoleOperate)) // memory holds secrets
	}
	return list
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	role, err := s.admit(r)
	if err != nil && !(errors.Is(err, errKeyMissing) && s.open(r)) {
		if errors.Is(err, errKeyMissing) {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		s.fail(w, r, err)
		return
	}
	s.serve(w, r, role)
}

// open says whether a request may come from anybody who reaches the listener.
func (s *Server) open(r *http.Request) bool {
	parts, err := pathParts(r)
	if err != nil {
		return false
	}
	route, _, _ := s.table.find(r.Method, parts)
	return route != nil && route.role == RoleNone
}

// serve answers a request of somebody with a role.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, role Role) {
	parts, err := pathParts(r)
	if err != nil {
		s.fail(w, r, errNoPath)
		return
	}
	route, vars, allowed := s.table.find(r.Method, parts)
	switch {
	case route == nil && len(allowed) == 0:
		s.fail(w, r, errNoPath)
	case route == nil:
		w.Header()["Allow"] = allowed
		s.fail(w, r, errMethod)
	case route.role > role:
		s.fail(w, r, errRole)
	case route.raw != nil:
		route.raw.ServeHTTP(w, r)
	default:
		if err := s.operate(w, r, route, vars); err != nil {
			s.fail(w, r, err)
		}
	}
}

// NotHere answers a request that no route of mux takes: 405 where other methods are served, else 404. The player listener uses it.
func NotHere(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(probe); pattern != "/" && pattern != "" && method != r.Method {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		Fail(w, errNoPath)
		return
	}
	w.Header()["Allow"] = allowed
	Fail(w, errMethod)
}

// bodyTime gives a request's body some time to come, and 0 all time: the server's own limit is long, for profiles.
func bodyTime(w http.ResponseWriter, d time.Duration) {
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = http.NewResponseController(w).SetReadDeadline(at) // the writer of an answer for another node has none
}
