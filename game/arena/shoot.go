package arena

import "github.com/overtime-server/overtime/game"

// shoot plans the turn of the aim to where the enemy will be and when to pull the trigger.
func (b *brain) shoot(enemy *sight) {
	ahead := b.every - 1 + b.lag
	mine := ahead // a rocket takes its time, but it starts with the shot
	buttons := uint16(ButtonRifle)
	if b.me.ammo > 0 && b.tick+uint32(b.every) >= b.me.ready && enemy.far > 2*Tile && b.rand.Chance(4, 5) {
		buttons = ButtonRocket
		ahead += min(enemy.far/max(1, b.pace.rocket), b.pace.hz/2)
	}
	if b.wobbleIn--; b.wobbleIn <= 0 {
		b.wobbleIn = int32(b.rand.Range(1, 3))
		spread := 2 + (100-b.skill)*16/100
		b.wobble = int32(b.rand.Range(int(-spread), int(spread)) + b.rand.Range(int(-spread), int(spread)))
	}
	lead := ahead * (60 + b.skill*4/10) / 100 // beginners shoot at where he was
	dx := enemy.x + enemy.vx*lead - b.self.x - b.self.vx*mine
	dy := enemy.y + enemy.vy*lead - b.self.y - b.self.vy*mine
	d := aimTurn(b.aim, aimOf(int16(game.Atan2(dy, dx)))+b.wobble)

	wide := b.width(enemy.far)
	if abs(d) > wide/2 {
		b.rate = game.Clamp(round(d, b.every), -b.turnRate(), b.turnRate())
	}
	if b.aware > 0 {
		return
	}
	b.trigger, b.hold = buttons, 0
	if off := abs(d) - wide; off > 0 && b.rate != 0 {
		b.hold = off / abs(b.rate)
	}
}

// width returns the half angle, in aim steps, that a body covers at a distance.
func (b *brain) width(far int32) int32 { return min(128, HitRadius*163/max(far, HitRadius)) }

// measureLag learns how many ticks pass from what it sees to what it does: the aim that it sees of itself is the one it asked
// for that many thoughts ago. It looks only when it turned, and believes only a single match.
func (b *brain) measureLag() {
	found := int32(0)
	for k := int32(1); k < int32(len(b.asked)); k++ {
		if b.asked[(b.thought-uint32(k)+1)%uint32(len(b.asked))] != b.self.aim {
			continue
		}
		if found != 0 {
			return
		}
		found = k
	}
	if found != 0 {
		b.lag = found
	}
}
