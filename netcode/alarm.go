package netcode

import (
	"slices"
	"sync"
	"time"
)

// alarmSlack is how long after a moment the process is woken for it: the runtime's timer must be due when it is looked at.
const alarmSlack = 40 * time.Microsecond

// maxAlarms bounds the moments that an Alarm keeps; what is set beyond comes when the runtime's timers come.
const maxAlarms = 4096

// Alarm wakes an idle process when a tick is due. The runtime alone waits for its timers with epoll_wait, which counts milliseconds, so
// that a tick would begin up to one late. An Alarm sets a timer of the kernel (timerfd), whose event ends that wait in time; the timers then
// fire as they do anyway. One serves all matches of a process.
type Alarm struct {
	clock bell
	begin time.Time // base of all times
	ended sync.WaitGroup

	mu     sync.Mutex
	due    []time.Duration // latest first, at most maxAlarms
	set    time.Duration   // what the clock was set to last; 0: it is not set
	closed bool
}

// bell is a timer of the kernel.
type bell interface {
	ring(in time.Duration) // once, later. Called by one at a time, and not after close
	wait() error           // until it rings, or is closed, which is an error
	close() error
}

// NewAlarm returns an alarm with a goroutine of its own, which Close ends. Error: the system has no timerfd.
func NewAlarm() (*Alarm, error) {
	clock, err := newBell()
	if err != nil {
		return nil, err
	}
	return newAlarm(clock), nil
}

func newAlarm(clock bell) *Alarm {
	a := &Alarm{clock: clock, begin: time.Now()}
	a.ended.Go(a.run)
	return a
}

// Close ends the alarm. At may still be called.
func (a *Alarm) Close() error {
	a.mu.Lock()
	a.closed = true
	err := a.clock.close()
	a.mu.Unlock()
	a.ended.Wait()
	return err
}

// At has the process woken at a time soon. Any goroutine; it does not block.
func (a *Alarm) At(t time.Time) {
	d := t.Sub(a.begin) + alarmSlack
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || len(a.due) == maxAlarms {
		return
	}
	i, _ := slices.BinarySearchFunc(a.due, d, func(e, d time.Duration) int { return int(d - e) })
	a.due = slices.Insert(a.due, i, d)
	if a.set == 0 || d < a.set {
		a.armLocked(time.Since(a.begin))
	}
}

// run sets the clock for the next moment whenever it has rung.
func (a *Alarm) run() {
	for a.clock.wait() == nil {
		a.mu.Lock()
		now := time.Since(a.begin)
		for n := len(a.due); n > 0 && a.due[n-1] <= now; n-- {
			a.due = a.due[:n-1]
		}
		a.set = 0
		if len(a.due) > 0 && !a.closed {
			a.armLocked(now)
		}
		a.mu.Unlock()
	}
}

// armLocked sets the clock for the next moment. Called with mu held, before Close, and with a moment to wait for.
func (a *Alarm) armLocked(now time.Duration) {
	a.set = a.due[len(a.due)-1]
	a.clock.ring(max(a.set-now, 1))
}
