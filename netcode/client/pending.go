package client

import (
	"time"

	"github.com/overtime-server/overtime/schema"
)

const (
	maxPending  = 512 // samples that wait for an answer; past it the oldest is given up, and counted
	maxCommands = 64  // commands that wait for an answer; past it Command refuses
)

// pending holds the samples that the server has not answered, oldest first. Pure.
type pending struct {
	items []sent
	head  int
	seq   uint32 // of the newest sample
}

// sent is a sample and when it was first sent, as time since the client began.
type sent struct {
	sample schema.Sample
	at     time.Duration
}

func (p *pending) len() int { return len(p.items) - p.head }

// add numbers a sample and keeps it. dropped reports that the oldest gave way.
func (p *pending) add(s schema.Sample, at time.Duration) (numbered schema.Sample, dropped bool) {
	p.seq++
	s.Seq = p.seq
	if p.len() == maxPending {
		p.head++
		dropped = true
	}
	if p.head > 0 && len(p.items) == cap(p.items) {
		p.items = p.items[:copy(p.items, p.items[p.head:])]
		p.head = 0
	}
	p.items = append(p.items, sent{s, at})
	return s, dropped
}

// answered removes the samples up to seq and calls f with the time at which each was sent.
func (p *pending) answered(seq uint32, f func(at time.Duration)) (n int) {
	for ; p.len() > 0 && p.items[p.head].sample.Seq <= seq; p.head++ {
		f(p.items[p.head].at)
		n++
	}
	if p.len() == 0 {
		p.items, p.head = p.items[:0], 0
	}
	return n
}

// before counts the samples that were sent before a time.
func (p *pending) before(at time.Duration) (n int) {
	for _, s := range p.items[p.head:] {
		if s.at < at {
			n++
		}
	}
	return n
}

// all calls f with the samples in order, at most schema.MaxSamples at a time.
func (p *pending) all(f func([]schema.Sample)) {
	var batch [schema.MaxSamples]schema.Sample
	n := 0
	for _, s := range p.items[p.head:] {
		batch[n] = s.sample
		if n++; n == len(batch) {
			f(batch[:])
			n = 0
		}
	}
	if n > 0 {
		f(batch[:n])
	}
}

// command is one command that the server has not applied yet.
type command struct {
	number uint32
	data   []byte
}
