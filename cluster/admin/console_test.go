package admin

import (
	"strings"
	"testing"
)

// The console is there for everybody who may reach the listener, and nothing else is.
func TestConsole(t *testing.T) {
	s, _ := newTest(t, func(c *Config) { c.Key = "operator" })
	for path, want := range map[string]string{
		"/": "text/html", "/console/console.js": "text/javascript", "/console/console.css": "text/css",
	} {
		w := call(s, "GET", path, "")
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), want) || w.Body.Len() < 500 {
			t.Errorf("%s: %d, %s, %d bytes", path, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	for _, path := range []string{"/console/", "/console/../api.go", "/console/console.js/x", "/index.html", "/v1/nodes"} {
		if w := call(s, "GET", path, ""); w.Code == 200 {
			t.Errorf("%s is served without a key", path)
		}
	}
	wantProblem(t, call(s, "GET", "/", "", "Host", "evil.example", "Origin", "http://other.example"), 403)
	open, _ := newTest(t, nil)
	wantProblem(t, call(open, "GET", "/", "", "Host", "evil.example"), 421)
}
