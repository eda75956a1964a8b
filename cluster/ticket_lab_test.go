package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// ticketLab is a cluster that does nothing but matchmaking, with calls that take time, get lost and come late. It runs in virtual time.
type ticketLab struct {
	log *slog.Logger

	mu    sync.Mutex // guards the following
	rand  *rand.Rand
	nodes []*labNode // of all times
	plays map[string]*labMatch
	loss  float64
}

// labMatch is a match that was made.
type labMatch struct {
	players map[string]bool
	began   time.Time // when somebody first tried to make it
}

type labNode struct {
	lab  *ticketLab
	id   string
	t    *tickets
	end  context.CancelFunc
	done chan struct{}

	// Guarded by lab.mu.
	dead     bool
	draining bool
	paused   chan struct{}        // closed when it goes on; nil: it runs
	passed   map[string]time.Time // nodes that this one believes to be dead, and since when
	unknown  map[string]bool      // nodes that it has not heard of
}

func newTicketLab(seed uint64) *ticketLab {
	var out io.Writer = io.Discard
	if os.Getenv("LAB_LOG") != "" {
		out = os.Stderr
	}
	return &ticketLab{
		log:  slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		rand: rand.New(rand.NewPCG(seed, 1)), plays: map[string]*labMatch{},
	}
}

// between returns a random duration.
func (l *ticketLab) between(least, most time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return least + time.Duration(l.rand.Int64N(int64(most-least)+1))
}

func (l *ticketLab) chance(p float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.Float64() < p
}

// add starts a node. Others hear of it a little later.
func (l *ticketLab) add() *labNode {
	l.mu.Lock()
	x := &labNode{lab: l, id: fmt.Sprintf("n%02d", len(l.nodes)), done: make(chan struct{}), passed: map[string]time.Time{}, unknown: map[string]bool{}}
	life, end := context.WithCancel(context.Background())
	x.end = end
	x.t = newTickets(life, x, l.log.With("node", x.id)) // before anybody finds the node among the others
	for _, y := range l.nodes {
		y.unknown[x.id] = true
		if y.dead {
			x.unknown[y.id] = true
		}
	}
	l.nodes = append(l.nodes, x)
	l.mu.Unlock()
	go func() {
		x.t.run()
		close(x.done)
	}()
	go func() {
		time.Sleep(l.between(50*time.Millisecond, 500*time.Millisecond))
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, y := range l.nodes {
			delete(y.unknown, x.id)
		}
	}()
	return x
}

// believe has the others notice after a while that a node is dead, or that it lives.
func (l *ticketLab) believe(x *labNode, least, most time.Duration) {
	l.mu.Lock()
	nodes := slices.Clone(l.nodes)
	l.mu.Unlock()
	for _, y := range nodes {
		if y == x {
			continue
		}
		go func() {
			time.Sleep(l.between(least, most))
			l.mu.Lock()
			defer l.mu.Unlock()
			if x.dead || x.paused != nil {
				y.passed[x.id] = time.Now()
			} else {
				delete(y.passed, x.id)
			}
		}()
	}
}

func (l *ticketLab) kill(x *labNode) {
	l.mu.Lock()
	x.dead = true
	l.mu.Unlock()
	x.end()
	l.believe(x, 2*time.Second, 5*time.Second)
}

// pause stops a node for a while, as others see it: it takes part in nothing, and goes on as if no time had passed.
func (l *ticketLab) pause(x *labNode, d time.Duration) {
	on := make(chan struct{})
	l.mu.Lock()
	x.paused = on
	l.mu.Unlock()
	l.believe(x, 2*time.Second, 5*time.Second)
	time.Sleep(d)
	l.mu.Lock()
	x.paused = nil
	l.mu.Unlock()
	close(on)
	l.believe(x, 50*time.Millisecond, time.Second)
}

// gate waits while a node is paused; an error once it is dead.
func (x *labNode) gate(ctx context.Context) error {
	for {
		x.lab.mu.Lock()
		dead, paused := x.dead, x.paused
		x.lab.mu.Unlock()
		switch {
		case dead:
			return fmt.Errorf("%w: it is dead", admin.ErrUnreachable)
		case paused == nil:
			return nil
		}
		select {
		case <-paused:
		case <-ctx.Done():
			return fmt.Errorf("%w: it is silent", admin.ErrUnreachable)
		}
	}
}

func (x *labNode) self() string { return x.id }

func (x *labNode) view() (v ticketView) {
	_ = x.gate(x.t.life)
	x.lab.mu.Lock()
	defer x.lab.mu.Unlock()
	for _, y := range x.lab.nodes {
		since, gone := x.passed[y.id]
		switch {
		case x.unknown[y.id]:
		case gone && y != x:
			if time.Since(since) < recentDeath {
				v.dead = append(v.dead, y.id)
				v.voters++
			}
		default:
			v.voters++
			v.living = append(v.living, y.id)
			if !y.draining {
				v.able = append(v.able, y.id)
			}
		}
	}
	return v
}

// linked implements ticketWorld: the link breaks at once. So it does to a node that is paused, although that lives.
func (x *labNode) linked(node string) bool {
	x.lab.mu.Lock()
	defer x.lab.mu.Unlock()
	y := x.lab.nodes[x.lab.index(node)]
	return !y.dead && y.paused == nil
}

func (x *labNode) watch(string) func() { return func() {} }

// gone implements ticketWorld. Of every other node that died its host has died too, and nobody knows more.
func (x *labNode) gone(_ context.Context, node string) bool {
	x.lab.mu.Lock()
	defer x.lab.mu.Unlock()
	i := x.lab.index(node)
	return x.lab.nodes[i].dead && i%2 == 0
}

// index finds a node. The caller holds mu.
func (l *ticketLab) index(node string) int {
	return slices.IndexFunc(l.nodes, func(n *labNode) bool { return n.id == node })
}

func (x *labNode) call(ctx context.Context, to, name string, body []byte) ([]byte, error) {
	l := x.lab
	if err := x.gate(x.t.life); err != nil {
		return nil, err
	}
	l.mu.Lock()
	y, loss := l.nodes[l.index(to)], l.loss
	l.mu.Unlock()
	type reply struct {
		body []byte
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		if y != x {
			time.Sleep(l.between(200*time.Microsecond, 8*time.Millisecond))
			if l.chance(loss) {
				return
			}
		}
		if y.gate(y.t.life) != nil { // a paused node is asked when it goes on, long after the caller has left
			replies <- reply{err: fmt.Errorf("%w: %s is dead", admin.ErrUnreachable, to)}
			return
		}
		served, cancel := context.WithTimeout(y.t.life, 2*time.Second)
		defer cancel()
		b, err := y.t.methods()[name](served, x.id, body)
		if y != x {
			time.Sleep(l.between(200*time.Microsecond, 8*time.Millisecond))
		}
		if y.gate(y.t.life) != nil || y != x && l.chance(loss) {
			return
		}
		if err != nil {
			err = fromCallError(to, err)
		}
		replies <- reply{b, err}
	}()
	select {
	case r := <-replies:
		if err := x.gate(x.t.life); err != nil {
			return nil, err
		}
		return r.body, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", admin.ErrUnreachable, ctx.Err())
	}
}

// play makes one match for each proposal, however often it is asked. Sometimes the answer is lost, and sometimes there is no room.
func (x *labNode) play(ctx context.Context, p *matchmaker.Proposal) (a matchmaker.Assignment, err error) {
	l := x.lab
	if err := x.gate(x.t.life); err != nil {
		return a, err
	}
	began := time.Now()
	time.Sleep(l.between(time.Millisecond, 300*time.Millisecond))
	if l.chance(0.05) {
		return a, admin.ErrFull
	}
	l.mu.Lock()
	m := l.plays[p.ID]
	if m == nil {
		m = &labMatch{players: map[string]bool{}, began: began}
		l.plays[p.ID] = m
	}
	a = matchmaker.Assignment{Match: p.ID, Tokens: map[string]string{}}
	for _, s := range p.Seats {
		m.players[s.Player] = true
		a.Tokens[s.Player] = p.ID
	}
	l.mu.Unlock()
	if l.chance(0.1) {
		return a, fmt.Errorf("%w: the answer was lost", admin.ErrUnreachable)
	}
	return a, x.gate(x.t.life)
}

func (x *labNode) drop(*matchmaker.Proposal, string) {}

// some returns a node that answers, or nil.
func (l *ticketLab) some() *labNode {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.nodes[l.rand.IntN(len(l.nodes))]
	if x.dead || x.paused != nil {
		return nil
	}
	return x
}

// ask asks any node, as a client does, and others when it does not answer.
func labAsk[Out any](l *ticketLab, key, method string, in any) (out Out, err error) {
	err = admin.ErrUnreachable
	for range 100 {
		x := l.some()
		if x == nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		ctx, cancel := context.WithTimeout(x.t.life, 4*time.Second)
		out, err = askHome[Out](ctx, x.t, key, method, in)
		cancel()
		if !errors.Is(err, admin.ErrUnreachable) {
			return out, err
		}
	}
	return out, err
}

// close ends all nodes.
func (l *ticketLab) close() {
	l.mu.Lock()
	nodes := slices.Clone(l.nodes)
	l.mu.Unlock()
	for _, x := range nodes {
		l.mu.Lock()
		x.dead = true
		l.mu.Unlock()
		x.end()
	}
	for _, x := range nodes {
		<-x.done
	}
	time.Sleep(10 * time.Second) // calls that are still on their way
}
