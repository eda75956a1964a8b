package schema

import (
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/schema/wire"
)

func client(t testing.TB, b []byte) *wire.ClientMessage {
	t.Helper()
	m, err := VerifyClient(b)
	if err != nil {
		t.Fatalf("our own message is refused: %v", err)
	}
	return &m
}

func server(t testing.TB, b []byte) *wire.ServerMessage {
	t.Helper()
	m, err := VerifyServer(b)
	if err != nil {
		t.Fatalf("our own message is refused: %v", err)
	}
	return &m
}

var someSamples = []Sample{
	{Seq: 7, Tick: 100, Shown: 96, Axes: [4]int16{-32768, 32767, 0, 1}, Buttons: 0x8001, Frac: 255},
	{Seq: 8, Tick: 101, Shown: 97},
}

var someHello = Hello{Version: 1, Token: "abc", Resume: "r", Epoch: 2, Tick: 3, ViewHash: 4, Message: 5}

var someWelcome = Welcome{
	Match: "m1", Player: 3, PlayerID: "u9", Name: "Ann", Team: 2, Spectator: true, Epoch: 4, Tick: 99, Hz: 30, Every: 2,
	Game: "arena", Resume: "tok", MapHash: "00ff", Seats: 16, Sample: 5, Command: 6, Message: 7, Node: "ws://a", Standby: "ws://b", Window: 4096,
	Kinds: []Kind{
		{Name: "ship", Fields: []Field{{Name: "x", Bits: 16, Linear: true, Jump: 500}, {Name: "a", Bits: 16, Signed: true, Wraps: true}}},
		{Name: "overtime.ack", Fields: []Field{{Name: "sample", Bits: 32}}},
	},
}

var someRoster = []RosterEntry{{Number: 1, Name: "Ann", Team: 2, Online: true}, {Number: 2, Bot: true, Spectator: true}}

func TestClientRoundTrip(t *testing.T) {
	var w ClientWriter
	m := client(t, w.Samples(someSamples, 55, 66))
	got, err := AppendSamples(nil, m)
	if err != nil || !reflect.DeepEqual(got, someSamples) || m.AckTick() != 55 || m.AckMessage() != 66 {
		t.Errorf("samples: %+v %v", got, err)
	}
	if h, ok := ReadHello(client(t, w.Hello(&someHello))); !ok || h != someHello {
		t.Errorf("hello: %+v %v", h, ok)
	}
	m = client(t, w.Command(9, []byte("buy")))
	if m.CommandNumber() != 9 || string(m.CommandBytes()) != "buy" {
		t.Errorf("command: %d %q", m.CommandNumber(), m.CommandBytes())
	}
	if m = client(t, w.Ping(77)); m.Ping() != 77 || m.Leave() || m.Keyframe() {
		t.Error("ping")
	}
	if m = client(t, w.Keyframe()); !m.Keyframe() || m.Leave() {
		t.Error("keyframe")
	}
	if m = client(t, w.Leave()); !m.Leave() || m.Keyframe() {
		t.Error("leave")
	}
	if _, ok := ReadHello(m); ok {
		t.Error("a hello out of nothing")
	}
}

func TestServerRoundTrip(t *testing.T) {
	var w ServerWriter
	if x, ok := ReadWelcome(server(t, w.Welcome(&someWelcome))); !ok || !reflect.DeepEqual(x, someWelcome) {
		t.Errorf("welcome: %+v %v", x, ok)
	}
	if x := AppendRoster(nil, server(t, w.Roster(someRoster))); !reflect.DeepEqual(x, someRoster) {
		t.Errorf("roster: %+v", x)
	}
	msgs := []Message{{Number: 4, Data: []byte("hi")}, {Number: 5, Kind: MessageResult, Data: []byte("{}")}}
	if x := AppendMessages(nil, server(t, w.Messages(msgs))); !reflect.DeepEqual(x, msgs) {
		t.Errorf("messages: %+v", x)
	}
	pong := Pong{Client: 1, Tick: 2, FracMicros: 3, LatenessMs: -4, HeldMicros: 5}
	if x, ok := ReadPong(server(t, w.Pong(pong))); !ok || x != pong {
		t.Errorf("pong: %+v %v", x, ok)
	}
	if x, ok := ReadResume(server(t, w.Resume("tok"))); !ok || x != "tok" {
		t.Errorf("resume: %q %v", x, ok)
	}
	move := Move{URL: "ws://c", Token: "t"}
	if x, ok := ReadMove(server(t, w.Move(move))); !ok || x != move {
		t.Errorf("move: %+v %v", x, ok)
	}
	for _, url := range []string{"", "ws://standby"} {
		if x, ok := ReadStandby(server(t, w.Standby(url))); !ok || x != url {
			t.Errorf("standby: %q %v", x, ok)
		}
	}
	bye := Bye{Code: 4010, Reason: "drain"}
	m := server(t, w.Bye(bye))
	if x, ok := ReadBye(m); !ok || x != bye {
		t.Errorf("bye: %+v %v", x, ok)
	}
	if _, ok := ReadStandby(m); ok {
		t.Error("a standby that was not written")
	}
	if _, ok := ReadPong(m); ok || IsFrame(m) {
		t.Error("more than was written")
	}
}

// TestGoldenStandby holds the bytes of the message still: the TypeScript client's test reads the same file.
func TestGoldenStandby(t *testing.T) {
	want, err := os.ReadFile("testdata/standby.hex")
	if err != nil {
		t.Fatal(err)
	}
	var w ServerWriter
	if got := hex.EncodeToString(w.Standby("wss://two.example/v1/play")); got != strings.TrimSpace(string(want)) {
		t.Errorf("the message is now\n%s", got)
	}
}

func TestSamplesAscend(t *testing.T) {
	var w ClientWriter
	for _, seqs := range [][]uint32{{0}, {2, 2}, {3, 2}, {1, 5, 4}} {
		var s []Sample
		for _, q := range seqs {
			s = append(s, Sample{Seq: q})
		}
		if _, err := AppendSamples(nil, client(t, w.Samples(s, 0, 0))); !errors.Is(err, ErrOrder) {
			t.Errorf("%v: %v", seqs, err)
		}
	}
}

// The writers and the way of a sample through the verifier allocate nothing once their memory has grown.
func TestNoAllocation(t *testing.T) {
	var c ClientWriter
	var s ServerWriter
	var dst []Sample
	run := func() {
		m, err := VerifyClient(c.Samples(someSamples, 1, 2))
		if err != nil {
			t.Fatal(err)
		}
		dst, _ = AppendSamples(dst[:0], &m)
		s.Welcome(&someWelcome)
		s.Roster(someRoster)
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkVerifyClientSamples(b *testing.B) {
	var w ClientWriter
	msg := w.Samples(someSamples, 1, 2)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := VerifyClient(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadClientSamples(b *testing.B) {
	var w ClientWriter
	msg := w.Samples(someSamples, 1, 2)
	var dst []Sample
	b.ReportAllocs()
	for b.Loop() {
		m, err := VerifyClient(msg)
		if err != nil {
			b.Fatal(err)
		}
		dst, _ = AppendSamples(dst[:0], &m)
	}
}
