package netcode

// probeAfter is how long after the last frame a connection that is behind is asked whether it still is, in parts of a second.
const probeAfter = 2

// probe reports whether to send a frame to a connection that is behind: everything it was sent has arrived, and yet its client will never
// acknowledge it. Clients acknowledge every second tick at least, so the last frame before the server stood still, or waited for its
// standby, may be one that is not; without another frame it stays so. A ping asks: it is answered after what was sent before it. That is
// the persist timer of TCP (RFC 9293, 3.8.6.1), but it adds nothing to a line that is really full. What a ping finds out is not taken for an
// acknowledgement: a browser answers pings for a page that stands still. Such a page gets one frame in a while, and is closed as slow
// after the same time as any other.
func (p *pace) probe(l *lag) bool {
	switch {
	case l.busy || l.pinging || p.last == 0 || l.tick-p.last < l.hz/probeAfter:
		return false
	case p.asked > p.last:
		return true
	}
	p.ask, p.asked = true, l.tick
	return false
}

// left notes that a frame is on its way.
func (p *pace) left(l *lag) {
	if p.first == 0 {
		p.first = l.tick
	}
	p.before, p.last = p.last, l.tick
	p.sent |= 1
}

// unsent takes the last frame back: something else, such as the answer to a ping, had filled the connection since it was decided about.
// Nobody would ever acknowledge it.
func (p *pace) unsent() {
	p.sent &^= 1
	if p.last = p.before; p.last == 0 {
		p.first = 0
	}
}
