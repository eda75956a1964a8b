package netcode

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
)

// message is an attack that sends one binary message.
func message(p []byte) func(*attacker) { return sends(frame(fin|opBinary, p)) }

// samplesFrom builds a message of n samples.
func samplesFrom(seq uint32, n int) []byte {
	s := make([]schema.Sample, n)
	for i := range s {
		s[i] = schema.Sample{Seq: seq + uint32(i), Tick: 0, Buttons: 1}
	}
	var w schema.ClientWriter
	return w.Samples(s, 0, 0)
}

// messageAttacks send well-framed nonsense, and too much of what is allowed.
func messageAttacks() []attack {
	all := []attack{
		{name: "empty message", want: 4002, both: true, do: message(nil)},
		{name: "three bytes", want: 4002, both: true, do: message([]byte{1, 2, 3})},
		{name: "root out of range", want: 4002, both: true, do: message([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})},
		{name: "vtable of itself", want: 4002, both: true, do: message([]byte{8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})},
		{name: "samples before hello", want: 4001, do: message(samplesFrom(1, 1))},
		{name: "ping before hello", want: 4001, do: func(x *attacker) { x.message(x.w.Ping(1)) }},
		{name: "samples out of order", want: 4002, join: true, do: func(x *attacker) {
			x.message(x.w.Samples([]schema.Sample{{Seq: 2}, {Seq: 1}}, 0, 0))
		}},
		{name: "sample 0", want: 4002, join: true, do: message(samplesFrom(0, 1))},
		{name: "sequence jump", want: 4007, join: true, do: message(samplesFrom(100_000, 1))},
		{name: "sequence at its end", want: 4007, join: true, do: message(samplesFrom(1<<32-1, 1))},
		{name: "command jump", want: 4007, join: true, do: func(x *attacker) { x.message(x.w.Command(3, []byte("x"))) }},
		{name: "message flood", want: 4008, join: true, do: floods(frame(fin|opBinary, samplesFrom(1, 0)))},
		{name: "byte flood", want: 4008, join: true, do: floods(frame(fin|opBinary, samplesFrom(1, 32)))},
		{name: "sample flood", want: 4008, join: true, do: flood(func(_ *attacker, i uint32) []byte {
			return samplesFrom(1+32*i, 32)
		})},
		{name: "command flood", want: 4008, join: true, do: flood(func(x *attacker, i uint32) []byte {
			return x.w.Command(i+1, []byte("x"))
		})},
		{name: "keyframe flood", want: 4008, join: true, do: flood(func(x *attacker, _ uint32) []byte {
			return x.w.Keyframe()
		})},
		{name: "clock ping flood", want: 4008, join: true, do: flood(func(x *attacker, i uint32) []byte {
			return x.w.Ping(i + 1)
		})},
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 8 {
		p := make([]byte, 1+rnd.IntN(200))
		for k := range p {
			p[k] = byte(rnd.Uint32())
		}
		all = append(all, attack{name: fmt.Sprint("random bytes ", i), want: 4002, both: true, do: message(p)})
	}
	return append(all, brokenBuffers(rnd)...)
}

// brokenBuffers cut and change a well-formed message. A changed one may still be well-formed: then the client closes, with 1000.
func brokenBuffers(rnd *rand.Rand) (all []attack) {
	var w schema.ClientWriter
	hello := append([]byte(nil), w.Hello(&schema.Hello{Version: schema.Version, Token: "token"})...)
	for name, good := range map[string][]byte{"samples": samplesFrom(1, 3), "hello": hello} {
		for _, n := range []int{len(good) / 4, len(good) / 2, len(good) * 3 / 4} {
			all = append(all, attack{name: fmt.Sprintf("%s cut to %d bytes", name, n), want: 4002, both: true, do: message(good[:n])})
		}
		for i := range 8 {
			bad := append([]byte(nil), good...)
			at := rnd.IntN(len(bad)/4) * 4
			binary.LittleEndian.PutUint32(bad[at:], rnd.Uint32()|0x7f000000)
			all = append(all, attack{
				name: fmt.Sprintf("%s changed at %d (%d)", name, at, i), want: 4002, both: true,
				or: []schema.CloseCode{1000, schema.CloseToken, schema.CloseNotAllowed, schema.CloseSequence, schema.CloseVersion},
				do: sends(frame(fin|opBinary, bad), closeFrame(1000, "")),
			})
		}
	}
	return all
}

// hello is an attack that says hello.
func hello(f func(x *attacker) schema.Hello) func(*attacker) {
	return func(x *attacker) {
		h := f(x)
		if h.Version == 0 {
			h.Version = schema.Version
		}
		x.message(x.w.Hello(&h))
	}
}

// helloAttacks come with what does not let them in.
func helloAttacks() []attack {
	foreign := func(x *attacker) *token.Keyring { return newKeys(x.e.t) }
	player := func(x *attacker) token.Player {
		return token.Player{Match: x.match, ID: x.id, Name: x.id, Expiry: time.Now().Add(time.Hour)}
	}
	resume := func(x *attacker) token.Resume {
		return token.Resume{Match: x.match, ID: x.id, Player: 1, Epoch: 1, Generation: 1, Expiry: time.Now().Add(time.Hour)}
	}
	sure := func(s string, err error) string {
		if err != nil {
			panic(err)
		}
		return s
	}
	return []attack{
		{name: "no hello", want: 4001, do: func(*attacker) {}},
		{name: "dripping hello", want: 4001, do: func(x *attacker) {
			for _, b := range frame(fin|opBinary, make([]byte, 100))[:50] {
				x.bytes([]byte{b})
				time.Sleep(100 * time.Millisecond) // it is the attack
			}
		}},
		{name: "no token", want: 4001, do: hello(func(*attacker) schema.Hello { return schema.Hello{} })},
		{name: "wrong token", want: 4001, do: hello(func(*attacker) schema.Hello { return schema.Hello{Token: "let.me.in"} })},
		{name: "expired token", want: 4001, do: hello(func(x *attacker) schema.Hello {
			p := player(x)
			p.Expiry = time.Now().Add(-2 * time.Second)
			return schema.Hello{Token: sure(x.e.keys.SignPlayer(p))}
		})},
		{name: "token of another cluster", want: 4001, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Token: sure(foreign(x).SignPlayer(player(x)))}
		})},
		{name: "guest's bearer as token", want: 4001, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Token: sure(x.e.keys.SignGuest(token.Guest{ID: x.id, Name: x.id, Expiry: time.Now().Add(time.Hour)}))}
		})},
		{name: "resume token as token", want: 4001, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Token: sure(x.e.keys.SignResume(resume(x)))}
		})},
		{name: "token as resume token", want: 4006, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Resume: x.e.token(x.match, x.id)}
		})},
		{name: "resume token of another cluster", want: 4006, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Resume: sure(foreign(x).SignResume(resume(x)))}
		})},
		{name: "resume token of a seat that is not there", want: 4006, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Resume: sure(x.e.keys.SignResume(resume(x)))}
		})},
		{name: "unknown match", want: 4004, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Token: x.e.token("nowhere", x.id)}
		})},
		{name: "version 2", want: 4012, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Version: 2, Token: x.e.token(x.match, x.id)}
		})},
		{name: "two hellos", want: 4003, join: true, do: hello(func(x *attacker) schema.Hello {
			return schema.Hello{Token: x.e.token(x.match, x.id)}
		})},
		{name: "two hellos at once", want: 4003, do: func(x *attacker) {
			h := frame(fin|opBinary, x.w.Hello(&schema.Hello{Version: schema.Version, Token: x.e.token(x.match, x.id)}))
			x.bytes(append(h, h...))
		}},
		{name: "samples behind the hello", want: 4003, do: func(x *attacker) {
			h := frame(fin|opBinary, x.w.Hello(&schema.Hello{Version: schema.Version, Token: x.e.token(x.match, x.id)}))
			x.bytes(append(h, frame(fin|opBinary, samplesFrom(1, 1))...))
		}},
		{name: "used resume token", want: 4006, ready: spend, do: hello(func(x *attacker) schema.Hello { return schema.Hello{Resume: x.spent} })},
	}
}

// spend gives the attacker a resume token that was used: by a second connection that has answered.
func spend(x *attacker) error {
	first, w, err := x.e.joined(x.e.token(x.match, x.id), nil)
	if first != nil {
		first.Close()
	}
	if err != nil {
		return err
	}
	second, err := x.e.raw(nil)
	if second != nil {
		defer second.Close()
	}
	if err != nil {
		return err
	}
	x.spent = w.Resume
	if _, err = second.join(schema.Hello{Version: schema.Version, Resume: w.Resume}); err != nil {
		return err
	}
	return second.settle()
}

// settle says something and reads until the match has taken it in: a state frame of a tick after the one of the pong.
func (c *rawClient) settle() error {
	c.message(c.w.Ping(77))
	ponged := 0
	for ponged < 3 {
		m, err := c.readMessage()
		if err != nil {
			return err
		}
		if _, ok := schema.ReadPong(&m); ok || ponged > 0 && schema.IsFrame(&m) && m.Channel() == 0 {
			ponged++
		}
	}
	return nil
}
