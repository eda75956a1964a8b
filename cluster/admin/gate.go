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

// admit says what a request may do, or why it may do nothing: only what an operator can have meant gets in.
func (s *Server) admit(r *http.Request) (Role, error) {
	if s.cfg.Key == "" && !s.hostAllowed(r.Host) {
		// Without a key, a page of a foreign name that resolves to our address must not get in (DNS rebinding).
		return RoleNone, errHost
	}
	if !originAllowed(r) {
		return RoleNone, errOrigin
	}
	if !s.limiter.Allow(r) { // before the key: it cannot be guessed quickly either
		return RoleNone, errRate
	}
	role := s.roleOf(r)
	if role == RoleNone {
		return RoleNone, errKeyMissing
	}
	return role, nil
}

// roleOf compares digests, so that the time taken says nothing about a key or its length.
func (s *Server) roleOf(r *http.Request) Role {
	if s.cfg.Key == "" {
		return RoleOperate
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(given))
	is := func(key string) bool {
		k := sha256.Sum256([]byte(key))
		return subtle.ConstantTimeCompare(sum[:], k[:]) == 1 && ok && key != ""
	}
	operate, read := is(s.cfg.Key), is(s.cfg.ReadKey)
	switch {
	case operate:
		return RoleOperate
	case read:
		return RoleRead
	}
	return RoleNone
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
