package loop

import (
	"slices"

	"github.com/overtime-server/overtime/game"
)

// Names of the kinds of row that the loop adds behind the game's own.
const (
	KindMatch = "overtime.match" // one row in All, id 0
	KindAck   = "overtime.ack"   // one row in each player's Own, of id AckID
)

// AckID is the id of the rows of KindAck.
const AckID = 0

// Kinds returns a game's field tables followed by those of the loop.
func Kinds(def game.Def) []game.Kind {
	held := func(name string) game.Field { return game.Field{Name: name, Bits: 32} }
	linear := func(name string) game.Field { return game.Field{Name: name, Bits: 32, Linear: true} }
	return append(slices.Clone(def.Kinds),
		game.Kind{Name: KindMatch, Fields: []game.Field{
			held("state"), // Phase; 3 while an operator has paused the match
			held("round"), // from 1
			held("since"), // tick in which the state began
			held("until"), // tick at which the next round starts, while ended; else 0
		}},
		game.Kind{Name: KindAck, Fields: []game.Field{
			linear("sample"),  // last sample answered
			linear("applied"), // samples applied
			held("merged"),    // samples merged into another of the same tick
			held("late"),      // samples that came too late
			held("refused"),   // samples refused: rate or buffer
			held("command"),   // last command applied
		}})
}

// Rows puts the match's public rows into r, sorted.
func (c *Core) Rows(r *game.Rows) {
	r.Reset()
	c.world.Rows(r)
	kind := uint8(len(c.def.Kinds))
	v := r.Put(game.All, 0, kind)
	v[0], v[1], v[2], v[3] = int32(c.phase), int32(c.round), int32(c.since), int32(c.until)
	if c.paused {
		v[0] = int32(paused)
	}
	for _, p := range c.players {
		if p.who.Spectator || !p.online {
			continue
		}
		v := r.Put(game.Own(p.number), AckID, kind+1)
		v[0], v[1], v[2], v[3] = int32(p.ack), int32(p.applied), int32(p.merged), int32(p.late)
		v[4], v[5] = int32(p.refused), int32(p.command)
	}
	r.Sort()
}
