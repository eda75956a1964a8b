package arena

import (
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

// stage is a match on a small map, with players put where a test wants them.
//
//	##########
//	#........#
//	#...##...#
//	#........#
//	##########
type stage struct {
	*gametest.Sim
	m *match
}

var stageMap = []byte(`{"version":1,"tile":256,"width":10,"height":5,
	"rows":["##########","#........#","#...##...#","#........#","##########"],
	"spawns":[{"x":384,"y":384}],"pickups":[{"x":2176,"y":384,"type":1},{"x":2176,"y":896,"type":2}]}`)

func newStage(t *testing.T, settings string, teams ...uint32) stage {
	t.Helper()
	s := sim(t, game.Setup{Seats: 8, Static: stageMap, Settings: []byte(settings)})
	for _, team := range teams {
		s.Join(game.Player{Name: "p", Team: team})
	}
	s.Step() // everybody comes to life
	return stage{s, s.Match.(*match)}
}

// put places a player in the middle of a tile, looking along +x.
func (s stage) put(player uint32, tx, ty int32) *body {
	b := s.m.find(player)
	b.x, b.y, b.vx, b.vy, b.aim, b.health = tx*Tile+128, ty*Tile+128, 0, 0, 0, MaxHealth
	return b
}

func (s stage) press(player uint32, buttons uint16, ticks int) {
	for range ticks {
		s.Input(player, game.Input{Buttons: buttons})
		s.Step()
	}
}

func TestRifleHitsTheFirstInLine(t *testing.T) {
	s := newStage(t, "", 0, 0, 0)
	s.put(1, 1, 1)
	s.put(2, 7, 1)
	s.put(3, 4, 1)
	s.press(1, ButtonRifle, 1)
	if far, near := s.m.find(2), s.m.find(3); far.health != MaxHealth || near.health != MaxHealth-rifleDamage || near.hits != 1 {
		t.Errorf("health of the far one %d, of the near one %d after %d hits", far.health, near.health, near.hits)
	}
	if s.m.find(1).shots != 1 {
		t.Error("the shot is not counted")
	}
}

func TestWallsCover(t *testing.T) {
	s := newStage(t, "", 0, 0)
	s.put(1, 1, 2)
	s.put(2, 8, 2) // behind the wall in the middle
	s.press(1, ButtonRifle, 60)
	if s.m.find(2).health != MaxHealth {
		t.Error("a rifle shoots through walls")
	}
	s.press(1, ButtonRocket, 60)
	if s.m.find(2).health != MaxHealth {
		t.Error("a rocket goes through walls")
	}
}

func TestRocketFliesAndKills(t *testing.T) {
	s := newStage(t, "", 0, 0)
	me := s.put(1, 1, 1)
	s.put(2, 7, 1)
	s.press(1, ButtonRocket, 1)
	if len(s.m.rockets) != 1 || me.ammo != startAmmo-1 || s.m.rockets[0].x != me.x {
		t.Fatalf("%d rockets in flight, %d left", len(s.m.rockets), me.ammo)
	}
	s.Step()
	if r := s.m.rockets[0]; r.x != me.x+s.m.pace.rocket || r.y != me.y {
		t.Errorf("after a tick it is at %d, %d", r.x, r.y)
	}
	s.press(1, 0, 15)
	if b := s.m.find(2); b.health != MaxHealth-rocketDirect {
		t.Errorf("health is %d after a direct hit", b.health)
	}
	s.press(1, ButtonRocket, 40)
	if b := s.m.find(2); b.deaths != 1 || b.by != 1 || b.with != Rocket || s.m.find(1).score != 1 {
		t.Errorf("deaths %d by %d with %d, score %d", b.deaths, b.by, b.with, s.m.find(1).score)
	}
}

// A rocket fired at a wall close by kills the one who fired it, in the end, and costs him a point.
func TestOwnRocketHurts(t *testing.T) {
	s := newStage(t, "", 0, 0)
	s.put(1, 8, 1)
	s.put(2, 1, 3)
	for range 120 {
		s.press(1, ButtonRocket, 1)
		if b := s.m.find(1); b.deaths > 0 {
			if b.score != -1 || b.by != 1 {
				t.Errorf("score %d, killed by %d", b.score, b.by)
			}
			return
		}
	}
	t.Error("his own rockets do him no harm")
}

func TestTeamsHoldFire(t *testing.T) {
	s := newStage(t, `{"mode":"teams"}`, 1, 1, 2)
	s.put(1, 1, 1)
	s.put(2, 3, 1)
	s.put(3, 6, 1)
	s.press(1, ButtonRifle, 40)
	if s.m.find(2).health != MaxHealth {
		t.Error("a shot harms a team mate")
	}
	if s.m.find(3).deaths != 1 || s.m.teams != [2]int32{1, 0} {
		t.Errorf("deaths of the enemy %d, teams %v; want the shot to pass the mate", s.m.find(3).deaths, s.m.teams)
	}
}

func TestTeamsAreEven(t *testing.T) {
	s := newStage(t, `{"mode":"teams"}`, 0, 0, 0, 2, 2, 0)
	var size [3]int
	for i := range s.m.bodies {
		size[s.m.bodies[i].team]++
	}
	if size != [3]int{0, 3, 3} {
		t.Errorf("players without a team, red, blue: %v", size)
	}
	for _, p := range s.Players { // the server must know, too: it is the one who hands out the channels
		if p.Team != s.m.find(p.Number).team {
			t.Errorf("player %d is in team %d, his body in %d", p.Number, p.Team, s.m.find(p.Number).team)
		}
	}
}

// Both who shoot each other in one tick land their shots.
func TestNobodyIsFirst(t *testing.T) {
	s := newStage(t, "", 0, 0)
	a, b := s.put(1, 1, 1), s.put(2, 4, 1)
	a.health, b.health, b.aim = 1, 1, 512
	s.Input(1, game.Input{Buttons: ButtonRifle})
	s.Input(2, game.Input{Buttons: ButtonRifle, Axes: [4]int16{0, 0, -32768}})
	s.Step()
	if a.deaths != 1 || b.deaths != 1 || a.score != 1 || b.score != 1 {
		t.Errorf("deaths %d and %d, scores %d and %d; want 1 each", a.deaths, b.deaths, a.score, b.score)
	}
}

func TestAccelerationAndFriction(t *testing.T) {
	s := newStage(t, "", 0)
	b := s.put(1, 1, 1)
	var speeds []int32
	for range 6 {
		s.Input(1, game.Input{Axes: [4]int16{32767}})
		s.Step()
		speeds = append(speeds, b.vx)
	}
	for range 6 {
		s.Step()
		speeds = append(speeds, b.vx)
	}
	want := []int32{27, 40, 40, 40, 40, 40, 27, 14, 1, 0, 0, 0}
	for i := range want {
		if speeds[i] != want[i] {
			t.Fatalf("speeds are %v, want %v", speeds, want)
		}
	}
}
