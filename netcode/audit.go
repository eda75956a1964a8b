package netcode

import "time"

// audit judges a connection by the bytes in the kernel's queue, where its acknowledgements are no measure: it answers pings but never
// acknowledges, or it acknowledges frames sooner than they can have reached it. It is behind if more bytes are waiting than were sent in
// the last smoothed round trip and two ticks: some of those sent before are then still on their way. Asking the kernel is a system
// call, so it is done a few times a second at most, and only then; where the kernel cannot say there is no verdict. Pure.
type audit struct {
	verdict verdict
	due     bool   // the queue should be looked at before the next state frame
	hasty   uint8  // acknowledgements in a row that came too soon
	since   uint32 // tick of the look before this one; 0: none
	mark    uint64 // bytes sent until then
}

// traffic is what the kernel knows about a connection's bytes.
type traffic struct {
	known  bool
	sent   uint64 // so far
	queued uint64 // of those, not acknowledged by the peer's kernel
}

type verdict uint8

const (
	unknown verdict = iota
	flows           // not behind
	stuck           // behind
)

const (
	hastyLimit = 8                      // acknowledgements in a row that come too soon: more than a round trip that grew shorter explains
	auditEvery = 250 * time.Millisecond // between two looks, at least
)

// acknowledged takes in how many ticks an acknowledgement took, and what the last ping did.
func (a *audit) acknowledged(l *lag, took uint32, trip time.Duration) {
	switch {
	case took+max(tightTicks, l.ticks(tightTime)) >= l.ticks(trip):
		a.hasty = 0
	case a.hasty < hastyLimit:
		a.hasty++
	}
}

// next is called at every state frame; silent says that the client should have acknowledged something by now, and has not.
func (a *audit) next(l *lag, rtt time.Duration, silent bool) {
	if !silent && a.hasty < hastyLimit {
		*a = audit{hasty: a.hasty}
		return
	}
	wait := max(l.ticks(rtt)+max(tightTicks, l.ticks(tightTime)), l.ticks(auditEvery))
	if l.out.known {
		if a.since != 0 {
			a.verdict = flows
			if l.out.queued > l.out.sent-a.mark {
				a.verdict = stuck
			}
		}
		a.since, a.mark = max(1, l.tick), l.out.sent
	}
	a.due = a.since == 0 || l.tick+l.every-a.since >= wait
}
