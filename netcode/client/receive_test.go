package client

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
)

// sender sends a sample a frame.
type sender struct{ Nop }

func (sender) Frame(c *Client, tick uint32) { c.Send(game.Input{Buttons: uint16(tick)}) }

// offline returns a client in the middle of a connection whose server takes everything and says nothing.
func offline(t testing.TB, h Handler) (*Client, *link) {
	n := &network{accept: func(c net.Conn) {
		br := bufio.NewReader(c)
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		gws.NewUpgrader(gws.BuiltinEventHandler{}, &gws.ServerOption{SubProtocols: []string{schema.Subprotocol}}).UpgradeFromConn(c, br, r)
		io.Copy(io.Discard, c)
	}}
	c, err := New(Config{URL: "ws://x/", Token: "t", Handler: h, Dial: n.dial})
	if err != nil {
		t.Fatal(err)
	}
	l := &link{c: c, addr: "ws://x/", hello: c.hello()}
	if _, err := l.dial(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.link = l
	return c, l
}

// matchMessages makes the messages of a match: a welcome, then a keyframe and deltas for a player whose samples are answered.
func matchMessages(t testing.TB, n int) (out [][]byte) {
	tables, err := delta.NewTables(testKinds)
	if err != nil {
		t.Fatal(err)
	}
	var w schema.ServerWriter
	var enc delta.Encoder
	rows := game.NewRows(testKinds)
	all, own := delta.NewRing(tables, game.All, 2), delta.NewRing(tables, game.Own(1), 2)
	out = append(out, bytes.Clone(w.Welcome(&schema.Welcome{Match: "m", Player: 1, Epoch: 1, Tick: 1, Hz: testHz, Every: 1, Kinds: delta.KindsToWire(testKinds)})))
	for tick := uint32(1); tick <= uint32(n); tick++ {
		rows.Reset()
		for id := range uint32(16) {
			v := rows.Put(game.All, id+1, 0)
			v[0], v[1] = int32(tick*id)&0xffff, int32(tick/3*id)&0xffff
		}
		rows.Put(game.Own(1), 0, 2)[0] = int32(tick) - 1
		rows.Sort()
		wasAll, wasOwn := all.Last(), own.Last()
		nowAll, nowOwn := all.Add(tick, tick, rows.Channel(game.All), rows), own.Add(tick, tick, rows.Channel(game.Own(1)), rows)
		if !delta.Predicted(wasOwn, nowOwn) {
			out = append(out, bytes.Clone(enc.Encode(wasOwn, nowOwn, delta.Options{Epoch: 1})))
		}
		out = append(out, bytes.Clone(enc.Encode(wasAll, nowAll, delta.Options{Epoch: 1})))
	}
	return out
}

// TestSteadyAllocs: a frame that is decoded and answered allocates no more than gws' write does.
func TestSteadyAllocs(t *testing.T) {
	c, l := offline(t, sender{})
	msgs := matchMessages(t, 400)
	for _, m := range msgs[:200] {
		c.receive(l, m)
	}
	i := 200
	allocs := testing.AllocsPerRun(150, func() { c.receive(l, msgs[i]); i++ })
	if st := c.Stats(); st.Frames < 300 || st.Sent != st.Frames || st.HashMismatches+st.DecodeErrors != 0 || st.Answered < 300 {
		t.Fatalf("%+v", st)
	}
	if allocs > 4 {
		t.Errorf("%.1f allocations a frame, want at most 4: one by gws, the rest by the in-memory network", allocs)
	}
}

// BenchmarkFrame is what one frame costs a client, but for its socket and its brain.
func BenchmarkFrame(b *testing.B) {
	c, l := offline(b, sender{})
	msgs := matchMessages(b, 2)
	for _, m := range msgs {
		c.receive(l, m)
	}
	key := msgs[len(msgs)-2] // a keyframe can be applied again and again
	for _, m := range msgs {
		if v, err := schema.VerifyServer(m); err == nil && v.Keyframe() && v.Channel() == 0 {
			key = m
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		c.receive(l, key)
	}
}

// FuzzReceive feeds a sequence of messages, each with its length before it, to a client that has been welcomed. Whatever they
// are, nothing panics and nothing is sent for ever.
func FuzzReceive(f *testing.F) {
	msgs := matchMessages(f, 6)
	var seed []byte
	for _, m := range msgs[1:] {
		seed = append(append(seed, byte(len(m)), byte(len(m)>>8)), m...)
	}
	f.Add(seed)
	f.Add([]byte{4, 0, 0, 0, 0, 0})
	var w schema.ServerWriter
	for _, m := range [][]byte{
		w.Messages([]schema.Message{{Number: 7, Data: []byte("x")}}), w.Pong(schema.Pong{Client: 1, Tick: 5}), w.Resume("r"),
		w.Move(schema.Move{URL: "ws://y/"}), w.Bye(schema.Bye{Code: 4000}), w.Roster([]schema.RosterEntry{{Number: 1, Name: "A"}}), msgs[0],
	} {
		f.Add(append([]byte{byte(len(m)), byte(len(m) >> 8)}, m...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, l := offline(t, sender{})
		c.receive(l, msgs[0])
		for len(b) >= 2 {
			n := min(len(b)-2, int(b[0])|int(b[1])<<8)
			if !l.cut {
				c.receive(l, bytes.Clone(b[2:2+n]))
			}
			b = b[2+n:]
		}
		if c.clock.lead.jitter < 0 || c.clock.lead.jitter > maxJitter.Seconds()*c.clock.hz || c.pending.len() > maxPending {
			t.Fatal("out of bounds")
		}
		l.sock.Close()
	})
}
