package cohort

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/schema"
)

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// member inflates as a client does: all compressed messages of its connection are one stream, of which it keeps no more than it must.
type member struct {
	r    io.ReadCloser
	last []byte
	out  []byte
}

func newMember() *member { return &member{r: flate.NewReader(nil)} }

// gets gives the member one message's payload, which must inflate to want.
func (m *member) gets(t fataler, payload, want []byte) {
	t.Helper()
	if err := m.r.(flate.Resetter).Reset(io.MultiReader(bytes.NewReader(payload), bytes.NewReader(tail)), m.last); err != nil {
		t.Fatal(err)
	}
	m.out = append(m.out[:0], want...)
	clear(m.out)
	if _, err := io.ReadFull(m.r, m.out); err != nil {
		t.Fatal("a member cannot inflate it: ", err)
	}
	m.last = append(m.last, m.out...)
	m.last = m.last[max(0, len(m.last)-Reach):]
	if !bytes.Equal(m.out, want) {
		t.Fatalf("a member got % x, want % x", m.out, want)
	}
}

// Members who joined at any time, by Prime or after Reset, and who were sent plain frames in between, all read every message.
func TestWindowMembers(t *testing.T) {
	c := NewCompressor()
	rapid.Check(t, func(t *rapid.T) {
		w := c.NewWindow()
		defer w.Close()
		hasten := rapid.Bool().Draw(t, "gets a stream early")
		members := []*member{newMember()} // of an empty window everybody is a member
		outside := []*member{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0: // somebody misses what comes, or comes back; his inflater remembers what it saw
				if len(members) > 0 {
					outside, members = append(outside, members[0]), members[1:]
				}
			case 1:
				first := message(t)
				if len(outside) == 0 {
					outside = append(outside, newMember())
				}
				p := w.Prime([]byte("prefix"), first)
				if !bytes.HasPrefix(p, []byte("prefix")) {
					t.Fatal("what was in dst is gone")
				}
				if len(first) == 0 {
					first = nothing
				}
				for _, m := range outside {
					m.gets(t, p[6:], append(append([]byte(nil), first...), w.tail()...))
				}
				members, outside = append(members, outside...), nil
			case 2:
				w.Reset()
				members, outside = append(members, outside...), nil
			default:
				msg := message(t)
				for rapid.IntRange(0, 9).Draw(t, "long") == 0 {
					msg = append(msg, msg...)
				}
				if hasten {
					w.used = streamAfter
				}
				was := append([]byte(nil), w.tail()...)
				p, ok := w.Append([]byte("prefix"), msg)
				if !bytes.HasPrefix(p, []byte("prefix")) {
					t.Fatal("what was in dst is gone")
				}
				if !ok {
					if len(p) != 6 || !bytes.Equal(was, w.tail()) {
						t.Fatal("not compressed, but something changed")
					}
					continue
				}
				if len(p)-6 >= len(msg) {
					t.Fatalf("%d bytes for %d", len(p)-6, len(msg))
				}
				for _, m := range members {
					m.gets(t, p[6:], msg)
				}
			}
		}
	})
}

// The window has what was sent last, whatever the sizes of the messages.
func TestWindowHoldsTheLast(t *testing.T) {
	c := NewCompressor()
	rapid.Check(t, func(t *rapid.T) {
		w := c.NewWindow()
		var all []byte
		for range rapid.IntRange(1, 30).Draw(t, "n") {
			msg := bytes.Repeat([]byte{rapid.Byte().Draw(t, "b"), 1, 2, 3, 4, 5, 6, 7}, rapid.IntRange(4, 1500).Draw(t, "len"))
			if _, ok := w.Append(nil, msg); ok {
				all = append(all, msg...)
			}
			if want := all[max(0, len(all)-WindowSize):]; !bytes.Equal(w.tail(), want) {
				t.Fatalf("window of %d bytes after %d", len(w.tail()), len(all))
			}
		}
		if cap(w.last) > 2*WindowSize {
			t.Fatalf("%d bytes of memory", cap(w.last))
		}
	})
}

// noise is bytes in which nothing repeats.
func noise(seed uint32, n int) []byte {
	m := make([]byte, n)
	for i := range m {
		seed = seed*1664525 + 1013904223
		m[i] = byte(seed >> 24)
	}
	return m
}

// What was sent before is referred to, within reach only, and what does not pay goes plain.
func TestWindowPays(t *testing.T) {
	w := NewCompressor().NewWindow()
	a := append(noise(1, 200), make([]byte, 100)...)
	if p, ok := w.Append(nil, a); !ok || len(p) < 200 {
		t.Fatalf("first message: %d bytes, %v", len(p), ok)
	}
	if p, ok := w.Append(nil, a[:200]); !ok || len(p) > 10 {
		t.Errorf("again: %d bytes, %v", len(p), ok)
	}
	if p, ok := w.Append(nil, noise(2, 200)); ok || len(p) != 0 {
		t.Errorf("noise: %d bytes, %v", len(p), ok)
	}
	b := append(noise(3, WindowSize), make([]byte, 100)...)
	w.Append(nil, b)
	if p, ok := w.Append(nil, a[:200]); ok {
		t.Errorf("out of reach: %d bytes, %v", len(p), ok)
	}
	w.Reset()
	if p, ok := w.Append(nil, b[1000:1200]); ok {
		t.Errorf("after Reset: %d bytes, %v", len(p), ok)
	}
}

// A window that is used gets a stream of its own, refers with it further back than the window, but never past Reach, and gives it back.
func TestWindowStream(t *testing.T) {
	c := NewCompressor()
	w, m := c.NewWindow(), newMember()
	send := func(msg []byte) int {
		p, ok := w.Append(nil, msg)
		if ok {
			m.gets(t, p, msg)
		}
		return len(p)
	}
	for i := range streamAfter {
		if w.stream != nil {
			t.Fatalf("a stream after %d messages", i)
		}
		send(bytes.Repeat([]byte{byte(i), 1, 2, 3}, 20))
	}
	first := append(noise(1, 200), make([]byte, 60)...)
	send(first)
	if w.stream == nil || c.lent != 1 {
		t.Fatal("no stream")
	}
	for i := range 27 {
		send(append(noise(uint32(i), 100), make([]byte, 60)...))
	}
	if n := send(first); n == 0 || n > 20 {
		t.Errorf("%d bytes for what was sent %d bytes ago", n, w.span)
	}
	for i := range 40 { // past Reach, which gets can tell
		send(append(noise(uint32(i), 200), make([]byte, 100)...))
		if w.span > Reach+300 {
			t.Fatalf("a stream of %d bytes", w.span)
		}
	}
	w.Close()
	if c.lent != 0 || len(c.spare) != 1 || w.stream != nil {
		t.Errorf("%d streams lent, %d left after Close", c.lent, len(c.spare))
	}
}

// Windows beyond MaxStreams share engines, until another one is closed.
func TestWindowStreamsAreFew(t *testing.T) {
	c := NewCompressor()
	c.lent = MaxStreams - 1
	msg := bytes.Repeat([]byte{0, 1, 0, 2}, 40)
	var ws [3]*Window
	for i := range ws {
		ws[i] = c.NewWindow()
	}
	for range streamAfter + 1 {
		for _, w := range ws {
			if _, ok := w.Append(nil, msg); !ok {
				t.Fatal("not compressed")
			}
		}
	}
	if ws[0].stream == nil || ws[1].stream != nil || ws[2].stream != nil {
		t.Error("not exactly the first has a stream")
	}
	own := ws[0].stream
	ws[0].Close()
	ws[2].Append(nil, msg)
	ws[1].Append(nil, msg)
	if ws[1].stream != nil || ws[2].stream != own {
		t.Error("the stream did not go on to the next")
	}
}

// What Prime sends in place of no message is a server message that says nothing.
func TestPrimeOfNothing(t *testing.T) {
	w := NewCompressor().NewWindow()
	w.Append(nil, bytes.Repeat([]byte{0, 1, 0, 2}, 40))
	plain := inflate(t, w.Prime(nil, nil))
	m, err := schema.VerifyServer(plain)
	if err != nil || schema.IsFrame(&m) {
		t.Fatal("not a server message that says nothing: ", err)
	}
	if !bytes.Equal(plain[len(plain)-160:], w.tail()) {
		t.Error("the window is not at its end")
	}
}

// A message that Prime carries reads as it does alone.
func TestPrimeCarriesAMessage(t *testing.T) {
	w := NewCompressor().NewWindow()
	w.Append(nil, bytes.Repeat([]byte{0, 1, 0, 2}, 40))
	msg := new(schema.ServerWriter).Pong(schema.Pong{Client: 5, Tick: 6, LatenessMs: -7})
	m, err := schema.VerifyServer(inflate(t, w.Prime(nil, msg)))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := schema.ReadPong(&m); !ok || p.Client != 5 || p.Tick != 6 || p.LatenessMs != -7 {
		t.Errorf("%+v", p)
	}
}

func TestWindowDoesNotAllocate(t *testing.T) {
	c := NewCompressor()
	for range cap(c.free) {
		<-c.free
		c.free <- newEngine()
	}
	w, msg, dst := c.NewWindow(), bytes.Repeat([]byte{0, 1, 0, 2}, 40), make([]byte, 0, 1<<14)
	run := func() {
		if _, ok := w.Append(dst, msg); !ok {
			t.Fatal("not compressed")
		}
		w.Prime(dst, msg)
	}
	check := func() {
		t.Helper()
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%v allocations a frame", n)
		}
	}
	check()
	w.stream = c.lend()
	check()
}

// FuzzWindow cuts its input into messages and lets a member from the start, and one primed at some message, read them.
func FuzzWindow(f *testing.F) {
	f.Add([]byte{3, 1, 2, 3, 3, 1, 2, 3}, uint8(1), uint8(1))
	f.Add(bytes.Repeat([]byte{200, 0, 0, 1}, 300), uint8(3), uint8(30))
	f.Add(noise(1, 3000), uint8(9), uint8(1))
	f.Add([]byte{}, uint8(0), uint8(0))
	c := NewCompressor()
	f.Fuzz(func(t *testing.T, data []byte, join, times uint8) {
		w, first := c.NewWindow(), newMember()
		defer w.Close()
		if times%2 == 0 {
			w.used = streamAfter
		}
		var late *member
		for i := 0; len(data) > 0 && i < 100; i++ {
			n := max(min(int(data[0]), len(data)), 1)
			msg := bytes.Repeat(data[:n], 1+int(times)/8)
			data = data[n:]
			if i == int(join) {
				late = newMember()
				late.gets(t, w.Prime(nil, msg), append(append([]byte(nil), msg...), w.tail()...))
			}
			p, ok := w.Append(nil, msg)
			if !ok {
				continue
			}
			if first.gets(t, p, msg); late != nil {
				late.gets(t, p, msg)
			}
		}
	})
}

// BenchmarkWindow measures a frame like those of a match of 16, half of it as in the frame before, with the engines that all
// windows share and with a stream.
func BenchmarkWindow(b *testing.B) {
	msgs := make([][]byte, 256)
	for i := range msgs {
		msgs[i] = append(noise(7, 50), noise(uint32(i), 40)...)
	}
	for _, stream := range []bool{false, true} {
		b.Run(map[bool]string{false: "shared", true: "stream"}[stream], func(b *testing.B) {
			c := NewCompressor()
			w := c.NewWindow()
			if !stream {
				c.lent = MaxStreams
			}
			dst, total, i := make([]byte, 0, 8192), 0, 0
			for b.Loop() {
				p, _ := w.Append(dst, msgs[i%len(msgs)])
				total += len(p)
				i++
			}
			b.ReportMetric(float64(total)/float64(b.N), "B/frame")
		})
	}
}
