package netcode

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/schema"
)

// CheckUpgrade checks the parts of a WebSocket handshake (RFC 6455 section 4.2.1) that gws does not, or only loosely,
// and returns the HTTP status to refuse it with, or 0. The Origin is checked by [Origins].
func CheckUpgrade(r *http.Request) (status int, problem string) {
	h := r.Header
	switch {
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "a WebSocket handshake is a GET"
	case !r.ProtoAtLeast(1, 1) || r.ProtoMajor != 1:
		return http.StatusBadRequest, "HTTP/1.1 is needed"
	case !strings.EqualFold(h.Get("Upgrade"), "websocket") || !hasToken(h.Values("Connection"), "upgrade"):
		return http.StatusUpgradeRequired, "this is a WebSocket address"
	case len(h.Values("Sec-WebSocket-Version")) != 1 || h.Get("Sec-WebSocket-Version") != "13":
		return http.StatusUpgradeRequired, "WebSocket version 13 is needed"
	case len(h.Values("Sec-WebSocket-Key")) != 1 || !validKey(h.Get("Sec-WebSocket-Key")):
		return http.StatusBadRequest, "bad Sec-WebSocket-Key"
	case r.ContentLength != 0:
		return http.StatusBadRequest, "a handshake has no body"
	case !hasToken(h.Values("Sec-WebSocket-Protocol"), schema.Subprotocol):
		return http.StatusBadRequest, "the subprotocol " + schema.Subprotocol + " is needed"
	}
	return 0, ""
}

// validKey says whether k is the base64 of 16 bytes.
func validKey(k string) bool {
	if len(k) != 24 {
		return false
	}
	var b [18]byte
	n, err := base64.StdEncoding.Decode(b[:], []byte(k))
	return err == nil && n == 16
}

// hasToken says whether the comma-separated lists contain a token, in any case.
func hasToken(lists []string, token string) bool {
	for _, l := range lists {
		for t := range strings.SplitSeq(l, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// Hijack takes the connection of a handshake request away from net/http and prepares it for gws: compression is
// negotiated, r's extension offer is replaced by one that gws cannot misread, bytes that came along are kept, and
// writes stop blocking. Continue with
//
//	ws, err := upgrader.UpgradeFromConn(c, c.Reader(), r)
//
// which on failure answers and closes by itself, and then on one goroutine ws.ReadLoop and, whatever happens, c.Linger.
func Hijack(w http.ResponseWriter, r *http.Request, cfg *ConnConfig) (*Conn, error) {
	class, reply := negotiate(r.Header)
	// gws reads the first line of a repeated header only.
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Sec-WebSocket-Protocol", strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","))
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("netcode: hijack: %w", err)
	}
	var early []byte
	if n := rw.Reader.Buffered(); n > 0 {
		p, _ := rw.Reader.Peek(n)
		early = append(early, p...)
	}
	return newConn(nc, early, class, reply, cfg), nil
}

// negotiate picks an offer from h and leaves there what gws shall see.
func negotiate(h http.Header) (cohort.Class, string) {
	class, reply := cohort.Negotiate(h)
	if class == cohort.Plain {
		h.Del("Sec-WebSocket-Extensions")
	} else {
		h.Set("Sec-WebSocket-Extensions", cohort.GWSOffer)
	}
	return class, reply
}
