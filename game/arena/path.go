package arena

import "github.com/overtime-server/overtime/game"

// path finds ways around walls for one brain: a breadth-first search over tiles from the goal, done again only when the goal or the
// place has moved off it.
type path struct {
	world *Map
	queue []int32  // scratch of search
	from  []uint32 // per tile: search in which it was reached, times 4, plus the direction towards the goal
	round uint32   // number of the search

	steps  [96]int32 // tiles from the start towards the goal
	length int32
	at     int32 // index into steps
	goal   int32 // tile
}

// ways are the four neighbours of a tile.
var ways = [4][2]int32{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}

func (p *path) init(world *Map) {
	p.world = world
	p.queue = make([]int32, 0, len(world.solid))
	p.from = make([]uint32, len(world.solid))
}

// next returns the furthest place on the way from (x, y) to the goal that can be reached in a straight line.
func (p *path) next(x, y, goalX, goalY int32) (int32, int32) {
	if p.wide(x, y, goalX, goalY) {
		p.length = 0
		return goalX, goalY
	}
	w := p.world.Width
	if p.world.wall(x>>8, y>>8) || p.world.wall(goalX>>8, goalY>>8) {
		return goalX, goalY // no server of ours shows such a thing
	}
	here, goal := y>>8*w+x>>8, goalY>>8*w+goalX>>8
	if !p.follow(here, goal) {
		p.search(here, goal)
	}
	if p.at >= p.length {
		return goalX, goalY
	}
	bestX, bestY := middle(p.steps[p.at], w)
	for ahead := int32(1); p.at+ahead < p.length && ahead <= 12; ahead += 2 {
		nx, ny := middle(p.steps[p.at+ahead], w)
		if !p.wide(x, y, nx, ny) {
			break
		}
		bestX, bestY = nx, ny
	}
	return bestX, bestY
}

// follow moves on along the path that is known and reports whether it still serves.
func (p *path) follow(here, goal int32) bool {
	if p.length == 0 || p.at+4 < p.length && p.length == int32(len(p.steps)) && p.at > 48 {
		return false
	}
	if near := abs(goal%p.world.Width-p.goal%p.world.Width) + abs(goal/p.world.Width-p.goal/p.world.Width); near > 3 {
		return false
	}
	for i := p.at; i < min(p.at+14, p.length); i++ {
		if p.steps[i] == here {
			p.at = i + 1
			return p.at < p.length
		}
	}
	// Beside the path: fine as long as the next step is near.
	sx, sy := p.steps[p.at]%p.world.Width, p.steps[p.at]/p.world.Width
	return abs(here%p.world.Width-sx)+abs(here/p.world.Width-sy) <= 2
}

// search finds a shortest path from one tile to another and keeps its first steps.
func (p *path) search(here, goal int32) {
	p.length, p.at, p.goal = 0, 0, goal
	p.round++
	if p.round >= 1<<30 {
		p.round = 1
		clear(p.from)
	}
	p.queue = append(p.queue[:0], goal)
	p.from[goal] = p.round << 2
	w := p.world.Width
	for i := 0; i < len(p.queue) && p.from[here]>>2 != p.round; i++ {
		t := p.queue[i]
		for k, d := range ways {
			n := t + d[1]*w + d[0]
			if p.from[n]>>2 != p.round && !p.world.solid[n] {
				p.from[n] = p.round<<2 | uint32(k)
				p.queue = append(p.queue, n)
			}
		}
	}
	if p.from[here]>>2 != p.round {
		return
	}
	for t := here; t != goal && p.length < int32(len(p.steps)); p.length++ {
		d := ways[p.from[t]&3]
		t -= d[1]*w + d[0]
		p.steps[p.length] = t
	}
}

// wide reports whether a body can go straight from one place to another.
func (p *path) wide(x0, y0, x1, y1 int32) bool {
	dx, dy := x1-x0, y1-y0
	length := game.Length(dx, dy)
	if length == 0 {
		return true
	}
	// The two corners of the body that reach furthest to the sides; a little less, since one may touch a wall already.
	const r = BodyRadius - 2
	sx, sy := int32(r), int32(r)
	if (dx > 0) == (dy > 0) {
		sx = -sx
	}
	m := p.world
	return m.clear(x0+sx, y0+sy, x1+sx, y1+sy) && m.clear(x0-sx, y0-sy, x1-sx, y1-sy)
}

// middle returns the middle of a tile given by its index.
func middle(tile, width int32) (x, y int32) {
	return tile%width*Tile + Tile/2, tile/width*Tile + Tile/2
}
