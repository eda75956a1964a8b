package netcode

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// badHandshake is something in place of a proper handshake.
type badHandshake struct {
	name   string
	send   string
	drip   time.Duration // between single bytes; 0: all at once
	status []int         // one of them; 0: the connection ends without an answer
	check  func(http.Header) error
}

// run sends it and looks at the answer. But for an upgrade, the connection must end.
func (h *badHandshake) run(e *edge) error {
	c, err := e.rawDial()
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	go h.write(c)
	status := 0
	if c.answer(); c.resp != nil {
		status = c.resp.StatusCode
	}
	if !slices.Contains(h.status, status) {
		return fmt.Errorf("status %d, want %d", status, h.status)
	}
	if h.check != nil {
		if err := h.check(c.resp.Header); err != nil {
			return err
		}
	}
	if status == http.StatusSwitchingProtocols {
		return nil
	}
	_, err = io.Copy(io.Discard, c.br)
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return fmt.Errorf("still open after %v", patience)
	}
	return nil
}

func (h *badHandshake) write(c *rawClient) {
	if h.drip == 0 {
		_, _ = io.WriteString(c, h.send)
		return
	}
	for _, b := range []byte(h.send) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(h.drip) // it is the attack
	}
}

// header demands a value of the answer's header; empty: that it is not there.
func header(name, want string) func(http.Header) error {
	return func(h http.Header) error {
		if got := strings.Join(h.Values(name), "|"); got != want {
			return fmt.Errorf("%s: %q, want %q", name, got, want)
		}
		return nil
	}
}

// handshakeAttacks are wrong requests, slow ones and endless ones.
func handshakeAttacks(addr string) []badHandshake {
	good := goodHandshake(addr)
	line := func(request string) string { return handshake{request, good.lines}.String() }
	version := header("Sec-WebSocket-Version", "13")
	one := func(status ...int) []int { return status }
	all := []badHandshake{
		{name: "silent", status: one(0)},
		{name: "dripping", send: good.String(), drip: 250 * time.Millisecond, status: one(0, 400)},
		{name: "half", send: good.String()[:100], status: one(0, 400)},
		{name: "header of 1 MiB", send: good.add("X-Long", strings.Repeat("a", 1<<20)).String(), status: one(431, 0)},
		{name: "10,000 headers", send: "GET /v1/play HTTP/1.1\r\n" + strings.Repeat("X-A: b\r\n", 10_000), status: one(431, 0)},
		{name: "a body that never comes", send: good.set("Upgrade", "").add("Content-Length", "5").String(), status: one(426)},
		{name: "bytes at random", send: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", status: one(400)},
		{name: "HTTP/2 preface", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: one(400, 405, 505)},
		{name: "POST", send: line("POST /v1/play HTTP/1.1"), status: one(405)},
		{name: "HTTP/1.0", send: line("GET /v1/play HTTP/1.0"), status: one(400)},
		{name: "no Upgrade", send: good.set("Upgrade", "").String(), status: one(426), check: version},
		{name: "h2c", send: good.set("Upgrade", "h2c").String(), status: one(426), check: version},
		{name: "no Connection", send: good.set("Connection", "keep-alive").String(), status: one(426), check: version},
		{name: "version 8", send: good.set("Sec-WebSocket-Version", "8").String(), status: one(426), check: version},
		{name: "two versions", send: good.add("Sec-WebSocket-Version", "8").String(), status: one(426), check: version},
		{name: "no key", send: good.set("Sec-WebSocket-Key", "").String(), status: one(400)},
		{name: "short key", send: good.set("Sec-WebSocket-Key", "c2hvcnQ=").String(), status: one(400)},
		{name: "bad key", send: good.set("Sec-WebSocket-Key", strings.Repeat("*", 24)).String(), status: one(400)},
		{name: "two keys", send: good.add("Sec-WebSocket-Key", rawKey).String(), status: one(400)},
		{name: "a body", send: good.add("Content-Length", "5").String() + "hello", status: one(400)},
		{name: "two lengths", send: good.add("Content-Length", "0").add("Content-Length", "5").String(), status: one(400)},
		{name: "length and chunks", send: good.add("Content-Length", "5").add("Transfer-Encoding", "chunked").String(), status: one(400)},
		{name: "other subprotocol", send: good.set("Sec-WebSocket-Protocol", "chat").String(), status: one(400)},
		{name: "no subprotocol", send: good.set("Sec-WebSocket-Protocol", "").String(), status: one(400)},
		{name: "among subprotocols", send: good.set("Sec-WebSocket-Protocol", "chat, "+schema.Subprotocol).String(), status: one(101)},
	}
	return append(append(all, origins(good)...), offers(good)...)
}

// origins are requests from web pages.
func origins(good handshake) (all []badHandshake) {
	for _, o := range []string{"https://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1", "", "file://"} {
		h := good.add("Origin", o)
		all = append(all, badHandshake{name: "origin " + o, send: h.String(), status: []int{403}})
	}
	own := "http://" + strings.TrimPrefix(good.lines[0], "Host: ")
	return append(all,
		badHandshake{name: "own origin", send: good.add("Origin", own).String(), status: []int{101}},
		badHandshake{name: "two origins", send: good.add("Origin", own).add("Origin", own).String(), status: []int{403}},
	)
}

// offers are extension offers: the bad ones are declined, the handshake goes on.
func offers(good handshake) (all []badHandshake) {
	const accepted = "permessage-deflate; client_no_context_takeover"
	for offer, want := range map[string]string{
		deflating:            accepted,
		"permessage-deflate": accepted,
		"permessage-deflate; client_max_window_bits":                                accepted,
		"permessage-deflate; server_max_window_bits=9, permessage-deflate":          accepted,
		"permessage-deflate; server_max_window_bits=9":                              "",
		"permessage-deflate; server_max_window_bits=99":                             "",
		"permessage-deflate; client_max_window_bits=7":                              "",
		"permessage-deflate; magic":                                                 "",
		"permessage-deflate; server_no_context_takeover=1":                          "",
		"permessage-deflate; client_no_context_takeover;client_no_context_takeover": "",
		"x-permessage-deflate":                                                      "",
		"permessage-deflate;;;":                                                     "",
		"\"permessage-deflate\"":                                                    "",
		strings.Repeat("permessage-deflate; x, ", 150) + "y":                        "",
	} {
		all = append(all, badHandshake{
			name: "offer " + offer[:min(len(offer), 80)], send: good.add("Sec-WebSocket-Extensions", offer).String(),
			status: []int{101}, check: header("Sec-WebSocket-Extensions", want),
		})
	}
	return all
}
