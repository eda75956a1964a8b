package arena

import (
	"slices"

	"github.com/overtime-server/overtime/game"
)

// match implements game.Match. All of it belongs to the goroutine that owns the match.
type match struct {
	// Given by the setup.
	world    *Map
	pace     pace
	settings Settings
	length   uint32  // ticks of the round
	pickAt   []int16 // per tile: index into pickups, or -1

	// State that is saved.
	row     uint32 // id of the match row, 0 before the first tick
	end     uint32 // tick at which time is up
	over    bool
	winner  uint32
	teams   [2]int32 // score of red and blue
	pickups []pickup
	bodies  []body // one per seated player, ascending by number
	rockets []rocket
	ids     [2]uint32 // in fog: ids of rockets given in the channels of red and blue

	spare []body   // memory that is kept for seat
	eyes  [2][]eye // and for watch
}

// body is one player: what he is, and where while he lives.
type body struct {
	number, team            uint32
	row, scoreRow, selfRow  uint32 // ids
	x, y, vx, vy, aim       int32
	health                  int32 // 0: dead
	shots, hits, ammo       uint32
	rifleReady, rocketReady uint32 // ticks from which they may be fired
	respawn                 uint32 // tick at which he comes back
	score                   int32
	deaths, by, with        uint32
	pain, painBy, painWith  uint32 // harm of this tick and who did the most of it; 0 between ticks, so not saved
	painMost                uint32

	// In fog; see watch.
	seen                uint32 // ticks for which the enemy still gets his row, 0: it is hidden
	seenShots, seenHits uint32 // shots and hits as the enemy counts them
	wasShots, wasHits   uint32 // at the last tick
}

// rocket is one rocket in flight. It flies on when its owner has died or left.
type rocket struct {
	row, by, team uint32
	x, y, vx, vy  int32

	// In fog: row is its id in its team's channel.
	seen   uint32 // as in body
	seenAs uint32 // its id in the enemy's channel, 0 until he sees it
}

// pickup is one place of Map.Pickups.
type pickup struct {
	row  uint32
	back uint32 // tick at which it is there again, 0 while it is there

	gone [2]uint32 // in fog: tick until which red and blue take it for gone, 0 while they take it to be there
}

// newMatch implements Def.New.
func newMatch(s game.Setup) (game.Match, error) {
	settings, err := parseSettings(s.Settings)
	if err != nil {
		return nil, err
	}
	if s.Static == nil {
		s.Static = staticMap(s)
	}
	world, err := ParseMap(s.Static)
	if err != nil {
		return nil, err
	}
	m := &match{
		world: world, pace: newPace(s.Hz), settings: settings,
		length: uint32(settings.Minutes * 60 * s.Hz), pickAt: make([]int16, len(world.solid)),
		pickups: make([]pickup, len(world.Pickups)),
		bodies:  make([]body, 0, s.Seats), spare: make([]body, 0, s.Seats), rockets: make([]rocket, 0, 4*s.Seats),
	}
	for i := range m.eyes {
		m.eyes[i] = make([]eye, 0, s.Seats)
	}
	for i := range m.pickAt {
		m.pickAt[i] = -1
	}
	for i, p := range world.Pickups {
		m.pickAt[p.Y>>8*world.Width+p.X>>8] = int16(i)
	}
	return m, nil
}

// Step implements game.Match. Everybody moves before anybody fires, and all shots land before anybody dies, so that the order
// of the players gives no advantage.
func (m *match) Step(t *game.Tick) {
	if m.row == 0 {
		m.begin(t)
	}
	m.seat(t)
	if m.over {
		return
	}
	m.fly()
	for i := range m.bodies {
		if b := &m.bodies[i]; b.health > 0 {
			in, ok := t.Input(b.number)
			m.move(b, in)
			m.turn(b, in, ok)
		}
	}
	for i := range m.bodies {
		if b := &m.bodies[i]; b.health > 0 {
			in, _ := t.Input(b.number)
			m.fire(t, b, in.Buttons)
		}
	}
	m.settle(t.N)
	m.pick(t.N)
	m.revive(t)
	if m.settings.Fog {
		m.watch(t.N)
	}
	m.finish(t)
}

// begin sets the clock and takes the ids of the rows that are there from start to end.
func (m *match) begin(t *game.Tick) {
	m.row, m.end = t.NewID(), t.N+m.length
	m.ids = [2]uint32{t.N, t.N} // not where the last round began
	for i := range m.pickups {
		m.pickups[i].row = t.NewID()
	}
}

// seat brings the bodies in line with the players who have a seat: it does not rely on events, since a new round begins with
// players who joined in an earlier one.
func (m *match) seat(t *game.Tick) {
	if m.seated(t.Players) {
		return
	}
	next, i := m.spare[:0], 0
	for _, p := range t.Players {
		if p.Spectator {
			continue
		}
		for i < len(m.bodies) && m.bodies[i].number < p.Number {
			i++ // he left
		}
		if i < len(m.bodies) && m.bodies[i].number == p.Number {
			next = append(next, m.bodies[i])
			i++
			continue
		}
		b := body{number: p.Number, row: t.NewID(), scoreRow: t.NewID(), selfRow: t.NewID(), respawn: t.N}
		next = append(next, b)
		team := m.teamFor(next, p.Team)
		next[len(next)-1].team = team
		if team != 0 && team != p.Team {
			t.SetTeam(p.Number, team)
		}
	}
	m.bodies, m.spare = next, m.bodies
}

// seated reports whether the bodies are those of the players already, as they are in nearly every tick.
func (m *match) seated(players []game.Player) bool {
	i := 0
	for _, p := range players {
		if p.Spectator {
			continue
		}
		if i == len(m.bodies) || m.bodies[i].number != p.Number {
			return false
		}
		i++
	}
	return i == len(m.bodies)
}

// teamFor returns the team of a player who enters: the one that he brings if it is one of the two, else the smaller one.
func (m *match) teamFor(seated []body, wish uint32) uint32 {
	switch {
	case m.settings.Mode != "teams":
		return 0
	case wish == 1 || wish == 2:
		return wish
	}
	var size [3]int
	for i := range seated[:len(seated)-1] {
		size[seated[i].team]++
	}
	if size[2] < size[1] {
		return 2
	}
	return 1
}

// find returns the body of a player, or nil if he left.
func (m *match) find(number uint32) *body {
	i, ok := slices.BinarySearchFunc(m.bodies, number, func(b body, n uint32) int {
		switch {
		case b.number < n:
			return -1
		case b.number > n:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &m.bodies[i]
}

// enemies reports whether two players may harm each other. Nobody is his own enemy.
func enemies(number, team uint32, b *body) bool {
	return b.number != number && (team == 0 || team != b.team)
}
