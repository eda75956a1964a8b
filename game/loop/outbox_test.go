package loop

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// kept returns the messages above a number.
func (o *outbox) list(after uint32) (l []message) {
	o.after(after, func(n uint32, kind uint8, data []byte) { l = append(l, message{n, kind, string(data)}) })
	return l
}

// The outbox against a plain slice of messages.
func TestOutboxAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outbox
		var model []message
		next := uint32(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "what") > 0 {
				next++
				m := message{next, uint8(next % 2), strings.Repeat("x", rapid.IntRange(0, 1024).Draw(t, "size"))}
				lost := o.push(m.kind, []byte(m.text))
				model = append(model, m)
				if lost > len(model) {
					t.Fatalf("%d gave way of %d", lost, len(model))
				}
				model = model[lost:]
				if fits := len(model) < maxKept && size(model)+3+1024 <= maxKeptBytes; lost > 0 && fits {
					t.Fatalf("%d gave way though there was room", lost)
				}
			} else {
				n := rapid.Uint32Range(0, next+3).Draw(t, "acknowledged")
				o.ack(n)
				if n <= next { // others were never sent
					model = slices.DeleteFunc(model, func(m message) bool { return m.number <= n })
				}
			}
			if !slices.Equal(o.list(0), model) || o.next != next || !o.whole() {
				t.Fatalf("have %d messages up to %d, want %d up to %d", len(o.list(0)), o.next, len(model), next)
			}
			if len(model) > maxKept || size(model) > maxKeptBytes {
				t.Fatalf("%d messages, %d bytes kept", len(model), size(model))
			}
			after := rapid.Uint32Range(0, next+1).Draw(t, "after")
			if want := slices.DeleteFunc(slices.Clone(model), func(m message) bool { return m.number <= after }); !slices.Equal(o.list(after), want) {
				t.Fatalf("after %d: %d messages, want %d", after, len(o.list(after)), len(want))
			}
		}
	})
}

func size(l []message) (n int) {
	for _, m := range l {
		n += 3 + len(m.text)
	}
	return n
}

func TestOutboxKeepsTheNewest(t *testing.T) {
	var o outbox
	lost := 0
	for range 100 {
		lost += o.push(MessageGame, []byte("m"))
	}
	if l := o.list(0); lost != 36 || len(l) != 64 || l[0].number != 37 || l[63].number != 100 {
		t.Errorf("%d lost, %d kept", lost, len(l))
	}
	o = outbox{}
	for range 64 {
		o.push(MessageGame, make([]byte, 1024))
	}
	if l := o.list(0); len(l) != 31 || l[30].number != 64 { // 31 * 1027 bytes
		t.Errorf("%d large messages kept", len(l))
	}
}
