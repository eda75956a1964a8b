package netcode

import (
	"fmt"
	"sync"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/loop"
)

// fogWorld looks over the shoulder of an arena match in fog: it notes where everything is in every tick, and says by itself, from
// the picture of the map, what each team may know of the other. A team's own rows, which are always there, are where it has
// the truth from.
type fogWorld struct {
	mu    sync.Mutex
	walls []string
	teams map[uint32]uint32     // of players, by number
	last  map[[2]uint32]uint32  // by team and an enemy's id: tick at which he was seen last
	ticks map[uint32]*fogTruth  // by tick
	known map[uint32][][2]int32 // of the tick that is being noted: places of the living, by team
}

// fogTruth is what is where in one tick.
type fogTruth struct {
	bodies  map[uint32]fogThing // by id
	rockets map[[3]int32]fogThing
}

// fogThing is a body or a rocket.
type fogThing struct {
	team   uint32
	values []int32
	shown  bool // the enemy may see it
}

// fogMargin is for how many ticks an enemy may stay in sight at 30 Hz.
const fogMargin = arena.SightMS * 30 / 1000

var fogSettings = []byte(`{"mode":"teams","fog":true,"minutes":10,"score_limit":0}`)

func newFogWorld() *fogWorld {
	return &fogWorld{teams: map[uint32]uint32{}, last: map[[2]uint32]uint32{}, ticks: map[uint32]*fogTruth{}}
}

// in makes a match an arena in fog that is watched.
func (w *fogWorld) in(c *loop.Config) {
	c.Game, c.Settings = arena.Game(), fogSettings
	inner := c.Game.New
	c.Game.New = func(s game.Setup) (game.Match, error) {
		m, err := inner(s)
		if err == nil {
			var world *arena.Map
			world, err = arena.ParseMap(s.Static)
			w.walls = world.Rows
		}
		return &fogMatch{Match: m, world: w}, err
	}
}

// fogMatch is the arena under the eyes of a fogWorld.
type fogMatch struct {
	game.Match
	world *fogWorld
	tick  uint32
}

func (m *fogMatch) Step(t *game.Tick) { m.tick = t.N; m.Match.Step(t) }

func (m *fogMatch) Rows(r *game.Rows) {
	m.Match.Rows(r)
	m.world.note(m.tick, r)
}

// note takes in the rows of a tick.
func (w *fogWorld) note(tick uint32, r *game.Rows) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := &fogTruth{bodies: map[uint32]fogThing{}, rockets: map[[3]int32]fogThing{}}
	w.known = map[uint32][][2]int32{}
	for _, row := range r.All() {
		v := r.Values(row)
		if row.Kind == arena.KindScore {
			w.teams[uint32(v[arena.ScorePlayer])] = uint32(v[arena.ScoreTeam])
		}
		team, _ := row.Channel.IsTeam()
		if row.Kind == arena.KindBody && team == uint32(v[arena.BodyTeam]) {
			now.bodies[row.ID] = fogThing{team: team, values: append([]int32(nil), v...)}
			w.known[team] = append(w.known[team], [2]int32{v[arena.BodyX], v[arena.BodyY]})
		}
	}
	for id, b := range now.bodies {
		b.shown = w.shown(tick, b.team, id, b.values[arena.BodyX], b.values[arena.BodyY], arena.BodyRadius)
		now.bodies[id] = b
	}
	for key := range w.last {
		if _, lives := now.bodies[key[1]]; !lives && key[1] < 1<<20 {
			delete(w.last, key) // who died is not in sight when he comes back elsewhere
		}
	}
	for _, row := range r.All() {
		v := r.Values(row)
		if team, _ := row.Channel.IsTeam(); row.Kind == arena.KindRocket && team == w.teams[uint32(v[arena.RocketBy])] {
			shown := w.shown(tick, team, row.ID, v[arena.RocketX], v[arena.RocketY], 0)
			now.rockets[[3]int32(v)] = fogThing{team: team, values: append([]int32(nil), v...), shown: shown}
		}
	}
	w.ticks[tick] = now
}

// shown reports whether a team's enemy sees a thing of it, or saw it a moment ago.
func (w *fogWorld) shown(tick, team, id uint32, x, y, size int32) bool {
	enemy := 3 - team
	key := [2]uint32{enemy, id}
	for _, e := range w.known[enemy] {
		dx, dy := float64(x-e[0]), float64(y-e[1])
		if dx*dx+dy*dy > arena.SightRange*arena.SightRange {
			continue
		}
		for _, d := range [][2]int32{{0, 0}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
			if w.clear(e[0], e[1], x+d[0]*size, y+d[1]*size) {
				w.last[key] = tick
				return true
			}
		}
	}
	last, seen := w.last[key]
	return seen && tick-last < fogMargin
}

// clear samples a line on the picture of the map; it is generous where the line touches a wall.
func (w *fogWorld) clear(x0, y0, x1, y1 int32) bool {
	n := max(x1-x0, x0-x1, y1-y0, y0-y1)/32 + 1
	for i := int32(0); i <= n; i++ {
		x, y := x0+(x1-x0)*i/n, y0+(y1-y0)*i/n
		if w.walls[y/arena.Tile][x/arena.Tile] == '#' && x%arena.Tile > 1 && y%arena.Tile > 1 && x%arena.Tile < arena.Tile-2 && y%arena.Tile < arena.Tile-2 {
			return false
		}
	}
	return true
}

// fogSeen counts what a check has looked at.
type fogSeen struct{ enemies, hidden, rockets, mates int }

// check says what is wrong with what a player of a team (0: of none) has of a tick, or nil.
func (w *fogWorld) check(v game.View, team uint32, seen *fogSeen) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := v.Tick()
	for at > 0 && w.ticks[at] == nil { // between rounds nothing is stepped
		at--
	}
	now := w.ticks[at]
	if now == nil {
		return fmt.Errorf("tick %d: the world has not been there", v.Tick())
	}
	wrong := func(what string, row []int32) {
		if err == nil {
			err = fmt.Errorf("tick %d: team %d has %s: %v", v.Tick(), team, what, row)
		}
	}
	have := map[uint32]bool{}
	v.Each(arena.KindBody, func(id uint32, row []int32) {
		b, there := now.bodies[id]
		have[id] = true
		switch {
		case team == 0:
			wrong("a body", row)
		case !there || row[arena.BodyX] != b.values[arena.BodyX] || row[arena.BodyY] != b.values[arena.BodyY]:
			wrong("a body that is not there", row)
		case b.team != team && !b.shown:
			wrong("an enemy whom nobody of it sees", row)
		case b.team != team:
			seen.enemies++
		default:
			seen.mates++
		}
	})
	v.Each(arena.KindRocket, func(id uint32, row []int32) {
		k, there := now.rockets[[3]int32(row)]
		switch {
		case team == 0 || !there:
			wrong("a rocket that is not there", row)
		case k.team != team && !k.shown:
			wrong("a rocket that nobody of it sees", row)
		case k.team != team:
			seen.rockets++
		}
	})
	w.places(v, now, team, have, wrong, seen)
	return err
}

// places looks for the places of what is hidden in all other rows, at any field, and for their ids among bodies.
func (w *fogWorld) places(v game.View, now *fogTruth, team uint32, have map[uint32]bool, wrong func(string, []int32), seen *fogSeen) {
	hidden := map[[2]int32]bool{}
	for id, b := range now.bodies {
		if b.team == team || b.shown {
			continue
		}
		if seen.hidden++; have[id] {
			wrong("a hidden body", b.values)
		}
		hidden[[2]int32{b.values[arena.BodyX], b.values[arena.BodyY]}] = true
	}
	for _, k := range now.rockets {
		if k.team != team && !k.shown {
			seen.hidden++
			hidden[[2]int32{k.values[arena.RocketX], k.values[arena.RocketY]}] = true
		}
	}
	for kind := range uint8(len(arena.Game().Kinds) + 2) {
		if kind == arena.KindBody || kind == arena.KindRocket || kind == arena.KindPickup { // which were looked at, or are on the map
			continue
		}
		v.Each(kind, func(_ uint32, row []int32) {
			for i := 1; i < len(row); i++ {
				if hidden[[2]int32{row[i-1], row[i]}] {
					wrong("the place of somebody hidden", row)
				}
			}
		})
	}
}
