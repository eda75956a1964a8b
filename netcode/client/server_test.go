package client

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
)

const (
	testHz = 30
	tickD  = time.Second / testHz
)

var testKinds = []game.Kind{
	{Name: "body", Fields: []game.Field{{Name: "x", Bits: 16, Linear: true}, {Name: "y", Bits: 16}}},
	{Name: "overtime.match", Fields: []game.Field{{Name: "state", Bits: 32}}},
	{Name: "overtime.ack", Fields: []game.Field{{Name: "sample", Bits: 32, Linear: true}, {Name: "applied", Bits: 32}, {Name: "late", Bits: 32}, {Name: "command", Bits: 32}}},
}

// server is a match with one player on the far end of the in-memory network: enough of one to try the client on.
type server struct {
	t  *testing.T
	mu fenced // guards everything
	// The match.
	tick     uint32
	rows     *game.Rows
	all, own *delta.Ring
	enc      delta.Encoder
	out      schema.ServerWriter
	recv     uint32 // last sample received
	seen     map[uint32]int
	begun    time.Time // when the tick began
	lateness int16     // ms that the newest sample came after the beginning of its tick
	late     uint32    // samples that came after their tick
	early    int       // ticks that the newest sample was early, at most
	applied  uint32
	commands []string
	messages []schema.Message // not acknowledged
	number   uint32           // of the last message
	// The connections.
	peer   *peer
	hellos []schema.Hello
	keys   int // requests for keyframes
	acked  uint32
	left   bool
	from   *server // whom it stands by
	// What the welcome says besides.
	epoch   uint32 // default 1
	standby string
	// What to do wrong.
	refuse  schema.CloseCode
	reason  string                                 // of refuse
	mute    bool                                   // take the hello and say nothing
	mangle  func(tick uint32, frame []byte) []byte // changes frames of All
	deflate bool
	stop    chan struct{}
}

type peer struct {
	gws.BuiltinEventHandler
	s       *server
	ws      *gws.Conn
	welcome bool
	fresh   bool // needs keyframes
	hushed  bool // sends no frames
	dead    bool // answers nothing, not even on the level of WebSocket
}

func newServer(t *testing.T) *server {
	tables, err := delta.NewTables(testKinds)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, tick: 1000, rows: game.NewRows(testKinds), seen: map[uint32]int{}, epoch: 1, reason: "because", stop: make(chan struct{})}
	s.all, s.own = delta.NewRing(tables, game.All, 4), delta.NewRing(tables, game.Own(1), 4)
	go s.run()
	return s
}

// network returns the network that the server is on.
func (s *server) network(rtt time.Duration) *network {
	return &network{rtt: rtt, accept: s.accept}
}

func (s *server) accept(c net.Conn) {
	br := bufio.NewReader(c)
	r, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	if s.deflate && r.Header.Get("Sec-WebSocket-Extensions") == offer {
		c = &answer{Conn: c}
	}
	r.Header.Del("Sec-WebSocket-Extensions")
	p := &peer{s: s}
	ws, err := gws.NewUpgrader(p, &gws.ServerOption{SubProtocols: []string{schema.Subprotocol}}).UpgradeFromConn(c, br, r)
	if err != nil {
		return
	}
	p.ws = ws
	ws.ReadLoop()
}

// answer puts the extension into the response of the handshake.
type answer struct {
	net.Conn
	done bool
}

func (a *answer) Write(b []byte) (int, error) {
	if a.done {
		return a.Conn.Write(b)
	}
	a.done = true
	_, err := a.Conn.Write(bytes.Replace(b, []byte("\r\n\r\n"), []byte("\r\nSec-WebSocket-Extensions: "+offer+"\r\n\r\n"), 1))
	return len(b), err
}

// run ticks from intended times until stop.
func (s *server) run() {
	start := time.Now()
	for i := 1; ; i++ {
		select {
		case <-time.After(time.Until(start.Add(time.Duration(i) * tickD))):
		case <-s.stop:
			return
		}
		s.step()
	}
}

func (s *server) step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick++
	s.begun = time.Now()
	s.rows.Reset()
	for id := range uint32(5) {
		v := s.rows.Put(game.All, id+1, 0)
		v[0], v[1] = int32(s.tick*(id+1))&0xffff, int32(s.tick/10)
	}
	v := s.rows.Put(game.Own(1), 0, 2)
	v[0], v[1], v[2], v[3] = int32(s.recv), int32(s.applied), int32(s.late), int32(len(s.commands))
	s.rows.Sort()
	lastAll, lastOwn := s.all.Last(), s.own.Last()
	all := s.all.Add(s.tick, s.tick, s.rows.Channel(game.All), s.rows)
	own := s.own.Add(s.tick, s.tick, s.rows.Channel(game.Own(1)), s.rows)
	if p := s.peer; p != nil && p.welcome && !p.hushed {
		if p.fresh {
			lastAll, lastOwn = nil, nil
		}
		p.fresh = false
		p.send(s.enc.Encode(lastOwn, own, delta.Options{Epoch: s.epoch}))
		b := s.enc.Encode(lastAll, all, delta.Options{Epoch: s.epoch, FullHash: s.tick%testHz == 0})
		if s.mangle != nil {
			b = s.mangle(s.tick, b)
		}
		p.send(b)
	}
}

// send sends one message, compressed if the test says so.
func (p *peer) send(b []byte) {
	if !p.s.deflate {
		p.ws.WriteMessage(gws.OpcodeBinary, b)
		return
	}
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, 7)
	w.Write(b)
	w.Flush()
	z := out.Bytes()[:out.Len()-4]
	head := []byte{0xc2, 126, byte(len(z) >> 8), byte(len(z))}
	p.ws.NetConn().Write(append(head, z...))
}

func (p *peer) OnMessage(_ *gws.Conn, msg *gws.Message) {
	defer msg.Close()
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := schema.VerifyClient(msg.Bytes())
	if err != nil {
		s.t.Errorf("the client sent: %v", err)
		return
	}
	if h, ok := schema.ReadHello(&m); ok {
		p.hello(h)
		return
	}
	s.acked = max(s.acked, m.AckTick())
	for len(s.messages) > 0 && s.messages[0].Number <= m.AckMessage() {
		s.messages = s.messages[1:]
	}
	samples, err := schema.AppendSamples(nil, &m)
	if err != nil {
		s.t.Error(err)
	}
	for _, x := range samples {
		s.sample(x)
	}
	if n := m.CommandNumber(); n == uint32(len(s.commands))+1 {
		s.commands = append(s.commands, string(m.CommandBytes()))
	} else if n > uint32(len(s.commands)) {
		s.t.Errorf("command %d after %d", n, len(s.commands))
	}
	if n := m.Ping(); n != 0 && !p.dead {
		p.send(s.out.Pong(schema.Pong{Client: n, Tick: s.tick, FracMicros: uint32(time.Since(s.begun).Microseconds()), LatenessMs: s.lateness}))
	}
	if m.Keyframe() {
		s.keys++
		p.fresh = true
	}
	if m.Leave() {
		s.left = true
		p.ws.WriteClose(1000, nil)
	}
}

func (s *server) sample(x schema.Sample) {
	if x.Seq <= s.recv {
		return
	}
	if x.Seq != s.recv+1 {
		s.t.Errorf("sample %d after %d", x.Seq, s.recv)
	}
	s.recv = x.Seq
	s.seen[x.Seq]++
	s.lateness = int16((time.Since(s.begun) + time.Duration(int32(s.tick-x.Tick))*tickD).Milliseconds())
	s.early = max(s.early, int(x.Tick)-int(s.tick))
	if x.Tick <= s.tick {
		s.late++
	} else {
		s.applied++
	}
}

// OnPing answers, while the peer lives.
func (p *peer) OnPing(ws *gws.Conn, payload []byte) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if !p.dead {
		ws.WritePong(payload)
	}
}

func (p *peer) hello(h schema.Hello) {
	s := p.s
	s.hellos = append(s.hellos, h)
	if s.refuse != 0 {
		p.ws.WriteClose(uint16(s.refuse), []byte(s.reason))
		return
	}
	if s.mute {
		return
	}
	if s.from != nil {
		s.from.with(func() { s.recv = max(s.recv, s.from.recv) })
	}
	s.peer = p
	p.welcome, p.fresh = true, true
	p.send(s.out.Welcome(&schema.Welcome{
		Match: "m", Player: 1, Epoch: s.epoch, Standby: s.standby, Tick: s.tick, Hz: testHz, Every: 1, Kinds: delta.KindsToWire(testKinds),
		Resume: fmt.Sprintf("resume-%d", len(s.hellos)), Sample: s.recv, Command: uint32(len(s.commands)), Message: s.number,
	}))
	if len(s.messages) > 0 {
		p.send(s.out.Messages(s.messages))
	}
}

// say sends a reliable message.
func (s *server) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	m := schema.Message{Number: s.number, Data: []byte(text)}
	s.messages = append(s.messages, m)
	if s.peer != nil {
		s.peer.send(s.out.Messages([]schema.Message{m}))
	}
}

// with runs f while nothing moves.
func (s *server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}
