package arena

import "github.com/overtime-server/overtime/game"

// pick gives what lies on a tile to the living player who needs it and stands there; of several the one with the lowest number.
func (m *match) pick(now uint32) {
	for i := range m.pickups {
		if p := &m.pickups[i]; p.back != 0 && now >= p.back {
			p.back = 0
		}
	}
	for i := range m.bodies {
		b := &m.bodies[i]
		if b.health <= 0 {
			continue
		}
		at := m.pickAt[b.y>>8*m.world.Width+b.x>>8]
		if at < 0 || m.pickups[at].back != 0 {
			continue
		}
		switch kind := m.world.Pickups[at].Type; {
		case kind == PickHealth && b.health < MaxHealth:
			b.health = min(MaxHealth, b.health+giveHealth)
		case kind == PickAmmo && b.ammo < MaxAmmo:
			b.ammo = min(MaxAmmo, b.ammo+giveAmmo)
		default:
			continue
		}
		m.pickups[at].back = now + m.pace.pickup
	}
}

// revive brings back the dead whose time has come and who are online.
func (m *match) revive(t *game.Tick) {
	i := 0
	for _, p := range t.Players {
		if p.Spectator {
			continue
		}
		if b := &m.bodies[i]; b.health <= 0 && p.Online && t.N >= b.respawn {
			m.spawn(t.Rand, b)
		}
		i++
	}
}

// spawn puts a body at rest on the best of a few random places.
func (m *match) spawn(rnd *game.Rand, b *body) {
	const tries = 8
	best := int32(-1)
	for range tries {
		s := m.world.Spawns[rnd.IntN(len(m.world.Spawns))]
		if worth := m.spawnWorth(b, s); worth > best {
			best, b.x, b.y = worth, s.X, s.Y
		}
	}
	b.vx, b.vy, b.health, b.ammo, b.respawn = 0, 0, MaxHealth, startAmmo, 0
	b.aim = aimOf(int16(game.Atan2(m.world.Height*Tile/2-b.y, m.world.Width*Tile/2-b.x)))
}

// spawnWorth rates a place to come back: best is one whose nearest enemy is about enough tiles away for a fair start and near
// enough to be found.
func (m *match) spawnWorth(b *body, s Spot) int32 {
	const good, unsafe = 12 * Tile, 5 * Tile
	nearest := int32(1 << 15)
	for i := range m.bodies {
		if o := &m.bodies[i]; o.health > 0 && enemies(b.number, b.team, o) {
			// The longer side of the way is near enough to its length, and cheap.
			nearest = min(nearest, max(abs(o.x-s.X), abs(o.y-s.Y)))
		}
	}
	if nearest < unsafe {
		return nearest / 8
	}
	return 1<<16 - abs(nearest-good)
}

func abs(v int32) int32 { return max(v, -v) }
