package netcode

import "time"

// pace decides which state frames a connection is sent. A client acknowledges the last tick that it applied; how far that
// lags behind says how much is on its way, at any bandwidth and round-trip time. While it lags more than a round trip and slackTicks, the
// connection is behind and misses frames, so that what it gets next is new. One that misses many (a fifth, for longer than a hiccup of the network)
// falls to the next divisor of the rate, and a second without a miss raises the rate again. Times are in ticks. Pure; owned by the match's goroutine.
type pace struct {
	step   int    // index into divisors
	misses int    // missWeight for every frame missed, less one for every frame sent
	faster uint32 // tick from which the rate may rise
	behind uint32 // tick since which it is behind; 0: it is not
}

// Weights of pace.misses.
const (
	missWeight = 4  // one miss in five frames keeps the balance
	missLimit  = 24 // six misses more than that and the rate falls
)

// divisors of the rate of state frames. Aligned to the frame's number, so that slow clients share what is encoded.
var divisors = [...]uint32{1, 2, 3, 6}

const (
	slackTicks   = 4
	behindLimit  = 10 // seconds behind after which a connection is closed
	recoverEvery = 2  // steps up a second
)

// lag is what is known about a connection's distance. Ticks, but for rtt.
type lag struct {
	tick  uint32        // now
	every uint32        // ticks per state frame
	sent  uint32        // last one sent
	seen  uint32        // last one acknowledged; 0: none yet
	rtt   time.Duration // round trip; 0: not known yet
	hz    int
}

// late reports whether the oldest frame that is not acknowledged has been on its way for longer than a round trip explains,
// when every step-th frame is sent.
func (l lag) late(step uint32) bool {
	if l.seen == 0 || l.rtt == 0 || l.seen >= l.sent {
		return false
	}
	trip := uint32((l.rtt*time.Duration(l.hz) + time.Second - 1) / time.Second)
	return l.tick-l.seen >= step*l.every+trip+slackTicks
}

// sending says what to do with a state frame.
type sending uint8

const (
	send    sending = iota
	skip            // behind, or not this frame's turn
	tooSlow         // behind for too long
)

// next decides about one state frame. busy says that the kernel refused bytes.
func (p *pace) next(l lag, frame uint32, busy bool) sending {
	hz := uint32(l.hz)
	if frame%divisors[p.step] != 0 {
		return skip
	}
	if busy || l.late(divisors[p.step]) {
		if p.behind == 0 {
			p.behind = l.tick
		}
		if p.misses += missWeight; p.misses > missLimit && p.step < len(divisors)-1 {
			p.step++
			p.misses = 0
		}
		p.faster = l.tick + hz
		if l.tick-p.behind > behindLimit*hz {
			return tooSlow
		}
		return skip
	}
	p.behind, p.misses = 0, max(0, p.misses-1)
	if p.step > 0 && l.tick >= p.faster {
		p.step--
		p.faster = l.tick + max(1, hz/recoverEvery)
	}
	return send
}
