package loop

import (
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// Sample is one sample of controls with the tick that it is meant for; tick 0 means the next one.
type Sample struct {
	game.Input
	Tick uint32
}

// Bounds of the input buffer.
const (
	maxBuffered  = 64   // samples waiting for one player; more are refused
	maxCredits   = 8    // input credits saved
	maxSampleGap = 1000 // sequence numbers that may be missing; more is out of bounds
	maxLateness  = 250  // ms after which a sample is not applied any more
	maxAhead     = 250  // ms that a sample may be early; more is cut to that
)

// inputBuffer holds the samples of one player until their tick, in order of their sequence numbers. It is not match state:
// what it hands out is in the journal.
type inputBuffer struct {
	recv    uint32 // highest sequence number taken or refused
	ack     uint32 // last one answered
	credits int
	buf     []Sample // ascending by Seq
	refused uint16   // since the last take
	taken   [game.MaxInputsTick]game.Input
}

// verdict is what became of a sample on arrival.
type verdict uint8

const (
	sampleQueued    verdict = iota
	sampleEarly             // queued, but for an earlier tick than it asked for
	sampleDuplicate         // ignored
	sampleRefused           // the buffer is full
	sampleOutOfBounds
)

// put takes a sample in while tick now was the last one stepped.
func (b *inputBuffer) put(s Sample, now uint32, hz int) verdict {
	if s.Seq <= b.recv {
		return sampleDuplicate
	}
	if s.Seq-b.recv > maxSampleGap {
		return sampleOutOfBounds
	}
	b.recv = s.Seq
	if len(b.buf) >= maxBuffered {
		b.refused++
		return sampleRefused
	}
	v := sampleQueued
	limit := now + 1 + uint32(maxAhead*hz+999)/1000
	switch {
	case s.Tick == 0:
		s.Tick = now + 1
	case s.Tick > limit:
		s.Tick, v = limit, sampleEarly
	}
	s.Seen = min(s.Seen, now)
	if oldest := uint32(maxLateness*hz) / 1000; now > oldest {
		s.Seen = max(s.Seen, now-oldest)
	}
	b.buf = append(b.buf, s)
	return v
}

// take answers what is due at a tick and returns it for the journal; ok is false if there is nothing to say.
func (b *inputBuffer) take(tick uint32, hz int) (in journal.Inputs, ok bool) {
	b.credits = min(b.credits+1, maxCredits)
	oldest := uint32(maxLateness*hz) / 1000
	n, used := 0, 0
	for ; n < len(b.buf) && b.buf[n].Tick <= tick; n++ {
		s := &b.buf[n]
		switch {
		case tick-s.Tick > oldest:
			in.Late++
		case used < len(b.taken) && b.credits > 0:
			b.taken[used] = s.Input
			used++
			b.credits--
		default:
			goto done
		}
		b.ack = s.Seq
	}
done:
	b.buf = append(b.buf[:0], b.buf[n:]...)
	if len(b.buf) == 0 {
		b.ack = b.recv
	}
	if used > 1 {
		in.Merged = uint16(used - 1)
	}
	in.Samples, in.Ack, in.Refused = b.taken[:used], b.ack, b.refused
	b.refused = 0
	return in, used > 0 || in.Late > 0 || in.Refused > 0
}
