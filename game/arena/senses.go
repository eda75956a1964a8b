package arena

import "github.com/overtime-server/overtime/game"

// senses is what a brain reads from its view.
type senses struct {
	alive, reborn bool // it has a body; it had none at the last look
	self          sight
	me            own
	tick          uint32  // of the last look
	bodies, was   []sight // all living bodies now, and at the look before, ascending by row
	pickups       []sightPickup
	fog           bool   // it sees only what its team sees
	lost          ghosts // enemies gone out of sight, in fog

	// The functions handed to View.Each, made once since making them allocates.
	onBody, onSelf, onPickup, onMatch func(id uint32, row []int32)
}

// sight is one body as it was seen.
type sight struct {
	row         uint32
	x, y        int32
	vx, vy      int32 // mean velocity since the last look
	aim, health int32
	team        int32
	square      int64 // of its distance, see choose
	far         int32 // its distance, of the nearest ones only
}

// own is the brain's own row.
type own struct {
	body  uint32
	ammo  int32
	ready uint32
}

type sightPickup struct{ x, y, kind int32 }

func (s *senses) init() {
	s.onBody = func(id uint32, row []int32) {
		s.bodies = append(s.bodies, sight{
			row: id, x: row[BodyX], y: row[BodyY], aim: row[BodyAim], health: row[BodyHealth], team: row[BodyTeam],
		})
	}
	s.onSelf = func(_ uint32, row []int32) {
		s.me = own{body: uint32(row[SelfBody]), ammo: row[SelfAmmo], ready: uint32(row[SelfReady])}
	}
	s.onMatch = func(_ uint32, row []int32) { s.fog = row[MatchSight] != 0 }
	s.onPickup = func(_ uint32, row []int32) {
		if row[PickupUp] != 0 {
			s.pickups = append(s.pickups, sightPickup{row[PickupX], row[PickupY], row[PickupType]})
		}
	}
}

// look reads the view and works out velocities from what was seen before.
func (s *senses) look(v game.View) {
	ticks := int32(v.Tick() - s.tick)
	s.tick = v.Tick()
	s.me = own{}
	v.Each(KindSelf, s.onSelf)
	s.bodies, s.was = s.was[:0], s.bodies
	v.Each(KindBody, s.onBody)
	before := s.alive
	s.alive = false
	old := s.was
	for i := range s.bodies {
		b := &s.bodies[i]
		for len(old) > 0 && old[0].row < b.row {
			old = old[1:]
		}
		if len(old) > 0 && old[0].row == b.row && ticks > 0 && ticks < 64 {
			b.vx, b.vy = round(b.x-old[0].x, ticks), round(b.y-old[0].y, ticks)
			if abs(b.vx) > maxStep || abs(b.vy) > maxStep {
				b.vx, b.vy = 0, 0 // it came back elsewhere
			}
		}
		if b.row == s.me.body {
			s.self, s.alive = *b, true
		}
	}
	s.reborn = s.alive && !before
	if s.reborn {
		v.Each(KindMatch, s.onMatch)
	}
	if s.alive && (s.self.health < 60 || s.me.ammo == 0) {
		s.pickups = s.pickups[:0]
		v.Each(KindPickup, s.onPickup)
	}
}

// nearestPickup returns the nearest one of a kind that is there, within a distance along the axes.
func (s *senses) nearestPickup(kind, within int32) (x, y int32, ok bool) {
	for _, p := range s.pickups {
		if far := max(abs(p.x-s.self.x), abs(p.y-s.self.y)); p.kind == kind && far < within {
			x, y, within, ok = p.x, p.y, far, true
		}
	}
	return x, y, ok
}
