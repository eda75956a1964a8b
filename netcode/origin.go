package netcode

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Origins says which web pages may talk to this server: those it serves itself and those on a list. Browsers send the
// page's origin along and do not let a page forge it; other programs send none and are let through, since they could
// forge it anyway. It is read-only and safe for all goroutines.
type Origins struct{ allowed map[string]bool }

// NewOrigins makes the check from a list of origins in the form that browsers send: "https://play.example.com" or
// "http://localhost:5173", lower case, no path.
func NewOrigins(allow []string) (*Origins, error) {
	o := &Origins{allowed: map[string]bool{}}
	for _, a := range allow {
		u, err := url.Parse(a)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || a != u.Scheme+"://"+strings.ToLower(u.Host) {
			return nil, fmt.Errorf("netcode: %q is not an origin like https://play.example.com", a)
		}
		o.allowed[strings.TrimSuffix(a, defaultPort[u.Scheme])] = true
	}
	return o, nil
}

// defaultPort is what browsers leave out of an origin.
var defaultPort = map[string]string{"http": ":80", "https": ":443"}

// Allowed says whether the request may be served: it has no Origin, or one that is the server's own host or on the list.
// "null", several origins and anything else are refused.
func (o *Origins) Allowed(r *http.Request) bool {
	switch v := r.Header.Values("Origin"); len(v) {
	case 0:
		return true
	case 1:
		return o.allowed[v[0]] || own(r, v[0])
	}
	return false
}

// own says whether origin is the host that the request was sent to. Behind a proxy that ends TLS the page's scheme is
// https while the request's is http, so without TLS here both are accepted.
func own(r *http.Request, origin string) bool {
	host := strings.ToLower(r.Host)
	if host == "" {
		return false
	}
	is := func(scheme string) bool { return origin == scheme+"://"+strings.TrimSuffix(host, defaultPort[scheme]) }
	return is("https") || (r.TLS == nil && is("http"))
}

// CORS serves HTTP calls by the same rule: what is not allowed gets 403, a page on the list may read the answers, and
// preflights are answered here.
func (o *Origins) CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if !o.Allowed(r) {
			http.Error(w, "origin not allowed", http.StatusForbidden)
			return
		}
		origin := r.Header.Get("Origin")
		if origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
		}
		if origin != "" && r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
