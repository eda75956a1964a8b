package netcode

import (
	"context"
	"errors"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

const (
	// maxQuestions bounds how many connections wait for Config.Route at a time: as many players as a node of the usual size
	// can lose at once when its neighbour dies. More are told 4013.
	maxQuestions = 4096
	// maxLooks is how often one hello looks for its match; an answer may be outdated when it arrives.
	maxLooks = 3
)

var errQuestions = errors.New("too many questions")

// question is a connection that waits for Config.Route.
type question struct {
	match  string
	cancel context.CancelFunc
}

// entry is what a hello asks for.
type entry struct {
	match  string
	epoch  uint32 // highest that the player has seen
	attach loop.Attach
}

// enter lets a player into his match, or sends him to where it is. Called by the read goroutine, which waits for the answer: the
// client says nothing before its welcome, and the sweeper keeps the connection's heartbeat meanwhile.
func (x *session) enter(e *entry) {
	for range maxLooks {
		if m := x.srv.present(e.match, e.epoch); m != nil && x.attach(m, e) {
			return
		}
		r, err := x.srv.ask(e.match, e.epoch)
		switch {
		case x.closing.Load():
			return
		case errors.Is(err, ErrBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			x.refuse(schema.CloseUnavailable, ErrBusy.Error())
			return
		case errors.Is(err, errQuestions):
			x.refuse(schema.CloseUnavailable, err.Error())
			return
		case err != nil:
			x.refuse(schema.CloseMatchOver, ErrUnknownMatch.Error())
			return
		case r.Here:
		case r.URL != "":
			x.depart(r.URL)
			return
		default:
			x.pass(r.Dial)
			return
		}
	}
	x.refuse(schema.CloseUnavailable, ErrBusy.Error())
}

// attach asks a match to let the player in. It returns false if the match has just gone, and may be elsewhere.
func (x *session) attach(m *Match, e *entry) bool {
	if url := m.whither(); url != "" {
		x.depart(url)
		return true
	}
	if why, full := x.srv.full(); full && !e.attach.Resume { // who resumes has a seat
		x.refuse(schema.CloseUnavailable, why)
		return true
	}
	x.match.Store(m)
	x.ping() // the round trip is known when the welcome is answered
	switch err := m.Attach(x, e.attach); {
	case errors.Is(err, loop.ErrOver):
		if x.srv.cfg.Route != nil {
			x.match.Store(nil)
			return false
		}
		x.refuse(schema.CloseMatchOver, "match is over")
	case err != nil:
		x.refuse(schema.CloseUnavailable, "match is busy")
	}
	return true
}

// depart sends the player to another node; without an address he looks for it himself. Any goroutine.
func (x *session) depart(url string) {
	x.srv.stats.Moved.Add(1)
	reason := url
	if len(reason) > maxControl-2 {
		reason = "" // a part of an address is worse than none: the move message has it whole
	}
	x.Cork()
	if url != "" {
		w := writers.Get().(*schema.ServerWriter)
		x.write(w.Move(schema.Move{URL: url}))
		writers.Put(w)
	}
	x.end(schema.CloseMoved, reason)
	_ = x.Flush() // fails only where the connection is gone, which its reader reports
}

// present returns the match if it is here in an epoch that is not older than one that a player has seen.
func (s *Server) present(match string, epoch uint32) *Match {
	m := s.Match(match)
	if m != nil && s.cfg.Route != nil && m.Config().Epoch < epoch {
		return nil // this node may have been overtaken: the newer owner is elsewhere, or not known yet
	}
	return m
}

// ask puts a question to Config.Route. It ends early when the match starts here, or the server stops.
func (s *Server) ask(match string, epoch uint32) (Route, error) {
	if s.cfg.Route == nil {
		return Route{}, ErrUnknownMatch
	}
	ctx, cancel := context.WithTimeout(s.ctx, routeTimeout)
	defer cancel()
	q := &question{match, cancel}
	s.mu.Lock()
	if len(s.questions) >= maxQuestions {
		s.mu.Unlock()
		return Route{}, errQuestions
	}
	s.questions[q] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.questions, q)
		s.mu.Unlock()
	}()
	if s.present(match, epoch) != nil { // it came before the question was there to be answered
		return Route{Here: true}, nil
	}
	s.stats.Questions.Add(1)
	r, err := s.cfg.Route(ctx, match, epoch)
	switch {
	case s.present(match, epoch) != nil:
		return Route{Here: true}, nil
	case err == nil && !r.Here && r.URL == "" && r.Dial == nil:
		return r, ErrUnknownMatch
	}
	return r, err
}

// answerLocked ends the questions about a match that is here now. Called with mu held.
func (s *Server) answerLocked(match string) {
	for q := range s.questions {
		if q.match == match {
			q.cancel()
		}
	}
}
