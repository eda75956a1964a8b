package client

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/overtime-server/overtime/schema"
)

const (
	raceTime   = 3 * time.Second        // after which a race without a winner ends, and others are asked where the match is
	raceJitter = 50 * time.Millisecond  // spread over the clients that lost the same node
	raceWait   = 40 * time.Millisecond  // upper bound of the first wait before an address is tried again; doubles
	raceMost   = 400 * time.Millisecond // upper bound of any such wait
	raceMoves  = 3                      // moves that one runner follows
	raceEcho   = 5 * time.Second        // how long the server may take a connection that lost for one that replaced the winner
)

// target is an address to try, after a while.
type target struct {
	addr  string
	after time.Duration
}

// race tries several addresses at the same time; the first that welcomes the player wins. Each runner has a goroutine; the
// winner's goes on to serve the connection, while that of Run waits.
type race struct {
	c     *Client
	hello schema.Hello // static from here
	won   chan struct{}

	mu      sync.Mutex // guards the following
	winner  *link
	active  []string // addresses that are being tried
	unknown []string // of these, where the match was not known when last asked
}

// race returns how the winner's connection ended, or why there is none.
func (c *Client) race(ctx context.Context, to []target) ending {
	c.count.races.Add(1)
	trying, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &race{c: c, hello: c.hello(), won: make(chan struct{})}
	for _, t := range to {
		r.active = append(r.active, t.addr)
	}
	results := make(chan ending, len(to))
	for i, t := range to {
		rng := rand.New(rand.NewPCG(c.cfg.Seed, c.count.races.Load()<<8|uint64(i)))
		go func() { results <- r.run(trying, t, rng) }()
	}
	limit := time.NewTimer(raceTime)
	defer limit.Stop()
	defer c.hold(nil, nil)
	stop := func() bool { return true }
	ends := make([]ending, 0, len(to))
	for won, left := r.won, c.left; len(ends) < len(to); {
		select {
		case e := <-results:
			ends = append(ends, e)
		case <-won:
			won = nil
			limit.Stop()
			cancel()
			stop = context.AfterFunc(ctx, c.Cut)
		case <-left: // the winner is told by Leave
			left = nil
			cancel()
		case <-limit.C:
			cancel()
		}
	}
	stop()
	e := outcome(ends)
	if e.welcomed && e.moved {
		c.count.moves.Add(1)
	}
	return e
}

// outcome chooses from the endings of all runners: the winner's; else what ends the client for good; else one after which to go
// on. That the match is over is in doubt unless all say so.
func outcome(ends []ending) ending {
	best, unknown, silent := ends[0], 0, 0
	for _, e := range ends {
		switch {
		case e.welcomed:
			return e
		case e.code == schema.CloseMatchOver:
			unknown++
		case !e.final():
			silent++
		}
	}
	for _, e := range ends {
		if e.code == schema.CloseMatchOver && unknown+silent == len(ends) {
			e.doubt = silent > 0
			return e
		}
		if e.code != schema.CloseMatchOver && (e.final() || !best.final() && e.code != 1006) {
			best = e
		}
	}
	return best
}

// final reports whether an address that ended so need not be tried again.
func (e *ending) final() bool {
	a := e.code.Action()
	return a == schema.ActionStop || a == schema.ActionLobby || e.refused >= 400 && e.refused < 500 && e.refused != 429
}

// run tries one address, and those that it names, until it is welcomed, is refused for good, or the race is over. One that does
// not know the match is asked again, until none knows it.
func (r *race) run(ctx context.Context, t target, rng *rand.Rand) (e ending) {
	addr := t.addr
	defer func() { r.change(addr, "") }()
	wait := backoff{raceWait, raceMost, rng}
	pause := t.after + time.Duration(rng.Int64N(int64(raceJitter)))
	for try, moves := 0, 0; ; try++ {
		if !sleep(ctx, pause) {
			return e
		}
		l := &link{c: r.c, race: r, addr: addr, hello: r.hello}
		if n := l.try(ctx); ctx.Err() == nil || n.welcomed {
			e = n
		}
		switch {
		case e.welcomed:
			return e
		case e.code == schema.CloseReplaced:
			e.code = 1006 // by another runner that came to the same node
			return e
		case e.moved:
			if moves++; moves > raceMoves || !r.change(addr, e.move.URL) {
				return e
			}
			r.c.count.moves.Add(1)
			addr, pause = e.move.URL, 0
			continue
		case e.final() && (e.code != schema.CloseMatchOver || r.agree(addr)):
			return e
		}
		pause = wait.wait(try)
	}
}

// change notes that a runner turns from one address to another. It returns false if another one is there already.
func (r *race) change(from, to string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if to != "" && slices.Contains(r.active, to) {
		return false
	}
	if i := slices.Index(r.active, from); i >= 0 {
		r.active = slices.Delete(r.active, i, i+1)
	}
	if to != "" {
		r.active = append(r.active, to)
	}
	return true
}

// agree notes that the match is not known at an address, and reports whether it is not known at any that is being tried. A
// standby, or a node that looks for a match, may know it a moment later.
func (r *race) agree(addr string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.unknown, addr) {
		r.unknown = append(r.unknown, addr)
	}
	for _, a := range r.active {
		if !slices.Contains(r.unknown, a) {
			return false
		}
	}
	return true
}

// claim makes a connection the winner. From here on its goroutine owns what belongs to that of Run.
func (r *race) claim(l *link) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.winner != nil {
		return false
	}
	r.winner = l
	close(r.won)
	return true
}

// try makes one connection in a race and serves it if it wins.
func (l *link) try(ctx context.Context) ending {
	ctx, done := context.WithCancel(ctx)
	defer done()
	if status, err := l.dial(ctx); err != nil {
		return l.c.failed(ending{err: err, refused: status})
	}
	l.release = context.AfterFunc(ctx, func() { l.raw.Close() })
	l.ws.ReadLoop()
	l.release()
	return l.c.ended(l)
}

// sleep waits; it returns false if ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
