package client

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// offer lets the server's messages refer to earlier ones. The client itself never compresses.
const offer = "permessage-deflate; client_no_context_takeover"

var errExtension = errors.New("client: the server answered with an extension that was not offered")

// accepted reports whether the server's answer turns compression on (RFC 7692 section 7.1). An answer that does not fit
// the offer is an error.
func accepted(h http.Header, offered bool) (bool, error) {
	values := h.Values("Sec-WebSocket-Extensions")
	if len(values) == 0 {
		return false, nil
	}
	name, params, _ := strings.Cut(values[0], ";")
	if len(values) > 1 || !offered || strings.TrimSpace(name) != "permessage-deflate" {
		return false, errExtension
	}
	for p := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch key {
		case "", "server_no_context_takeover", "client_no_context_takeover":
		case "server_max_window_bits":
			if n, err := strconv.Atoi(strings.Trim(value, `"`)); err != nil || n < 8 || n > 15 {
				return false, errExtension
			}
		default:
			return false, errExtension
		}
	}
	return true, nil
}
