package arena

import "github.com/overtime-server/overtime/game"

// Rows implements game.Match. It puts rows nearly in the order that they are sorted into, which makes sorting cheap.
func (m *match) Rows(r *game.Rows) {
	if m.row == 0 {
		return // before the first tick
	}
	m.matchRow(r.Put(game.All, m.row, KindMatch))
	if m.settings.Fog {
		m.fogged(r)
	} else {
		m.open(r)
	}
	for i := range m.bodies {
		m.bodies[i].own(r)
	}
}

// open puts what everybody sees where there is no fog.
func (m *match) open(r *game.Rows) {
	for i := range m.pickups {
		p := &m.pickups[i]
		m.pickupRow(r.Put(game.All, p.row, KindPickup), i, p.back == 0)
	}
	for i := range m.bodies {
		b := &m.bodies[i]
		if b.health > 0 {
			b.bodyRow(r.Put(game.All, b.row, KindBody))
		}
		b.scoreLine(r)
	}
	for i := range m.rockets {
		k := &m.rockets[i]
		k.rocketRow(r.Put(game.All, k.row, KindRocket))
	}
}

func (m *match) matchRow(v []int32) {
	if m.settings.Mode == "teams" {
		v[MatchMode] = 1
	}
	v[MatchEnd], v[MatchLimit], v[MatchWinner] = int32(m.end), int32(*m.settings.ScoreLimit), int32(m.winner)
	v[MatchRed], v[MatchBlue] = int32(int16(m.teams[0])), int32(int16(m.teams[1]))
	if m.settings.Fog {
		v[MatchSight] = SightRange
	}
}

func (m *match) pickupRow(v []int32, i int, up bool) {
	spot := &m.world.Pickups[i]
	v[PickupX], v[PickupY], v[PickupType] = spot.X, spot.Y, spot.Type
	if up {
		v[PickupUp] = 1
	}
}

func (b *body) bodyRow(v []int32) {
	v[BodyX], v[BodyY], v[BodyAim], v[BodyHealth] = b.x, b.y, b.aim, b.health
	v[BodyTeam], v[BodyShots], v[BodyHits] = int32(b.team), int32(b.shots), int32(b.hits)
}

func (k *rocket) rocketRow(v []int32) { v[RocketX], v[RocketY], v[RocketBy] = k.x, k.y, int32(k.by) }

// scoreLine puts a player's score, which everybody sees, in fog too: it says nothing of where he is.
func (b *body) scoreLine(r *game.Rows) {
	v := r.Put(game.All, b.scoreRow, KindScore)
	v[ScorePlayer], v[ScoreBody], v[ScoreTeam] = int32(b.number), int32(b.row), int32(b.team)
	v[ScorePoints], v[ScoreDeaths] = int32(int16(b.score)), int32(uint16(b.deaths))
	v[ScoreBy], v[ScoreWith] = int32(b.by), int32(b.with)
}

// own puts what only the player himself sees.
func (b *body) own(r *game.Rows) {
	v := r.Put(game.Own(b.number), b.selfRow, KindSelf)
	v[SelfBody], v[SelfAmmo] = int32(b.row), int32(b.ammo)
	v[SelfReady], v[SelfRespawn] = int32(b.rocketReady), int32(b.respawn)
}
