package arena

import "github.com/overtime-server/overtime/game"

// move accelerates a body towards the speed that its player asks for and slides it along the walls. Its velocity
// afterwards is the displacement: what a wall took is gone.
func (m *match) move(b *body, in game.Input) {
	wx, wy := wanted(in.Axes[0], in.Axes[1], m.pace.speed)
	limit := m.pace.accel
	if wx == 0 && wy == 0 {
		limit = m.pace.brake
	}
	vx, vy := approach(b.vx, b.vy, wx, wy, limit)
	if vx == 0 && vy == 0 {
		b.vx, b.vy = 0, 0
		return
	}
	x := m.world.slideX(b.x, b.y, vx)
	y := m.world.slideY(x, b.y, vy)
	b.vx, b.vy, b.x, b.y = x-b.x, y-b.y, x, y
}

// wanted returns the velocity that two axes ask for: never faster than speed in any direction.
func wanted(ax, ay int16, speed int32) (vx, vy int32) {
	const full = 32767
	x, y := int32(ax), int32(ay)
	if square := int64(x)*int64(x) + int64(y)*int64(y); square > full*full {
		length := int64(game.Sqrt(square)) + 1
		x, y = int32(int64(x)*full/length), int32(int64(y)*full/length)
	}
	return x * speed / full, y * speed / full
}

// approach changes a velocity towards another one by at most limit.
func approach(vx, vy, wx, wy, limit int32) (int32, int32) {
	dx, dy := wx-vx, wy-vy
	if dx*dx+dy*dy <= limit*limit {
		return wx, wy
	}
	length := game.Length(dx, dy)
	return vx + round(dx*limit, length), vy + round(dy*limit, length)
}

// round divides by a positive number and rounds to the nearest, so that a step of approach is never nothing.
func round(n, d int32) int32 {
	if n < 0 {
		return -((-2*n + d) / (2 * d))
	}
	return (2*n + d) / (2 * d)
}

// turn turns an aim towards the one asked for, no faster than anybody may. Without a sample the aim stays.
func (m *match) turn(b *body, in game.Input, ok bool) {
	if ok {
		b.aim = wrapAim(b.aim + game.Clamp(aimTurn(b.aim, aimOf(in.Axes[2])), -m.pace.turn, m.pace.turn))
	}
}

// aimOf rounds a 16-bit binary angle to the 10 bits of an aim.
func aimOf(axis int16) int32 { return wrapAim((int32(axis) + 1<<(15-aimBits)) >> (16 - aimBits)) }

// wrapAim brings an aim into its range.
func wrapAim(a int32) int32 { return a & (1<<aimBits - 1) }

// aimTurn returns the short way from one aim to another.
func aimTurn(from, to int32) int32 {
	const half = 1 << (aimBits - 1)
	return wrapAim(to-from+half) - half
}
