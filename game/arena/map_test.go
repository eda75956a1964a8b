package arena

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
)

// For every number of seats there is a map whose floor hangs together, whose rows fit their fields, and that grows with the seats.
func TestMapsOfAllSizes(t *testing.T) {
	last := int32(0)
	for seats := 1; seats <= game.MaxSeats; seats++ {
		m, err := ParseMap(staticMap(game.Setup{Seats: seats}))
		if err != nil {
			t.Fatalf("%d seats: %v", seats, err)
		}
		if m.Width*Tile > 1<<15 || m.Height*Tile > 1<<15 {
			t.Fatalf("%d seats: %d x %d tiles are too many for saved positions", seats, m.Width, m.Height)
		}
		if m.Width*m.Height < last {
			t.Errorf("%d seats: the map is smaller than for one seat less", seats)
		}
		last = m.Width * m.Height
		if seats > 20 && seats%20 != 0 {
			continue
		}
		if floor, reached := flood(m); floor != reached {
			t.Errorf("%d seats: %d of %d floor tiles can be reached", seats, reached, floor)
		}
		if len(m.Spawns) < seats || len(m.Pickups) == 0 {
			t.Errorf("%d seats: %d spawns, %d pickups", seats, len(m.Spawns), len(m.Pickups))
		}
	}
}

// flood counts the floor tiles and those that can be reached from the first spawn.
func flood(m *Map) (floor, reached int) {
	seen := make([]bool, len(m.solid))
	for i := range m.solid {
		if !m.solid[i] {
			floor++
		}
	}
	todo := []int32{m.Spawns[0].Y>>8*m.Width + m.Spawns[0].X>>8}
	seen[todo[0]] = true
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		reached++
		for _, n := range []int32{at - 1, at + 1, at - m.Width, at + m.Width} {
			if !seen[n] && !m.solid[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return floor, reached
}

func FuzzParseMap(f *testing.F) {
	f.Add(stageMap)
	f.Add([]byte(`{"version":1,"tile":256,"width":3,"height":3,"rows":["###","#.#","###"],"spawns":[{"x":384,"y":384}]}`))
	f.Add([]byte(`{"tile":256,"width":-1,"height":3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMap(b)
		if err != nil {
			return
		}
		// A map that is accepted carries a match and a brain.
		match, err := newMatch(game.Setup{Hz: 30, Seats: 2, Static: b})
		if err != nil {
			t.Fatalf("a match refuses a map that parses: %v", err)
		}
		if m.wall(m.Spawns[0].X>>8, m.Spawns[0].Y>>8) || match.Save(nil) == nil {
			t.Fatal("a spawn is in a wall")
		}
	})
}

// place draws a position on the floor of a map.
func place(t *rapid.T, m *Map) (x, y int32) {
	for {
		x = rapid.Int32Range(Tile, (m.Width-1)*Tile-1).Draw(t, "x")
		y = rapid.Int32Range(Tile, (m.Height-1)*Tile-1).Draw(t, "y")
		if !m.wall(x>>8, y>>8) {
			return x, y
		}
	}
}

// trace agrees with stepping along the segment in small steps: up to where it comes there is no wall, and where it stops there is one.
func TestTraceAgainstSteps(t *testing.T) {
	m := generate(16)
	rapid.Check(t, func(t *rapid.T) {
		x0, y0 := place(t, m)
		dx, dy := rapid.Int32Range(-3000, 3000).Draw(t, "dx"), rapid.Int32Range(-3000, 3000).Draw(t, "dy")
		part, way := m.trace(x0, y0, x0+dx, y0+dy), segment{x0, y0, dx, dy}
		const steps = 4096
		first := int32(-1) // part at which the walk enters a wall
		for i := range int32(steps + 1) {
			if x, y := way.along(i * (whole / steps)); m.wall(x>>8, y>>8) {
				first = i * (whole / steps)
				break
			}
		}
		switch {
		case first < 0 && part < whole:
			// The walk may step over the corner of a wall; then there is one within a unit or two of where trace stopped.
			if x, y := way.along(part); !nearWall(m, x, y) {
				t.Fatalf("trace stops at %d/65536 where no wall is", part)
			}
		case first >= 0 && part > first:
			t.Fatalf("trace goes on to %d/65536, a wall is at %d", part, first)
		case first >= 0 && part < first-whole/steps:
			if x, y := way.along(part); !nearWall(m, x, y) {
				t.Fatalf("trace stops at %d/65536, the wall is at %d", part, first)
			}
		}
	})
}

func nearWall(m *Map, x, y int32) bool {
	const d = 3
	return m.wall((x-d)>>8, (y-d)>>8) || m.wall((x+d)>>8, (y-d)>>8) || m.wall((x-d)>>8, (y+d)>>8) || m.wall((x+d)>>8, (y+d)>>8)
}

// A body that fits slides to where it fits, never further than asked.
func TestSlideStaysOutOfWalls(t *testing.T) {
	m := generate(16)
	rapid.Check(t, func(t *rapid.T) {
		x, y := place(t, m)
		if !m.free(x, y) {
			t.Skip("no room")
		}
		dx, dy := rapid.Int32Range(-maxStep, maxStep).Draw(t, "dx"), rapid.Int32Range(-maxStep, maxStep).Draw(t, "dy")
		nx := m.slideX(x, y, dx)
		ny := m.slideY(nx, y, dy)
		if !m.free(nx, ny) {
			t.Fatalf("slid from %d, %d into a wall at %d, %d", x, y, nx, ny)
		}
		if abs(nx-x) > abs(dx) || abs(ny-y) > abs(dy) {
			t.Fatalf("slid by %d, %d, asked for %d, %d", nx-x, ny-y, dx, dy)
		}
		if m.free(x+dx, y) && nx != x+dx {
			t.Fatalf("stopped at %d on the way to %d, which is free", nx, x+dx)
		}
	})
}

// approach reaches the speed asked for within the time that the limit allows, from everywhere.
func TestApproachArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		speed := rapid.Int32Range(-120, 120)
		vx, vy := speed.Draw(t, "vx"), speed.Draw(t, "vy")
		wx, wy := speed.Draw(t, "wx"), speed.Draw(t, "wy")
		limit := rapid.Int32Range(2, 60).Draw(t, "limit")
		for range game.Length(wx-vx, wy-vy)/(limit-1) + 2 {
			nx, ny := approach(vx, vy, wx, wy, limit)
			if game.Length(nx-vx, ny-vy) > limit+1 {
				t.Fatalf("a change by %d, %d is above the limit %d", nx-vx, ny-vy, limit)
			}
			vx, vy = nx, ny
		}
		if vx != wx || vy != wy {
			t.Fatalf("ended at %d, %d instead of %d, %d", vx, vy, wx, wy)
		}
	})
}
