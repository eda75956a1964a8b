package loop

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// sides are rules that put everybody who comes without a team into team 1, and a player into another by the command
// "side TEAM"; "side! TEAM" panics after that, once.
func sides(t *testing.T) game.Def {
	return counterDef(func(c *counter, tick *game.Tick) {
		set := func(i int, team uint32) {
			tick.SetTeam(tick.Players[i].Number, team)
			if tick.Players[i].Team != team {
				t.Errorf("tick %d: the list shows team %d after SetTeam(%d)", tick.N, tick.Players[i].Team, team)
			}
		}
		tick.SetTeam(99, 1) // nobody
		for i := range tick.Players {
			if tick.Players[i].Team == 0 {
				set(i, 1)
			}
		}
		for _, e := range tick.Events {
			var team uint32
			for i, p := range tick.Players {
				if n, _ := fmt.Sscanf(string(e.Data), "side %d", &team); n == 1 && p.Number == e.Player {
					set(i, team)
				}
				if n, _ := fmt.Sscanf(string(e.Data), "side! %d", &team); n == 1 && p.Number == e.Player {
					set(i, team)
					panic("after SetTeam")
				}
			}
		}
	})
}

// The team that the rules give is a player's from the tick on in which they gave it: in his seat, the roster, and the
// channels; over a reconnect, a round and a restore; and players are told.
func TestSetTeam(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m, s := startTest(t, func(c *Config) { c.Game = sides(t); c.Pause = 0 })
		a, b := enter(t, m, "a", who("a")), enter(t, m, "b", Attach{Who: who("b").Who})
		if a.seat.Player.Team != 1 || b.seat.Player.Team != 1 {
			t.Fatalf("seats %+v, %+v", a.seat, b.seat)
		}
		rosters := s.rosters
		tell(t, m, a, "side 2")
		if s.rosters != rosters+1 {
			t.Errorf("%d rosters for a change of team", s.rosters-rosters)
		}
		tell(t, m, a, "side 2")
		if s.rosters != rosters+1 {
			t.Error("a roster where nothing changed")
		}
		tell(t, m, b, "team 2")
		if len(a.messages) != 1 || len(b.messages) != 0 {
			t.Errorf("messages to team 2: a got %v, b %v", a.messages, b.messages)
		}
		tell(t, m, b, "side! 3") // the tick runs again without the command
		if team := m.core.find(2).who.Team; m.cfg.Stats.Panics.Load() != 1 || team != 1 {
			t.Errorf("%d panics, team %d after the tick was taken back", m.cfg.Stats.Panics.Load(), team)
		}
		cut(m, a)
		back := enter(t, m, "a again", resume(a))
		if back.seat.Player.Team != 2 {
			t.Errorf("team %d after a reconnect", back.seat.Player.Team)
		}
		round := m.core.round
		tell(t, m, b, "end x")
		wait(400)
		if m.core.round == round || m.core.find(1).who.Team != 2 {
			t.Errorf("round %d, team %d", m.core.round, m.core.find(1).who.Team)
		}
	})
}

// Teams given are match state: saved, loaded and hashed.
func TestSetTeamIsSaved(t *testing.T) {
	head := testHeader()
	c, err := NewCore(sides(t), head)
	ok(t, err)
	apply(t, c, join(1, 1, who("a").Who, who("b").Who))
	before := c.Hash()
	apply(t, c, command(2, 1, 1, "side 2"))
	state := bytes.Clone(c.Save())
	other, err := NewCore(sides(t), head)
	ok(t, err)
	ok(t, other.Load(state))
	if other.find(1).who.Team != 2 || other.find(2).who.Team != 1 || other.Hash() != c.Hash() || c.Hash() == before {
		t.Errorf("teams %d and %d", other.find(1).who.Team, other.find(2).who.Team)
	}
}
