package arena

import "github.com/overtime-server/overtime/game"

// fire lets a player fire what he asks for, if it is ready. Harm is noted here and done in settle.
func (m *match) fire(t *game.Tick, b *body, buttons uint16) {
	switch {
	case buttons&ButtonRocket != 0 && b.ammo > 0 && t.N >= b.rocketReady && len(m.rockets) < cap(m.rockets):
		b.ammo--
		b.rocketReady = t.N + m.pace.reload
		b.rifleReady = max(b.rifleReady, t.N+m.pace.afterRocket)
		vx, vy := heading(b.aim, m.pace.rocket)
		m.rockets = append(m.rockets, rocket{row: m.rocketID(t, b.team), by: b.number, team: b.team, x: b.x, y: b.y, vx: vx, vy: vy})
	case buttons&ButtonRifle != 0 && t.N >= b.rifleReady:
		b.rifleReady = t.N + m.pace.rifle
		b.shots = (b.shots + 1) & 255
		if hit := m.rifleHit(b); hit != nil {
			hit.hurt(rifleDamage, b.number, Rifle)
		}
	}
}

// rifleHit returns the first enemy along a player's aim whom no wall covers, or nil.
func (m *match) rifleHit(b *body) (hit *body) {
	dx, dy := heading(b.aim, RifleRange)
	way := segment{b.x, b.y, dx, dy}
	best := m.world.trace(b.x, b.y, b.x+dx, b.y+dy)
	for i := range m.bodies {
		o := &m.bodies[i]
		if o.health <= 0 || !enemies(b.number, b.team, o) {
			continue
		}
		if part, ok := way.meets(o.x, o.y, HitRadius); ok && part < best {
			best, hit = part, o
		}
	}
	return hit
}

// fly moves the rockets; those that meet a wall or an enemy explode and are gone. They keep their order.
func (m *match) fly() {
	kept := m.rockets[:0]
	for i := range m.rockets {
		r := m.rockets[i]
		part, hit := m.rocketHit(&r)
		if part == whole && hit == nil {
			r.x, r.y = r.x+r.vx, r.y+r.vy
			kept = append(kept, r)
			continue
		}
		x, y := segment{r.x, r.y, r.vx, r.vy}.along(max(0, part-whole/16)) // a little before a wall
		m.blast(&r, x, y, hit)
	}
	m.rockets = kept
}

// rocketHit returns how far a rocket comes in this tick and the enemy who stops it, if it is one.
func (m *match) rocketHit(r *rocket) (best int32, hit *body) {
	way := segment{r.x, r.y, r.vx, r.vy}
	best = m.world.trace(r.x, r.y, r.x+r.vx, r.y+r.vy)
	for i := range m.bodies {
		o := &m.bodies[i]
		if o.health <= 0 || !enemies(r.by, r.team, o) {
			continue
		}
		if part, ok := way.meets(o.x, o.y, HitRadius); ok && (part < best || best == whole && hit == nil) {
			best, hit = part, o
		}
	}
	return best, hit
}

// blast harms everybody near an explosion, the one who fired it included and his team excluded. Walls give cover.
func (m *match) blast(r *rocket, x, y int32, direct *body) {
	for i := range m.bodies {
		o := &m.bodies[i]
		if o.health <= 0 || o.number != r.by && !enemies(r.by, r.team, o) {
			continue
		}
		if o == direct {
			o.hurt(rocketDirect, r.by, Rocket)
			continue
		}
		if max(abs(o.x-x), abs(o.y-y)) >= blastRadius {
			continue
		}
		far := game.Length(o.x-x, o.y-y)
		if far < blastRadius && m.world.clear(x, y, o.x, o.y) {
			o.hurt(uint32(rocketBlast*(blastRadius-far)/blastRadius), r.by, Rocket)
		}
	}
}

// hurt notes harm done to a body in this tick.
func (b *body) hurt(harm, by, with uint32) {
	if harm == 0 {
		return
	}
	b.hits = (b.hits + 1) & 255
	b.pain += harm
	if harm > b.painMost {
		b.painMost, b.painBy, b.painWith = harm, by, with
	}
}

// settle takes the harm of this tick from everybody's health and lets those die who have none left.
func (m *match) settle(now uint32) {
	for i := range m.bodies {
		b := &m.bodies[i]
		if b.pain == 0 {
			continue
		}
		b.health -= int32(b.pain)
		if b.health <= 0 {
			m.die(b, now)
		}
		b.pain, b.painBy, b.painWith, b.painMost = 0, 0, 0, 0
	}
}

// die ends a body's life and gives the point for it to whoever did the most harm in its last tick.
func (m *match) die(b *body, now uint32) {
	b.health, b.vx, b.vy, b.respawn = 0, 0, 0, now+m.pace.respawn
	b.deaths++
	b.by, b.with = b.painBy, b.painWith
	killer, point := m.find(b.by), int32(1)
	if b.by == b.number {
		point = -1
	}
	if killer != nil {
		killer.score += point
		if killer.team != 0 {
			m.teams[killer.team-1] += point
		}
	}
}
