package netcode

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// Where nodes cannot be reached by players, any node passes them on: they see no difference.
func TestPass(t *testing.T) {
	for name, plain := range map[string]bool{"compressed": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
				lab := &lab{mob: 40, talk: 30}
				m := w.edges["a"].match("m", lab.in(nil))
				w.answer("b", always(w.through("a"), nil))
				p := w.play("b", "m", "p", func(c *client.Config) { c.NoCompression = plain })
				direct := w.play("a", "m", "q", nil)
				after(10 * time.Second)
				s, d := p.honest(t), direct.honest(t)
				if s.Frames < 290 || s.Moves != 0 || s.Connects != 1 || s.Answered < s.Sent-10 || s.Messages < 9 {
					t.Errorf("%+v", s)
				}
				if plain == (s.BytesIn < d.BytesIn*3/2) {
					t.Errorf("%d bytes came in, directly %d", s.BytesIn, d.BytesIn)
				}
				near, far := w.edges["b"].srv.stats, w.edges["a"].srv.stats
				if near.Passed.Load() != 1 || near.Passing.Load() != 1 || near.StateFrames.Load() != 0 || far.Joined.Load() != 2 {
					t.Errorf("passed %d, now %d, joined there %d", near.Passed.Load(), near.Passing.Load(), far.Joined.Load())
				}
				if in, out := w.edges["b"].srv.Bytes(); out < s.BytesIn*9/10 || in < 1000 {
					t.Errorf("%d bytes passed to the player, %d to the node", out, in)
				}
				p.Cut()
				after(time.Second)
				if s := p.honest(t); s.Reconnects != 1 || m.Info().Taken != 2 {
					t.Errorf("after a cut: %+v", s)
				}
				m.Kick("p", "enough") // close codes pass too
				err := (*client.CloseError)(nil)
				if got := <-p.done; !asClose(got, &err) || err.Code != schema.CloseRemoved || err.Reason != "enough" {
					t.Errorf("ended with %v", got)
				}
				after(10 * time.Second)
				if near.Passing.Load() != 0 || near.Connections.Load() != 0 || near.Closes()[schema.CloseRemoved] != 0 || far.Closes()[schema.CloseRemoved] != 1 {
					t.Errorf("afterwards %d passing, %d connections", near.Passing.Load(), near.Connections.Load())
				}
			})
		})
	}
}

func asClose(err error, to **client.CloseError) bool {
	e, ok := err.(*client.CloseError)
	*to = e
	return ok
}

// A connection is passed on twice at most, so two nodes that take each other for the owner do not pass it on for ever.
func TestPassLoop(t *testing.T) {
	inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
		w.answer("a", always(w.through("b"), nil))
		w.answer("b", always(w.through("a"), nil))
		e := w.edges["a"]
		c, r := e.rawHello(schema.Hello{Token: e.token("m", "p")})
		defer c.Close()
		after(5 * time.Second)
		r.expect(t, schema.CloseUnavailable)
		if n := w.edges["a"].srv.stats.Questions.Load() + w.edges["b"].srv.stats.Questions.Load(); n != maxHops+1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// What goes wrong between the nodes ends the player's connection, soon, and he may come again.
func TestPassFailures(t *testing.T) {
	answer := func(extra string) string {
		return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + acceptKey(rawKey) +
			"\r\nSec-WebSocket-Protocol: overtime.v1\r\n" + extra + "\r\n"
	}
	for name, c := range map[string]struct {
		says string // by the other node; then it falls silent
		code schema.CloseCode
		soon time.Duration
	}{
		"silence":           {"", schema.CloseUnavailable, 3 * time.Second},
		"not a node":        {"SSH-2.0-OpenSSH_9.9\r\n", schema.CloseUnavailable, time.Second},
		"refusal":           {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", schema.CloseUnavailable, time.Second},
		"another extension": {answer("Sec-WebSocket-Extensions: permessage-deflate\r\n"), schema.CloseUnavailable, time.Second},
		"another key":       {strings.Replace(answer(""), "Accept: ", "Accept: x", 1), schema.CloseUnavailable, time.Second},
		"endless answer":    {"HTTP/1.1 101 x\r\nA: " + strings.Repeat("x", 2*answerMax), schema.CloseUnavailable, time.Second},
		"silence later":     {answer(""), 0, passIdle + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, []string{"b"}, func(t *testing.T, w *town) {
				w.answer("b", always(Route{Dial: func(context.Context) (net.Conn, error) {
					near, far := net.Pipe()
					go io.Copy(io.Discard, far)
					go io.WriteString(far, c.says)
					return near, nil
				}}, nil))
				e := w.edges["b"]
				conn, r := e.rawHello(schema.Hello{Token: e.token("m", "p")})
				defer conn.Close()
				after(c.soon)
				if c.code != 0 {
					r.expect(t, c.code)
				} else if !r.over() || e.srv.stats.Passed.Load() != 1 {
					t.Error("the connection goes on")
				}
			})
		})
	}
}

// Bytes that nobody takes are not piled up: they wait where they come from, and then the connection ends.
func TestPassBackPressure(t *testing.T) {
	inTown(t, []string{"b"}, func(t *testing.T, w *town) {
		var sent atomic.Int64 // bytes, by the other node
		w.answer("b", always(Route{Dial: func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				http.ReadRequest(bufio.NewReader(far))
				io.WriteString(far, "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: "+acceptKey(rawKey)+"\r\nSec-WebSocket-Protocol: overtime.v1\r\n\r\n")
				go io.Copy(io.Discard, far)
				for p := make([]byte, 1000); ; sent.Add(int64(len(p))) {
					if _, err := far.Write(p); err != nil {
						return
					}
				}
			}()
			return near, nil
		}}, nil))
		e := w.edges["b"]
		c, err := e.raw(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.message(c.w.Hello(&schema.Hello{Version: schema.Version, Token: e.token("m", "p")})) // and reads nothing
		after(DefaultConnConfig().DrainTimeout - time.Second)
		if n := sent.Load(); e.srv.stats.Passing.Load() != 1 || n > 4*downBuffer {
			t.Errorf("%d passing, %d bytes taken", e.srv.stats.Passing.Load(), n)
		}
		after(2 * time.Second)
		if e.srv.stats.Passing.Load() != 0 {
			t.Error("it still waits")
		}
	})
}

// A node that stops, or is cut off, lets go of what it passes on.
func TestPassShutdown(t *testing.T) {
	inTown(t, []string{"a", "b"}, func(t *testing.T, w *town) {
		w.edges["a"].match("m", nil)
		w.answer("b", always(w.through("a"), nil))
		p := w.play("b", "m", "p", func(c *client.Config) {
			c.Locate = func(context.Context, int) (string, error) { return playURL("a"), nil }
		})
		after(2 * time.Second)
		w.edges["b"].stop()
		after(2 * time.Second)
		if s := p.honest(t); s.Reconnects != 1 || s.Closes[schema.CloseCode(1006)] != 1 {
			t.Errorf("%+v", s)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.edges, "b") // it has stopped
	})
}

// FuzzAnswer: another node's answer is taken or refused, whatever it is, and what follows it is kept whole.
func FuzzAnswer(f *testing.F) {
	good := "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: " + acceptKey(rawKey) + "\r\nSec-WebSocket-Protocol: overtime.v1\r\n"
	f.Add([]byte(good+"\r\nrest"), "")
	f.Add([]byte(good+"Sec-WebSocket-Extensions: e\r\n\r\n"), "e")
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"), "")
	f.Fuzz(func(t *testing.T, b []byte, extension string) {
		rest, err := readAnswer(bytes.NewReader(b), rawKey, extension)
		if err != nil {
			return
		}
		got, _ := io.ReadAll(rest)
		if !bytes.Contains(b, got) || len(b) <= answerMax && !bytes.HasSuffix(b, got) {
			t.Errorf("kept %q of %q", got, b)
		}
	})
}
