package arena

import "github.com/overtime-server/overtime/game"

// cell is the side, in tiles, of the square blocks that a map is made of. Obstacles keep to the 3 by 3 tiles in the middle of a cell,
// so every two cells have a corridor of two tiles between them, and every floor tile can be reached.
const cell = 5

// blocks are the obstacles of a cell. None encloses a tile.
var blocks = [...][3]string{
	{"##.", "##.", "..."},
	{".#.", ".#.", ".#."},
	{"...", "###", "..."},
	{"#..", "#..", "###"},
	{"###", "..#", "..#"},
	{"#.#", "...", "#.#"},
	{".#.", "###", ".#."},
	{"..#", ".##", ".#."},
}

// generate makes the map for a number of seats: about 1.3 cells for each, three wide to two high, the right half a mirror image
// of the left.
func generate(seats int) *Map {
	cols, rows := int32(2), int32(2)
	for int(cols*rows*3) < seats*4 {
		if cols += 2; rows*3 < cols*2 {
			rows = cols * 2 / 3
		}
	}
	m := &Map{Version: 1, Tile: Tile, Width: cols*cell + 2, Height: rows*cell + 2}
	grid := make([][]byte, m.Height)
	for y := range grid {
		grid[y] = make([]byte, m.Width)
		for x := range grid[y] {
			grid[y][x] = '.'
			if x == 0 || y == 0 || x == len(grid[y])-1 || y == len(grid)-1 {
				grid[y][x] = '#'
			}
		}
	}
	rnd := game.NewRand(uint64(seats) + 2026)
	for cy := range rows {
		for cx := range cols / 2 {
			stamp(grid, 2+cx*cell, 2+cy*cell, blocks[rnd.IntN(len(blocks))], m.Width)
		}
	}
	for _, row := range grid {
		m.Rows = append(m.Rows, string(row))
	}
	m.place(cols, rows)
	if err := m.index(); err != nil {
		panic(err) // a bug here, whatever the number of seats: a test makes them all
	}
	return m
}

// stamp puts an obstacle and its mirror image on the grid.
func stamp(grid [][]byte, x0, y0 int32, block [3]string, width int32) {
	for dy, line := range block {
		for dx := range line {
			x, y := x0+int32(dx), y0+int32(dy)
			grid[y][x] = line[dx]
			grid[y][width-1-x] = line[dx]
		}
	}
}

// place puts spawns and pickups on the corridors: a spawn above each cell's obstacle, a pickup at every other crossing.
func (m *Map) place(cols, rows int32) {
	middle := func(tx, ty int32) Spot { return Spot{X: tx*Tile + Tile/2, Y: ty*Tile + Tile/2} }
	for cy := range rows {
		for cx := range cols {
			m.Spawns = append(m.Spawns, middle(1+cx*cell+2, 1+cy*cell))
			if cx > 0 && cy > 0 && (cx+cy)%2 == 0 {
				s := middle(1+cx*cell, 1+cy*cell)
				s.Type = PickHealth
				if len(m.Pickups)%2 == 1 {
					s.Type = PickAmmo
				}
				m.Pickups = append(m.Pickups, s)
			}
		}
	}
}
