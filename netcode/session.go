package netcode

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// Limits of a session on top of the guard's.
const (
	helloTimeout = 5 * time.Second
	inflatedRate = 128 << 10 // bytes of inflated messages a second, and at once
	sampleRate   = 256       // samples a second: twice what a client of a 128 Hz match sends
	sampleBurst  = 768       // samples at once: all 512 that a client sends again after a resume, and a second more
	keyframeRate = 2         // keyframe requests a second
)

var (
	inflatedLimit = PerSecond(inflatedRate, inflatedRate)
	sampleLimit   = PerSecond(sampleRate, sampleBurst)
	keyframeLimit = PerSecond(keyframeRate, 8)
)

// session is one player's connection. It is the net.Conn that gws sees, and the loop.Link that the match sees.
type session struct {
	*Conn // safe for concurrent use

	// static after the upgrade
	srv *Server
	ws  *gws.Conn

	// owned by the read goroutine
	shake     *handshakeCopy // until the hello was handled; nil without Config.Route
	timer     *time.Timer    // ends a connection without hello; nil once that has come
	inflated  Bucket
	sampled   Bucket
	keyframes Bucket
	newestAt  int64  // Now when the newest sample came
	newest    uint32 // tick that it asked for, 0 if none has asked for one
	acked     uint32
	passed    bool // its bytes were passed on to another node
	hello     bool // it has come
	answered  bool // something came after the welcome, and the match knows

	// shared
	live     atomic.Bool           // set by the match before the welcome leaves
	wantKey  atomic.Bool           // set by the read goroutine, taken by the match
	seen     atomic.Uint32         // last tick that the client acknowledged
	seenAt   atomic.Int64          // Now of that
	match    atomic.Pointer[Match] // set by the read goroutine before it attaches
	lastPing atomic.Int64          // Now of the last ping
	pinged   atomic.Int64          // Now of the ping that waits for its pong; 0: none
	trip     atomic.Int64          // ns that the last pong took, until the match takes it; 0: none

	// owned by the match's goroutine
	member member
}

// member is what a match keeps about a session that it fans out to.
type member struct {
	seat    loop.Seat
	resume  *schema.Hello // what he said that he still had; nil once it was read
	company *company
	standby *string    // what he was told last
	view    *reduction // nil: he is sent every row
	own     ownRows
	pace    pace
	has     uint32  // number of the state frame that the client has, if hasAny
	well    uint32  // tick from which he may be inside again
	sent    uint32  // last reliable message sent
	renew   uint32  // tick at which a fresh resume token is due
	what    sending // what becomes of this state frame
	fresh   bool    // welcome not yet sent
	resumed bool    // came with a resume token that said which message was processed last
	hasAny  bool
	inside  bool // his inflater has seen the company's window
}

func newSession(s *Server, c *Conn) *session { return &session{Conn: c, srv: s} }

// run reads until the connection ends. It is the connection's own goroutine, until another takes over (see simple).
func (x *session) run() {
	replaced := false
	defer func() {
		if p := recover(); p != nil {
			x.failed(p)
		}
		if !replaced {
			x.finish()
		}
	}()
	switch x.simple() {
	case fresh:
		replaced = true
		go x.run()
	case complex:
		x.ws.ReadLoop()
	}
}

// finish tells the match and the counters, and frees the socket.
func (x *session) finish() {
	x.stopTimer()
	if m := x.match.Load(); m != nil {
		m.Detach(x)
	}
	x.Linger()
	code, _ := x.Cause()
	if x.passed {
		code = 0
	}
	x.srv.stats.ended(code, x.Conn.Stats())
	x.srv.removeSession(x)
}

// stopTimer ends the wait for the hello.
func (x *session) stopTimer() {
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
}

// end says goodbye and closes with a code. The first call wins. Any goroutine.
func (x *session) end(code schema.CloseCode, reason string) {
	x.Cork()
	w := writers.Get().(*schema.ServerWriter)
	x.write(w.Bye(schema.Bye{Code: uint16(code), Reason: reason}))
	writers.Put(w)
	x.CloseWith(code, reason)
	_ = x.Flush() // fails only where the connection is gone, which its reader reports
}

// writers are shared by all sessions: a builder of a kilobyte each would be much for a message now and then.
var writers = sync.Pool{New: func() any { return new(schema.ServerWriter) }}

// write sends one message that must not be lost. Errors end the connection by themselves: its reader sees them.
func (x *session) write(msg []byte) {
	if x.ws.WriteMessage(gws.OpcodeBinary, msg) == nil {
		x.srv.stats.MessagesOut.Add(1)
	}
}

// heartbeat is called by the sweeper once a second.
func (x *session) heartbeat() {
	if x.closing.Load() {
		return
	}
	x.unattended()
	if x.Idle() > silenceLimit {
		x.end(schema.CloseNoHeartbeat, "")
		return
	}
	if x.Now()-x.lastPing.Load() >= int64(pingEvery) {
		x.ping()
	}
}

// ping sends a ping without payload. Any goroutine.
func (x *session) ping() {
	now := x.Now()
	x.lastPing.Store(now)
	x.pinged.CompareAndSwap(0, now)
	_ = x.ws.WritePing(nil) // fails only where the connection is gone, which its reader reports
}

// ponged takes in the answer to a ping. Called by the read goroutine.
func (x *session) ponged() {
	if sent := x.pinged.Swap(0); sent != 0 { // else nobody asked
		x.trip.Store(max(1, x.arrived-sent))
	}
}

// lag is what is known about how far the client is behind. Called by the match.
func (x *session) lag(tick uint32, c *loop.Config) lag {
	l := lag{
		tick: tick, every: uint32(c.Every), hz: uint32(c.Hz),
		seen: x.seen.Load(), trip: time.Duration(x.trip.Swap(0)), busy: x.Busy(), pinging: x.pinged.Load() != 0,
		bytes: x.bytesOut.Load(),
	}
	if v := x.member.view; v != nil {
		l.took = v.took(l.seen/l.every, x.seenAt.Load())
		v.sentAt[(tick/l.every)%uint32(len(v.sentAt))] = x.Now()
	}
	if x.member.pace.audit.due {
		l.out = x.nb.traffic()
	}
	return l
}

// due reports whether the member is sent this state frame, and not as a keyframe that he has asked for.
func (x *session) due() bool { return x.member.what == send && !x.wantKey.Load() }

// mayEnter reports whether the member can share a window, and has been well for long enough. At the lower rates nobody is.
func (x *session) mayEnter(t *tick) bool {
	return x.Class() == cohort.Cohort && (x.member.company.step > 0 || t.Tick >= x.member.well)
}

// handler is gws' view of all sessions.
type handler struct{ gws.BuiltinEventHandler }

// OnOpen replaces one that would set a deadline.
func (*handler) OnOpen(*gws.Conn) {}

// OnClose does nothing: run's deferred calls see every end, panics too.
func (*handler) OnClose(*gws.Conn, error) {}

// OnPing echoes the payload, as RFC 6455 5.5.3 asks. The guard limits the rate.
func (*handler) OnPing(c *gws.Conn, payload []byte) { _ = c.WritePong(payload) }

// OnPong measures the round trip.
func (*handler) OnPong(c *gws.Conn, _ []byte) { c.NetConn().(*session).ponged() }

// OnMessage handles one message.
func (*handler) OnMessage(c *gws.Conn, msg *gws.Message) {
	x := c.NetConn().(*session)
	x.receive(msg.Bytes())
	msg.Close()
}

// receive is where a client's bytes become trusted: verified first, then read.
func (x *session) receive(b []byte) {
	x.srv.stats.MessagesIn.Add(1)
	if !x.inflated.Take(inflatedLimit, x.now, len(b)) {
		x.end(schema.CloseRateLimit, "inflated bytes")
		return
	}
	m, err := schema.VerifyClient(b)
	if err != nil {
		x.end(schema.CloseMalformed, "")
		return
	}
	hello, isHello := schema.ReadHello(&m)
	switch {
	case isHello && x.hello:
		x.end(schema.CloseNotAllowed, "second hello")
	case isHello:
		x.hello = true
		x.stopTimer()
		x.join(&hello)
		x.shake, x.tape, x.taping = nil, nil, false
	case !x.hello:
		x.end(schema.CloseToken, "no hello")
	case !x.live.Load():
		x.end(schema.CloseNotAllowed, "message before the welcome")
	default:
		x.handle(x.match.Load(), &m)
	}
}

// handle passes one message of a joined player to his match.
func (x *session) handle(m *Match, msg *wire.ClientMessage) {
	if !x.answered {
		x.answered = m.Answer(x) == nil // else the match is over, or its inbox full: the next message says it again
	}
	if !x.input(m, msg) {
		return
	}
	if tick := m.Tick(); msg.AckTick() > x.seen.Load() && msg.AckTick() <= tick {
		x.seenAt.Store(x.arrived)
		x.seen.Store(msg.AckTick())
	}
	if n := msg.AckMessage(); n > x.acked {
		x.acked = n
		_ = m.Ack(x, n)
	}
	if n := msg.CommandNumber(); n != 0 {
		if m.Command(x, n, msg.CommandBytes()) == loop.ErrBusy {
			x.end(schema.CloseRateLimit, "commands") // it is not answered, so the client sends it again
		}
	}
	if msg.Keyframe() {
		x.requestKeyframe()
	}
	if p := msg.Ping(); p != 0 {
		x.pong(m, p)
	}
	if msg.Leave() {
		_ = m.Leave(x)
	}
}

// sampleBuffers are shared by all sessions, for as long as one message takes.
var sampleBuffers = sync.Pool{New: func() any { b := make([]schema.Sample, 0, 32); return &b }}

// input passes a message's samples to the match. It returns false if they end the connection.
func (x *session) input(m *Match, msg *wire.ClientMessage) bool {
	b := sampleBuffers.Get().(*[]schema.Sample)
	defer sampleBuffers.Put(b)
	var err error
	if *b, err = schema.AppendSamples((*b)[:0], msg); err != nil {
		x.end(schema.CloseMalformed, "samples out of order")
		return false
	}
	if !x.sampled.Take(sampleLimit, x.now, len(*b)) {
		x.end(schema.CloseRateLimit, "samples") // they would fill the inbox that he shares with the others
		return false
	}
	for i := range *b {
		x.sample(m, &(*b)[i])
	}
	return true
}

func (x *session) sample(m *Match, s *schema.Sample) {
	if s.Tick != 0 {
		x.newest, x.newestAt = s.Tick, x.arrived
	}
	_ = m.Sample(x, loop.Sample{Tick: s.Tick, Input: game.Input{
		Seq: s.Seq, Seen: s.Shown, Frac: s.Frac, Buttons: s.Buttons, Axes: s.Axes,
	}})
}

func (x *session) requestKeyframe() {
	x.srv.stats.KeyframeRequests.Add(1)
	if !x.keyframes.Take(keyframeLimit, x.Now(), 1) {
		x.end(schema.CloseRateLimit, "keyframe requests")
		return
	}
	x.wantKey.Store(true)
}

func (x *session) pong(m *Match, client uint32) {
	tick, since := m.Clock()
	now, late := x.Now(), time.Duration(0)
	if x.newest != 0 {
		late = m.Lateness(x.newest) - time.Duration(now-x.newestAt)
	}
	w := writers.Get().(*schema.ServerWriter)
	x.write(w.Pong(schema.Pong{
		Client: client, Tick: tick, FracMicros: uint32(max(0, since.Microseconds())),
		LatenessMs: int16(max(math.MinInt16, min(math.MaxInt16, late.Milliseconds()))),
		HeldMicros: uint16(min(math.MaxUint16, (now-x.arrived)/int64(time.Microsecond))),
	}))
	writers.Put(w)
}
