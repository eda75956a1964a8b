package netcode

import (
	"math/rand/v2"
	"slices"
	"time"
)

// line is a player's connection as pace meets it: a queue of bytes towards the player that drains at a rate, half a round trip
// each way, and a client that acknowledges. It is stepped in milliseconds. Nothing overtakes anything, as in TCP.
type line struct {
	hz, every int
	rtt       float64              // ms
	jitter    float64              // ms of a round trip, to either side
	rate      func(ms int) float64 // bytes a millisecond; nil: no bound
	size      float64              // bytes of a state frame
	catchUp   float64              // bytes of one after frames that were left out; 0: the same
	acks      int                  // ticks after which the client acknowledges
	idle      float64              // ms that an acknowledgement waits for the client's next sample, up to
	seed      uint64

	mute   bool // the client acknowledges nothing
	lies   bool // it acknowledges the newest tick at once, whatever has come
	kernel bool // the server's kernel can say what waits in its queue

	held   func(ms int) bool // no state frames leave the match; nil: never
	filled func(ms int) bool // something else fills the connection between decision and frame; nil: never

	rnd   *rand.Rand
	now   int // ms
	tick  uint32
	queue []parcel // waiting for the bottleneck
	down  []parcel // on the way to the player
	up    []parcel // on the way to the server
	pace  pace
	seen  uint32
	acked uint32 // last that the client acknowledged
	sent  uint32 // last state frame that was sent

	pingAt int           // ms, when the last ping was sent
	pings  int           // on their way
	trip   time.Duration // round trip that came in

	total float64  // bytes sent
	freed float64  // bytes that the player's kernel has acknowledged
	tcp   []parcel // such acknowledgements on their way
	looks int      // into the kernel's queue

	log []decision
	got []arrival
}

// parcel is a state frame on its way, or its acknowledgement; or a ping (tick 0) or its answer.
type parcel struct {
	tick uint32
	left float64 // bytes
	size float64 // bytes
	due  float64 // ms
	from int     // ms, when it was sent
}

// decision is what became of a state frame.
type decision struct {
	ms   int
	what sending
	step int
}

// arrival of a state frame at the player.
type arrival struct{ ms, age float64 }

// run lets time pass.
func (l *line) run(d time.Duration) *line {
	if l.rnd == nil {
		l.rnd = rand.New(rand.NewPCG(l.seed, 1))
		l.every, l.acks = max(1, l.every), max(1, l.acks)
	}
	for end := l.now + int(d.Milliseconds()); l.now < end; l.now++ {
		if l.now-l.pingAt >= 5000 || l.now == 0 {
			l.ping()
		}
		if tick := uint32(l.now*l.hz/1000) + 1; tick > l.tick {
			l.tick = tick
			if tick%uint32(l.every) == 0 && (l.held == nil || !l.held(l.now)) {
				l.frame()
			}
		}
		l.drain()
		l.arrive()
	}
	return l
}

// frame asks about a state frame.
func (l *line) frame() {
	now := lag{tick: l.tick, every: uint32(l.every), hz: uint32(l.hz), seen: l.seen, trip: l.trip, pinging: l.pings > 0}
	if l.lies {
		now.seen = l.tick - 1
	}
	if l.kernel && l.pace.audit.due {
		l.looks++
		now.out = traffic{known: true, sent: uint64(l.total), queued: uint64(l.total - l.freed)}
	}
	what := l.pace.next(now, l.tick/uint32(l.every))
	l.trip = 0
	l.log = append(l.log, decision{l.now, what, l.pace.step})
	if what == send && l.filled != nil && l.filled(l.now) {
		l.pace.unsent()
		return
	}
	if l.pace.ask {
		l.ping()
	}
	if what != send {
		return
	}
	size := l.size
	if l.catchUp > 0 && l.tick != l.sent+uint32(l.every) {
		size = l.catchUp
	}
	l.queue = append(l.queue, parcel{tick: l.tick, left: size, size: size, from: l.now})
	l.total += size
	l.sent = l.tick
}

func (l *line) ping() {
	l.queue = append(l.queue, parcel{left: 2, from: l.now})
	l.pings, l.pingAt = l.pings+1, l.now
}

// drain lets a millisecond's bytes through the bottleneck.
func (l *line) drain() {
	room := 1e9
	if l.rate != nil {
		room = l.rate(l.now)
	}
	for len(l.queue) > 0 && room > 0 {
		n := min(room, l.queue[0].left)
		room -= n
		if l.queue[0].left -= n; l.queue[0].left > 0 {
			return
		}
		l.down = l.post(l.down, l.queue[0])
		l.queue = l.queue[1:]
	}
}

// post puts something on its way.
func (l *line) post(to []parcel, p parcel) []parcel {
	p.due = float64(l.now) + l.rtt/2 + l.jitter/2*(2*l.rnd.Float64()-1)
	if n := len(to); n > 0 {
		p.due = max(p.due, to[n-1].due)
	}
	return append(to, p)
}

// arrive is what happens at both ends.
func (l *line) arrive() {
	for ; len(l.down) > 0 && l.down[0].due <= float64(l.now); l.down = l.down[1:] {
		p := l.down[0]
		if p.tick != 0 {
			l.got = append(l.got, arrival{float64(l.now), float64(l.now - p.from)})
			last := 0.0
			if n := len(l.tcp); n > 0 {
				last = l.tcp[n-1].due
			}
			l.tcp = append(l.tcp, parcel{size: p.size, due: max(last, float64(l.now)+l.rtt/2+delayedAck*l.rnd.Float64())})
			if l.mute || p.tick-l.acked < uint32(l.acks) {
				continue
			}
			l.acked = p.tick
		}
		l.up = l.post(l.up, p)
		if p.tick != 0 {
			l.up[len(l.up)-1].due += l.idle * l.rnd.Float64()
		}
	}
	for ; len(l.tcp) > 0 && l.tcp[0].due <= float64(l.now); l.tcp = l.tcp[1:] {
		l.freed += l.tcp[0].size
	}
	for ; len(l.up) > 0 && l.up[0].due <= float64(l.now); l.up = l.up[1:] {
		if p := l.up[0]; p.tick != 0 {
			l.seen = p.tick
		} else {
			l.pings--
			l.trip = time.Duration(l.now-p.from) * time.Millisecond
		}
	}
}

// delayedAck is by how many ms a kernel may delay its acknowledgements (RFC 1122 allows 500; systems take 40).
const delayedAck = 40

// ages returns the ages of the state frames that arrived from a moment on, ascending, ms.
func (l *line) ages(from int) (all []float64) {
	for _, a := range l.got {
		if a.ms >= float64(from) {
			all = append(all, a.age)
		}
	}
	slices.Sort(all)
	return all
}

// seen by the player: the greatest age of his state at any moment, and the 99th percentile over all moments.
func (l *line) staleness(from int) (p99, most float64) {
	var all []float64
	for i := 1; i < len(l.got); i++ {
		a, b := l.got[i-1], l.got[i]
		for ms := a.ms; ms < b.ms; ms++ {
			if ms >= float64(from) {
				all = append(all, a.age+ms-a.ms)
			}
		}
	}
	slices.Sort(all)
	return quantile(all, 0.99), all[len(all)-1]
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[int(q*float64(len(sorted)-1))]
}

// missed counts the state frames that were not sent from a moment on.
func (l *line) missed(from int) (n int) {
	for _, d := range l.log {
		if d.ms >= from && d.what != send {
			n++
		}
	}
	return n
}

// slowest returns the lowest rate from a moment on, as an index into divisors.
func (l *line) slowest(from int) (step int) {
	for _, d := range l.log {
		if d.ms >= from {
			step = max(step, d.step)
		}
	}
	return step
}

// full returns the first moment from which on no frame was left out, ms.
func (l *line) full() int {
	for i := len(l.log) - 1; i >= 0; i-- {
		if l.log[i].what != send {
			return l.log[i].ms
		}
	}
	return 0
}

// firstAfter returns when the first state frame arrived after a moment, ms.
func (l *line) firstAfter(ms float64) float64 {
	for _, a := range l.got {
		if a.ms >= ms {
			return a.ms
		}
	}
	return float64(l.now)
}
