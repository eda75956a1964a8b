package cluster

import (
	"encoding/binary"
	"errors"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/tag"
)

// updatedTag returns tag under one of three versions of its rules, for updates of a cluster: all echo commands and count them as scores. From
// version 2 on the number of steps is kept in front of the state and has a row of its own. Each version loads the one before.
func updatedTag(version uint32) game.Def {
	def := tag.Game()
	inner := def.New
	def.Version = version
	if version > 1 {
		def.Loads = []uint32{version - 1}
		def.Kinds = append(def.Kinds, game.Kind{Name: "age", Fields: []game.Field{{Name: "steps", Bits: 32}}})
	}
	def.New = func(s game.Setup) (game.Match, error) {
		m, err := inner(s)
		u := &updated{Match: m, version: version, saved: version, heard: map[uint32]uint32{}}
		if s.Saved != 0 {
			u.saved = s.Saved
		}
		return u, err
	}
	return def
}

type updated struct {
	game.Match
	version, saved uint32 // of the rules, and of those whose state is loaded

	steps   uint32
	players []uint32 // ascending, of all who ever gave a command
	heard   map[uint32]uint32
}

func (m *updated) Step(t *game.Tick) {
	m.Match.Step(t)
	m.steps++
	for _, e := range t.Events {
		if e.Kind != game.EventCommand {
			continue
		}
		if m.heard[e.Player]++; m.heard[e.Player] == 1 {
			m.players = append(m.players, e.Player)
		}
		t.Send(game.Own(e.Player), e.Data)
	}
}

func (m *updated) Rows(r *game.Rows) {
	m.Match.Rows(r)
	if m.version > 1 {
		r.Put(game.All, 1<<20, 1)[0] = int32(m.steps)
	}
}

func (m *updated) Scores(list []game.Score) []game.Score {
	for _, p := range m.players {
		list = append(list, game.Score{Player: p, Points: int32(m.heard[p])})
	}
	return list
}

func (m *updated) Save(b []byte) []byte {
	le := binary.LittleEndian
	if m.version > 1 {
		b = le.AppendUint32(b, m.steps)
	}
	b = le.AppendUint32(b, uint32(len(m.players)))
	for _, p := range m.players {
		b = le.AppendUint32(le.AppendUint32(b, p), m.heard[p])
	}
	return m.Match.Save(b)
}

func (m *updated) Load(b []byte) error {
	bad := false
	next := func() uint32 {
		if bad = bad || len(b) < 4; bad {
			return 0
		}
		v := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return v
	}
	m.steps, m.players, m.heard = 0, nil, map[uint32]uint32{}
	if m.saved > 1 {
		m.steps = next()
	}
	for n := next(); n > 0 && !bad; n-- {
		p := next()
		m.players = append(m.players, p)
		m.heard[p] = next()
	}
	if bad {
		return errors.New("updated tag: cut off")
	}
	return m.Match.Load(b)
}
