package guard

import "math"

// timer names the things that happen by themselves.
type timer uint8

const (
	timerRetry   timer = iota // prepare or propose once more
	timerTell                 // decided or ended once more
	timerBallot               // the next ballot after a lost one
	timerSuspect              // the owner's silence is long enough to ask
	timerProbe                // the owner did not answer the witness
	timerStall                // the standby acknowledges nothing
	timerNeed                 // ask for candidates once more
	timerEnlist               // a candidate did not answer
	timerLearn                // the candidates make no progress; this candidate is forgotten
	timerMove                 // target or standby did not acknowledge tick K
	timerLost                 // no majority for too long
	timerContact              // members that nothing was heard of
	timerAt                   // ask for the journal once more
	timerKeep                 // the guard may go
	timerCount
)

const never = math.MaxInt64

// Deadline is when Tick has something to do next, in ms; math.MaxInt64 for never.
func (g *Guard) Deadline() int64 {
	d := int64(never)
	for _, t := range g.timers {
		d = min(d, t)
	}
	return d
}

// Tick does what is due at now.
func (g *Guard) Tick(now int64) {
	for k := range g.timers {
		if g.timers[k] <= now {
			g.fire(now, timer(k))
		}
	}
	g.settle(now)
}

func (g *Guard) fire(now int64, k timer) {
	g.timers[k] = never
	switch k {
	case timerRetry:
		g.retry(now)
	case timerTell:
		g.tell(now)
	case timerBallot:
		g.prop = proposal{}
		g.stop(timerRetry)
	case timerSuspect:
		g.suspect = true
	case timerProbe:
		g.grant(now)
	case timerStall:
		g.stalled = true
	case timerEnlist:
		g.giveUpEnlisting()
	case timerLearn:
		g.giveUpLearning(now)
	case timerMove:
		g.CancelMove(now)
	case timerLost:
		g.forsaken(now)
	case timerContact:
		g.noContact()
	case timerAt:
		g.sendAt(now)
	}
}

func (g *Guard) armed(k timer) bool { return g.timers[k] != never }
func (g *Guard) stop(k timer)       { g.timers[k] = never }

func (g *Guard) arm(k timer, at int64) { g.timers[k] = at }

// armOnce leaves a timer that runs already.
func (g *Guard) armOnce(k timer, at int64) {
	if !g.armed(k) {
		g.timers[k] = at
	}
}

// keep runs a timer while a condition holds.
func (g *Guard) keep(k timer, while bool, at int64) {
	if !while {
		g.stop(k)
	} else {
		g.armOnce(k, at)
	}
}

// backoff is a random time between BackoffMin and BackoffMax (xorshift64, Marsaglia 2003).
func (g *Guard) backoff() int64 {
	span := uint64(g.cfg.BackoffMax-g.cfg.BackoffMin) + 1
	if span == 1 {
		return g.cfg.BackoffMin
	}
	g.rng ^= g.rng << 13
	g.rng ^= g.rng >> 7
	g.rng ^= g.rng << 17
	return g.cfg.BackoffMin + int64(g.rng%span)
}
