package link

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// startLocked begins a dial in a goroutine of its own.
func (p *peer) startLocked() {
	ctx, cancel := context.WithTimeout(p.l.ctx, p.l.cfg.DialTimeout)
	a := &attempt{claim: claim{dial: p.l.dials.Add(1), id: rand.Uint64() | 1, last: p.last}, cancel: cancel}
	p.dial = a
	p.l.count.dials.Add(1)
	if !p.l.spawn(func() { defer cancel(); p.try(ctx, a) }) {
		cancel()
		p.dial = nil
	}
}

// try dials, and takes the connection into use unless the peer's own came in the meantime.
func (p *peer) try(ctx context.Context, a *attempt) {
	nc, r, err := p.l.handshake(ctx, p.id, "", a.claim)
	var c *conn
	if err == nil {
		c = p.newConn(nc, r, a.claim, true)
		c.pin = hash(nc.ConnectionState().PeerCertificates[0].Raw)
	}
	if !p.tried(a, c, err) && c != nil {
		c.cancel()
		rawClose(nc)
		return
	}
	if c != nil {
		c.start()
	}
}

// tried takes the end of an attempt into account. False if the attempt had been given up.
func (p *peer) tried(a *attempt, c *conn, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dial != a {
		return false
	}
	p.dial = nil
	switch {
	case err == nil:
		p.adoptLocked(c)
	case errors.Is(err, errRace):
		// The peer's connection is on its way, or in use there and not yet known to be dead.
		p.hold = time.Now().Add(p.l.cfg.Heartbeat + time.Duration(p.l.chance()*float64(p.l.cfg.Heartbeat)))
		p.wakeLocked()
	default:
		p.l.count.dialsFailed.Add(1)
		p.l.cfg.Log.Debug("dial failed", "peer", p.id, "error", err)
		p.failLocked(err)
	}
	return true
}
