package arena

import "github.com/overtime-server/overtime/game"

// whole is the full length of a traced segment.
const whole = 1 << 16

// trace follows the segment from (x0, y0) to (x1, y1) and returns the part of it, in 1/65536, that is free of walls: whole
// only if its end is free too. It steps from tile to tile (J. Amanatides and A. Woo, "A Fast Voxel Traversal Algorithm for
// Ray Tracing", 1987).
func (m *Map) trace(x0, y0, x1, y1 int32) int32 {
	tx, ty := x0>>8, y0>>8
	if m.wall(tx, ty) {
		return 0
	}
	sx, nextX, everyX := axis(x0, x1)
	sy, nextY, everyY := axis(y0, y1)
	for {
		at := min(nextX, nextY)
		if at > whole {
			return whole
		}
		if nextX <= nextY {
			tx, nextX = tx+sx, nextX+everyX
		} else {
			ty, nextY = ty+sy, nextY+everyY
		}
		if m.wall(tx, ty) {
			return min(int32(at), whole-1)
		}
	}
}

// axis prepares one axis of trace: the direction, where on the segment the first border of a tile is crossed, and how far it
// is from border to border.
func axis(from, to int32) (step int32, next, every int64) {
	switch d := int64(to) - int64(from); {
	case d > 0:
		return 1, int64(Tile-from&(Tile-1)) << 16 / d, Tile << 16 / d
	case d < 0:
		return -1, int64(from&(Tile-1))<<16/-d + 1, Tile << 16 / -d // a border belongs to the tile behind it
	}
	return 0, 1 << 62, 0
}

// clear reports whether nothing is between two places.
func (m *Map) clear(x0, y0, x1, y1 int32) bool { return m.trace(x0, y0, x1, y1) == whole }

// segment is the way of a shot: from (x, y) by (dx, dy).
type segment struct{ x, y, dx, dy int32 }

// along returns the point at a part of the segment, in 1/65536.
func (s segment) along(part int32) (x, y int32) {
	return s.x + int32(int64(s.dx)*int64(part)>>16), s.y + int32(int64(s.dy)*int64(part)>>16)
}

// meets returns the part of the segment at which it comes closest to (x, y), and whether it is within r of it there.
func (s segment) meets(x, y, r int32) (part int32, ok bool) {
	rx, ry, dx, dy := int64(x-s.x), int64(y-s.y), int64(s.dx), int64(s.dy)
	if square := dx*dx + dy*dy; square > 0 {
		part = int32(max(0, min(whole, (rx*dx+ry*dy)<<16/square)))
	}
	cx, cy := s.along(part)
	ex, ey := int64(x-cx), int64(y-cy)
	return part, ex*ex+ey*ey <= int64(r)*int64(r)
}

// slideX moves a body along x by d and returns where a wall or nothing stops it; d is less than a tile.
func (m *Map) slideX(x, y, d int32) int32 {
	const r = BodyRadius
	to := x + d
	edge := (to - r) >> 8
	if d > 0 {
		edge = (to + r - 1) >> 8
	}
	for ty := (y - r) >> 8; ty <= (y+r-1)>>8; ty++ {
		if m.wall(edge, ty) {
			if d > 0 {
				return edge<<8 - r
			}
			return (edge+1)<<8 + r
		}
	}
	return to
}

// slideY is slideX along y.
func (m *Map) slideY(x, y, d int32) int32 {
	const r = BodyRadius
	to := y + d
	edge := (to - r) >> 8
	if d > 0 {
		edge = (to + r - 1) >> 8
	}
	for tx := (x - r) >> 8; tx <= (x+r-1)>>8; tx++ {
		if m.wall(tx, edge) {
			if d > 0 {
				return edge<<8 - r
			}
			return (edge+1)<<8 + r
		}
	}
	return to
}

// heading returns the vector of a length along a 10-bit aim.
func heading(aim, length int32) (dx, dy int32) {
	a := game.Angle(aim << (16 - aimBits))
	return int32(int64(game.Cos(a)) * int64(length) >> 16), int32(int64(game.Sin(a)) * int64(length) >> 16)
}
