package netcode

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
)

// Match is a match hosted by a Server: the loop and the fan-out to everybody in it. The exported methods, those of
// loop.Match included, may be called from any goroutine; the methods of loop.Sink are the loop's alone.
type Match struct {
	*loop.Match

	// static
	srv      *Server
	tables   *delta.Tables
	kinds    []schema.Kind
	ready    chan struct{} // closed when Match and mapHash are set
	mapHash  string
	ringSize int     // snapshots kept per channel
	phase    float64 // of its ticks; 0: whichever it came with

	// shared
	standby atomic.Pointer[string] // address of the standby, never nil; a change is a new pointer
	moved   atomic.Pointer[string] // where the match went, nil while it is here

	// owned by the loop's goroutine
	all       *stream
	companies []*company // with members only
	reduced   int        // members with a view of their own
	teams     []*stream  // of the companies
	members   []*session
	enc       delta.Encoder
	writer    schema.ServerWriter
	scratch   []byte // deflated payloads
	ownBuf    []byte // frame of own rows
	roster    []schema.RosterEntry
	msgs      []schema.Message
	enters    []*member // into a company's window
	fleet     fleet     // of a large match
	wall      wall
}

var _ loop.Sink = (*Match)(nil)

func newMatch(s *Server, t *delta.Tables, kinds []schema.Kind) *Match {
	m := &Match{srv: s, tables: t, kinds: kinds, ready: make(chan struct{})}
	m.standby.Store(new(string))
	return m
}

// SetStandby names the public address (ws:// or wss://) of the node that stands by for this match, "" if there is none. Players are
// told in the welcome, and those in the match with the next state frame. Any goroutine.
func (m *Match) SetStandby(url string) {
	if *m.standby.Load() != url {
		m.standby.Store(&url)
	}
}

// MoveTo names the public address of the node that plays the match from now on; "" if it is not known, then players look for it.
// Call it before Retire(loop.OverMoved): who is in the match, and who still comes, is sent there. Any goroutine.
func (m *Match) MoveTo(url string) { m.moved.Store(&url) }

// begin completes a match once its loop has started; the loop's goroutine waits for it before its first call.
func (m *Match) begin() {
	if b := m.Static(); len(b) > 0 {
		h := sha256.Sum256(b)
		m.mapHash = hex.EncodeToString(h[:16])
	}
	cfg := m.Config()
	m.ringSize = ringSize(max(1, cfg.Hz/cfg.Every), cfg.Seats)
	m.all = newStream(m.tables, game.All, m.ringSize)
	close(m.ready)
}

// whither returns where the match went, "" if that is not known.
func (m *Match) whither() string {
	if url := m.moved.Load(); url != nil {
		return *url
	}
	return ""
}

// MapHash is the content hash under which clients fetch the world's unchanging part; empty if there is none.
func (m *Match) MapHash() string { return m.mapHash }

// Joined implements loop.Sink. What the player gets first leaves with the next state frame.
func (m *Match) Joined(l loop.Link, seat loop.Seat) {
	x := l.(*session)
	<-m.ready
	m.srv.stats.Joined.Add(1)
	was := x.member
	x.member = member{seat: seat, fresh: true, sent: seat.Message}
	if was.resumed {
		m.srv.stats.Reconnected.Add(1)
		m.comeBack(&x.member, was.resume)
	}
	if !seat.Player.Spectator {
		x.member.own.snapshots[0] = delta.NewSnapshot(m.tables, game.Own(seat.Player.Number))
	}
	m.enter(&x.member, seat.Player.Team, 0)
	m.members = append(m.members, x)
	x.pulled.Store(m.Config().Hz >= pullHz)
}

// comeBack takes what a returning client says that it still has: the delta from there is sent only if the ring has the same.
func (m *Match) comeBack(p *member, h *schema.Hello) {
	cfg := m.Config()
	every := uint32(cfg.Every)
	p.resumed, p.sent = true, max(p.sent, h.Message)
	if frame := h.Tick / every; h.Epoch == cfg.Epoch && h.Tick%every == 0 && m.all.has(frame) {
		if s := m.all.ring.At(frame); s.Hash() == h.ViewHash {
			p.has, p.hasAny = frame, true
			p.well = p.seat.Tick + uint32(cfg.Hz) // a primer now would be larger than the keyframe that he is spared
		}
	}
}

// Refused implements loop.Sink.
func (m *Match) Refused(l loop.Link, why loop.Refusal) {
	x := l.(*session)
	switch why {
	case loop.RefusedFull:
		x.refuse(schema.CloseUnavailable, "match is full")
	case loop.RefusedResumeToken:
		x.refuse(schema.CloseResumeToken, "resume token used or seat gone")
	case loop.RefusedMoved:
		x.depart(m.whither())
	default:
		x.refuse(schema.CloseMatchOver, "match is over")
	}
}

// Gone implements loop.Sink.
func (m *Match) Gone(l loop.Link, why loop.Departure, text string) {
	x := l.(*session)
	m.forget(x)
	switch why {
	case loop.GoneReplaced:
		x.end(schema.CloseReplaced, text)
	case loop.GoneLeft:
		x.end(schema.CloseNormal, text)
	case loop.GoneSequence:
		x.end(schema.CloseSequence, text)
	default:
		x.end(schema.CloseRemoved, text)
	}
}

// forget takes a session out of the fan-out.
func (m *Match) forget(x *session) {
	i := slices.Index(m.members, x)
	if i < 0 {
		return
	}
	m.members = slices.Delete(m.members, i, i+1)
	m.unreduce(&x.member)
	m.part(x.member.company)
}

// teamOf is the channel that a team's players share; All for those without one.
func teamOf(team uint32) game.Channel {
	if team == 0 {
		return game.All
	}
	return game.Team(team)
}

// Over implements loop.Sink.
func (m *Match) Over(why loop.Outcome, text string) {
	<-m.ready
	code := schema.CloseMatchOver
	switch why {
	case loop.OverFailed:
		code = schema.CloseMatchFailed
	case loop.OverShutdown:
		code = schema.CloseUnavailable
	}
	for _, x := range m.members {
		m.unreduce(&x.member)
		if why == loop.OverMoved {
			x.depart(m.whither())
		} else {
			x.end(code, text)
		}
	}
	for _, c := range m.companies {
		c.window.Close()
	}
	m.members, m.companies = nil, nil
	m.srv.forgetMatch(m)
}

// welcome is the first message to a player.
func (m *Match) welcome(x *session) []byte {
	cfg := m.Config()
	s := &x.member.seat
	x.member.standby = m.standby.Load()
	x.member.renew = s.Tick + uint32(resumeLife/2/time.Second)*uint32(cfg.Hz)
	return m.writer.Welcome(&schema.Welcome{
		Match: cfg.ID, Player: s.Player.Number, PlayerID: s.ID, Name: s.Player.Name, Team: s.Player.Team, Spectator: s.Player.Spectator,
		Epoch: cfg.Epoch, Tick: s.Tick, Hz: uint8(cfg.Hz), Every: uint8(cfg.Every), Game: cfg.Game.Name, Kinds: m.kinds,
		Resume: m.resumeToken(s), MapHash: m.mapHash, Seats: uint8(cfg.Seats),
		Sample: s.Sample, Command: s.Command, Message: s.Message, Node: m.srv.cfg.PublicURL, Standby: *x.member.standby, Window: cohort.Reach,
	})
}

// resumeToken signs a token for a seat. The fields come from our own tokens, so signing cannot fail on them.
func (m *Match) resumeToken(s *loop.Seat) string {
	cfg := m.Config()
	t, err := m.srv.cfg.Keys.SignResume(token.Resume{
		Match: cfg.ID, ID: s.ID, Player: s.Player.Number, Epoch: cfg.Epoch, Generation: s.Generation, Expiry: time.Now().Add(resumeLife),
	})
	if err != nil {
		m.srv.cfg.Log.Error("resume token", "match", cfg.ID, "err", err)
	}
	return t
}
