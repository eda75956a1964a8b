package arena

import "github.com/overtime-server/overtime/game"

// The fog of war. A body or rocket of the enemy's is in a team's channel only while somebody of the team sees it, and for SightMS
// after that. Nothing else may tell where the enemy is or what he does there, so in fog
//
//   - pickups are in the channels of the teams, each of which shows what its team knows of them;
//   - an enemy's counters of shots and hits stand still for those who do not see him;
//   - ids of rockets are counted in each channel by itself, so that they do not count the enemy's hidden ones.

// eye is where somebody looks from.
type eye struct{ x, y int32 }

// side returns the index of a team in pairs of red and blue, and other the enemy's.
func side(team uint32) int  { return int(team - 1) }
func other(team uint32) int { return int(2 - team) }

// watch finds out what the teams see, and notes what they learn. It comes last in a tick: what it finds is what Rows shows.
func (m *match) watch(now uint32) {
	m.eyes[0], m.eyes[1] = m.eyes[0][:0], m.eyes[1][:0]
	for i := range m.bodies {
		if b := &m.bodies[i]; b.health > 0 {
			m.eyes[side(b.team)] = append(m.eyes[side(b.team)], eye{b.x, b.y})
		}
	}
	for i := range m.bodies {
		m.watchBody(&m.bodies[i])
	}
	for i := range m.rockets {
		r := &m.rockets[i]
		r.seen = m.keep(r.seen, m.seesPoint(other(r.team), r.x, r.y))
		if r.seen > 0 && r.seenAs == 0 {
			r.seenAs = m.nextID(other(r.team))
		}
	}
	for i := range m.pickups {
		m.watchPickup(i, now)
	}
}

// keep returns for how many ticks a row stays in sight.
func (m *match) keep(left uint32, seen bool) uint32 {
	switch {
	case seen:
		return m.pace.sight
	case left > 0:
		return left - 1
	}
	return 0
}

func (m *match) watchBody(b *body) {
	if b.health <= 0 {
		b.seen = 0
	} else {
		b.seen = m.keep(b.seen, m.seesBody(other(b.team), b.x, b.y))
	}
	if b.seen > 0 {
		b.seenShots = (b.seenShots + b.shots - b.wasShots) & 255
		b.seenHits = (b.seenHits + b.hits - b.wasHits) & 255
	}
	b.wasShots, b.wasHits = b.shots, b.hits
}

// watchPickup notes what those who see a pickup learn. Those who do not take it for gone as long as it may be after they saw that
// it was: that it came back earlier would tell them when it was taken.
func (m *match) watchPickup(i int, now uint32) {
	p, spot := &m.pickups[i], &m.world.Pickups[i]
	for k := range p.gone {
		switch {
		case !m.seesPoint(k, spot.X, spot.Y):
			if p.gone[k] <= now {
				p.gone[k] = 0
			}
		case p.back == 0:
			p.gone[k] = 0
		default:
			p.gone[k] = now + m.pace.pickup
		}
	}
}

// seesPoint reports whether a side sees a place.
func (m *match) seesPoint(side int, x, y int32) bool {
	for _, e := range m.eyes[side] {
		if inSight(x-e.x, y-e.y) && m.world.clear(e.x, e.y, x, y) {
			return true
		}
	}
	return false
}

// seesBody reports whether a side sees a body: its middle, or one of the two corners that reach furthest out of a cover.
func (m *match) seesBody(side int, x, y int32) bool {
	const r = BodyRadius - 2 // a little less, since one may touch a wall
	for _, e := range m.eyes[side] {
		dx, dy := x-e.x, y-e.y
		if !inSight(dx, dy) {
			continue
		}
		sx, sy := int32(r), int32(r)
		if (dx > 0) == (dy > 0) {
			sx = -sx
		}
		if m.world.clear(e.x, e.y, x, y) || m.world.clear(e.x, e.y, x+sx, y+sy) || m.world.clear(e.x, e.y, x-sx, y-sy) {
			return true
		}
	}
	return false
}

func inSight(dx, dy int32) bool {
	return int64(dx)*int64(dx)+int64(dy)*int64(dy) <= SightRange*SightRange
}

// fogRocket is where the ids of rockets in a team's channel begin: far above what the ids of bodies and pickups ever reach.
const fogRocket = 1 << 27

// nextID returns an id for a rocket in the channel of a side.
func (m *match) nextID(side int) uint32 {
	m.ids[side]++
	return fogRocket | m.ids[side]&(fogRocket-1)
}

// rocketID returns the id of a rocket that a team fires.
func (m *match) rocketID(t *game.Tick, team uint32) uint32 {
	if m.settings.Fog {
		return m.nextID(side(team))
	}
	return t.NewID()
}

// fogged puts the scores for everybody, and for each team what it sees.
func (m *match) fogged(r *game.Rows) {
	for i := range m.bodies {
		m.bodies[i].scoreLine(r)
	}
	for team := uint32(1); team <= 2; team++ {
		c := game.Team(team)
		for i := range m.pickups {
			p := &m.pickups[i]
			m.pickupRow(r.Put(c, p.row, KindPickup), i, p.gone[side(team)] == 0)
		}
		for i := range m.bodies {
			switch b := &m.bodies[i]; {
			case b.health <= 0:
			case b.team == team:
				b.bodyRow(r.Put(c, b.row, KindBody))
			case b.seen > 0:
				v := r.Put(c, b.row, KindBody)
				b.bodyRow(v)
				v[BodyShots], v[BodyHits] = int32(b.seenShots), int32(b.seenHits)
			}
		}
		for i := range m.rockets {
			switch k := &m.rockets[i]; {
			case k.team == team:
				k.rocketRow(r.Put(c, k.row, KindRocket))
			case k.seen > 0:
				k.rocketRow(r.Put(c, k.seenAs, KindRocket))
			}
		}
	}
}
