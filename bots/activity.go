package bots

import (
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
)

// activity measures how much is going on in a match from the state of one client. It knows no game, only names of fields: what
// has x, y and aim is a body; shots counts its shots; what has x, y and by is a shot under way. Used by one goroutine.
type activity struct {
	kinds []bodyKind
	shots []uint8 // kinds of shots under way
	was   map[uint32]body
	flies map[uint32]bool
	now   map[uint32]body
	fly   map[uint32]bool
	sum   sums
}

// bodyKind is where the fields of a kind of body are; -1: absent.
type bodyKind struct {
	kind             uint8
	x, y, aim, shots int
	shotMask         uint32
}

type body struct{ x, y, aim, shots int32 }

// sums are totals over state frames.
type sums struct{ bodies, moving, turning, shots uint64 }

func newActivity(kinds []schema.Kind) *activity {
	a := &activity{was: map[uint32]body{}, now: map[uint32]body{}, flies: map[uint32]bool{}, fly: map[uint32]bool{}}
	for i, k := range kinds {
		at := func(name string) int {
			return slices.IndexFunc(k.Fields, func(f schema.Field) bool { return f.Name == name })
		}
		x, y, aim, shots := at("x"), at("y"), at("aim"), at("shots")
		switch {
		case x < 0 || y < 0:
		case at("by") >= 0:
			a.shots = append(a.shots, uint8(i))
		case aim >= 0 || k.Fields[x].Linear:
			b := bodyKind{kind: uint8(i), x: x, y: y, aim: aim, shots: shots}
			if shots >= 0 {
				b.shotMask = uint32(1<<k.Fields[shots].Bits - 1)
			}
			a.kinds = append(a.kinds, b)
		}
	}
	return a
}

// frame looks at the state after a state frame.
func (a *activity) frame(v game.View) {
	clear(a.now)
	for _, k := range a.kinds {
		v.Each(k.kind, func(id uint32, row []int32) {
			b := body{x: row[k.x], y: row[k.y]}
			if k.aim >= 0 {
				b.aim = row[k.aim]
			}
			if k.shots >= 0 {
				b.shots = row[k.shots]
			}
			a.now[id] = b
			if was, ok := a.was[id]; ok {
				a.compare(was, b, k.shotMask)
			}
		})
	}
	a.was, a.now = a.now, a.was
	clear(a.fly)
	for _, k := range a.shots {
		v.Each(k, func(id uint32, _ []int32) {
			a.fly[id] = true
			if !a.flies[id] {
				a.sum.shots++
			}
		})
	}
	a.flies, a.fly = a.fly, a.flies
}

func (a *activity) compare(was, now body, shotMask uint32) {
	a.sum.bodies++
	if was.x != now.x || was.y != now.y {
		a.sum.moving++
	}
	if was.aim != now.aim {
		a.sum.turning++
	}
	a.sum.shots += uint64(uint32(now.shots-was.shots) & shotMask)
}
