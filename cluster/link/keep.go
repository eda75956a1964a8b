package link

import "time"

// slowTicks is how many heartbeats a tick lasts where nobody watches.
const slowTicks = 10

// run is the peer's goroutine, until Close or until the peer is forgotten.
func (p *peer) run() {
	length := p.l.cfg.Heartbeat * slowTicks
	ticks := time.NewTicker(length)
	defer ticks.Stop()
	redial := time.NewTimer(time.Hour)
	defer redial.Stop()
	for n := 0; ; {
		redial.Stop()
		if wait, due := p.dialDue(); due {
			redial.Reset(wait)
		}
		if want := p.tickLength(); want != length {
			length = want
			ticks.Reset(length)
		}
		select {
		case <-p.l.ctx.Done():
			return
		case <-p.kick:
		case <-redial.C:
		case <-ticks.C:
			if n++; n%slowTicks == 0 || length > p.l.cfg.Heartbeat {
				if p.drop() {
					return
				}
			}
			p.beat(length)
		}
	}
}

// tickLength is a heartbeat while the connection is watched.
func (p *peer) tickLength() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watchers > 0 && p.cur.Load() != nil {
		return p.l.cfg.Heartbeat
	}
	return p.l.cfg.Heartbeat * slowTicks
}

// beat does what the connection's pulse asks for.
func (p *peer) beat(length time.Duration) {
	c := p.cur.Load()
	if c == nil || !c.live.Load() {
		return
	}
	p.mu.Lock()
	watched := p.watchers > 0
	p.mu.Unlock()
	b := beat{length: length, came: c.came.Swap(false), sent: c.sent.Swap(false)}
	if b.came {
		c.doubt.Store(false)
	}
	switch {
	case watched:
		b.limit = p.l.cfg.Silence
	case c.calls.waiting() || c.doubt.Load():
		b.limit = p.l.cfg.CallSilence
	}
	switch c.pulse.tick(b) {
	case deedPing:
		c.ping()
	case deedSilent:
		c.close(ErrSilence)
	case deedIdle:
		c.leave(ErrIdle, byeIdle)
	}
}

// drop lets go of a peer that is no longer known, or is known with another certificate. It reports whether the entry was
// forgotten, which ends its goroutine.
func (p *peer) drop() bool {
	known, ok := p.l.cfg.Peer(p.id)
	c := p.cur.Load()
	if ok && (c == nil || c.pin == known.Cert) {
		return false
	}
	if c != nil {
		c.leave(ErrUnknown, byeUnknown)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancelDialLocked()
	for b := range p.bulks {
		rawClose(b.Conn)
	}
	if ok || p.watchers > 0 || p.waiters > 0 || len(p.bulks) > 0 || p.tail != nil && !p.tail.ended() {
		return false
	}
	p.gone = true
	p.l.forget(p)
	return true
}

// dialDue starts a dial if one is wanted and may be made. Otherwise it says when to look again, if it should.
func (p *peer) dialDue() (wait time.Duration, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shutDown || p.cur.Load() != nil || p.dial != nil || !p.asked && p.watchers == 0 {
		return 0, false
	}
	if _, ok := p.l.cfg.Peer(p.id); !ok {
		return 0, false // the next tick looks again
	}
	at := p.brk.next(p.asked)
	if at.Before(p.hold) {
		at = p.hold
	}
	if wait = time.Until(at); wait > 0 {
		return wait, true
	}
	p.asked = false
	p.startLocked()
	return 0, false
}
