package arena

import (
	"encoding/binary"
	"errors"
)

var errSaved = errors.New("arena: not a saved match")

// codec writes or reads little-endian integers; one list of fields serves both ways, so they cannot differ.
type codec struct {
	b    []byte // saving: what has been written; loading: what is left
	load bool
	bad  bool // loading: there was not enough, or a value that cannot be
}

func (c *codec) u32(v *uint32) {
	switch {
	case !c.load:
		c.b = binary.LittleEndian.AppendUint32(c.b, *v)
	case len(c.b) < 4:
		c.bad = true
	default:
		*v, c.b = binary.LittleEndian.Uint32(c.b), c.b[4:]
	}
}

func (c *codec) i32(v *int32) {
	u := uint32(*v)
	c.u32(&u)
	*v = int32(u)
}

func (c *codec) u16(v *uint32) {
	switch {
	case !c.load:
		c.b = binary.LittleEndian.AppendUint16(c.b, uint16(*v))
	case len(c.b) < 2:
		c.bad = true
	default:
		*v, c.b = uint32(binary.LittleEndian.Uint16(c.b)), c.b[2:]
	}
}

func (c *codec) i16(v *int32) {
	u := uint32(*v)
	c.u16(&u)
	*v = int32(int16(u))
}

// size codes the length of a list of at most limit entries.
func (c *codec) size(n, limit int) int {
	u := uint32(n)
	c.u16(&u)
	if c.bad || int(u) > limit {
		c.bad = true
		return 0
	}
	return int(u)
}

// Save implements game.Match.
func (m *match) Save(b []byte) []byte {
	c := codec{b: b}
	m.fields(&c)
	return c.b
}

// Load implements game.Match. After an error the match is of no use.
func (m *match) Load(b []byte) error {
	c := codec{b: b, load: true}
	m.fields(&c)
	if c.bad || len(c.b) != 0 || !m.valid() {
		return errSaved
	}
	return nil
}

// fields lists the state of a match. Lists longer than their memory are not saved states: see fire and seat.
func (m *match) fields(c *codec) {
	over := uint32(0)
	if m.over {
		over = 1
	}
	c.u32(&m.row)
	c.u32(&m.end)
	c.u16(&over)
	m.over = over == 1
	c.bad = c.bad || over > 1
	c.u32(&m.winner)
	c.i32(&m.teams[0])
	c.i32(&m.teams[1])
	for i := range m.pickups {
		c.u32(&m.pickups[i].row)
		c.u32(&m.pickups[i].back)
	}
	m.bodies = resize(m.bodies, c.size(len(m.bodies), 1<<12))
	for i := range m.bodies {
		if c.load {
			m.bodies[i] = body{}
		}
		m.bodies[i].fields(c)
	}
	m.rockets = resize(m.rockets, c.size(len(m.rockets), cap(m.rockets)))
	for i := range m.rockets {
		if c.load {
			m.rockets[i] = rocket{}
		}
		m.rockets[i].fields(c)
	}
	if m.settings.Fog {
		m.fogFields(c)
	}
}

// fogFields lists what only a match with fog has.
func (m *match) fogFields(c *codec) {
	c.u32(&m.ids[0])
	c.u32(&m.ids[1])
	for i := range m.pickups {
		c.u32(&m.pickups[i].gone[0])
		c.u32(&m.pickups[i].gone[1])
	}
	for i := range m.bodies {
		b := &m.bodies[i]
		for _, v := range [...]*uint32{&b.seen, &b.seenShots, &b.seenHits, &b.wasShots, &b.wasHits} {
			c.u16(v)
		}
	}
	for i := range m.rockets {
		c.u16(&m.rockets[i].seen)
		c.u32(&m.rockets[i].seenAs)
	}
}

// resize returns s with n entries; those that are new are zero.
func resize[T any](s []T, n int) []T {
	for len(s) < n {
		var zero T
		s = append(s, zero)
	}
	return s[:n]
}

func (b *body) fields(c *codec) {
	for _, v := range [...]*uint32{&b.number, &b.row, &b.scoreRow, &b.selfRow, &b.rifleReady, &b.rocketReady, &b.respawn, &b.by} {
		c.u32(v)
	}
	for _, v := range [...]*uint32{&b.team, &b.shots, &b.hits, &b.ammo, &b.with} {
		c.u16(v)
	}
	for _, v := range [...]*int32{&b.x, &b.y, &b.vx, &b.vy, &b.aim, &b.health} {
		c.i16(v)
	}
	c.i32(&b.score)
	c.u32(&b.deaths)
}

func (r *rocket) fields(c *codec) {
	c.u32(&r.row)
	c.u32(&r.by)
	c.u16(&r.team)
	c.i16(&r.x)
	c.i16(&r.y)
	c.i16(&r.vx)
	c.i16(&r.vy)
}

// valid reports whether a loaded state is one that the rules could have made, as far as they rely on it.
func (m *match) valid() bool {
	last := uint32(0)
	for i := range m.bodies {
		b := &m.bodies[i]
		if b.number <= last || b.team > 2 || b.with > 2 || b.shots > 255 || b.hits > 255 || b.ammo > MaxAmmo ||
			b.aim != wrapAim(b.aim) || b.health < 0 || b.health > MaxHealth || abs(b.vx) > maxStep+1 || abs(b.vy) > maxStep+1 {
			return false
		}
		if b.health > 0 && !m.world.free(b.x, b.y) {
			return false
		}
		if m.settings.Fog && (b.team == 0 || b.seen > m.pace.sight || b.seenShots|b.seenHits|b.wasShots|b.wasHits > 255) {
			return false
		}
		last = b.number
	}
	for i := range m.rockets {
		r := &m.rockets[i]
		if m.settings.Fog && (r.team == 0 || r.seen > m.pace.sight) {
			return false
		}
		if r.team > 2 || abs(r.vx) > m.pace.rocket || abs(r.vy) > m.pace.rocket || m.world.wall(r.x>>8, r.y>>8) {
			return false
		}
	}
	return true
}
