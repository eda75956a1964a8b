package netcode

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// What is not in a player's channels never reaches his wire: seen in every state frame that arrives at players of two
// teams, of none, and at spectators, while players come, go, change connections and lose frames.
func TestChannelsReachTheirOwnersOnly(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", (&lab{}).in(nil))
		who := []token.Player{
			{ID: "red1", Team: 1}, {ID: "red2", Team: 1}, {ID: "blue1", Team: 2}, {ID: "blue2", Team: 2},
			{ID: "none"}, {ID: "watcher", Spectator: true}, {ID: "red coach", Team: 1, Spectator: true},
		}
		seen := make([]map[game.Channel]int, len(who))
		enter := func(i int) *rawClient {
			p := who[i]
			p.Match = "m"
			p.ID = fmt.Sprint("p", i)
			c, w, err := e.joined(e.sign(p), nil)
			if err != nil {
				t.Fatal(err)
			}
			allowed := map[game.Channel]bool{game.All: true}
			if p.Team != 0 {
				allowed[game.Team(p.Team)] = true
			}
			if !p.Spectator {
				allowed[game.Own(w.Player)] = true
			}
			seen[i] = map[game.Channel]int{}
			c.acks = true
			c.record(true, func(m *wire.ServerMessage) {
				if !schema.IsFrame(m) {
					return
				}
				ch := game.Channel(m.Channel())
				if seen[i][ch]++; !allowed[ch] {
					t.Errorf("%s got a frame of channel %x", who[i].ID, uint32(ch))
				}
			})
			return c
		}
		var conns []*rawClient
		for i := range who {
			conns = append(conns, enter(i))
			after(50 * time.Millisecond)
		}
		for round := range 14 {
			i := round % len(who)
			switch round % 3 {
			case 0:
				conns[i].message(conns[i].w.Leave())
			case 1:
				conns[i].Close()
			case 2:
				conns[i].message(conns[i].w.Keyframe())
				after(time.Second)
				continue
			}
			after(500 * time.Millisecond)
			conns[i] = enter(i)
			after(time.Second)
		}
		for i, s := range seen {
			want := 1
			if who[i].Team != 0 {
				want++
			}
			if !who[i].Spectator {
				want++
			}
			if len(s) != want || s[game.All] < 20 {
				t.Errorf("%s got frames of %d channels, %d of All; want %d channels", who[i].ID, len(s), s[game.All], want)
			}
		}
	})
}

// The rows that clients decode are their own and their team's, up to date in every frame.
func TestRowsOfChannels(t *testing.T) {
	for _, every := range []int{1, 2, 3} {
		t.Run(fmt.Sprint("every ", every), func(t *testing.T) {
			virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) { rowsOfChannels(t, ctx, e, every) })
		})
	}
}

func rowsOfChannels(t *testing.T, ctx context.Context, e *edge, every int) {
	e.match("m", (&lab{}).in(func(c *loop.Config) { c.Every = every }))
	var players []*player
	for i := range 6 {
		team := uint32(i % 3)
		w := &walker{}
		last := uint32(0)
		w.onFrame = func(c *client.Client, tick uint32) {
			if tick%uint32(every) != 0 || tick <= last {
				t.Errorf("a state frame of tick %d after %d with one every %d", tick, last, every)
			}
			last = tick
			own, plan := 0, 0
			c.View().Each(labSecret, func(_ uint32, row []int32) {
				if own++; uint32(row[0]) != c.Player() || row[1] != labValue(c.Player(), tick) {
					t.Errorf("player %d, tick %d: secret of %d is %d", c.Player(), tick, row[0], row[1])
				}
			})
			c.View().Each(labPlan, func(_ uint32, row []int32) {
				if plan++; uint32(row[0]) != team || row[1] != labValue(team, tick) {
					t.Errorf("team %d, tick %d: plan of %d is %d", team, tick, row[0], row[1])
				}
			})
			if own != 1 || plan != min(1, int(team)) {
				t.Errorf("player %d of team %d, tick %d: %d secrets, %d plans", c.Player(), team, tick, own, plan)
			}
		}
		players = append(players, e.playAs(ctx, e.sign(token.Player{Match: "m", ID: fmt.Sprint("p", i), Team: team}), w, nil))
		after(70 * time.Millisecond)
	}
	after(3 * time.Second)
	players[1].Cut()
	players[2].Cut()
	players[4].Leave()
	after(7 * time.Second)
	for i, p := range players {
		if s := p.honest(t); i != 4 && int(s.Frames) < 30*10/every-5 {
			t.Errorf("player %d: %d frames", i, s.Frames)
		}
	}
}
