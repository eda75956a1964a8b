package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const playPath = "/v1/play"

// listenAddress makes HOST:PORT of an address to listen on, given as such or as a URL.
func listenAddress(s string) (string, error) {
	hostport := s
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" {
			return "", fmt.Errorf("%q is not HOST:PORT or a URL with nothing behind it", s)
		}
		hostport = u.Host
		if u.Port() == "" {
			hostport = net.JoinHostPort(u.Hostname(), schemePort(u.Scheme))
		}
	}
	_, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", fmt.Errorf("%q is not HOST:PORT or a URL", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q: the port must be a number from 0 to 65535", s)
	}
	return hostport, nil
}

func schemePort(scheme string) string {
	if scheme == "https" || scheme == "wss" {
		return "443"
	}
	return "80"
}

// playURL makes the URL of the WebSocket of a public address, given as HOST:PORT or as any URL of the server. Nothing
// stays nothing.
func playURL(s string, tls bool) (string, error) {
	if s == "" {
		return "", nil
	}
	if !strings.Contains(s, "://") {
		s = httpScheme(tls) + "://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not HOST:PORT or a URL", s)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return "", fmt.Errorf("%q: the scheme must be http, https, ws or wss", s)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = playPath
	}
	return u.String(), nil
}

func httpScheme(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

func wsScheme(tls bool) string {
	if tls {
		return "wss"
	}
	return "ws"
}

// errHost says that a request names no host that an answer could name.
var errHost = errors.New("the Host header names no host")

// requestURL is the URL of the WebSocket under the name that a request names. A proxy that ends TLS says so in
// X-Forwarded-Proto; who forges that only misleads himself.
func requestURL(r *http.Request) (string, error) {
	u, err := url.Parse("http://" + r.Host + "/")
	if err != nil || u.Host == "" || u.Host != r.Host || u.User != nil || u.Path != "/" || u.Hostname() == "" {
		return "", errHost
	}
	tls := r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	return wsScheme(tls) + "://" + u.Host + playPath, nil
}

// reachable returns the address that others use for a listener: a listener on all addresses is reached under host, or on
// loopback where that is "".
func reachable(addr net.Addr, host string) string {
	t, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.String()
	}
	if !t.IP.IsUnspecified() {
		return t.String()
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(t.Port))
}

// nextPort is the address with the port after; port 0 stays.
func nextPort(hostport string) string {
	host, port, _ := net.SplitHostPort(hostport) // checked before
	p, _ := strconv.Atoi(port)
	if p > 0 && p < 65535 {
		p++
	}
	return net.JoinHostPort(host, strconv.Itoa(p))
}

// advertised is the address under which others on the network reach a listener of this machine: its own, unless it listens
// on all addresses; then the first private one, else the first that is not loopback.
func advertised(hostport string) string {
	host, port, _ := net.SplitHostPort(hostport) // checked before
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return hostport
	}
	best := "127.0.0.1"
	addrs, _ := net.InterfaceAddrs() // none: loopback it is
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() || n.IP.To4() == nil {
			continue
		}
		if n.IP.IsPrivate() {
			return net.JoinHostPort(n.IP.String(), port)
		}
		if best == "127.0.0.1" {
			best = n.IP.String()
		}
	}
	return net.JoinHostPort(best, port)
}
