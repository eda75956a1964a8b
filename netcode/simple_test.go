package netcode

import (
	"strings"
	"testing"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

// A hello is understood however it comes: alone, in parts, with something before it, in fragments. What follows a goroutine's end is read too.
func TestHelloInPieces(t *testing.T) {
	e := startTCP(t, nil)
	defer e.stop()
	e.match("m", (&lab{}).in(func(c *loop.Config) { c.Hz, c.Seats, c.Empty = 20, 8, -1 }))
	var w schema.ClientWriter
	for name, pieces := range map[string]func(hello []byte) [][]byte{
		"alone": func(h []byte) [][]byte { return [][]byte{frame(fin|opBinary, h)} },
		"behind pongs": func(h []byte) [][]byte {
			return [][]byte{frame(fin|opPong, nil), append(frame(fin|opPong, nil), frame(fin|opBinary, h)...)}
		},
		"with a pong": func(h []byte) [][]byte { return [][]byte{append(frame(fin|opBinary, h), frame(fin|opPong, nil)...)} },
		"in parts": func(h []byte) [][]byte {
			f := frame(fin|opBinary, h)
			return [][]byte{f[:1], f[1:5], f[5:40], f[40:]}
		},
		"in fragments": func(h []byte) [][]byte {
			return [][]byte{frame(opBinary, h[:10]), frame(fin|opPing, []byte("x")), frame(fin|opContinuation, h[10:])}
		},
	} {
		c, err := e.raw(nil)
		if err != nil {
			t.Fatal(err)
		}
		hello := w.Hello(&schema.Hello{Version: schema.Version, Token: e.token("m", strings.ReplaceAll(name, " ", "-"))})
		for _, p := range pieces(hello) {
			c.bytes(p)
		}
		welcomed := false
		for !welcomed {
			m, err := c.readMessage()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, welcomed = schema.ReadWelcome(&m)
		}
		c.message(w.Hello(&schema.Hello{Version: schema.Version, Token: "again"}))
		if code, err := c.closed(); code != schema.CloseNotAllowed {
			t.Errorf("%s: a second hello: closed with %d, %v", name, code, err)
		}
		c.Close()
	}
}
