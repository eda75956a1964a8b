package cluster

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"testing"
)

func TestListenAddress(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:8080":             "127.0.0.1:8080",
		":8080":                      ":8080",
		"[::1]:0":                    "[::1]:0",
		"http://127.0.0.1:8080":      "127.0.0.1:8080",
		"http://localhost:8080/":     "localhost:8080",
		"https://play.example.com":   "play.example.com:443",
		"http://play.example.com":    "play.example.com:80",
		"":                           "",
		"127.0.0.1":                  "",
		"127.0.0.1:http":             "",
		"127.0.0.1:65536":            "",
		"127.0.0.1:-1":               "",
		"http://127.0.0.1:8080/play": "",
		"http://":                    "",
	} {
		if got, err := listenAddress(in); got != want || (err == nil) != (want != "") {
			t.Errorf("listenAddress(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestPlayURL(t *testing.T) {
	for _, c := range []struct {
		in   string
		tls  bool
		want string
		bad  bool
	}{
		{"", false, "", false},
		{"play.example.com:80", false, "ws://play.example.com:80/v1/play", false},
		{"play.example.com:443", true, "wss://play.example.com:443/v1/play", false},
		{"https://play.example.com", false, "wss://play.example.com/v1/play", false},
		{"http://play.example.com/", true, "ws://play.example.com/v1/play", false},
		{"wss://example.com/games/v1/play", false, "wss://example.com/games/v1/play", false},
		{"ftp://example.com", false, "", true},
		{"https://example.com/?a=b", false, "", true},
		{"https://", false, "", true},
	} {
		if got, err := playURL(c.in, c.tls); got != c.want || (err != nil) != c.bad {
			t.Errorf("playURL(%q, %v) = %q, %v; want %q", c.in, c.tls, got, err, c.want)
		}
	}
}

func TestRequestURL(t *testing.T) {
	for _, c := range []struct {
		host  string
		tls   bool
		proto string
		want  string
	}{
		{"127.0.0.1:8080", false, "", "ws://127.0.0.1:8080/v1/play"},
		{"play.example.com", true, "", "wss://play.example.com/v1/play"},
		{"play.example.com", false, "https", "wss://play.example.com/v1/play"},
		{"play.example.com", false, "http", "ws://play.example.com/v1/play"},
		{"[::1]:8080", false, "", "ws://[::1]:8080/v1/play"},
		{"", false, "", ""},
		{":8080", false, "", ""},
		{"a@b", false, "", ""},
		{"a/b", false, "", ""},
		{"a?b", false, "", ""},
		{"a b", false, "", ""},
	} {
		r := &http.Request{Host: c.host, Header: http.Header{}}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		r.Header.Set("X-Forwarded-Proto", c.proto)
		got, err := requestURL(r)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("requestURL(host %q, tls %v, proto %q) = %q, %v; want %q", c.host, c.tls, c.proto, got, err, c.want)
		}
	}
}

// Whatever a Host header holds, the answer is a WebSocket URL with exactly that host, or an error.
func FuzzRequestURL(f *testing.F) {
	for _, s := range []string{"127.0.0.1:8080", "[::1]:1", "a@b", "a#b", "a%zz", "\x00", "a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		s, err := requestURL(&http.Request{Host: host, Header: http.Header{}})
		if err != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "ws" || u.Host != host || u.Path != playPath || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			t.Errorf("host %q gives %q", host, s)
		}
	})
}

func TestReachable(t *testing.T) {
	any4 := &net.TCPAddr{IP: net.IPv4zero, Port: 8080}
	for _, c := range []struct {
		addr net.Addr
		host string
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80}, "other", "10.0.0.1:80"},
		{any4, "play.example.com", "play.example.com:8080"},
		{any4, "::1", "[::1]:8080"},
		{any4, "", "127.0.0.1:8080"},
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 1}, "", "127.0.0.1:1"},
	} {
		if got := reachable(c.addr, c.host); got != c.want {
			t.Errorf("reachable(%v, %q) = %q, want %q", c.addr, c.host, got, c.want)
		}
	}
}
