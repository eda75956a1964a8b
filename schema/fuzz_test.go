package schema

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/overtime-server/overtime/schema/wire"
)

// embed returns b inside a larger buffer whose rest is poison, with the capacity to reach it.
func embed(b []byte, poison byte) []byte {
	buf := append(append([]byte(nil), b...), bytes.Repeat([]byte{poison}, 256)...)
	return buf[:len(b)]
}

// clientMessages is one of each.
func clientMessages() (all [][]byte) {
	var w ClientWriter
	add := func(b []byte) { all = append(all, bytes.Clone(b)) }
	add(w.Samples(someSamples, 55, 66))
	add(w.Hello(&someHello))
	add(w.Command(9, []byte("buy")))
	add(w.Ping(77))
	add(w.Keyframe())
	add(w.Leave())
	return all
}

// serverMessages is one of each.
func serverMessages() (all [][]byte) {
	var w ServerWriter
	add := func(b []byte) { all = append(all, bytes.Clone(b)) }
	add(w.Welcome(&someWelcome))
	add(w.Roster(someRoster))
	add(w.Messages([]Message{{Number: 4, Data: []byte("hi")}, {Number: 5, Kind: MessageResult, Data: []byte("{}")}}))
	add(w.Pong(Pong{Client: 1, Tick: 2, FracMicros: 3, LatenessMs: -4, HeldMicros: 5}))
	add(w.Resume("tok"))
	add(w.Move(Move{URL: "ws://c", Token: "t"}))
	add(w.Bye(Bye{Code: 4010, Reason: "drain"}))
	add(w.Standby("ws://b"))
	add(w.Standby(""))
	add(frameMessage())
	return all
}

// Every byte of every message set to awkward values, and every length cut off: what still passes is safe to read.
func TestMutatedMessagesAreSafeToRead(t *testing.T) {
	passed, refused := 0, 0
	try := func(b []byte) {
		if m, err := VerifyClient(b); err == nil {
			readClient(&m)
		}
		if m, err := VerifyServer(b); err == nil {
			readServer(&m)
			passed++
		} else {
			refused++
		}
	}
	for _, m := range append(clientMessages(), serverMessages()...) {
		for i, old := range m {
			for _, v := range []byte{0, 1, 4, 0x7f, 0x80, 0xff, old + 1, old - 1, old + 4} {
				m[i] = v
				try(m)
			}
			m[i] = old
			try(m[:i])
		}
	}
	if passed < 1000 || refused < 1000 {
		t.Errorf("%d passed, %d refused: the test lost its point", passed, refused)
	}
}

// FuzzVerifyClient: what the verifier accepts can be read through every accessor without a panic, and reads the same
// whatever lies behind it.
func FuzzVerifyClient(f *testing.F) {
	for _, m := range clientMessages() {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var read [2]string
		for i, poison := range []byte{0x00, 0xff} {
			m, err := VerifyClient(embed(b, poison))
			if err == nil {
				read[i] = readClient(&m)
			}
		}
		if read[0] != read[1] {
			t.Fatalf("depends on what lies behind:\n%s\n%s", read[0], read[1])
		}
	})
}

// readClient calls every accessor.
func readClient(m *wire.ClientMessage) string {
	samples, err := AppendSamples(nil, m)
	hello, ok := ReadHello(m)
	for i := range m.CommandLength() {
		m.Command(i)
	}
	var s wire.Sample
	reserved := 0
	for i := range m.SamplesLength() {
		m.Samples(&s, i)
		reserved += int(s.Reserved())
	}
	return fmt.Sprint(samples, err, hello, ok, reserved, m.AckTick(), m.AckMessage(), m.CommandNumber(), m.CommandBytes(), m.Ping(), m.Keyframe(), m.Leave())
}

// FuzzVerifyServer is FuzzVerifyClient for the other direction.
func FuzzVerifyServer(f *testing.F) {
	for _, m := range serverMessages() {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var read [2]string
		for i, poison := range []byte{0x00, 0xff} {
			m, err := VerifyServer(embed(b, poison))
			if err == nil {
				read[i] = readServer(&m)
			}
		}
		if read[0] != read[1] {
			t.Fatalf("depends on what lies behind:\n%s\n%s", read[0], read[1])
		}
	})
}

// readServer calls every accessor.
func readServer(m *wire.ServerMessage) string {
	var out bytes.Buffer
	show := func(v ...any) { fmt.Fprintln(&out, v...) }
	if h := m.Head(nil); h != nil {
		show(h.Check())
	}
	show(m.RowsBytes(), m.Base(), m.Channel(), m.Tick(), m.Hash(), m.Keyframe(), m.Epoch())
	for i := range m.SmallLength() {
		show(m.Small(i))
	}
	for i := range m.WideLength() {
		show(m.Wide(i))
	}
	for i := range m.RowsLength() {
		show(m.Rows(i))
	}
	if p := m.Pong(nil); p != nil {
		show(p.HeldUs())
	}
	welcome, ok := ReadWelcome(m)
	show(welcome, ok)
	pong, ok := ReadPong(m)
	show(pong, ok, AppendRoster(nil, m), AppendMessages(nil, m))
	token, ok := ReadResume(m)
	show(token, ok)
	move, ok := ReadMove(m)
	show(move, ok)
	standby, ok := ReadStandby(m)
	show(standby, ok)
	bye, ok := ReadBye(m)
	show(bye, ok, IsFrame(m))
	return out.String()
}

// frameMessage is a state frame with all its vectors.
func frameMessage() []byte {
	b := start(&new(ServerWriter).b)
	wire.ServerMessageStartWideVector(b, 1)
	b.PrependInt16(-5)
	wide := b.EndVector(1)
	rows, small := octets(b, []byte{1, 2, 3}), octets(b, []byte{4, 5})
	wire.ServerMessageStart(b)
	wire.ServerMessageAddHead(b, wire.CreateHead(b, 8))
	wire.ServerMessageAddRows(b, rows)
	wire.ServerMessageAddSmall(b, small)
	wire.ServerMessageAddWide(b, wide)
	wire.ServerMessageAddBase(b, 2)
	wire.ServerMessageAddChannel(b, 9)
	wire.ServerMessageAddTick(b, 10)
	wire.ServerMessageAddHash(b, 11)
	wire.ServerMessageAddKeyframe(b, true)
	wire.ServerMessageAddEpoch(b, 12)
	b.Finish(wire.ServerMessageEnd(b))
	return b.FinishedBytes()
}
