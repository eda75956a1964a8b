package link

import "time"

// pulse notices that a connection is silent or unused: pure, told what happened since the last tick. It counts ticks and
// not the clock, so that a process that was stopped itself does not blame its peers when it goes on.
type pulse struct {
	idleAfter time.Duration

	quiet  time.Duration // ticks in a row in which nothing came, while something was expected
	unused time.Duration // ticks in a row in which nothing came and nothing was sent
}

// beat is what happened between two ticks.
type beat struct {
	length time.Duration // of the tick
	limit  time.Duration // of silence; 0: nothing is expected
	came   bool          // any byte
	sent   bool          // any frame that is not a ping or pong
}

// deed is what a tick asks for.
type deed uint8

const (
	deedNone deed = iota
	deedPing
	deedSilent // the connection is to be given up
	deedIdle   // the connection is to be closed in peace
)

// tick takes what happened and says what is to be done.
func (p *pulse) tick(b beat) deed {
	if b.came || b.sent || b.limit > 0 {
		p.unused = 0
	} else if p.unused += b.length; p.unused >= p.idleAfter {
		return deedIdle
	}
	switch {
	case b.came || b.limit == 0:
		p.quiet = 0
		return deedNone
	case p.quiet+b.length >= b.limit && p.quiet > 0: // never by the first tick: no ping was sent before it
		return deedSilent
	}
	p.quiet += b.length
	return deedPing
}
