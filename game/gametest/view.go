package gametest

import "github.com/overtime-server/overtime/game"

// View is what one player's client sees of a Sim: the rows of channel All, of his team and of his own. It implements
// game.View, and follows the Sim as it goes on.
type View struct {
	sim    *Sim
	player uint32
}

var _ game.View = (*View)(nil)

// ViewOf returns the view of a player. One who is not in the match sees channel All.
func (s *Sim) ViewOf(player uint32) *View { return &View{sim: s, player: player} }

// Tick implements game.View.
func (v *View) Tick() uint32 { return v.sim.Tick }

// Each implements game.View by merging the player's channels.
func (v *View) Each(kind uint8, f func(id uint32, row []int32)) {
	rows := v.sim.Rows
	var lists [3][]game.Row
	lists[0] = rows.Channel(game.All)
	if p := v.sim.Player(v.player); p != nil {
		if p.Team != 0 {
			lists[1] = rows.Channel(game.Team(p.Team))
		}
		lists[2] = rows.Channel(game.Own(p.Number))
	}
	for {
		next := -1
		for i, l := range lists {
			if len(l) > 0 && (next < 0 || l[0].ID < lists[next][0].ID) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		row := lists[next][0]
		lists[next] = lists[next][1:]
		if row.Kind == kind {
			f(row.ID, rows.Values(row))
		}
	}
}
