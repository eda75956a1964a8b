package netcode

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/overtime-server/overtime/schema"
)

// clientFrame builds a masked frame; b0 holds FIN, RSV and opcode.
func clientFrame(b0 byte, payload string) []byte {
	n := len(payload)
	f := []byte{b0}
	switch {
	case n < 126:
		f = append(f, 0x80|byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 0x80|126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 0x80|127), uint64(n))
	}
	key := [4]byte{1, 2, 3, 4}
	f = append(f, key[:]...)
	for i := range n {
		f = append(f, payload[i]^key[i&3])
	}
	return f
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

func repeat(n int, frame []byte) []byte { return bytes.Repeat(frame, n) }

func closePayload(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

func testGuard(deflate bool) *guard {
	cfg := DefaultConnConfig()
	return &guard{limits: cfg.guardLimits(), deflate: deflate}
}

// feed scans p in chunks of size n (0: all at once) at one moment, as far as it is accepted.
func feed(g *guard, p []byte, n int) (passed int, v *Violation) {
	if n == 0 {
		n = max(len(p), 1)
	}
	for i := 0; i < len(p) && !g.done; i += n {
		chunk := p[i:min(i+n, len(p))]
		ok, v := g.scan(chunk, 1e9)
		passed += ok
		if v != nil {
			return passed, v
		}
	}
	return passed, nil
}

const (
	finBit  = 0x80
	rsv1Bit = 0x40
)

var (
	binary5 = clientFrame(finBit|opBinary, "hello")
	big     = string(make([]byte, 4096))
)

// length builds a header with an extended length of 16 or 64 bits as it is given.
func length(bits int, n uint64) []byte {
	h := []byte{finBit | opBinary, 0x80 | 126, byte(n >> 8), byte(n)}
	if bits == 64 {
		h = binary.BigEndian.AppendUint64([]byte{finBit | opBinary, 0x80 | 127}, n)
	}
	return append(h, 0, 0, 0, 0)
}

var guardTests = []struct {
	name    string
	deflate bool
	in      []byte
	want    *Violation
}{
	{"message", false, binary5, nil},
	{"empty message", false, clientFrame(finBit|opBinary, ""), nil},
	{"largest message", false, clientFrame(finBit|opBinary, big), nil},
	{"compressed", true, clientFrame(finBit|rsv1Bit|opBinary, "hello"), nil},
	{"fragments", false, join(clientFrame(opBinary, "a"), clientFrame(finBit|opPing, ""), clientFrame(0, "b"), clientFrame(finBit, "c"), binary5), nil},
	{"compressed fragments", true, join(clientFrame(rsv1Bit|opBinary, ""), clientFrame(finBit, "c"), binary5), nil},
	{"ping and pong", false, join(clientFrame(finBit|opPing, big[:125]), clientFrame(finBit|opPong, "x")), nil},
	{"close", false, clientFrame(finBit|opClose, ""), nil},
	{"close with a code", false, clientFrame(finBit|opClose, closePayload(1000, "")), nil},
	{"close with a reason", false, clientFrame(finBit|opClose, closePayload(4999, "ünd tschüß")), nil},
	{"data after close", false, join(clientFrame(finBit|opClose, ""), []byte{0xff, 0xff, 0xff}), nil},
	{"16 fragments", false, join(clientFrame(opBinary, "a"), repeat(14, clientFrame(0, "b")), clientFrame(finBit, "c")), nil},

	{"top bit of the length", false, length(64, 1<<63|1), errLength},
	{"all bits of the length", false, length(64, 1<<64-1), errLength},
	{"2^62 bytes", false, length(64, 1<<62), errMessageSize},
	{"2^31+1 bytes", false, length(64, 1<<31+1), errMessageSize},
	{"16 MiB", false, length(64, 16<<20), errMessageSize},
	{"16 bits for 125", false, length(16, 125), errLength},
	{"64 bits for 65535", false, length(64, 65535), errLength},
	{"one byte too big", false, clientFrame(finBit|opBinary, big+"x"), errMessageSize},
	{"fragments too big", false, join(clientFrame(opBinary, big), clientFrame(0, "x")), errMessageSize},

	{"RSV1 without deflate", false, clientFrame(finBit|rsv1Bit|opBinary, "hello"), errReservedBits},
	{"RSV2", true, clientFrame(finBit|0x20|opBinary, "hello"), errReservedBits},
	{"RSV3", true, clientFrame(finBit|0x10|opBinary, "hello"), errReservedBits},
	{"RSV1 on a ping", true, clientFrame(finBit|rsv1Bit|opPing, ""), errReservedBits},
	{"RSV1 on a continuation", true, join(clientFrame(opBinary, "a"), clientFrame(finBit|rsv1Bit, "b")), errReservedBits},
	{"empty compressed", true, clientFrame(finBit|rsv1Bit|opBinary, ""), errEmptyDeflate},
	{"empty compressed fragments", true, join(clientFrame(rsv1Bit|opBinary, ""), clientFrame(finBit, "")), errEmptyDeflate},
	{"reserved data opcode", false, clientFrame(finBit|3, ""), errOpcode},
	{"reserved control opcode", false, clientFrame(finBit|11, ""), errOpcode},
	{"unmasked", false, []byte{finBit | opBinary, 5, 'h', 'e', 'l', 'l', 'o'}, errUnmasked},
	{"text", false, clientFrame(finBit|opText, "hello"), errText},
	{"fragmented text", false, clientFrame(opText, "hello"), errText},

	{"fragmented ping", false, clientFrame(opPing, ""), errControl},
	{"long ping", false, clientFrame(finBit|opPing, big[:126]), errControl},
	{"continuation of nothing", false, clientFrame(finBit, "x"), errFragment},
	{"continuation after the end", false, join(clientFrame(opBinary, "a"), clientFrame(finBit, "b"), clientFrame(finBit, "c")), errFragment},
	{"message inside a message", false, join(clientFrame(opBinary, "a"), binary5), errFragment},

	{"close of one byte", false, clientFrame(finBit|opClose, "x"), errClosePayload},
	{"close 0", false, clientFrame(finBit|opClose, closePayload(0, "")), errClosePayload},
	{"close 999", false, clientFrame(finBit|opClose, closePayload(999, "")), errClosePayload},
	{"close 1004", false, clientFrame(finBit|opClose, closePayload(1004, "")), errClosePayload},
	{"close 1005", false, clientFrame(finBit|opClose, closePayload(1005, "")), errClosePayload},
	{"close 1006", false, clientFrame(finBit|opClose, closePayload(1006, "x")), errClosePayload},
	{"close 1015", false, clientFrame(finBit|opClose, closePayload(1015, "")), errClosePayload},
	{"close 2999", false, clientFrame(finBit|opClose, closePayload(2999, "")), errClosePayload},
	{"close 5000", false, clientFrame(finBit|opClose, closePayload(5000, "")), errClosePayload},
	{"close reason is not UTF-8", false, clientFrame(finBit|opClose, closePayload(1000, "a\xff")), errCloseReason},
	{"close reason ends in a rune", false, clientFrame(finBit|opClose, closePayload(1000, "a\xc3")), errCloseReason},
	{"close too long", false, clientFrame(finBit|opClose, closePayload(1000, big[:124])), errControl},

	{"17 fragments", false, join(clientFrame(opBinary, "a"), repeat(16, clientFrame(0, "b"))), errFragmentCount},
	{"empty fragments", false, join(clientFrame(opBinary, ""), repeat(10, clientFrame(0, ""))), errControlRate},
	{"empty fragments of many messages", false, repeat(10, join(clientFrame(opBinary, ""), clientFrame(finBit, "x"), clientFrame(opBinary, "x"), clientFrame(finBit, ""))), errControlRate},
	{"11 pings", false, repeat(11, clientFrame(finBit|opPing, "")), errControlRate},
	{"11 pings and pongs", false, join(repeat(6, clientFrame(finBit|opPing, "")), repeat(5, clientFrame(finBit|opPong, ""))), errControlRate},
	{"501 messages", false, repeat(501, binary5), errFrameRate},
	{"33 big messages", false, repeat(33, clientFrame(finBit|opBinary, big)), errByteRate},
}

func TestGuard(t *testing.T) {
	for _, tt := range guardTests {
		for _, chunk := range []int{1, 7, 0} {
			g := testGuard(tt.deflate)
			in := join(binary5, tt.in)
			if tt.want == errFrameRate {
				in = tt.in
			}
			passed, v := feed(g, in, chunk)
			if v != tt.want {
				t.Errorf("%s in chunks of %d: %v, want %v", tt.name, chunk, v, tt.want)
			}
			if tt.want == nil && !g.done && passed != len(in) {
				t.Errorf("%s in chunks of %d: %d of %d bytes pass", tt.name, chunk, passed, len(in))
			}
		}
	}
}

// The codes belong to the contract with clients.
func TestViolationCodes(t *testing.T) {
	for v, want := range map[*Violation]schema.CloseCode{
		errReservedBits: 1002, errOpcode: 1002, errUnmasked: 1002, errLength: 1002, errControl: 1002, errFragment: 1002,
		errClosePayload: 1002, errText: 1003, errCloseReason: 1007, errEmptyDeflate: 1007, errMessageSize: 1009,
		errFragmentCount: 4008, errControlRate: 4008, errFrameRate: 4008, errByteRate: 4008,
	} {
		if v.Code != want {
			t.Errorf("%v: %d, want %d", v, v.Code, want)
		}
	}
}

// The frames before a bad one pass whole, the bad one does not, and what follows a close frame is dropped.
func TestGuardPassesWholeFrames(t *testing.T) {
	two := join(binary5, binary5)
	if ok, v := testGuard(false).scan(join(two, length(64, 1<<63)), 0); ok != len(two) || v != errLength {
		t.Errorf("%d bytes pass, want %d; %v", ok, len(two), v)
	}
	g := testGuard(false)
	bye := join(two, clientFrame(finBit|opClose, closePayload(4000, "bye")))
	if ok, v := g.scan(join(bye, binary5), 0); ok != len(bye) || v != nil || !g.done || g.peer != 4000 {
		t.Errorf("%d bytes pass, want %d; %v, done %v, code %d", ok, len(bye), v, g.done, g.peer)
	}
	if ok, v := g.scan(binary5, 0); ok != 0 || v != nil {
		t.Errorf("after the close frame %d bytes pass, %v", ok, v)
	}
}

// The rates come back with time.
func TestGuardRefills(t *testing.T) {
	g := testGuard(false)
	if _, v := feed(g, repeat(10, clientFrame(finBit|opPing, "")), 0); v != nil {
		t.Fatal(v)
	}
	for i := range int64(20) {
		if _, v := g.scan(clientFrame(finBit|opPing, ""), 1e9+(i+1)*5e8); v != nil {
			t.Fatalf("ping %d at two a second: %v", i, v)
		}
	}
	if _, v := g.scan(clientFrame(finBit|opPing, ""), 1e9+20*5e8+4e8); v != errControlRate {
		t.Fatalf("a ping too early: %v", v)
	}
}

// FuzzGuard cuts a stream at other places and compares the verdicts, the bytes that pass and the close code.
func FuzzGuard(f *testing.F) {
	for i, tt := range guardTests {
		if len(tt.in) < 1<<12 {
			f.Add(join(binary5, tt.in), uint64(i)*0x9e3779b97f4a7c15, tt.deflate)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, cuts uint64, deflate bool) {
		whole, pieces := testGuard(deflate), testGuard(deflate)
		_, want := feed(whole, in, 0)
		var got *Violation
		for rest := in; len(rest) > 0 && got == nil && !pieces.done; {
			cuts = cuts*6364136223846793005 + 1442695040888963407
			n := min(int(cuts>>60)+1, len(rest))
			var ok int
			if ok, got = pieces.scan(rest[:n], 1e9); ok > n || (got == nil && !pieces.done && ok != n) {
				t.Fatalf("%d of %d bytes pass without a reason", ok, n)
			}
			rest = rest[n:]
		}
		if got != want || whole.done != pieces.done || whole.peer != pieces.peer || whole.count != pieces.count {
			t.Fatalf("in one piece: %v, done %v, %d frames; in pieces: %v, %v, %d", want, whole.done, whole.count, got, pieces.done, pieces.count)
		}
	})
}

func BenchmarkGuard(b *testing.B) {
	g := testGuard(true)
	g.limits = &guardLimits{message: 4096, fragments: 16, frames: PerSecond(1e6, 500), bytes: PerSecond(1e6, 1e6), control: PerSecond(2, 10)}
	one := clientFrame(finBit|opBinary, big[:60])
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 1e8
		if _, v := g.scan(one, now); v != nil {
			b.Fatal(v)
		}
	}
}
