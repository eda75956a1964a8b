package arena

import "github.com/overtime-server/overtime/game"

// seek goes after an enemy whom it does not see, by way of what it needs if that is near.
func (b *brain) seek(enemy *sight) {
	x, y := enemy.x, enemy.y
	if b.self.health < 60 {
		if px, py, ok := b.nearestPickup(PickHealth, 10*Tile); ok {
			x, y = px, py
		}
	} else if b.me.ammo == 0 {
		if px, py, ok := b.nearestPickup(PickAmmo, 6*Tile); ok {
			x, y = px, py
		}
	}
	b.travel(x, y)
	b.lookAhead()
}

// travel heads for a place, around walls.
func (b *brain) travel(x, y int32) {
	wx, wy := b.path.next(b.self.x, b.self.y, x, y)
	if wx == b.self.x && wy == b.self.y {
		b.halt()
		return
	}
	way := aimOf(int16(game.Atan2(wy-b.self.y, wx-b.self.x)))
	// A heading that is nearly right is kept: it costs nothing on the wire.
	if b.head < 0 || abs(aimTurn(b.head, way)) > 12 {
		b.steer(way)
	}
}

// steer sets the heading.
func (b *brain) steer(way int32) {
	b.head = wrapAim(way)
	dx, dy := heading(b.head, 32767)
	b.axes = [2]int16{int16(dx), int16(dy)}
}

// halt stops moving.
func (b *brain) halt() { b.head, b.axes = -1, [2]int16{} }

// lookAhead turns the aim to where it is going, once the difference is worth it.
func (b *brain) lookAhead() {
	if b.head < 0 {
		return
	}
	if d := aimTurn(b.aim, b.head); abs(d) > 100 {
		b.rate = game.Clamp(round(d, b.every), -b.turnRate(), b.turnRate())
	}
}

// turnRate is the fastest that it turns its aim, in steps per tick.
func (b *brain) turnRate() int32 { return max(2, b.pace.turn*(30+b.skill*4/10)/100) }

// dance moves in a fight: around the enemy, nearer or away as its distance asks, along a heading that it keeps for a while.
func (b *brain) dance(enemy *sight) {
	b.path.length = 0
	b.sideFor--
	toward := aimOf(int16(game.Atan2(enemy.y-b.self.y, enemy.x-b.self.x)))
	if b.sideFor > 0 && b.head >= 0 && b.open(b.head) {
		return
	}
	b.sideFor = int32(b.rand.Range(4, 10))
	if b.rand.Chance(2, 3) {
		b.side = -b.side
	}
	if int(b.skill) < b.rand.IntN(80) && b.rand.Chance(1, 2) { // beginners stand still to shoot
		b.halt()
		return
	}
	swing := int32(256) // a quarter turn: straight around
	switch {
	case enemy.far > 6*Tile:
		swing = 110
	case enemy.far < 3*Tile:
		swing = 330
	}
	for _, way := range [...]int32{toward + b.side*swing, toward - b.side*swing, toward + b.side*400, toward + b.side*100, toward} {
		if b.open(wrapAim(way)) {
			b.steer(way)
			return
		}
	}
	b.halt()
}

// open reports whether a body can go more than a tile along a heading.
func (b *brain) open(way int32) bool {
	dx, dy := heading(way, Tile*5/4)
	return b.path.wide(b.self.x, b.self.y, b.self.x+dx, b.self.y+dy)
}
