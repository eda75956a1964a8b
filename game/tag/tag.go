// Package tag is a whole game in one file: players run about, one of them is it, and a touch passes it on for a point.
package tag

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/overtime-server/overtime/game"
)

const side, speed, reach = 4095, 24, 128 // of the field, of a player per tick, of his arm: all in position units

type player struct{ Number, Row, X, Y, Points int32 }

type match struct {
	it, safe int32 // number of the player who is it; tick up to which he passes it to nobody
	players  []player
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
	old := match{players: m.players}
	m.players = nil
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
		m.players = append(m.players, *p)
	}
	it := m.find(m.it)
	for _, p := range m.players {
		if it == nil { // nobody is it, or he left
			m.it = p.Number
			break
		} else if p.Number != m.it && int32(t.N) > m.safe && game.Length(p.X-it.X, p.Y-it.Y) < reach {
			m.it, m.safe, it.Points = p.Number, int32(t.N)+30, it.Points+1
			break
		}
	}
}

func (m *match) find(number int32) *player {
	if i := slices.IndexFunc(m.players, func(p player) bool { return p.Number == number }); i >= 0 {
		return &m.players[i]
	}
	return nil
}

func (m *match) Rows(r *game.Rows) {
	for _, p := range m.players {
		copy(r.Put(game.All, uint32(p.Row), 0), []int32{p.Number, p.X, p.Y, m.it, p.Points})
	}
}

func (m *match) Save(b []byte) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, []int32{m.it, m.safe, int32(len(m.players))})
	b, _ = binary.Append(b, binary.LittleEndian, m.players)
	return b
}

func (m *match) Load(b []byte) error {
	var head [3]int32
	n, err := binary.Decode(b, binary.LittleEndian, head[:])
	if err != nil || len(b) != n+20*int(head[2]) {
		return errors.New("tag: not a saved match")
	}
	m.it, m.safe, m.players = head[0], head[1], make([]player, head[2])
	_, err = binary.Decode(b[n:], binary.LittleEndian, m.players)
	return err
}
