package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// gate lets only those requests through that an operator can have meant.
func (s *Server) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.cfg.Key == "" && !s.hostAllowed(r.Host):
			// Without a key, a page of a foreign name that resolves to our address must not get in (DNS rebinding).
			Problem(w, http.StatusMisdirectedRequest, "the Host header must name this listener")
		case !originAllowed(r):
			Problem(w, http.StatusForbidden, "requests from other origins are refused")
		case !s.keyAllowed(r):
			w.Header().Set("WWW-Authenticate", "Bearer")
			Problem(w, http.StatusUnauthorized, "the header Authorization: Bearer KEY is missing or wrong")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// keyAllowed compares digests, so that the time taken says nothing about the key or its length.
func (s *Server) keyAllowed(r *http.Request) bool {
	if s.cfg.Key == "" {
		return true
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.cfg.Key))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && ok
}

// hostAllowed accepts loopback and the name that the listener was given.
func (s *Server) hostAllowed(host string) bool {
	name := hostname(host)
	return IsLoopback(name) || name != "" && name == hostname(s.cfg.Addr)
}

// originAllowed accepts a request without Origin, which no browser page of another site sends, or with our own.
func originAllowed(r *http.Request) bool {
	list := r.Header.Values("Origin")
	if len(list) == 0 {
		return true
	}
	u, err := url.Parse(list[0])
	return len(list) == 1 && err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// hostname cuts the port off HOST:PORT, and the brackets off an IPv6 address.
func hostname(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return strings.ToLower(h)
	}
	return strings.ToLower(strings.Trim(hostport, "[]"))
}

// IsLoopback reports whether a host name or address reaches this machine only.
func IsLoopback(name string) bool {
	if name == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Unmap().IsLoopback()
}
