package tag

import "github.com/overtime-server/overtime/game"

// brain plays tag: who is it runs after the nearest player, the others run away from him.
type brain struct {
	rand game.Rand
	hold int        // thoughts for which the direction is kept
	axes [2]int16   // the direction
	seen []sighting // kept for its memory
}

type sighting struct {
	number uint32
	x, y   int32
	it     bool
}

func newBrain(s game.BrainSetup) game.Brain { return &brain{rand: *game.NewRand(s.Seed)} }

// Think implements game.Brain.
func (b *brain) Think(v game.View, me uint32) (in game.Input) {
	if b.hold--; b.hold < 0 {
		b.hold = b.rand.Range(4, 8)
		b.decide(v, me)
	}
	in.Axes[0], in.Axes[1] = b.axes[0], b.axes[1]
	return in
}

func (b *brain) decide(v game.View, me uint32) {
	b.seen = b.seen[:0]
	var self sighting
	v.Each(0, func(_ uint32, row []int32) {
		s := sighting{uint32(row[0]), row[1], row[2], uint32(row[3]) == uint32(row[0])}
		if s.number == me {
			self = s
		} else {
			b.seen = append(b.seen, s)
		}
	})
	way := game.Angle(b.rand.IntN(1 << 16))
	best := int32(side)
	for _, s := range b.seen {
		far := game.Length(s.x-self.x, s.y-self.y)
		switch {
		case self.it && far < best:
			best, way = far, game.Atan2(s.y-self.y, s.x-self.x)
		case s.it && far < side/4:
			way = game.Atan2(self.y-s.y, self.x-s.x) + game.Angle(b.rand.Range(-8192, 8192))
		}
	}
	b.axes = [2]int16{int16(game.Clamp(game.Cos(way)>>1, -32767, 32767)), int16(game.Clamp(game.Sin(way)>>1, -32767, 32767))}
}
