package netcode

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOrigins(t *testing.T) {
	o, err := NewOrigins([]string{"https://play.example.com", "http://localhost:5173", "https://x.example.com:443"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		host   string
		secure bool
		origin []string
		want   bool
	}{
		{"game.example.com", true, nil, true},
		{"game.example.com", true, []string{"https://game.example.com"}, true},
		{"GAME.example.com:443", true, []string{"https://game.example.com"}, true},
		{"game.example.com:8443", true, []string{"https://game.example.com:8443"}, true},
		{"game.example.com", true, []string{"http://game.example.com"}, false},
		{"game.example.com", false, []string{"https://game.example.com"}, true}, // behind a proxy
		{"127.0.0.1:8080", false, []string{"http://127.0.0.1:8080"}, true},
		{"[::1]:8080", false, []string{"http://[::1]:8080"}, true},
		{"127.0.0.1:8080", false, []string{"http://127.0.0.1:8081"}, false},
		{"127.0.0.1:8080", false, []string{"http://127.0.0.1"}, false},
		{"game.example.com", true, []string{"https://play.example.com"}, true},
		{"game.example.com", true, []string{"https://x.example.com"}, true},
		{"game.example.com", true, []string{"http://localhost:5173"}, true},
		{"game.example.com", true, []string{"http://play.example.com"}, false},
		{"game.example.com", true, []string{"https://play.example.com:8443"}, false},
		{"game.example.com", true, []string{"https://play.example.com.evil.com"}, false},
		{"game.example.com", true, []string{"https://evil.com"}, false},
		{"game.example.com", true, []string{"HTTPS://PLAY.EXAMPLE.COM"}, false},
		{"game.example.com", true, []string{"https://play.example.com/"}, false},
		{"game.example.com", true, []string{"null"}, false},
		{"game.example.com", true, []string{""}, false},
		{"game.example.com", true, []string{"https://game.example.com", "https://game.example.com"}, false},
		{"", false, []string{"http://"}, false},
	} {
		r := &http.Request{Host: tt.host, Header: http.Header{}}
		if tt.secure {
			r.TLS = &tls.ConnectionState{}
		}
		if tt.origin != nil {
			r.Header["Origin"] = tt.origin
		}
		if got := o.Allowed(r); got != tt.want {
			t.Errorf("host %s, TLS %v, origin %q: %v", tt.host, tt.secure, tt.origin, got)
		}
	}
	for _, bad := range []string{"", "*", "play.example.com", "https://", "https://A.com", "https://a.com/", "ftp://a.com", "https://u@a.com", "https://a.com?x"} {
		if _, err := NewOrigins([]string{bad}); err == nil {
			t.Errorf("%q is taken for an origin", bad)
		}
	}
}

func TestCORS(t *testing.T) {
	o, err := NewOrigins([]string{"https://play.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	called := false
	h := o.CORS(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	for _, tt := range []struct {
		method, origin, ask string
		status              int
		allowed             string
		called              bool
	}{
		{"POST", "", "", 200, "", true},
		{"POST", "https://play.example.com", "", 200, "https://play.example.com", true},
		{"POST", "https://evil.com", "", 403, "", false},
		{"OPTIONS", "https://play.example.com", "POST", 204, "https://play.example.com", false},
		{"OPTIONS", "https://evil.com", "POST", 403, "", false},
		{"OPTIONS", "", "", 200, "", true},
	} {
		called = false
		r := httptest.NewRequest(tt.method, "/v1/quickplay", nil)
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		if tt.ask != "" {
			r.Header.Set("Access-Control-Request-Method", tt.ask)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || called != tt.called || w.Header().Get("Access-Control-Allow-Origin") != tt.allowed || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%+v: %d, called %v, %v", tt, w.Code, called, w.Header())
		}
	}
}

func TestCheckUpgrade(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"good", func(*http.Request) {}, 0},
		{"list in Connection", func(r *http.Request) { r.Header.Set("Connection", "keep-alive, upgrade") }, 0},
		{"more subprotocols", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Protocol", "other, overtime.v1") }, 0},
		{"POST", func(r *http.Request) { r.Method = "POST" }, 405},
		{"HTTP/1.0", func(r *http.Request) { r.ProtoMinor = 0 }, 400},
		{"no Upgrade", func(r *http.Request) { r.Header.Del("Upgrade") }, 426},
		{"no Connection", func(r *http.Request) { r.Header.Del("Connection") }, 426},
		{"version 8", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, 426},
		{"no key", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, 400},
		{"short key", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA") }, 400},
		{"long key", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAAA") }, 400},
		{"not base64", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!==") }, 400},
		{"two keys", func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400},
		{"body", func(r *http.Request) { r.ContentLength = 5 }, 400},
		{"chunked body", func(r *http.Request) { r.ContentLength = -1 }, 400},
		{"other subprotocol", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Protocol", "overtime.v2") }, 400},
		{"no subprotocol", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Protocol") }, 400},
	} {
		r := httptest.NewRequest("GET", "/v1/play", nil)
		for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "overtime.v1"} {
			r.Header.Set(k, v)
		}
		tt.change(r)
		if got, problem := CheckUpgrade(r); got != tt.want || (problem == "") != (got == 0) {
			t.Errorf("%s: %d %q, want %d", tt.name, got, problem, tt.want)
		}
	}
}
