package cohort

import (
	"net/http"
	"strings"
	"testing"
)

const (
	shared  = "permessage-deflate; client_no_context_takeover"
	alone   = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	bounded = "permessage-deflate; client_no_context_takeover; server_max_window_bits=15"
)

func TestNegotiate(t *testing.T) {
	for _, tt := range []struct {
		offer string // lines of the header, separated by |
		class Class
		reply string
	}{
		// What real clients send.
		{"permessage-deflate; client_max_window_bits", Cohort, shared}, // Chromium, node's ws
		{"permessage-deflate", Cohort, shared},                         // Firefox
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", NoContext, alone},
		{"x-webkit-deflate-frame", Plain, ""},
		{"x-webkit-deflate-frame, permessage-deflate", Cohort, shared},
		{"", Plain, ""},
		// Parameters.
		{"permessage-deflate; server_max_window_bits=15", Cohort, bounded},
		{`permessage-deflate; server_max_window_bits="15"`, Cohort, bounded},
		{"permessage-deflate; server_max_window_bits=14", Plain, ""},
		{"permessage-deflate; server_max_window_bits=8", Plain, ""},
		{"permessage-deflate; server_max_window_bits", Plain, ""},
		{"permessage-deflate; server_max_window_bits=015", Plain, ""},
		{"permessage-deflate; server_max_window_bits=99", Plain, ""},
		{"permessage-deflate; client_max_window_bits=8", Cohort, shared},
		{"permessage-deflate; client_max_window_bits=15", Cohort, shared},
		{"permessage-deflate; client_max_window_bits=7", Plain, ""},
		{"permessage-deflate; client_max_window_bits=16", Plain, ""},
		{"permessage-deflate; client_max_window_bits=08", Plain, ""},
		{"permessage-deflate; client_no_context_takeover=1", Plain, ""},
		{"permessage-deflate; server_no_context_takeover=", Plain, ""},
		{"permessage-deflate; something", Plain, ""},
		{"permessage-deflate; client_max_window_bits; client_max_window_bits=10", Plain, ""},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", Plain, ""},
		{"permessage-deflate; client_no_context_takeover; client_no_context_takeover", Plain, ""},
		{"Permessage-Deflate", Plain, ""},
		{"x-permessage-deflate, permessage-deflate-x", Plain, ""},
		// Several offers: the first that can be accepted.
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", Cohort, shared},
		{"permessage-deflate; server_max_window_bits=10|permessage-deflate; server_no_context_takeover", NoContext, alone},
		{"foo; bar=\"1\", permessage-deflate", Cohort, shared},
		{",, ,permessage-deflate ,", Cohort, shared},
		{" permessage-deflate ; client_max_window_bits = 9 ", Cohort, shared},
		// Not the grammar: nothing after it counts.
		{"permessage-deflate;", Plain, ""},
		{"permessage-deflate; ;, permessage-deflate", Plain, ""},
		{"permessage-deflate client_max_window_bits", Plain, ""},
		{`foo; bar="1, permessage-deflate`, Plain, ""},
		{"=, permessage-deflate", Plain, ""},
		{"; a, permessage-deflate", Plain, ""},
		{"a@b|permessage-deflate", Plain, ""},
	} {
		h := http.Header{}
		for line := range strings.SplitSeq(tt.offer, "|") {
			h.Add("Sec-WebSocket-Extensions", line)
		}
		if class, reply := Negotiate(h); class != tt.class || reply != tt.reply {
			t.Errorf("%q: class %d, %q, want %d, %q", tt.offer, class, reply, tt.class, tt.reply)
		}
	}
	if class, reply := Negotiate(http.Header{}); class != Plain || reply != "" {
		t.Errorf("no offer: class %d, %q", class, reply)
	}
}

// FuzzNegotiate checks that no header makes an answer that its offer does not allow (RFC 7692 section 7.1).
func FuzzNegotiate(f *testing.F) {
	for _, s := range []string{shared, alone, bounded, "permessage-deflate; server_max_window_bits=10, permessage-deflate",
		`a; b="c", permessage-deflate; client_max_window_bits="12"`, "permessage-deflate;;", "\x00,\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		class, reply := Negotiate(http.Header{"Sec-Websocket-Extensions": {header}})
		if class == Plain {
			if reply != "" {
				t.Fatalf("plain, but answered %q", reply)
			}
			return
		}
		if again, same := Negotiate(http.Header{"Sec-Websocket-Extensions": {reply}}); again != class || same != reply {
			t.Fatalf("the answer %q is not acceptable to ourselves", reply)
		}
		for _, o := range strings.Split(header, ",") { // an accepted offer holds no comma
			name, params, _ := strings.Cut(o, ";")
			if strings.Trim(name, " \t") != extension {
				continue
			}
			has := func(p string) bool { return strings.Contains(params, p) }
			if has("server_no_context_takeover") == (class == NoContext) &&
				has("server_max_window_bits") == strings.Contains(reply, "server_max_window_bits") {
				return
			}
		}
		t.Fatalf("%q answers no offer of %q", reply, header)
	})
}
