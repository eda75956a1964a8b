package netcode

import "time"

// thin is how many bytes a connection is sent whose line has no room for every row (reduction): frames as large as pass in about the time of
// thinWait, and so often that some of the line stays free, since a queue is what makes states old. How large that is follows
// from the time that frames take until they are acknowledged. Everything that the connection is sent counts, messages and answers to the
// client's clock too. Pure. Owned by the match's goroutine. Numbers without a unit are ticks.
type thin struct {
	size  float64 // bytes that a frame may take
	room  float64 // of them now; below 0 if more was sent than a frame
	bytes uint64  // that the connection had been sent at the last look
	from  uint32  // since when
	tick  uint32  // of the last look; 0: none yet
	full  uint64  // bit n: frame - n took most of size
	calm  uint32  // since when no row has been left out
}

// Bounds of thin.
const (
	thinWait  = 90 * time.Millisecond  // that a frame may take to be acknowledged, on top of a round trip
	thinPause = 250 * time.Millisecond // between two frames, at most, if the one before has arrived
	thinRate  = 9                      // frames of full size a second
	thinGap   = 2                      // state frames from one to the next, at least; fewer do not tell how fast a row moves
	thinFirst = 40                     // bytes
	thinLeast = 26                     // bytes
	thinMost  = 2048                   // bytes
	thinFill  = 0.875                  // of a frame's size, that there must be room for: smaller frames that take thinWait each would fill the line
)

// look takes in what the connection has been sent since the last state frame.
func (b *thin) look(l *lag) {
	if b.tick == 0 {
		b.from, b.tick, b.bytes, b.calm, b.room = l.tick, l.tick, l.bytes, l.tick, b.size
	}
	b.room += b.size*thinRate*float64(l.tick-b.tick)/float64(l.hz) - float64(l.bytes-b.bytes)
	b.room = max(-8*b.size, min(b.room, b.size))
	b.tick, b.bytes = l.tick, l.bytes
}

// ready reports whether there is room for a frame. Whatever else is sent, there is when nothing has been on its way for a while: only frames
// tell what the line can carry.
func (b *thin) ready(l *lag, wait, last uint32) bool {
	if wait == 0 && l.tick-last >= l.ticks(thinPause) {
		b.room = max(b.room, thinFill*b.size)
	}
	return b.room >= thinFill*b.size
}

// sent takes in the bytes of a frame, and how many rows it left out.
func (b *thin) sent(bytes, left int) {
	if float64(bytes) >= 0.75*b.size {
		b.full |= 1
	}
	if left > 0 {
		b.calm = b.tick
	}
}

// acknowledged takes in how long a frame took, there and back. Frames that do not fill their size are no reason for a larger one.
func (b *thin) acknowledged(took, rtt time.Duration, full bool) {
	switch took -= rtt; {
	case took > thinWait:
		b.size -= b.size / 8
	case full && took < thinWait/3:
		b.size += b.size / 2 // the line is faster by far
	case full:
		b.size += b.size / 32
	}
	b.size = max(thinLeast, min(b.size, thinMost))
}

// slim makes the connection one that is sent some rows only.
func (p *pace) slim() {
	if p.width == 0 {
		p.width = thinFirst
	}
	p.step, p.thin = 1, &thin{size: p.width}
	p.rtt = p.shortest() // the last ones may have waited behind what was sent
}

// thinly decides about a state frame of such a connection, as next does. Once no row has been left out for a while, and the line shows
// that it has room, or from time to time if it cannot, every row is sent again.
func (p *pace) thinly(l *lag, wait uint32) sending {
	b := p.thin
	b.look(l)
	switch {
	case l.busy || wait >= l.ticks(p.rtt+thinWait) || p.audit.verdict == stuck:
		if p.behind == 0 {
			p.behind = l.tick
		}
		if l.tick-p.behind > behindLimit*l.hz {
			return tooSlow
		}
		return skip
	case l.tick-p.last < thinGap*l.every || !b.ready(l, wait, p.last):
		return skip
	case wait == 0 && !l.pinging && l.tick-p.asked >= askEvery*l.hz:
		p.ask, p.clean, p.asked = true, true, l.tick // by itself: behind a frame it would take as long as that
		return skip
	}
	p.behind = 0
	p.left(l)
	if calm := l.tick - b.calm; calm >= l.hz && l.tick >= p.try || calm >= l.hz/2 && p.room(l) {
		p.step, p.misses, p.width, p.thin = 0, 0, b.size, nil
		p.trial, p.faster, p.try = l.tick+l.hz, l.tick+l.hz/2, l.tick+max(p.pause, l.hz)
	}
	return send
}
