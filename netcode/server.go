package netcode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
)

// Errors of Server.Create.
var (
	ErrFull     = errors.New("server is full")
	ErrDraining = errors.New("server is draining")
	ErrExists   = errors.New("match exists")
)

// Server is the edge of one node: it hosts matches and connects players to them. Its methods may be called from any
// goroutine.
type Server struct {
	// static after New
	cfg      Config
	upgrader *gws.Upgrader
	deflate  *cohort.Compressor
	stats    *Stats
	ctx      context.Context // ended by Shutdown: ends the sweeper, the pens, questions, and what is passed on
	cancel   context.CancelFunc
	sweeper  sync.WaitGroup
	pens     pens

	mu        sync.Mutex // guards the following
	matches   map[string]*Match
	sessions  map[*session]struct{}
	questions map[*question]struct{} // at most maxQuestions
	draining  bool
	stopped   bool
	empty     chan struct{} // closed when draining and nothing is left
}

// New returns a server without matches. Shutdown must be called at the end.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Origins == nil {
		if cfg.Origins, err = NewOrigins(nil); err != nil {
			return nil, err
		}
	}
	s := &Server{
		cfg: cfg, stats: newStats(), deflate: cohort.NewCompressor(),
		matches: map[string]*Match{}, sessions: map[*session]struct{}{}, questions: map[*question]struct{}{}, empty: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.upgrader = gws.NewUpgrader(&handler{}, UpgradeOption(&s.cfg.Conn))
	s.sweeper.Go(s.sweep)
	s.pens.start(s.ctx)
	return s, nil
}

// Stats returns the server's counters.
func (s *Server) Stats() *Stats { return s.stats }

// Bytes returns the bytes read from and written to players' sockets so far.
func (s *Server) Bytes() (in, out uint64) {
	s.mu.Lock()
	live := make([]*session, 0, len(s.sessions))
	for x := range s.sessions {
		live = append(live, x)
	}
	s.mu.Unlock()
	s.stats.mu.Lock()
	in, out = s.stats.in, s.stats.out
	s.stats.mu.Unlock()
	for _, x := range live {
		c := x.Conn.Stats()
		in += c.BytesIn
		out += c.BytesOut
	}
	return in, out
}

// Create starts a match. The configuration's phase is chosen here, so that the ticks of a node's matches are spread over
// the interval. Errors: ErrFull, ErrDraining, ErrExists, and those of loop.Start.
func (s *Server) Create(cfg loop.Config) (*Match, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return nil, ErrDraining
	case len(s.matches) >= s.cfg.MaxMatches:
		return nil, ErrFull
	case s.matches[cfg.ID] != nil:
		return nil, fmt.Errorf("%w: %s", ErrExists, cfg.ID)
	}
	cfg.Phase = s.phaseLocked()
	return s.hostLocked(&cfg, func(m *Match) (*loop.Match, error) { return loop.Start(cfg, m) })
}

// phases is how many different ones the matches of a node have: few enough that the process is not woken for each of many matches by itself,
// and so many that those of one phase do not wait long for each other.
const phases = 32

// phaseLocked returns the phase that the fewest matches have. Called with mu held.
func (s *Server) phaseLocked() float64 {
	var taken [phases + 1]int
	for _, m := range s.matches {
		taken[int(math.Round(m.phase*phases))]++
	}
	best := phases
	for i := range phases { // neighbours in time come late
		if p := i*7%phases + 1; taken[p] < taken[best] {
			best = p
		}
	}
	return float64(best) / phases
}

// Continue takes a match over where core stands: this node stood by for it, or it moved here. Players come with their resume tokens;
// those who wait here for the match are let in at once. It is done also when the node is full or drains: the match would be lost otherwise.
// Errors: ErrDraining after Shutdown, ErrExists, and those of loop.Continue.
func (s *Server) Continue(cfg loop.Config, core *loop.Core) (*Match, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, ErrDraining
	case s.matches[cfg.ID] != nil:
		return nil, fmt.Errorf("%w: %s", ErrExists, cfg.ID)
	}
	return s.hostLocked(&cfg, func(m *Match) (*loop.Match, error) { return loop.Continue(cfg, core, m) })
}

// hostLocked starts a match and makes it known. Called with mu held.
func (s *Server) hostLocked(cfg *loop.Config, start func(*Match) (*loop.Match, error)) (*Match, error) {
	kinds := loop.Kinds(cfg.Game)
	tables, err := delta.NewTables(kinds)
	if err != nil {
		return nil, fmt.Errorf("game %s: %w", cfg.Game.Name, err)
	}
	if s.cfg.Alarm != nil {
		cfg.Alarm = s.cfg.Alarm.At
	}
	m := newMatch(s, tables, delta.KindsToWire(kinds))
	m.phase = cfg.Phase
	if m.Match, err = start(m); err != nil {
		return nil, err
	}
	m.begin()
	s.matches[cfg.ID] = m
	s.answerLocked(cfg.ID)
	return m, nil
}

// Match returns a running match, or nil.
func (s *Server) Match(id string) *Match {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.matches[id]
}

// Matches returns the running matches, ascending by id.
func (s *Server) Matches() []*Match {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Match, 0, len(s.matches))
	for _, m := range s.matches {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *Match) int { return cmp.Compare(a.ID(), b.ID()) })
	return all
}

// Players returns the number of open connections.
func (s *Server) Players() int { return int(s.stats.Connections.Load()) }

// forgetMatch forgets a match that has ended, unless it has come back since.
func (s *Server) forgetMatch(m *Match) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.matches[m.ID()] == m {
		delete(s.matches, m.ID())
	}
	s.checkEmptyLocked()
}

// crowded reports whether no further connection is accepted: the server stops, or has more connections than players can
// explain.
func (s *Server) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crowdedLocked()
}

func (s *Server) crowdedLocked() bool {
	return s.stopped || len(s.sessions) >= s.cfg.MaxPlayers+s.cfg.MaxPlayers/8+64
}

// add registers a connection that is ready to be written to: from here on the sweeper and Shutdown use it.
func (s *Server) add(x *session) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crowdedLocked() {
		return false
	}
	s.sessions[x] = struct{}{}
	s.stats.Connections.Add(1)
	return true
}

func (s *Server) removeSession(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sessions[x]; !ok {
		return
	}
	delete(s.sessions, x)
	s.stats.Connections.Add(-1)
	s.checkEmptyLocked()
}

func (s *Server) checkEmptyLocked() {
	if s.stopped && len(s.matches) == 0 && len(s.sessions) == 0 {
		select {
		case <-s.empty:
		default:
			close(s.empty)
		}
	}
}

// full reports whether no further player may join, and why.
func (s *Server) full() (why string, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return "draining", true
	case len(s.sessions) > s.cfg.MaxPlayers:
		return "full", true
	}
	return "", false
}

// Drain refuses new matches and new players from now on; who is there stays.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// Shutdown ends every match and every connection with 4013 and waits until all are gone or ctx is over. It is called once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining, s.stopped = true, true
	matches := make([]*Match, 0, len(s.matches))
	for _, m := range s.matches {
		matches = append(matches, m)
	}
	waiting := make([]*session, 0)
	for x := range s.sessions {
		waiting = append(waiting, x)
	}
	s.checkEmptyLocked()
	s.mu.Unlock()
	for _, m := range matches {
		m.Stop(loop.OverShutdown)
	}
	for _, x := range waiting {
		if x.match.Load() == nil {
			x.end(schema.CloseUnavailable, "server is stopping")
		}
	}
	s.cancel()
	s.sweeper.Wait()
	s.pens.done.Wait()
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		s.abort()
		return fmt.Errorf("shutdown: %w", ctx.Err())
	}
}

// abort ends what is left, hard.
func (s *Server) abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for x := range s.sessions {
		x.Abort()
	}
}

// Heartbeat: a ping without payload every pingEvery; a connection that was silent for silenceLimit ends with 4009.
const (
	sweepEvery   = time.Second
	pingEvery    = 5 * time.Second
	silenceLimit = 10 * time.Second
)

// sweep is the goroutine that keeps the heartbeat of all connections.
func (s *Server) sweep() {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	var live []*session
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
		}
		live = live[:0]
		s.mu.Lock()
		for x := range s.sessions {
			live = append(live, x)
		}
		s.mu.Unlock()
		for _, x := range live {
			x.heartbeat()
		}
		clear(live)
	}
}

// ServeHTTP is GET /v1/play.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch status, problem := CheckUpgrade(r); {
	case !s.cfg.Origins.Allowed(r):
		s.turnAway(w, "origin", http.StatusForbidden, "origin not allowed")
	case status != 0:
		w.Header().Set("Sec-WebSocket-Version", "13")
		s.turnAway(w, "upgrade", status, problem)
	case s.crowded():
		w.Header().Set("Retry-After", "5")
		s.turnAway(w, "connections", http.StatusServiceUnavailable, "too many connections")
	default:
		s.accept(w, r)
	}
}

// bodyTimeout is how long the body of a refused handshake may take.
const bodyTimeout = time.Second

// turnAway answers a handshake that is refused, and ends the connection: net/http would otherwise wait for the rest of the
// request's body, before the answer and after it, for ever if it does not come.
func (s *Server) turnAway(w http.ResponseWriter, why string, status int, problem string) {
	s.stats.refuse(why)
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // fails only where there is no connection
	http.Error(w, problem, status)
}

// accept makes a session of a handshake and serves it to its end, on a goroutine of its own: the one of net/http keeps 13 KiB of
// buffers, request and stack alive for as long as it runs.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) {
	var shake *handshakeCopy
	if s.cfg.Route != nil {
		shake = copyHandshake(r) // before it is rewritten for gws
	}
	c, err := Hijack(w, r, &s.cfg.Conn)
	if err != nil {
		s.turnAway(w, "upgrade", http.StatusBadRequest, "cannot upgrade")
		return
	}
	x := newSession(s, c)
	x.shake, c.taping = shake, shake != nil
	if x.ws, err = s.upgrader.UpgradeFromConn(x, c.Reader(), r); err != nil {
		s.stats.refuse("upgrade")
		c.Abort()
		return
	}
	if !s.add(x) {
		s.stats.refuse("connections")
		c.Abort()
		return
	}
	s.stats.Accepted.Add(1)
	x.timer = time.AfterFunc(helloTimeout, func() { x.end(schema.CloseToken, "no hello") })
	go x.run()
}
