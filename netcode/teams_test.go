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
)

// sideMatch is the lab with a command: "side TEAM" puts a player into a team.
type sideMatch struct{ game.Match }

func (m sideMatch) Step(t *game.Tick) {
	for _, e := range t.Events {
		var team uint32
		if n, _ := fmt.Sscanf(string(e.Data), "side %d", &team); n == 1 {
			t.SetTeam(e.Player, team)
		}
	}
	m.Match.Step(t)
}

func sides(c *loop.Config) {
	c.Game = (&lab{}).def()
	inner := c.Game.New
	c.Game.New = func(s game.Setup) (game.Match, error) {
		m, err := inner(s)
		return sideMatch{m}, err
	}
}

// Whom the rules put into another team gets the rows of that one in place of those of the old, from the tick on in which they
// did; and so he does after a reconnect.
func TestMovedByTheRules(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", sides)
		e.playAs(ctx, e.sign(token.Player{Match: "m", ID: "mate", Team: 2}), &walker{}, nil)
		w := &walker{}
		plans := map[uint32]int{} // frames with the plan of a team; 0: with none
		since := map[uint32]uint32{}
		command := ""
		w.onFrame = func(c *client.Client, tick uint32) {
			if command != "" {
				if err := c.Command([]byte(command)); err != nil {
					t.Error(err)
				}
				command = ""
			}
			n, team := 0, uint32(0)
			c.View().Each(labPlan, func(_ uint32, row []int32) {
				n++
				if team = uint32(row[0]); row[1] != labValue(team, tick) {
					t.Errorf("tick %d: the plan of team %d is an old one", tick, team)
				}
			})
			if n > 1 {
				t.Errorf("tick %d: plans of %d teams", tick, n)
			}
			if plans[team]++; plans[team] == 1 {
				since[team] = tick
			}
		}
		p := e.playAs(ctx, e.token("m", "a"), w, nil)
		after(time.Second)
		me := schema.RosterEntry{}
		for i, team := range []uint32{2, 1, 7, 2, 0} {
			before, _ := m.Clock()
			get(w, func() int { clear(plans); command = fmt.Sprint("side ", team); return 0 })
			after(time.Second)
			if i == 3 {
				p.Cut()
				after(time.Second)
			}
			if n := get(w, func() int { return plans[team] }); n < 25 || since[team] > before+4 {
				t.Errorf("team %d: %d frames with its plan, the first of tick %d, moved after tick %d", team, n, since[team], before)
			}
			get(w, func() int {
				for _, r := range w.roster {
					if r.Number == w.player {
						me = r
					}
				}
				return 0
			})
			if me.Team != team {
				t.Errorf("team %d: the roster has %+v", team, me)
			}
		}
		if s := p.honest(t); s.Keyframes < 6 {
			t.Errorf("%d keyframes", s.Keyframes)
		}
		if len(m.companies) != 2 {
			t.Errorf("%d companies, want those of team 2 and of none", len(m.companies))
		}
	})
}

// Who joined between two rounds has no team until the next begins; then the rules give him one and he gets its rows.
func TestTeamWithTheNextRound(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		world := newFogWorld()
		m := e.match("m", func(c *loop.Config) {
			world.in(c)
			c.Settings, c.Pause = []byte(`{"mode":"teams","fog":true,"score_limit":1}`), 5*time.Second
		})
		var seen [3]fogSeen
		enter := func(i int) *player {
			return e.playAs(ctx, e.token("m", fmt.Sprint("p", i)), fogBot(t, world, m.Static(), uint64(i), &seen[i]), nil)
		}
		enter(0)
		enter(1)
		for n := 0; m.Info().Phase != loop.Ended; n++ {
			if after(time.Second / 2); n == 120 {
				t.Fatal("nobody wins a round")
			}
		}
		late := enter(2)
		after(time.Second)
		if seen[2].mates != 0 {
			t.Errorf("he has rows of a team between rounds: %+v", seen[2])
		}
		after(6 * time.Second)
		if late.honest(t); seen[2].mates < 15 || m.Info().Round != 2 {
			t.Errorf("round %d: %+v", m.Info().Round, seen[2])
		}
	})
}
