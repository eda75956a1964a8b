package loop

import "time"

// freeze is an order to take no step after a tick.
type freeze struct {
	tick uint32
	done func(tick uint32)
}

// retirement is an order to end here.
type retirement struct {
	why  Outcome
	text string
}

// patience is how long a match whose node stops waits for its last output to be released, or for a Thaw.
const patience = 2 * time.Second

// Freeze lets the match take no step after a tick, until Thaw; a tick that has passed means at once. done is called when the
// match rests, once, with the last tick stepped; it is called by the match's goroutine and must not block. If the match ends before,
// or thaws, it is not called. A second Freeze replaces the first. While it rests, output is still released, and the inbox
// fills. Any goroutine.
func (m *Match) Freeze(tick uint32, done func(tick uint32)) {
	m.freeze.Store(&freeze{tick, done})
	m.signal()
}

// Thaw goes on after a Freeze: ticks whose time has passed are made up for as after any delay, five at most. Any goroutine.
func (m *Match) Thaw() {
	m.freeze.Store(nil)
	m.signal()
}

// Retire ends the match on this node without an event in its journal: it lives elsewhere now (OverMoved), or may not go on
// here. What was not released is dropped: links that wait for an answer are refused with RefusedMoved. The first call counts. Any goroutine.
func (m *Match) Retire(why Outcome, text string) {
	m.retired.CompareAndSwap(nil, &retirement{why, text})
	m.signal()
}

// Snapshot asks for a checkpoint of the next tick: the Replica's Checkpoint answers. Any goroutine.
func (m *Match) Snapshot() { m.snapshot.Store(true) }

// signal wakes the match's goroutine, unless it is about to look anyway.
func (m *Match) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// rests reports whether the match is frozen, and says so once to who asked for it. Called between two ticks.
func (m *Match) rests() bool {
	f := m.freeze.Load()
	if f == nil || m.core.tick < f.tick {
		return false
	}
	if m.told != f {
		m.told = f
		f.done(m.core.tick)
	}
	return true
}

// restsAfter reports whether the match is to take no step after a tick.
func (m *Match) restsAfter(tick uint32) bool {
	f := m.freeze.Load()
	return f != nil && tick >= f.tick
}

// hurry notes that the node stops: from now on the match waits for others no longer than patience allows.
func (m *Match) hurry() {
	m.stopBy.CompareAndSwap(0, int64(time.Since(m.began)+patience))
	m.signal()
}

// wait blocks until something may have changed: a Release, Thaw, Retire or Stop. It reports false when there is nothing to wait for any
// more: the match was retired, or its node has stopped for as long as patience allows.
func (m *Match) wait(timer *time.Timer) bool {
	timer.Stop()
	if m.retired.Load() != nil {
		return false
	}
	if by := m.stopBy.Load(); by != 0 {
		left := time.Duration(by) - time.Since(m.began)
		if left <= 0 {
			return false
		}
		timer.Reset(left)
	}
	select {
	case <-m.wake:
	case <-timer.C:
	}
	return true
}
