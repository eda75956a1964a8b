package netcode

import (
	"bytes"
	"compress/flate"
	"slices"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// sends is an attack that sends some frames.
func sends(frames ...[]byte) func(*attacker) {
	return func(x *attacker) { x.bytes(slices.Concat(frames...)) }
}

// floods is an attack that sends the same again and again.
func floods(f []byte) func(*attacker) {
	return func(x *attacker) { x.pour(func() []byte { return f }) }
}

// pour sends frames until it is shown out: more at once than allowed, and then faster than allowed, so that it ends however slow the machine
// is; but not so fast that it is cut off before it has read why.
func (x *attacker) pour(next func() []byte) {
	begin := time.Now()
	for sent := 0; !x.told.Load(); {
		if float64(sent) > 700+400*time.Since(begin).Seconds() {
			time.Sleep(10 * time.Millisecond) // it is the attack
			continue
		}
		var batch []byte
		for range 100 {
			batch = append(batch, next()...)
			sent++
		}
		if _, err := x.Write(batch); err != nil {
			return
		}
	}
}

// flood does the same with the payloads of one message after the other, counted from 0.
func flood(next func(x *attacker, i uint32) []byte) func(*attacker) {
	return func(x *attacker) {
		i := uint32(0)
		x.pour(func() []byte {
			i++
			return frame(fin|opBinary, next(x, i-1))
		})
	}
}

// frameAttacks break the rules of framing (RFC 6455 section 5).
func frameAttacks() []attack {
	short := []byte{1, 2, 3, 4, 5}
	unmasked := []byte{fin | opBinary, 5, 1, 2, 3, 4, 5}
	start := frame(opBinary, short)
	more := frame(opContinuation, short[:1])
	all := []attack{
		{name: "length with the top bit", want: 1002, do: sends(longFrame(fin|opBinary, 1<<63))},
		{name: "length of 64 ones", want: 1002, do: sends(longFrame(fin|opBinary, 1<<64-1))},
		{name: "length 2^62", want: 1009, do: sends(longFrame(fin|opBinary, 1<<62))},
		{name: "length 2^31+1", want: 1009, do: sends(longFrame(fin|opBinary, 1<<31+1))},
		{name: "16 MiB declared", want: 1009, do: sends(longFrame(fin|opBinary, 16<<20, short...))},
		{name: "a byte too large", want: 1009, do: sends(frame(fin|opBinary, make([]byte, schema.MaxClient+1)))},
		{name: "length of 16 bits that fits 7", want: 1002, do: sends([]byte{fin | opBinary, 0xfe, 0, 5}, make([]byte, 9))},
		{name: "length of 64 bits that fits 16", want: 1002, do: sends(longFrame(fin|opBinary, 300))},
		{name: "fragment lengths that overflow", want: 1009, do: sends(start, longFrame(fin|opContinuation, 1<<63-1))},
		{name: "unmasked frame", want: 1002, do: sends(unmasked)},
		{name: "RSV1 without deflate", want: 1002, do: sends(frame(fin|rsv1|opBinary, short))},
		{name: "RSV2", want: 1002, do: sends(frame(fin|0x20|opBinary, short))},
		{name: "RSV3", want: 1002, do: sends(frame(fin|0x10|opBinary, short))},
		{name: "RSV2 with deflate", offer: deflating, want: 1002, do: sends(frame(fin|0x20|opBinary, short))},
		{name: "RSV3 with deflate", offer: deflating, want: 1002, do: sends(frame(fin|0x50|opBinary, short))},
		{name: "RSV1 on a ping", offer: deflating, want: 1002, do: sends(frame(fin|rsv1|opPing, short))},
		{name: "RSV1 on a continuation", offer: deflating, want: 1002, do: sends(frame(rsv1|opBinary, short), frame(fin|rsv1|opContinuation, short))},
		{name: "text message", want: 1003, do: sends(frame(fin|opText, []byte("hello")))},
		{name: "continuation without start", want: 1002, do: sends(frame(fin|opContinuation, short))},
		{name: "new message inside a fragmented one", want: 1002, do: sends(start, frame(fin|opBinary, short))},
		{name: "too many fragments", want: 4008, do: sends(start, bytes.Repeat(more, 40))},
		{name: "endless empty continuations", want: 4008, do: sends(start, bytes.Repeat(frame(opContinuation, nil), 300))},
		{name: "fragments too large together", want: 1009, do: sends(frame(opBinary, make([]byte, 3000)), frame(opContinuation, make([]byte, 3000)))},
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		all = append(all, attack{name: "reserved opcode " + string("0123456789ABCDEF"[op]), want: 1002, do: sends(frame(fin|op, short))})
	}
	return everywhere(all)
}

// everywhere marks attacks that are tried before hello and after.
func everywhere(all []attack) []attack {
	for i := range all {
		all[i].both = true
	}
	return all
}

// controlAttacks break the rules of control frames (RFC 6455 sections 5.5 and 7.4).
func controlAttacks() []attack {
	long := make([]byte, 126)
	binary := frame(fin|opBinary, []byte("after the close frame"))
	all := []attack{
		{name: "fragmented ping", want: 1002, do: sends(frame(opPing, nil), frame(fin|opContinuation, nil))},
		{name: "ping of 126 bytes", want: 1002, do: sends(frame(fin|opPing, long))},
		{name: "close frame of 126 bytes", want: 1002, do: sends(frame(fin|opClose, long))},
		{name: "ping flood", want: 4008, do: floods(frame(fin|opPing, nil))},
		{name: "flood of large pings", want: 4008, do: floods(frame(fin|opPing, long[:125]))},
		{name: "pong flood", want: 4008, do: floods(frame(fin|opPong, nil))},
		{name: "close payload of 1 byte", want: 1002, do: sends(frame(fin|opClose, []byte{3}))},
		{name: "close reason that is not UTF-8", want: 1007, do: sends(closeFrame(1000, "\xff\xfe\xfd"))},
		{name: "data after the close frame", want: 1000, do: sends(closeFrame(1000, "bye"), binary, bytes.Repeat(binary, 20))},
		{name: "two close frames", want: 1000, do: sends(closeFrame(1000, ""), closeFrame(4321, ""))},
		{name: "close frame without code", want: 1000, or: []schema.CloseCode{closeNoStatus}, do: sends(frame(fin|opClose, nil))},
	}
	for name, code := range map[string]uint16{"0": 0, "999": 999, "1004": 1004, "1005": 1005, "1006": 1006, "1015": 1015, "2999": 2999, "5000": 5000, "65535": 65535} {
		all = append(all, attack{name: "close code " + name, want: 1002, do: sends(closeFrame(code, ""))})
	}
	return everywhere(all)
}

// squeeze compresses as a client does: flushed, without the tail.
func squeeze(p []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	w.Write(p)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

// deflateAttacks abuse compression (RFC 7692).
func deflateAttacks() []attack {
	bomb := squeeze(make([]byte, 3<<20))
	third := len(bomb) / 3
	garbage := []byte{0xfe, 0xed, 0xfa, 0xce, 0xca, 0xfe, 0xba, 0xbe}
	var minis [][]byte
	var w schema.ClientWriter
	for n := range uint32(400) { // 1 KiB each from some 30 bytes: no rule is broken but the sum
		minis = append(minis, frame(fin|rsv1|opBinary, squeeze(w.Command(n+1, make([]byte, schema.MaxCommand)))))
	}
	all := everywhere([]attack{
		{name: "bomb", want: 1009, do: sends(frame(fin|rsv1|opBinary, bomb))},
		{name: "bomb in fragments", want: 1009, do: sends(frame(rsv1|opBinary, bomb[:third]), frame(opContinuation, bomb[third:2*third]), frame(fin|opContinuation, bomb[2*third:]))},
		{name: "garbage", want: 1007, do: sends(frame(fin|rsv1|opBinary, garbage))},
		{name: "reserved block type", want: 1007, do: sends(frame(fin|rsv1|opBinary, []byte{7}))},
		{name: "stored block cut short", want: 1007, do: sends(frame(fin|rsv1|opBinary, []byte{0, 100, 0, 155, 255, 1, 2, 3}))},
		{name: "reference before the beginning", want: 1007, do: sends(frame(fin|rsv1|opBinary, []byte{0x4b, 0x04, 0x11, 0x00}))},
		{name: "empty compressed message", want: 1007, do: sends(frame(fin|rsv1|opBinary, nil))},
		{name: "garbage that inflates", want: 4002, do: sends(frame(fin|rsv1|opBinary, squeeze(garbage)))},
	})
	all = append(all, attack{name: "many small bombs", want: 4008, join: true, do: sends(minis...)})
	for i := range all {
		all[i].name = "deflate: " + all[i].name
		all[i].offer = deflating
	}
	return all
}
