package netcode

import (
	"slices"
	"sync"
	"time"
)

// alarmSlack is how much later than asked for somebody may be woken, so that all whose times are that close are woken at once.
const alarmSlack = 50 * time.Microsecond

// maxAlarms bounds who waits for an Alarm; who comes then is refused.
const maxAlarms = 4096

// Alarm wakes matches when their ticks are due, by a timer of the kernel (timerfd). The runtime's own timers come up to a
// millisecond late in a process that is idle, for it waits for them with epoll_wait, which counts milliseconds, and often wakes in vain before.
// One serves all matches of a process.
type Alarm struct {
	clock bell
	begin time.Time // base of all times
	ended sync.WaitGroup

	mu     sync.Mutex
	due    []sleeper     // latest first, at most maxAlarms
	set    time.Duration // what the clock was set to last; 0: it is not set
	closed bool          // nobody is woken any more
}

// sleeper is who is woken at a time.
type sleeper struct {
	at   time.Duration
	wake chan<- struct{}
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

// At sends to wake, unless it is full, when a time has come. It returns false if it will not: it is closed, or too many wait. Any goroutine; it
// does not block.
func (a *Alarm) At(t time.Time, wake chan<- struct{}) bool {
	x := sleeper{t.Sub(a.begin), wake}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || len(a.due) == maxAlarms {
		return false
	}
	i, _ := slices.BinarySearchFunc(a.due, x, func(e, x sleeper) int { return int(x.at - e.at) })
	a.due = slices.Insert(a.due, i, x)
	if a.set == 0 || x.at+alarmSlack <= a.set {
		a.armLocked(time.Since(a.begin))
	}
	return true
}

// run wakes those whose time has come whenever the clock rings, and sets it for the next.
func (a *Alarm) run() {
	for a.clock.wait() == nil {
		a.mu.Lock()
		now := time.Since(a.begin)
		n := len(a.due)
		for n > 0 && a.due[n-1].at <= now {
			n--
			select {
			case a.due[n].wake <- struct{}{}:
			default:
			}
		}
		clear(a.due[n:])
		a.due, a.set = a.due[:n], 0
		if n > 0 && !a.closed {
			a.armLocked(now)
		}
		a.mu.Unlock()
	}
	a.mu.Lock()
	a.closed, a.due = true, nil
	a.mu.Unlock()
}

// armLocked sets the clock for the next sleeper, and for those who come soon after. Called with mu held, before Close, and with somebody
// asleep.
func (a *Alarm) armLocked(now time.Duration) {
	i := len(a.due) - 1
	for limit := a.due[i].at + alarmSlack; i > 0 && a.due[i-1].at <= limit; {
		i--
	}
	a.set = max(a.due[i].at, now+1)
	a.clock.ring(a.set - now)
}
