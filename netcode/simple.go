package netcode

// next says how a connection is read from now on.
type next uint8

const (
	complex next = iota // by gws, to its end
	fresh               // by a new goroutine
	gone                // not at all: it has ended
)

// simple reads a connection as long as simple frames come, as the match does (take), and with as little as that needs: no buffer while
// nothing comes, and a stack of the smallest size. What makes a stack grow is the hello and the lift out of the poller, and a stack that has
// grown a little never shrinks, so a new goroutine goes on then. Everything else is left to gws, whose calls are too deep for that.
// Without a plain socket all is. Called by the reading goroutine.
func (x *session) simple() next {
	if x.tls != nil || x.nb.raw == nil {
		return complex
	}
	w := newWaiter()
	for x.plain() {
		if x.raise() {
			return fresh
		}
		if x.stand(); !x.plain() {
			break
		}
		p, err := x.nb.raw.await(w)
		if err != nil {
			x.lost()
			return gone
		}
		met := x.hello
		x.came(p, w)
		w.done()
		if !met && x.hello && x.plain() {
			return fresh
		}
	}
	return complex
}

// plain reports whether the connection is open and nothing is left for gws, or for Read to report.
func (x *session) plain() bool { return len(x.early) == 0 && x.bad == nil && !x.closing.Load() }

// came handles what was just read, or leaves it to gws. The hello comes alone, or gws handles that and whatever follows too.
func (x *session) came(p []byte, w *waiter) {
	x.now = x.Now()
	x.arrived = x.now
	if !x.hello {
		size, ok := x.guard.simple(p)
		if !ok || size != len(p) {
			x.leave(p)
			return
		}
		if x.taping {
			x.record(p)
		}
		p = append([]byte(nil), p...) // a hello may wait for a match that is elsewhere, or be passed on: not with an inlet
		w.done()
	}
	x.take(p)
}
