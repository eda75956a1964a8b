package netcode

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// attack is one thing that a hostile client does, and how it must end.
type attack struct {
	name  string
	want  schema.CloseCode
	or    []schema.CloseCode    // also fine
	offer string                // Sec-WebSocket-Extensions
	join  bool                  // only once it plays
	both  bool                  // tried before hello and once it plays
	ready func(*attacker) error // what takes time, before it connects: then it has seconds only; may be nil
	do    func(*attacker)
}

// attacker is a connection that turns hostile.
type attacker struct {
	*rawClient
	e     *edge
	match string
	id    string
	me    schema.Welcome // if it plays
	spent string         // a resume token that was used, for whom it is
}

// patience is how long anything over real sockets may take before a test gives up: a bound for what would never come, on a machine that is
// busy with other things. What is said about times is tested in virtual time.
const patience = time.Minute

// run carries an attack out and reports what went otherwise than it must.
func (a *attack) run(e *edge, match, id string, join bool) error {
	h := func(h handshake) handshake { return h.set("Sec-WebSocket-Extensions", a.offer) }
	x := &attacker{e: e, match: match, id: id}
	var err error
	if a.ready != nil {
		if err = a.ready(x); err != nil {
			return fmt.Errorf("before the attack: %w", err)
		}
	}
	if join {
		x.rawClient, x.me, err = e.joined(e.token(match, id), h)
	} else {
		x.rawClient, err = e.raw(h)
	}
	if x.rawClient != nil {
		defer x.Close()
	}
	if err != nil {
		return fmt.Errorf("before the attack: %w", err)
	}
	x.SetDeadline(time.Now().Add(patience))
	go a.do(x)
	code, err := x.closed()
	if code != a.want && !slices.Contains(a.or, code) {
		return fmt.Errorf("code %d (%v), want %d", code, err, a.want)
	}
	return err
}

// crowd is honest players and what they notice.
type crowd struct {
	players []*player
	mu      sync.Mutex
	gaps    []time.Duration
}

// gather lets n honest players into each match.
func gather(ctx context.Context, e *edge, matches []*Match, n int) *crowd {
	c := &crowd{}
	for i, m := range matches {
		for k := range n {
			def := m.Config().Game
			w := &walker{brain: def.Brain(game.BrainSetup{Seed: uint64(i*n + k), Hz: m.Config().Hz, Static: m.Static(), Skill: 50})}
			tok := e.token(m.ID(), fmt.Sprintf("honest-%d", k))
			c.players = append(c.players, e.playAs(ctx, tok, w, func(cfg *client.Config) { cfg.Gap, cfg.DialTimeout, cfg.Silence = c.gap, patience, patience }))
		}
	}
	return c
}

func (c *crowd) gap(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gaps = append(c.gaps, d)
}

// worst returns the 99th percentile and the longest of the gaps between state frames, and forgets them.
func (c *crowd) worst() (p99, longest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.gaps)
	if n := len(c.gaps); n > 0 {
		p99, longest = c.gaps[n*99/100], c.gaps[n-1]
	}
	c.gaps = c.gaps[:0]
	return p99, longest
}

// eventually polls until f holds.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

// TestAttacks lets raw sockets break every rule at once while honest players play in the same matches: every attacker is
// shown out with the code of his case, and nobody else notices.
func TestAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 7 s of wall time")
	}
	each := 16
	if raceDetector {
		each = 4
	}
	e := startTCP(t, nil)
	defer e.stop()
	var matches []*Match
	for i := range 4 {
		matches = append(matches, e.match(fmt.Sprintf("m%d", i), func(c *loop.Config) {
			c.Seats = 120
			if i%2 == 0 {
				c.Game = arena.Game()
			}
		}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	crowd := gather(ctx, e, matches, each)
	for _, p := range crowd.players {
		eventually(t, "everybody plays", func() bool { return get(p.walker, func() bool { return p.frames > 10 }) })
	}
	crowd.worst()
	begin := time.Now()
	assault(t, e, matches)
	took := time.Since(begin)
	p99, longest := crowd.worst()
	t.Logf("attacks took %v; gap between frames of honest players: p99 %v, longest %v", took.Round(time.Millisecond), p99, longest)
	for i, p := range crowd.players {
		s := p.honest(t)
		if s.Connects != 1 || s.FailedAttempts != 0 {
			t.Errorf("honest player %d: %d connects, closes %v", i, s.Connects, s.Closes)
		}
		eventually(t, "honest players still play", func() bool { return p.Stats().Frames > s.Frames+10 })
	}
	cancel()
	for _, p := range crowd.players {
		<-p.done
	}
	eventually(t, "no connection is left", func() bool { return e.srv.stats.Connections.Load() == 0 })
}

// assault carries out all attacks at the same time.
func assault(t *testing.T, e *edge, matches []*Match) {
	var wg sync.WaitGroup
	n := 0
	try := func(name string, f func(match, id string) error) {
		n++
		match, id := matches[n%len(matches)].ID(), fmt.Sprintf("hostile-%d", n)
		wg.Go(func() {
			if err := f(match, id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	for _, a := range slices.Concat(frameAttacks(), controlAttacks(), deflateAttacks(), messageAttacks(), helloAttacks()) {
		if a.both || !a.join {
			try(a.name+", before hello", func(match, id string) error { return a.run(e, match, id, false) })
		}
		if a.both || a.join {
			try(a.name+", while playing", func(match, id string) error { return a.run(e, match, id, true) })
		}
	}
	for _, h := range handshakeAttacks(e.addr) {
		try("handshake "+h.name, func(string, string) error { return h.run(e) })
	}
	wg.Wait()
	t.Logf("%d attacks", n)
}
