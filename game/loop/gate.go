package loop

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/game/journal"
)

// Replica is where a match's journal goes so that another node can go on with it. Its methods are called by the match's
// goroutine and must not block; what they are given is valid during the call.
type Replica interface {
	// Record is called once for every tick, in order, after the tick was applied and hashed and before anything of it leaves.
	Record(rec *journal.Record)
	// Checkpoint is called with the whole state after a tick every 2 s, and at the end of the tick after [Match.Snapshot]. It
	// comes after Record of that tick.
	Checkpoint(tick uint32, state []byte)
}

// Solo is the tick to release when there is no standby to wait for.
const Solo uint32 = math.MaxUint32

// Release lets the output of all ticks up to tick leave, and wakes the match at once; [Solo] lets everything leave from now on.
// The last call counts, also where its tick is lower. It does nothing without a Replica. Any goroutine.
//
// With a Replica nothing leaves before it is released: Joined, Refused, Gone, Over, state frames, messages and Info wait in
// order. A state frame leaves when the newest tick is released; if the next one is due before that, the sink gets the older
// one as Shed. A tick never waits.
func (m *Match) Release(tick uint32) {
	if m.gate != nil {
		m.gate.release(tick)
		m.signal()
	}
}

// Hold lets nothing leave after the last released tick, until the next Release: with [Solo], after the tick that was stepped last. It
// returns that tick: what players may see, and a successor must have. 0 without a Replica. Any goroutine.
func (m *Match) Hold() (released uint32) {
	if m.gate == nil {
		return 0
	}
	return m.gate.hold()
}

// maxHeld bounds the answers to links that wait for a release. When so many wait, Attach returns ErrBusy; what becomes of links
// that were let in is always kept, at most one Gone for each.
const maxHeld = 1024

// outlet is where the answers to links go: the sink, or the gate before it.
type outlet interface {
	Joined(l Link, s Seat)
	Refused(l Link, why Refusal)
	Gone(l Link, why Departure, text string)
}

// output is one answer to a link that waits.
type output struct {
	kind outputKind
	tick uint32
	link Link
	seat Seat   // outJoined
	why  uint8  // Refusal or Departure
	text string // outGone
}

type outputKind uint8

const (
	outJoined outputKind = iota
	outRefused
	outGone
)

// gate holds back what a match puts out until it is released.
type gate struct {
	sink Sink
	held atomic.Int32 // answers that wait; written by the match's goroutine

	mu       sync.Mutex // guards the following
	released uint32     // ticks up to here may leave
	stepped  uint32     // as recorded, for other goroutines

	// owned by the match's goroutine
	tick     uint32 // that is being made: what comes now belongs to it
	recorded uint32 // last tick that the replica was given
	queue    []output
	frame    *Frame        // waits; nil: none
	since    time.Duration // since when, after the match's start
}

func (g *gate) release(tick uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released = tick
}

func (g *gate) hold() uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released = min(g.released, g.stepped)
	return g.released
}

// record notes that a tick is about to be given to the replica.
func (g *gate) record(tick uint32) {
	g.recorded = tick
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stepped = tick
}

// allow returns up to which tick output may leave, at most newest.
func (g *gate) allow(newest uint32) uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return min(g.released, newest)
}

func (g *gate) Joined(l Link, s Seat) { g.add(output{kind: outJoined, link: l, seat: s}) }

func (g *gate) Refused(l Link, why Refusal) {
	g.add(output{kind: outRefused, link: l, why: uint8(why)})
}

func (g *gate) Gone(l Link, why Departure, text string) {
	g.add(output{kind: outGone, link: l, why: uint8(why), text: text})
}

func (g *gate) add(o output) {
	o.tick = g.tick
	g.queue = append(g.queue, o)
	g.held.Store(int32(len(g.queue)))
}

// forget takes the answers to a link back that has gone by itself before they left.
func (g *gate) forget(l Link) {
	g.queue = slices.DeleteFunc(g.queue, func(o output) bool { return o.link == l })
	g.held.Store(int32(len(g.queue)))
}

// open reports whether everything up to the newest tick may leave.
func (g *gate) open() bool { return g.allow(g.recorded) == g.recorded }

// flush hands the sink what may leave. A frame leaves only with the newest tick, whose messages it reads; what comes after it waits
// for it.
func (g *gate) flush() {
	tick := g.allow(g.recorded)
	if f := g.frame; f != nil && tick == g.recorded {
		g.until(f.Tick)
		g.frame = nil
		g.sink.Frame(f)
	} else if f != nil {
		tick = min(tick, f.Tick)
	}
	g.until(tick)
}

// until hands the sink the answers of ticks up to one.
func (g *gate) until(tick uint32) {
	n := 0
	for ; n < len(g.queue) && g.queue[n].tick <= tick; n++ {
		o := &g.queue[n]
		switch o.kind {
		case outJoined:
			g.sink.Joined(o.link, o.seat)
		case outRefused:
			g.sink.Refused(o.link, Refusal(o.why))
		case outGone:
			g.sink.Gone(o.link, Departure(o.why), o.text)
		}
	}
	if n > 0 {
		g.queue = slices.Delete(g.queue, 0, n)
		g.held.Store(int32(len(g.queue)))
	}
}

// shed gives the frame that waits to the sink as one to remember only: its tick is overtaken. It reports whether there was one.
func (g *gate) shed() bool {
	f := g.frame
	g.frame = nil
	if f == nil || !f.State {
		return false
	}
	f.Shed = true
	g.sink.Frame(f)
	return true
}

// drop ends a gate whose output will never be released: links that wait for an answer are sent where the match goes on, and the
// sink's Over is left to tell the others.
func (g *gate) drop() {
	g.frame = nil
	for i := range g.queue {
		if o := &g.queue[i]; o.kind != outGone {
			g.sink.Refused(o.link, RefusedMoved)
		}
	}
	g.queue = nil
	g.held.Store(0)
}
