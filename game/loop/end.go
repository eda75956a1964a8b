package loop

import (
	"io"
	"math"
	"time"
)

// finish ends a match whose core has stopped or failed. With a gate that waits until the end was released: nobody is told of one that a
// successor would not know.
func (m *Match) finish(why Outcome, text string) {
	m.noScores = m.noScores || why == OverFailed // the state is undefined
	if m.gate != nil {
		if why == OverFailed {
			m.gate.frame = nil // its messages are in the state that failed
		}
		if !m.settle() {
			m.abandon()
			return
		}
		m.gate.until(math.MaxUint32) // of the tick that failed
	}
	for _, s := range m.plan.joined { // by the tick that failed
		if s.link != nil {
			m.sink.Refused(s.link, RefusedOver)
		}
	}
	m.outcome = why
	m.publish()
	m.close(text, RefusedOver)
}

// settle waits until the last tick may leave. It reports false if it never will.
func (m *Match) settle() bool {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		m.flush()
		if m.gate.open() {
			return true
		}
		if !m.wait(timer) {
			return false
		}
	}
}

// abandon ends the match here only: it was retired, or the node stops and nobody confirms its last ticks. What was not
// released is dropped.
func (m *Match) abandon() {
	why, text := OverShutdown, "the node stopped"
	if r := m.retired.Load(); r != nil {
		why, text = r.why, r.text
	}
	m.flush()
	if m.gate != nil {
		m.gate.drop()
	}
	for _, s := range m.plan.joined { // by a tick that failed
		if s.link != nil {
			m.sink.Refused(s.link, RefusedMoved)
		}
	}
	m.outcome = why
	last := *m.info.Load() // what came after it was not released
	last.Outcome = why
	m.info.Store(&last)
	m.close(text, RefusedMoved)
}

// close refuses those who have only just asked to come in, tells everybody that the match is over, and completes the recording.
func (m *Match) close(text string, refusal Refusal) {
	for _, it := range m.inbox.close() {
		if it.kind == itemAttach {
			m.sink.Refused(it.link, refusal)
		}
	}
	m.sink.Over(m.outcome, text)
	if err := m.rec.close(text); err != nil {
		m.cfg.Log.Error("recording", "match", m.cfg.ID, "err", err)
	}
	if c, ok := m.cfg.Record.(io.Closer); ok {
		if err := c.Close(); err != nil {
			m.cfg.Log.Error("recording", "match", m.cfg.ID, "err", err)
		}
	}
}
