// Package tag is a whole game in one file: players run about, one of them is it, and a touch passes it on for a point.
package tag

import (
	"encoding/json"
	"slices"

	"github.com/overtime-server/overtime/game"
)

const side, speed, reach = 4095, 24, 128 // of the field, of a player per tick, of his arm: all in position units

type player struct{ Number, Row, X, Y, Points int32 }

type match struct {
	It, Safe int32 // number of the player who is it; tick up to which he passes it to nobody
	Players  []player
}

// Game returns the definition of tag, ready to be handed to a server.
func Game() game.Def {
	return game.Def{Name: "tag", Version: 1, Exact: true, Kinds: []game.Kind{{Name: "player", Fields: []game.Field{
		{Name: "number", Bits: 31}, {Name: "x", Bits: 12, Linear: true}, {Name: "y", Bits: 12, Linear: true},
		{Name: "it", Bits: 31}, {Name: "points", Bits: 31}}}},
		New:   func(game.Setup) (game.Match, error) { return &match{}, nil },
		Brain: newBrain}
}

func (m *match) Step(t *game.Tick) {
	old := match{Players: m.Players}
	m.Players = nil
	for _, seat := range t.Players { // who came is added here, who left is not
		if seat.Spectator {
			continue
		}
		p := old.find(int32(seat.Number))
		if p == nil {
			p = &player{int32(seat.Number), int32(t.NewID()), int32(t.Rand.IntN(side)), int32(t.Rand.IntN(side)), 0}
		}
		in, _ := t.Input(seat.Number)
		p.X = game.Clamp(p.X+int32(in.Axes[0])*speed/32767, 0, side)
		p.Y = game.Clamp(p.Y+int32(in.Axes[1])*speed/32767, 0, side)
		m.Players = append(m.Players, *p)
	}
	it := m.find(m.It)
	for _, p := range m.Players {
		if it == nil { // nobody is it, or he left
			m.It = p.Number
			break
		} else if p.Number != m.It && int32(t.N) > m.Safe && game.Length(p.X-it.X, p.Y-it.Y) < reach {
			m.It, m.Safe, it.Points = p.Number, int32(t.N)+30, it.Points+1
			break
		}
	}
}

func (m *match) find(number int32) *player {
	if i := slices.IndexFunc(m.Players, func(p player) bool { return p.Number == number }); i >= 0 {
		return &m.Players[i]
	}
	return nil
}

func (m *match) Rows(r *game.Rows) {
	for _, p := range m.Players {
		copy(r.Put(game.All, uint32(p.Row), 0), []int32{p.Number, p.X, p.Y, m.It, p.Points})
	}
}

func (m *match) Save(b []byte) []byte {
	state, _ := json.Marshal(m)
	return append(b, state...)
}

func (m *match) Load(b []byte) error {
	*m = match{}
	return json.Unmarshal(b, m)
}
