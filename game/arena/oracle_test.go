package arena

import (
	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

// oracle says who sees whom by itself: it samples lines on the picture of the map, and is generous where they touch a corner.
type oracle struct {
	rows []string
	last map[[2]uint32]uint32 // by team and id, of a body or its own team's rocket: tick at which it was last seen
}

// clear reports whether no sample of a line is in a wall.
func (o *oracle) clear(x0, y0, x1, y1 int32) bool {
	n := max(abs(x1-x0), abs(y1-y0))/16 + 1
	for i := int32(0); i <= n; i++ {
		x, y := x0+(x1-x0)*i/n, y0+(y1-y0)*i/n
		if o.rows[y/Tile][x/Tile] == '#' && x%Tile > 1 && y%Tile > 1 && x%Tile < Tile-2 && y%Tile < Tile-2 {
			return false
		}
	}
	return true
}

// sees reports whether a body sees a thing of a size, and whether there is no doubt of it.
func (o *oracle) sees(b *body, x, y, size int32) (maybe, surely bool) {
	dx, dy := float64(x-b.x), float64(y-b.y)
	if dx*dx+dy*dy > SightRange*SightRange {
		return false, false
	}
	surely = o.clear(b.x-12, b.y-12, x-12, y-12) && o.clear(b.x+12, b.y-12, x+12, y-12) &&
		o.clear(b.x-12, b.y+12, x-12, y+12) && o.clear(b.x+12, b.y+12, x+12, y+12) && o.clear(b.x, b.y, x, y)
	for _, d := range [][2]int32{{0, 0}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
		maybe = maybe || o.clear(b.x, b.y, x+d[0]*size, y+d[1]*size)
	}
	return maybe, surely
}

// look returns whether a team may be shown a thing now, and whether it must be.
func (o *oracle) look(m *match, tick, team, id uint32, x, y, size int32) (may, must bool) {
	key := [2]uint32{team, id}
	for i := range m.bodies {
		if b := &m.bodies[i]; b.health > 0 && b.team == team {
			maybe, surely := o.sees(b, x, y, size)
			if must = must || surely; maybe {
				o.last[key] = tick
			}
		}
	}
	last, seen := o.last[key]
	return seen && tick-last < m.pace.sight, must
}

// check compares the rows of a tick with what the oracle says.
func (o *oracle) check(t *rapid.T, s *gametest.Sim) {
	m := s.Match.(*match)
	for _, row := range s.Rows.Channel(game.All) {
		if row.Kind != KindMatch && row.Kind != KindScore {
			t.Fatalf("tick %d: everybody gets a row of kind %d", s.Tick, row.Kind)
		}
	}
	for team := uint32(1); team <= 2; team++ {
		shown := map[uint32][]int32{}
		rockets := map[[3]int32]int{}
		for _, row := range s.Rows.Channel(game.Team(team)) {
			switch v := s.Rows.Values(row); row.Kind {
			case KindBody:
				shown[row.ID] = v
			case KindRocket:
				rockets[[3]int32{v[RocketX], v[RocketY], v[RocketBy]}]++
			}
		}
		for i := range m.bodies {
			b := &m.bodies[i]
			v, there := shown[b.row]
			delete(shown, b.row)
			may, must := b.health > 0, b.health > 0
			if b.team != team && b.health > 0 {
				may, must = o.look(m, s.Tick, team, b.row, b.x, b.y, BodyRadius)
			} else if b.health <= 0 {
				delete(o.last, [2]uint32{team, b.row})
			}
			if there && !may || !there && must {
				t.Fatalf("tick %d: body of player %d of team %d shown to team %d: %t", s.Tick, b.number, b.team, team, there)
			}
			if there && (v[BodyX] != b.x || v[BodyY] != b.y || v[BodyHealth] != b.health) {
				t.Fatalf("tick %d: body of player %d is shown as %v", s.Tick, b.number, v)
			}
		}
		for i := range m.rockets {
			r := &m.rockets[i]
			may, must := true, true
			if r.team != team {
				may, must = o.look(m, s.Tick, team, r.row, r.x, r.y, 0)
			}
			key := [3]int32{r.x, r.y, int32(r.by)}
			there := rockets[key] > 0
			if there {
				rockets[key]--
			}
			if there && !may || !there && must {
				t.Fatalf("tick %d: rocket of player %d of team %d shown to team %d: %t", s.Tick, r.by, r.team, team, there)
			}
		}
		left := 0
		for _, n := range rockets {
			left += n
		}
		if len(shown)+left > 0 {
			t.Fatalf("tick %d: %d bodies and %d rockets that are not there", s.Tick, len(shown), left)
		}
	}
}
