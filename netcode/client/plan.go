package client

import (
	"fmt"
	"time"

	"github.com/overtime-server/overtime/schema"
)

// ending is how a connection, or an attempt at one, ended.
type ending struct {
	welcomed bool             // it had got a welcome
	lasted   time.Duration    // since the welcome
	code     schema.CloseCode // from the server; 1006 if there was none
	reason   string
	refused  int  // HTTP status of a refusal, 0 if there was none
	moved    bool // the server said where to go
	move     schema.Move
	doubt    bool  // another node may know better
	err      error // what went wrong, for the log and for ErrGaveUp
}

// step is what to do next: end with err, or wait and connect again. wait counts the doublings of the back-off; negative
// means at once.
type step struct {
	err  error
	wait int
}

// settled is how long a connection must last for the back-off to start over: a server that closes at once must not be hurried.
const settled = time.Second

// believe is how long after a loss a node that does not know the match is doubted while others may.
const believe = 3 * time.Second

// plan decides after every ending. Pure; times are durations since the client began.
type plan struct {
	giveUp time.Duration
	since  time.Duration // when the client was last connected
	losses int           // endings in a row
}

func (p *plan) start(now time.Duration) { p.since = now }

// next takes an ending.
func (p *plan) next(e ending, now time.Duration) step {
	if e.welcomed {
		p.since = now
		if e.lasted >= settled {
			p.losses = 0
		}
	}
	p.losses++
	if e.refused >= 400 && e.refused < 500 && e.refused != 429 {
		return step{err: fmt.Errorf("%w: HTTP status %d", ErrRefused, e.refused)}
	}
	if now-p.since >= p.giveUp {
		return step{err: fmt.Errorf("%w: %v", ErrGaveUp, e.err)}
	}
	if e.code == schema.CloseMatchOver && e.doubt && now-p.since < believe {
		return step{wait: p.losses}
	}
	switch e.code.Action() {
	case schema.ActionStop, schema.ActionLobby:
		return step{err: &CloseError{e.code, e.reason}}
	case schema.ActionResume, schema.ActionMove:
		if p.losses == 1 || e.moved && p.losses < 4 {
			return step{wait: -1}
		}
	}
	return step{wait: p.losses}
}
