package client

import (
	"sync/atomic"
	"time"
)

const (
	probeAfter = 350 * time.Millisecond // of silence: a ping asks whether the other side is there
	quietMost  = 700 * time.Millisecond // of silence, in spite of the ping: it is not
	frameMost  = 2 * time.Second        // without a state frame, though something answers: it does not own the match any more
	stall      = 200 * time.Millisecond // by which a timer is late when this program, and not the network, stood still
)

// watchdog gives a connection up long before TCP does. It is on duty once a standby was named: without one there is nowhere else to
// go, and waiting is better. Between its rounds it costs nothing but a timer.
type watchdog struct {
	// shared
	duty   atomic.Bool  // a standby was named
	heard  atomic.Int64 // when anything came, as time since the client began
	framed atomic.Int64 // when the last state frame came
	off    atomic.Bool  // the connection has ended

	timer  *time.Timer   // set once, by the goroutine that serves the connection
	due    time.Duration // owned by the timer's function from here: when it was to run
	probed time.Duration // when the ping left; 0: none is on its way
}

// guard puts the watchdog on or off duty. Called by the goroutine that serves the connection.
func (l *link) guard(duty bool) {
	d := &l.dog
	if d.timer != nil && duty && !d.duty.Load() {
		d.framed.Store(int64(l.c.now()))
	}
	d.duty.Store(duty)
	if d.timer == nil && duty {
		now := l.c.now()
		d.framed.Store(int64(now))
		d.due = now + probeAfter
		d.timer = time.AfterFunc(time.Hour, l.round)
		d.timer.Reset(probeAfter) // not before round can see the timer
	}
}

// unguard ends the watchdog with its connection.
func (l *link) unguard() {
	l.dog.off.Store(true)
	if l.dog.timer != nil {
		l.dog.timer.Stop()
	}
}

// round looks at the connection, and comes again when there may be something to see.
func (l *link) round() {
	d := &l.dog
	now := l.c.now()
	if d.off.Load() {
		return
	}
	next, probe, lost := d.look(now)
	if lost {
		l.c.count.silences.Add(1)
		l.raw.Close()
		return
	}
	if probe {
		_ = l.ws.WritePing(nil) // fails only where the connection is gone, which its reader reports
	}
	d.due = now + next
	d.timer.Reset(next)
}

// look decides. Times are durations since the client began.
func (d *watchdog) look(now time.Duration) (next time.Duration, probe, lost bool) {
	quiet := now - time.Duration(d.heard.Load())
	switch {
	case !d.duty.Load():
		d.probed = 0
		return quietMost, false, false
	case now-d.due > stall: // what came meanwhile was not read either
		d.probed = 0
		return probeAfter, false, false
	case now-time.Duration(d.framed.Load()) >= frameMost:
		return 0, false, true
	case quiet < probeAfter:
		d.probed = 0
		return probeAfter - quiet, false, false
	case d.probed == 0:
		d.probed = now
		return max(quietMost-quiet, probeAfter), true, false
	case quiet >= quietMost && now-d.probed >= probeAfter:
		return 0, false, true
	}
	return max(quietMost-quiet, time.Millisecond), false, false
}
