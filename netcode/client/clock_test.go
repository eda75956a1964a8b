package client

import (
	"container/heap"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots/relay"
)

// journey is a client's clock over a network, in virtual time: the server sends a frame at every tick, the client answers each with a
// sample, and pings. It is asked for the tick by the client, and the server says how late the samples were.
type journey struct {
	hz       int
	clock    clock
	up, down *relay.Line
	ahead    time.Duration // of the server's time over the client's
	skew     float64       // how much faster the server's clock goes

	now    time.Duration
	events events
	newest float64 // how late the newest sample was, ticks; negative: early
	pings  int

	late  []float64 // of every sample that was sent after settled, ticks
	leads []float64 // target less the server's tick when it was chosen, of the same samples

	settled time.Duration
}

// event is something that happens at a moment.
type event struct {
	at time.Duration
	n  int // order among those of the same moment
	do func()
}

type events struct {
	all []event
	n   int
}

func (e *events) Len() int { return len(e.all) }
func (e *events) Less(i, j int) bool {
	return e.all[i].at < e.all[j].at || e.all[i].at == e.all[j].at && e.all[i].n < e.all[j].n
}
func (e *events) Swap(i, j int) { e.all[i], e.all[j] = e.all[j], e.all[i] }
func (e *events) Push(x any)    { e.all = append(e.all, x.(event)) }
func (e *events) Pop() any {
	x := e.all[len(e.all)-1]
	e.all = e.all[:len(e.all)-1]
	return x
}

func newJourney(hz int, p relay.Profile, seed uint64) *journey {
	j := &journey{hz: hz, up: relay.NewLine(p, seed, true), down: relay.NewLine(p, seed, false), ahead: 1000 * time.Second, settled: 10 * time.Second}
	j.clock.start(hz, uint32(j.tick()), 0)
	j.tickAt(uint32(j.tick()) + 1)
	j.ping()
	return j
}

func (j *journey) do(at time.Duration, f func()) {
	j.events.n++
	heap.Push(&j.events, event{max(at, j.now), j.events.n, f})
}

// tick is the server's, with its fraction.
func (j *journey) tick() float64 {
	return (j.ahead.Seconds() + j.now.Seconds()*(1+j.skew)) * float64(j.hz)
}

// moment is when a tick begins.
func (j *journey) moment(tick uint32) time.Duration {
	return time.Duration((float64(tick)/float64(j.hz) - j.ahead.Seconds()) / (1 + j.skew) * 1e9)
}

func (j *journey) tickAt(tick uint32) {
	j.do(j.moment(tick), func() {
		j.do(j.down.Send(j.now, 100), func() { j.frame(tick) })
		j.tickAt(max(tick+1, uint32(j.tick())))
	})
}

func (j *journey) frame(tick uint32) {
	j.clock.frame(j.now, tick)
	target := j.clock.target(j.now)
	if lead := float64(target) - j.tick(); j.now >= j.settled {
		j.leads = append(j.leads, lead)
	}
	sent := j.now
	j.do(j.up.Send(j.now, 68), func() {
		j.newest = j.tick() - float64(target)
		if sent >= j.settled {
			j.late = append(j.late, j.newest)
		}
	})
}

func (j *journey) ping() {
	sent := j.now
	j.do(j.up.Send(j.now, 30), func() {
		tick, late := j.tick(), j.newest
		j.do(j.down.Send(j.now, 40), func() { j.clock.pong(j.now, j.now-sent, tick, late) })
	})
	wait := pingLater
	if j.pings++; j.pings < 8 {
		wait = pingSoon
	}
	j.do(j.now+wait, j.ping)
}

func (j *journey) run(d time.Duration) *journey {
	end := j.now + d
	for j.events.Len() > 0 && j.events.all[0].at <= end {
		e := heap.Pop(&j.events).(event)
		j.now = e.at
		e.do()
	}
	j.now = end
	return j
}

func at(sorted []float64, q float64) float64 { return sorted[int(q*float64(len(sorted)-1))] }

// Over any network fewer than one sample in a hundred comes late by more than a tick (of the usual length), once the client has
// settled, and the lead is no longer than the network explains.
func TestClockOverNetworks(t *testing.T) {
	for _, name := range []string{"lan", "wifi", "4g", "bad"} {
		for _, hz := range []int{20, 30, 60, 128} {
			p, err := relay.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			var late, leads []float64
			for seed := range uint64(6) {
				j := newJourney(hz, p, seed+1).run(130 * time.Second)
				late, leads = append(late, j.late...), append(leads, j.leads...)
			}
			slices.Sort(late)
			slices.Sort(leads)
			ms := 1000 / float64(hz)
			p99, lead := at(late, 0.99)*ms, at(leads, 0.5)*ms-p.RTT.Seconds()*500
			t.Logf("%s, %d Hz: %d samples, late p50 %.1f p99 %.1f max %.1f ms; lead p50 half a round trip and %.1f ms", name, hz, len(late),
				at(late, 0.5)*ms, p99, at(late, 1)*ms, lead)
			if most := max(ms, 1000/30.); p99 >= most {
				t.Errorf("%s, %d Hz: late by %.1f ms at the 99th percentile, want below %.1f", name, hz, p99, most)
			}
			if most := map[string]float64{"lan": 5, "wifi": 20, "4g": 75, "bad": 185}[name] + 1.75*ms; lead > most {
				t.Errorf("%s, %d Hz: lead of %.1f ms, want at most %.1f", name, hz, lead, most)
			}
		}
	}
}

// A way up that is longer than the way down shows in what the server reports.
func TestClockOverALongWayUp(t *testing.T) {
	j := newJourney(30, relay.Profile{RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond}, 1)
	j.up = relay.NewLine(relay.Profile{RTT: 300 * time.Millisecond, Jitter: 4 * time.Millisecond}, 1, true)
	j.settled = 20 * time.Second
	j.run(60 * time.Second)
	slices.Sort(j.late)
	if p50, p99 := at(j.late, 0.5), at(j.late, 0.99); p99 >= 1 || p50 < -3.5 {
		t.Errorf("late p50 %.2f p99 %.2f ticks", p50, p99)
	}
}

// The client's clock never goes faster or slower than by 5 %, whatever its estimates do, but for errors of more than 10 ticks.
func TestClockSpeed(t *testing.T) {
	for _, lost := range []float64{-12, -8, 3, 8, 12} {
		p, _ := relay.Lookup("4g")
		j := newJourney(30, p, 3)
		j.skew = 200e-6
		j.run(10 * time.Second)
		check := func(d time.Duration, most float64) {
			for end := j.now + d; j.now < end; {
				from, was := j.clock.lead.tick, j.clock.lead.local
				j.run(10 * time.Millisecond)
				passed := (j.clock.lead.local - was).Seconds() * 30
				if off := math.Abs(j.clock.lead.tick - from - passed); off > most*passed+1e-6 {
					t.Fatalf("lost %v ticks: the clock went %.3f ticks in %.3f", lost, j.clock.lead.tick-from, passed)
				}
			}
		}
		check(20*time.Second, maxSpeed)
		before := j.clock.lead.resyncs
		j.ahead -= time.Duration(lost / 30 * float64(time.Second))
		j.do(j.now, func() {})
		if math.Abs(lost) <= 10 {
			check(20*time.Second, maxSpeed)
		} else {
			j.run(20 * time.Second)
		}
		if n := j.clock.lead.resyncs - before; (n != 0) != (math.Abs(lost) > 10) || n > 1 {
			t.Errorf("lost %v ticks: set anew %d times", lost, n)
		}
		j.late, j.settled = nil, j.now
		j.run(20 * time.Second)
		if slices.Sort(j.late); at(j.late, 0.99) >= 1 {
			t.Errorf("lost %v ticks: later late by %.2f ticks", lost, at(j.late, 0.99))
		}
	}
}
