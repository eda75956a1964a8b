package arena

import "github.com/overtime-server/overtime/game"

// ghost is an enemy who went out of sight, where he was seen last.
type ghost struct {
	row  uint32
	x, y int32
	tick uint32 // of the last look at him
}

// ghosts are those that a brain keeps in mind; the oldest give way.
type ghosts struct {
	list [8]ghost
	n    int
}

// add remembers one.
func (g *ghosts) add(x ghost) {
	if g.n == len(g.list) {
		g.drop(0)
	}
	g.list[g.n] = x
	g.n++
}

func (g *ghosts) drop(i int) {
	copy(g.list[i:g.n], g.list[i+1:g.n])
	g.n--
}

// remember keeps in mind where enemies went out of sight, for as long as it is worth going there: until one is seen again, until
// the place itself is seen, which shows that he is not there, or for ten seconds.
func (b *brain) remember() {
	for i := 0; i < b.lost.n; {
		g := &b.lost.list[i]
		stale := b.tick-g.tick > uint32(10*b.pace.hz)
		if stale || b.sees(g.row) || inSight(g.x-b.self.x, g.y-b.self.y) && b.world.clear(b.self.x, b.self.y, g.x, g.y) {
			b.lost.drop(i)
			continue
		}
		i++
	}
	now := b.bodies
	for i := range b.was {
		w := &b.was[i]
		for len(now) > 0 && now[0].row < w.row {
			now = now[1:]
		}
		if gone := len(now) == 0 || now[0].row != w.row; gone && w.team != b.self.team {
			b.lost.add(ghost{row: w.row, x: w.x, y: w.y, tick: b.tick})
		}
	}
}

// sees reports whether it sees a body; those that it sees are ascending by row.
func (b *brain) sees(row uint32) bool {
	for i := range b.bodies {
		if b.bodies[i].row >= row {
			return b.bodies[i].row == row
		}
	}
	return false
}

// search looks for an enemy when there is none in sight: in fog where the nearest was seen last, or at one place after another;
// without fog they are all dead, and it waits in the middle.
func (b *brain) search() {
	if !b.fog {
		b.travel(b.world.Width*Tile/2, b.world.Height*Tile/2)
		b.lookAhead()
		return
	}
	goal, best := sight{}, int32(1<<30)
	for _, g := range b.lost.list[:b.lost.n] {
		if far := game.Length(g.x-b.self.x, g.y-b.self.y); far < best {
			goal, best = sight{x: g.x, y: g.y}, far
		}
	}
	if b.lost.n == 0 {
		b.patrol()
		goal = sight{x: b.beat.X, y: b.beat.Y}
	}
	b.seek(&goal)
}

// patrol chooses where to look next once it is there, or has been on its way for long.
func (b *brain) patrol() {
	b.beatFor--
	near := max(abs(b.beat.X-b.self.x), abs(b.beat.Y-b.self.y)) < 2*Tile
	if near || b.beatFor <= 0 || b.beat.X == 0 {
		b.beat = b.world.Spawns[b.rand.IntN(len(b.world.Spawns))]
		b.beatFor = 10 * b.pace.hz / b.every
	}
}
