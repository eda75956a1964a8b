package delta

import (
	"fmt"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// crowd is a synthetic world for measurements: three quarters of its actors walk about in a square of 200 m with positions
// in cm, run, stop, turn and get hurt at random like players at 30 Hz; they shoot bolts that fly straight.
type crowd struct {
	r       *game.Rand
	actors  []actor
	bolts   []bolt
	walkers int
	nextID  uint32
}

type actor struct {
	x, y, vx, vy      int32 // cm, 1/256 cm a tick
	fx, fy            int32 // 1/256 cm
	aim               game.Angle
	spin, dir         int32
	moving            bool
	hp, weapon, flags int32
}

type bolt struct {
	id               uint32
	x, y, vx, vy, ty int32
	life             int
}

var crowdKinds = []game.Kind{
	{Name: "actor", Fields: []game.Field{
		{Name: "x", Bits: 16, Linear: true, Jump: 200}, {Name: "y", Bits: 16, Linear: true, Jump: 200},
		{Name: "aim", Bits: 10, Wrap: true}, {Name: "hp", Bits: 8}, {Name: "weapon", Bits: 3}, {Name: "flags", Bits: 8},
	}},
	{Name: "bolt", Fields: []game.Field{
		{Name: "x", Bits: 16, Linear: true}, {Name: "y", Bits: 16, Linear: true}, {Name: "type", Bits: 3},
	}},
}

func newCrowd(n int) *crowd {
	c := &crowd{r: game.NewRand(1), nextID: 1000, walkers: n * 3 / 4}
	for range c.walkers {
		c.actors = append(c.actors, actor{x: int32(c.r.IntN(20000)), y: int32(c.r.IntN(20000)), aim: game.Angle(c.r.Uint64()), hp: 100, moving: c.r.Chance(7, 10)})
	}
	return c
}

func (c *crowd) step() {
	for i := range c.actors {
		c.stepActor(&c.actors[i])
	}
	kept := c.bolts[:0]
	for _, b := range c.bolts {
		b.x, b.y, b.life = b.x+b.vx, b.y+b.vy, b.life-1
		if b.life > 0 && b.x > 0 && b.y > 0 && b.x < 20000 && b.y < 20000 {
			kept = append(kept, b)
		} else if c.r.Chance(4, 10) {
			c.actors[c.r.IntN(len(c.actors))].hp -= 8
		}
	}
	c.bolts = kept
}

func (c *crowd) stepActor(a *actor) {
	if c.r.Chance(1, 45) {
		a.moving, a.dir = !a.moving, int32(c.r.IntN(8))*8192
	}
	if c.r.Chance(1, 15) {
		if a.spin = 0; c.r.Chance(4, 10) {
			a.spin = int32(c.r.Range(-1000, 1000))
		}
	}
	if a.spin != 0 {
		a.spin += int32(c.r.Range(-160, 160))
		a.aim += game.Angle(a.spin)
	}
	var tx, ty int32
	if a.moving {
		to := a.aim + game.Angle(a.dir)
		tx, ty = game.Cos(to)*20/256, game.Sin(to)*20/256
	}
	a.vx += (tx - a.vx) * 90 / 256
	a.vy += (ty - a.vy) * 90 / 256
	a.fx, a.fy = a.fx+a.vx, a.fy+a.vy
	a.x, a.y = game.Clamp(a.x+a.fx>>8, 0, 20000), game.Clamp(a.y+a.fy>>8, 0, 20000)
	a.fx, a.fy = a.fx&255, a.fy&255
	if a.flags = 0; a.moving {
		a.flags = 1
	}
	if c.r.Chance(1, 100) {
		c.nextID++
		c.bolts = append(c.bolts, bolt{id: c.nextID, x: a.x, y: a.y, vx: game.Cos(a.aim) / 491, vy: game.Sin(a.aim) / 491, ty: a.weapon, life: 30})
	}
	if c.r.Chance(1, 240) {
		a.weapon = int32(c.r.IntN(5))
	}
	if a.hp <= 0 {
		a.hp, a.x, a.y = 100, int32(c.r.IntN(20000)), int32(c.r.IntN(20000))
	}
}

func (c *crowd) rows(r *game.Rows) {
	r.Reset()
	for i, a := range c.actors {
		copy(r.Put(game.All, uint32(i+1), 0), []int32{a.x, a.y, int32(a.aim >> 6), a.hp, a.weapon, a.flags})
	}
	for _, b := range c.bolts {
		copy(r.Put(game.All, b.id, 1), []int32{b.x, b.y, b.ty})
	}
	r.Sort()
}

// crowdFrames returns the messages of some seconds of a crowd: a keyframe, then deltas.
func crowdFrames(n, frames int) (msgs [][]byte) {
	tables := mustTables(crowdKinds)
	c, rows, ring := newCrowd(n), game.NewRows(crowdKinds), NewRing(tables, game.All, 4)
	var enc Encoder
	for f := range uint32(frames) {
		c.step()
		c.rows(rows)
		base := ring.Last()
		now := ring.Add(f+1, f+1, rows.All(), rows)
		msgs = append(msgs, append([]byte(nil), enc.Encode(base, now, Options{FullHash: f%30 == 0})...))
	}
	return msgs
}

var crowdSizes = []int{16, 64, 200}

// BenchmarkBuildEncode measures a frame on the server, from the game's rows to the message.
func BenchmarkBuildEncode(b *testing.B) {
	for _, n := range crowdSizes {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			c := newCrowd(n)
			worlds := make([]*game.Rows, 128) // back and forth, so that a wrap is no jump
			for i := range worlds {
				worlds[i] = game.NewRows(crowdKinds)
				c.step()
				c.rows(worlds[i])
			}
			ring := NewRing(mustTables(crowdKinds), game.All, 8)
			var enc Encoder
			total, f := 0, uint32(0)
			b.ReportAllocs()
			for b.Loop() {
				i := int(f % 256)
				w := worlds[min(i, 255-i)]
				f++
				base := ring.Last()
				total += len(enc.Encode(base, ring.Add(f, f, w.All(), w), Options{}))
			}
			b.ReportMetric(float64(total)/float64(b.N), "B/frame")
		})
	}
}

// BenchmarkApply measures a frame at the receiver, from the message to the state with its hash checked.
func BenchmarkApply(b *testing.B) {
	for _, n := range crowdSizes {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			msgs := crowdFrames(n, 300)
			roots := make([]wire.ServerMessage, len(msgs))
			total := 0
			for i, m := range msgs {
				var err error
				if roots[i], err = schema.VerifyServer(m); err != nil {
					b.Fatal(err)
				}
				if i > 0 {
					total += len(m)
				}
			}
			s := mustState(crowdKinds, 1)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Apply(&roots[i]); err != nil {
					b.Fatal(err)
				}
				i = (i + 1) % len(roots)
			}
			b.ReportMetric(float64(total)/float64(len(msgs)-1), "B/frame")
			b.ReportMetric(float64(len(msgs[0])), "B/keyframe")
		})
	}
}

// In steady state neither side allocates.
func TestNoAllocation(t *testing.T) {
	c, rows, ring := newCrowd(64), game.NewRows(crowdKinds), NewRing(mustTables(crowdKinds), game.All, 8)
	for range 100 {
		c.step()
	}
	s := mustState(crowdKinds, 1)
	var enc Encoder
	sum := int32(0)
	f := uint32(0)
	count := func(_ uint32, row []int32) { sum += row[0] }
	run := func() {
		f++
		c.step()
		c.rows(rows)
		now := ring.Add(f, f, rows.All(), rows)
		base := now
		switch {
		case f%64 == 1:
			base = nil
		case f > 4:
			base = ring.At(f - 1)
			enc.Encode(ring.At(f-3), now, Options{}) // catch-up of another receiver
		default:
			base = ring.At(f - 1)
		}
		m, err := schema.VerifyServer(enc.Encode(base, now, Options{FullHash: true}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apply(&m); err != nil {
			t.Fatal(err)
		}
		s.Each(0, count)
	}
	for range 300 {
		run()
	}
	if n := testing.AllocsPerRun(300, run); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
