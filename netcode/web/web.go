// Package web holds the TypeScript client (an npm package) and the page that plays the arena, whose bundle is embedded
// into the binary. The bundle is made by make build; without it the package still compiles, so that the library can be
// imported from a clean clone.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var bundle embed.FS

// csp lets the page load its own script and style and talk to any node of the cluster, and nothing else.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// missing is what the page's address says when there is no bundle.
const missing = "The page has not been built into this binary. Run \"make build\" (or \"make run\") in a clone of the repository.\n"

// types of what the bundle may hold; nothing else is served.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
}

// file is one file of the bundle, ready to be served.
type file struct {
	body  []byte
	ctype string
	etag  string
}

// Handler serves the page at "/" and its files next to it, for GET and HEAD; every other path is 404. Without a bundle
// "/" is 503 and says in plain text how to make one. It is safe for concurrent use.
func Handler() http.Handler {
	dist, err := fs.Sub(bundle, "dist")
	if err != nil {
		panic(err) // the directory is embedded: a bug in this file
	}
	return handler(dist)
}

func handler(dist fs.FS) http.Handler {
	files := load(dist)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = "index.html"
		}
		f, ok := files[name]
		switch {
		case ok:
			f.serve(w, r)
		case name == "index.html":
			http.Error(w, missing, http.StatusServiceUnavailable)
		default:
			http.NotFound(w, r)
		}
	})
}

// load reads the files of a bundle that may be served.
func load(dist fs.FS) map[string]file {
	files := map[string]file{}
	entries, err := fs.ReadDir(dist, ".")
	if err != nil {
		return files
	}
	for _, e := range entries {
		at := strings.LastIndexByte(e.Name(), '.')
		if e.IsDir() || at < 0 || types[e.Name()[at:]] == "" {
			continue
		}
		body, err := fs.ReadFile(dist, e.Name())
		if err != nil {
			continue // embedded files cannot fail; one that does is not there
		}
		sum := sha256.Sum256(body)
		files[e.Name()] = file{body: body, ctype: types[e.Name()[at:]], etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return files
}

// serve writes the file. Browsers keep it and ask each time whether it is still the same: a new binary is a new page.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.ctype)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.etag)
	h.Set("Content-Security-Policy", csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodGet {
		w.Write(f.body)
	}
}
