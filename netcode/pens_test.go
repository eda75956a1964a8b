package netcode

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/cohort"
)

// ledger is a connection to nowhere that remembers what was written.
type ledger struct {
	net.Conn
	mu  sync.Mutex
	all []byte
}

func (l *ledger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, p...)
	return len(p), nil
}

func (l *ledger) SetWriteDeadline(time.Time) error { return nil }
func (l *ledger) Close() error                     { return nil }

// length returns how much was written.
func (l *ledger) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// Whoever writes a large match's frames, every member gets every tick's, once and in order, before the next tick begins; also while
// other matches want the same goroutines.
func TestPens(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	ctx, cancel := context.WithCancel(t.Context())
	var p pens
	p.start(ctx)
	if p.n != 3 {
		t.Errorf("%d goroutines for 4 processors", p.n)
	}
	cfg := DefaultConnConfig()
	const ticks = 200
	var matches sync.WaitGroup
	for _, players := range []int{32, 33, 100, 200} {
		matches.Go(func() {
			var f fleet
			var conns []*Conn
			var books []*ledger
			for range players {
				l := &ledger{}
				c := newConn(l, nil, cohort.Plain, "", &cfg)
				conns, books = append(conns, c), append(books, l)
			}
			for n := range uint32(ticks) {
				for _, c := range conns {
					c.Cork()
					if err := c.SendReliable(binary.BigEndian.AppendUint32(nil, n)); err != nil {
						t.Error(err)
					}
					f.members = append(f.members, &session{Conn: c})
				}
				f.flush(&p)
				if len(f.members) != 0 || f.left.Load() != 0 {
					t.Errorf("%d members, %d shards are left", len(f.members), f.left.Load())
				}
			}
			for i, l := range books {
				for l.length() < 4*ticks {
					runtime.Gosched()
				}
				for n := range uint32(ticks) {
					if got := binary.BigEndian.Uint32(l.all[4*n:]); got != n {
						t.Fatalf("player %d of %d: tick %d in place of %d", i, players, got, n)
					}
				}
			}
		})
	}
	matches.Wait()
	cancel()
	p.done.Wait()
	var f fleet
	for range 40 {
		f.members = append(f.members, &session{Conn: newConn(&ledger{}, nil, cohort.Plain, "", &cfg)})
	}
	f.flush(&p) // alone, when the server has stopped
}

// A match of 40 players, real clients: all of them see every tick.
func TestLargeMatch(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", (&lab{mob: 4, talk: 10}).in(func(c *loop.Config) { c.Seats = 64 }))
		var all []*player
		for i := range 40 {
			all = append(all, e.play(ctx, "m", fmt.Sprint("p", i)))
		}
		after(4 * time.Second)
		for i, p := range all {
			if s := p.honest(t); s.Frames < 115 || s.Keyframes != 1 || s.Connects != 1 {
				t.Errorf("player %d: %+v", i, s)
			}
		}
	})
}
