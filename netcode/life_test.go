package netcode

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

// How a match ends decides what its players are told.
func TestMatchEnds(t *testing.T) {
	for _, tt := range []struct {
		name     string
		want     schema.CloseCode
		results  int
		commands []string // half a second apart
		stop     func(*Match)
	}{
		{name: "its one round has a result", want: schema.CloseMatchOver, results: 1, commands: []string{"end"}},
		{name: "its rules fail twice", want: schema.CloseMatchFailed, commands: []string{"panic", "panic"}},
		{name: "it is deleted", want: schema.CloseMatchOver, stop: func(m *Match) { m.Stop(loop.OverFinished) }},
		{name: "its rules fail once", commands: []string{"panic"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
				m := e.match("m", (&lab{}).in(func(c *loop.Config) { c.Rounds = loop.RoundsOne }))
				neighbour := e.match("n", nil)
				n := e.play(ctx, "n", "neighbour")
				p := e.play(ctx, "m", "a")
				c, _, r := e.rawJoin(e.token("m", "b"))
				after(time.Second)
				for i, s := range tt.commands {
					c.message(c.w.Command(uint32(i+1), []byte(s)))
					after(500 * time.Millisecond)
				}
				if tt.stop != nil {
					tt.stop(m)
				}
				after(time.Second)
				r.expect(t, tt.want)
				if tt.want != 0 {
					p.closedWith(t, tt.want)
					if e.srv.Match("m") != nil {
						t.Error("the match is still there")
					}
				} else if s := p.honest(t); s.Connects != 1 {
					t.Errorf("%d connects", s.Connects)
				}
				if p.results != tt.results {
					t.Errorf("%d results, want %d", p.results, tt.results)
				}
				tick, _ := neighbour.Clock()
				if s := n.honest(t); s.Frames < uint64(tick)-3 || s.Connects != 1 {
					t.Errorf("the neighbour noticed: %d frames of %d ticks", s.Frames, tick)
				}
			})
		})
	}
}

// Who is about to be let in when a match fails is told, too.
func TestJoinFailingMatch(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", (&lab{}).in(func(c *loop.Config) { c.Hz = 2; c.Phase = 0.5 }))
		c, _, first := e.rawJoin(e.token("m", "a"))
		c.message(c.w.Command(1, []byte("panic")))
		after(time.Second)
		first.expect(t, 0)
		c.message(c.w.Command(2, []byte("panic")))
		_, newcomer := e.rawHello(schema.Hello{Token: e.token("m", "b")}) // both are dealt with at the next tick
		after(2 * time.Second)
		first.expect(t, schema.CloseMatchFailed)
		newcomer.expect(t, schema.CloseMatchOver)
		<-m.Done()
	})
}

// A match that everybody has left is over after Empty; another of its name can be made then.
func TestEmptyMatch(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		if _, err := e.srv.Create(loop.Config{ID: "m"}); !errors.Is(err, ErrExists) {
			t.Errorf("a second match of the name: %v", err)
		}
		c, _, _ := e.rawJoin(e.token("m", "a"))
		c.message(c.w.Leave())
		after(4900 * time.Millisecond)
		if e.srv.Match("m") == nil {
			t.Error("gone before 5 s")
		}
		after(200 * time.Millisecond)
		if e.srv.Match("m") != nil {
			t.Error("still there after 5 s")
		}
		_, r := e.rawHello(schema.Hello{Token: e.token("m", "a")})
		after(time.Second)
		r.expect(t, schema.CloseMatchOver)
		e.match("m", nil)
	})
}

// A server holds so many matches and no more.
func TestMaxMatches(t *testing.T) {
	virtual(t, func(c *Config) { c.MaxMatches = 1 }, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", nil)
		if _, err := e.srv.Create(m.Config()); !errors.Is(err, ErrFull) {
			t.Errorf("a second match: %v", err)
		}
		m.Stop(loop.OverFinished)
		after(time.Second)
		e.match("n", nil)
		if all := e.srv.Matches(); len(all) != 1 || all[0].ID() != "n" {
			t.Errorf("matches %v", all)
		}
	})
}
