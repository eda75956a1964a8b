package link

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// From returns the id of the node that made a request on the link listener, proven by its certificate.
func (l *Links) From(r *http.Request) (string, error) {
	if r.TLS == nil {
		return "", errors.New("link: no TLS")
	}
	return l.identify(r.TLS)
}

// ServeHTTP takes connections of peers: GET /link/v1 with Upgrade: overtime-link, on a net/http server that listens with
// TLS(). It returns when the connection is taken or refused.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, err := l.From(r)
	if err != nil {
		http.Error(w, "a node's certificate is required", http.StatusUnauthorized)
		return
	}
	kind, cl, ok := parseUpgrade(r)
	if !ok {
		l.count.refusals.add(refusedMalformed)
		w.Header().Set("Upgrade", protocol)
		http.Error(w, "upgrade to "+protocol+" required", http.StatusUpgradeRequired)
		return
	}
	p := l.entry(from)
	if p == nil {
		http.Error(w, "closing", http.StatusServiceUnavailable)
		return
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this listener cannot upgrade", http.StatusInternalServerError)
		return
	}
	noDelay(nc)
	if err := nc.SetDeadline(time.Time{}); err != nil { // net/http's were for the request
		rawClose(nc)
		return
	}
	if kind != "" {
		p.acceptBulk(nc, rest(nc, rw.Reader), kind)
		return
	}
	p.accept(nc, rest(nc, rw.Reader), cl, hash(r.TLS.PeerCertificates[0].Raw))
}

// accept takes a peer's connection into use, or refuses it for a better one.
func (p *peer) accept(nc net.Conn, r io.Reader, cl claim, pin [32]byte) {
	c := p.newConn(nc, r, cl, false)
	c.pin = pin
	c.out.raw([]byte(accepted))
	old, status := p.admit(c, cl)
	if status != 0 {
		c.cancel()
		refuse(nc, status, p.l.cfg.WriteTimeout)
		return
	}
	p.l.count.accepts.Add(1)
	if old != nil {
		old.replaced()
	}
	c.start()
}

// admit decides about a peer's dial. It returns the connection that c replaces, or the status of a refusal.
func (p *peer) admit(c *conn, cl claim) (old *conn, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.shutDown {
		return nil, http.StatusServiceUnavailable
	}
	old = p.cur.Load()
	s := standing{dialing: p.dial != nil, smaller: p.l.cfg.ID < p.id}
	if old != nil {
		s.conn, s.mine, s.dial, s.id = true, old.mine, old.dial, old.id
	}
	if !s.takes(cl) {
		p.l.count.refusals.add(refusedRace)
		if old != nil {
			old.doubt.Store(true)
		}
		return nil, http.StatusConflict
	}
	p.cancelDialLocked()
	if old != nil {
		p.last = old.id
	}
	p.adoptLocked(c)
	return old, 0
}
