package netcode

import (
	"math/bits"
	"time"
)

// pace decides which state frames a connection is sent. Its client acknowledges the last tick that it applied, so it is known how
// long the oldest frame on its way has been waiting, at any bandwidth and through any buffer. A connection whose oldest frame has waited
// for longer than a round trip explains is behind: it misses frames, so that what it gets next is new. One that misses many, for longer
// than a hiccup of the network, falls to the next divisor of the rate. The rate rises again as soon as acknowledgements show that the line
// has room for it; where they cannot, because the round trip varies, it is tried, ever more rarely if that fails. A slow connection may be
// sent fewer rows instead (thin). Pure. Owned by the
// match's goroutine. Numbers without a unit are ticks.
type pace struct {
	step   int    // index into divisors
	misses int    // missWeight for every frame missed, less one for every frame sent
	behind uint32 // since when it is behind; 0: it is not
	faster uint32 // when the rate may rise, if there is room
	try    uint32 // when it rises in any case
	pause  uint32 // from a fall to the next try
	trial  uint32 // until when a rise is on trial: one miss, and it is taken back

	frame  uint32 // last state frame decided about
	sent   uint64 // bit n: frame - n was sent
	first  uint32 // first tick sent, 0: none yet
	last   uint32 // last tick sent
	before uint32 // the one sent before it
	seen   uint32 // last tick acknowledged, of those; 0: none yet
	took   uint32 // from a frame to its acknowledgement, as of the last one
	smooth uint32 // the same, smoothed, in eighths

	trips  [8]time.Duration // of the last pings, there and back
	ntrips uint
	rtt    time.Duration // smoothed
	trip   time.Duration // of the last ping, whatever it had to wait for
	ask    bool          // ping before the frame just decided about: nothing is on its way that the ping would have to wait for
	asked  uint32        // when that was last so
	clean  bool          // the ping on its way is such a one

	audit audit // of who is not to be judged by his acknowledgements

	thin  *thin   // nil unless rows are left out, too
	width float64 // bytes of a frame when they were last; 0: never
}

// Bounds on how long a frame may wait on top of a round trip. Jitter, and acknowledgements that wait for the client's next sample,
// must be within the slack of a healthy connection.
const (
	slackTicks  = 3 // and at least slackTime
	slackTime   = 100 * time.Millisecond
	tightTicks  = 2 // of a connection that has missed frames; and at least tightTime
	tightTime   = 66 * time.Millisecond
	jitterLimit = 50 * time.Millisecond  // by what jitter may make a round trip longer than the shortest
	startTime   = 300 * time.Millisecond // for which a connection that has acknowledged nothing gets every frame
)

// What makes the rate fall and rise.
const (
	missWeight  = 4   // one miss in five frames keeps the balance
	hiccup      = 0.2 // seconds of misses that leave the rate as it is
	behindLimit = 10  // seconds behind after which a connection is closed
	shortPause  = 2   // seconds until a rise is tried, doubled each time that it fails
	longPause   = 30
	askEvery    = 2 // seconds
)

// ackEvery is how many ticks after the last one acknowledged a frame is acknowledged at the latest.
const ackEvery = 2

// divisors of the rate of state frames. Aligned to the frame's number, so that slow clients share what is encoded.
var divisors = [...]uint32{1, 2, 3, 6}

const slowest = len(divisors) - 1

// lag is what is known about a connection at a state frame.
type lag struct {
	tick    uint32        // now
	every   uint32        // ticks per state frame
	hz      uint32        // ticks per second
	seen    uint32        // last tick acknowledged; 0: none yet
	trip    time.Duration // of a ping that was answered since the last state frame; 0: none
	pinging bool          // a ping is not answered yet
	busy    bool          // the kernel refused bytes
	out     traffic       // as pace.audit.due has asked for
	bytes   uint64        // that the connection was sent so far
	took    time.Duration // from the frame of seen to its acknowledgement, if rows are left out
}

// ticks of a duration, rounded up.
func (l *lag) ticks(d time.Duration) uint32 {
	return uint32((d*time.Duration(l.hz) + time.Second - 1) / time.Second)
}

// sending says what to do with a state frame.
type sending uint8

const (
	send    sending = iota
	skip            // behind, or not this frame's turn
	tooSlow         // behind for too long
)

// next decides about one state frame. It is asked about every one, in order.
func (p *pace) next(l lag, frame uint32) sending {
	p.note(&l, frame)
	wait, step := p.wait(&l), divisors[p.step]
	silent := p.seen == 0 && p.first != 0 && p.ntrips > 0 && l.tick-p.first > l.ticks(p.rtt+startTime)
	p.audit.next(&l, p.rtt, silent)
	if silent && p.audit.verdict != flows {
		step = divisors[slowest] // the first acknowledgement will tell; until then not much may pile up
	}
	p.ask = false
	if p.thin != nil {
		return p.thinly(&l, wait)
	}
	if frame%step != 0 {
		return skip
	}
	if l.busy || p.late(&l, wait) || p.audit.verdict == stuck {
		return p.miss(&l)
	}
	p.hit(&l)
	if p.step > 0 && wait == 0 && !l.pinging && l.tick-p.asked >= askEvery*l.hz {
		p.ask, p.clean, p.asked = true, true, l.tick
	}
	return send
}

// note takes in what has come since the last frame.
func (p *pace) note(l *lag, frame uint32) {
	p.sent <<= min(frame-p.frame, 64)
	if p.thin != nil {
		p.thin.full <<= min(frame-p.frame, 64)
	}
	p.frame = frame
	if l.trip != 0 {
		p.trip = l.trip
		if p.step == 0 || p.clean {
			p.ping(l.trip) // else it may have waited behind state frames
		}
		p.clean = false
	}
	seen := min(l.seen, l.tick)
	if p.first == 0 || seen < p.first || seen <= p.seen {
		return // of an earlier connection, or old
	}
	p.took = l.tick - seen
	if p.seen == 0 {
		p.smooth = 8 * p.took
	}
	p.smooth += 2*p.took - p.smooth/4
	p.seen = seen
	p.audit.acknowledged(l, p.took, p.trip)
	if p.thin != nil && seen >= p.thin.from {
		n := p.frame - seen/l.every
		p.thin.acknowledged(l.took, p.rtt, n < 64 && p.thin.full>>n&1 != 0)
	}
}

// ping takes in a round trip.
func (p *pace) ping(d time.Duration) {
	if p.trips[p.ntrips%uint(len(p.trips))] = d; p.ntrips == 0 {
		p.rtt = d
	}
	p.ntrips++
	p.rtt = min(p.rtt+(d-p.rtt)/4, p.shortest()+jitterLimit)
}

// shortest returns the shortest of the last round trips, which had the least queue in it; 0: none is known.
func (p *pace) shortest() time.Duration {
	best := p.trips[0]
	for _, d := range p.trips[:min(p.ntrips, uint(len(p.trips)))] {
		best = min(best, d)
	}
	return best
}

// wait returns how long the oldest frame without acknowledgement has been on its way; 0: there is none. Clients acknowledge every second tick
// at least. So the last frame before the match stood still, or waited for its standby, may be one that is never acknowledged unless
// another follows.
func (p *pace) wait(l *lag) uint32 {
	if p.last < p.seen+ackEvery {
		return 0
	}
	open := p.sent
	if n := p.frame - p.seen/l.every; n < 64 {
		open &= 1<<n - 1 // frames after the one acknowledged
	}
	switch {
	case open != 0:
		return uint32(bits.Len64(open)-1) * l.every
	case p.last > p.seen:
		return l.tick - p.last
	}
	return 0
}

// late reports whether the connection is behind. One that acknowledges nothing, or answers no ping, is not judged by that.
func (p *pace) late(l *lag, wait uint32) bool {
	if wait == 0 || p.seen == 0 || p.ntrips == 0 {
		return false
	}
	if p.step == 0 && l.tick >= p.trial && p.misses < 2*missWeight {
		return wait >= l.ticks(p.rtt)+max(slackTicks, l.ticks(slackTime))
	}
	limit := l.ticks(p.shortest()) + max(tightTicks, l.ticks(tightTime), divisors[p.step]*l.every)
	return wait >= limit || p.took > limit
}

// miss leaves a frame out, and lowers the rate if that has happened too often.
func (p *pace) miss(l *lag) sending {
	if p.behind == 0 {
		p.behind = l.tick
	}
	p.misses += missWeight
	failed := l.tick < p.trial
	if failed {
		p.pause = min(2*p.pause, longPause*l.hz)
	}
	if failed || p.misses > int(missWeight*hiccup*float64(l.hz/l.every)) {
		p.step, p.misses, p.trial = min(p.step+1, slowest), 0, 0
		p.pause = max(p.pause, shortPause*l.hz)
		p.try = l.tick + p.pause
	}
	p.faster = l.tick + l.hz
	if l.tick-p.behind > behindLimit*l.hz {
		return tooSlow
	}
	return skip
}

// hit sends a frame, and raises the rate where it can.
func (p *pace) hit(l *lag) {
	p.behind, p.misses = 0, max(0, p.misses-1)
	p.left(l)
	switch {
	case p.step == 0 && l.tick >= p.trial:
		p.pause = 0
	case p.step > 0 && (l.tick >= p.try || l.tick >= p.faster && p.room(l)):
		p.step--
		p.trial, p.faster, p.try = l.tick+l.hz, l.tick+l.hz/2, l.tick+max(p.pause, l.hz)
	}
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

// room reports whether frames pass through the line in the time that there is for each at the next rate.
func (p *pace) room(l *lag) bool {
	return p.smooth/8 <= l.ticks(p.shortest())+divisors[p.step-1]*l.every
}
