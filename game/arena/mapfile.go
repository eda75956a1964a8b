package arena

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/overtime-server/overtime/game"
)

// Map is the static part of the world as clients fetch it, in JSON. It depends on the number of seats only.
type Map struct {
	Version int      `json:"version"` // 1
	Tile    int32    `json:"tile"`    // units per tile
	Width   int32    `json:"width"`   // in tiles
	Height  int32    `json:"height"`
	Rows    []string `json:"rows"` // Height strings of Width characters: '#' wall, '.' floor; the border is wall
	Spawns  []Spot   `json:"spawns"`
	Pickups []Spot   `json:"pickups"`

	solid []bool // Rows again, index y*Width+x
}

// Spot is a place on the map, in units: the middle of a floor tile.
type Spot struct {
	X    int32 `json:"x"`
	Y    int32 `json:"y"`
	Type int32 `json:"type,omitempty"` // of a pickup: PickHealth or PickAmmo
}

// ParseMap reads and checks a map that Def.Static made.
func ParseMap(b []byte) (*Map, error) {
	m := new(Map)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("arena: map: %w", err)
	}
	if err := m.index(); err != nil {
		return nil, fmt.Errorf("arena: map: %w", err)
	}
	return m, nil
}

// index fills solid from Rows and reports the first thing that is wrong with the map.
func (m *Map) index() error {
	if m.Tile != Tile || m.Width < 3 || m.Height < 3 || m.Width > 250 || m.Height > 250 || len(m.Rows) != int(m.Height) {
		return errors.New("bad size")
	}
	m.solid = make([]bool, 0, m.Width*m.Height)
	for y, row := range m.Rows {
		if len(row) != int(m.Width) {
			return fmt.Errorf("row %d has a wrong length", y)
		}
		for x := range row {
			border := x == 0 || y == 0 || x == len(row)-1 || y == len(m.Rows)-1
			if row[x] != '#' && border {
				return errors.New("the border is open")
			}
			m.solid = append(m.solid, row[x] == '#')
		}
	}
	if len(m.Spawns) == 0 {
		return errors.New("no spawns")
	}
	for _, s := range append(append([]Spot{}, m.Spawns...), m.Pickups...) {
		if !m.free(s.X, s.Y) {
			return fmt.Errorf("spot %d, %d is in a wall", s.X, s.Y)
		}
	}
	return nil
}

// wall reports whether a tile is wall; tiles outside of the map are.
func (m *Map) wall(tx, ty int32) bool {
	return uint32(tx) >= uint32(m.Width) || uint32(ty) >= uint32(m.Height) || m.solid[ty*m.Width+tx]
}

// free reports whether a body fits at a place.
func (m *Map) free(x, y int32) bool {
	const r = BodyRadius
	for ty := (y - r) >> 8; ty <= (y+r-1)>>8; ty++ {
		for tx := (x - r) >> 8; tx <= (x+r-1)>>8; tx++ {
			if m.wall(tx, ty) {
				return false
			}
		}
	}
	return true
}

// staticMap implements Def.Static.
func staticMap(s game.Setup) []byte {
	b, err := json.Marshal(generate(s.Seats))
	if err != nil {
		panic(err) // strings and integers always marshal
	}
	return b
}
