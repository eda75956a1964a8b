package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func get(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var built = fstest.MapFS{
	".gitkeep":   {},
	"index.html": {Data: []byte("<!doctype html>page")},
	"app.js":     {Data: []byte("script()")},
	"style.css":  {Data: []byte("body{}")},
	"notes.txt":  {Data: []byte("not for the world")},
}

func TestServesTheBundle(t *testing.T) {
	h := handler(built)
	for _, c := range []struct{ path, ctype, body string }{
		{"/", "text/html; charset=utf-8", "<!doctype html>page"},
		{"/index.html", "text/html; charset=utf-8", "<!doctype html>page"},
		{"/app.js", "text/javascript; charset=utf-8", "script()"},
		{"/style.css", "text/css; charset=utf-8", "body{}"},
	} {
		w := get(h, "GET", c.path)
		if w.Code != 200 || w.Body.String() != c.body || w.Header().Get("Content-Type") != c.ctype {
			t.Errorf("%s: %d %q %q", c.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		for _, name := range []string{"Content-Security-Policy", "ETag", "Cache-Control", "X-Content-Type-Options"} {
			if w.Header().Get(name) == "" {
				t.Errorf("%s: no %s", c.path, name)
			}
		}
		if w := get(h, "HEAD", c.path); w.Code != 200 || w.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d, %d bytes", c.path, w.Code, w.Body.Len())
		}
	}
}

func TestServesNothingElse(t *testing.T) {
	h := handler(built)
	for _, path := range []string{"/.gitkeep", "/notes.txt", "/missing", "/../web.go", "/dist/app.js", "/app.js/"} {
		if w := get(h, "GET", path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(h, "POST", "/"); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestRevalidates(t *testing.T) {
	h := handler(built)
	etag := get(h, "GET", "/app.js").Header().Get("ETag")
	if w := get(h, "GET", "/app.js", "If-None-Match", etag); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("same: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := get(h, "GET", "/style.css", "If-None-Match", etag); w.Code != 200 {
		t.Errorf("another: %d", w.Code)
	}
}

func TestSaysHowToBuild(t *testing.T) {
	w := get(handler(fstest.MapFS{".gitkeep": {}}), "GET", "/")
	if w.Code != 503 || !strings.Contains(w.Body.String(), "make build") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %q %q", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
}

// The real embedded directory may or may not hold a bundle, but it is always answered from.
func TestHandler(t *testing.T) {
	if w := get(Handler(), "GET", "/"); w.Code != 200 && w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}
