package arena

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

var foggy = []byte(`{"mode":"teams","fog":true,"minutes":60,"score_limit":0}`)

// A team gets an enemy's body or rocket only while somebody of it sees it, or a moment after, and always then; its own always;
// spectators get neither. Players come and go, and some send whatever they like.
func TestFogHidesWhatIsNotSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := gametest.New(Game(), game.Setup{Seed: rapid.Uint64().Draw(t, "seed"), Seats: 12, Settings: foggy})
		if err != nil {
			t.Fatal(err)
		}
		o := &oracle{rows: s.Match.(*match).world.Rows, last: map[[2]uint32]uint32{}}
		s.Bots(8, 70)
		s.Join(game.Player{Spectator: true})
		cheats := []uint32{s.Join(game.Player{Team: 1}), s.Join(game.Player{Team: 7})}
		for tick := range 150 {
			switch rapid.IntRange(0, 40).Draw(t, "event") {
			case 0:
				s.Leave(uint32(rapid.IntRange(1, 8).Draw(t, "leaver")))
			case 1:
				s.Drop(uint32(rapid.IntRange(1, 8).Draw(t, "dropped")))
			case 2:
				if len(s.Players) < 12 {
					s.Bot(70, 0)
				}
			}
			s.Think()
			for _, p := range cheats {
				if tick%8 == 0 {
					s.Command(p, []byte("reveal"))
				}
				s.Input(p, anyInput(t))
			}
			s.Step()
			o.check(t, s)
		}
	})
}

// What a team gets does not depend on anything that it does not see: with the hidden ones put elsewhere, in another shape, and
// with other counts, the rows of the team, of its players and of everybody are the same.
func TestFogRowsDependOnWhatIsSeen(t *testing.T) {
	s := sim(t, game.Setup{Seed: 12, Settings: foggy})
	s.Bots(16, 70)
	rnd := game.NewRand(1)
	hidden := 0
	for range 1500 {
		s.Run(1)
		for team := uint32(1); team <= 2; team++ {
			twin := sim(t, s.Setup)
			twin.Players = s.Players
			if err := twin.Match.Load(s.Match.Save(nil)); err != nil {
				t.Fatal(err)
			}
			hidden += disturb(twin.Match.(*match), team, rnd)
			twin.Collect()
			for _, c := range channels(s, team) {
				if a, b := image(s, c), image(twin, c); a != b {
					t.Fatalf("tick %d: channel %#x of team %d tells of what it does not see:\n%s\n%s", s.Tick, uint32(c), team, a, b)
				}
			}
		}
	}
	if hidden < 1000 {
		t.Errorf("only %d things were hidden", hidden)
	}
}

// disturb changes all that a team does not see of the enemy, and returns of how many things.
func disturb(m *match, team uint32, rnd *game.Rand) (n int) {
	for i := range m.bodies {
		b := &m.bodies[i]
		if b.team == team {
			continue
		}
		b.shots, b.hits, b.wasShots, b.ammo = uint32(rnd.IntN(256)), uint32(rnd.IntN(256)), 7, uint32(rnd.IntN(9))
		b.rifleReady, b.rocketReady, b.respawn = uint32(rnd.IntN(9999)), uint32(rnd.IntN(9999)), uint32(rnd.IntN(9999))
		if b.seen == 0 {
			spot := m.world.Spawns[rnd.IntN(len(m.world.Spawns))]
			b.x, b.y, b.vx, b.aim, b.health = spot.X, spot.Y, 3, int32(rnd.IntN(1024)), int32(rnd.IntN(101))
			n++
		}
	}
	kept := m.rockets[:0]
	for _, r := range m.rockets {
		if r.team != team && r.seen == 0 {
			n++
			continue
		}
		if r.team != team {
			r.row = uint32(rnd.IntN(1 << 27))
		}
		kept = append(kept, r)
	}
	m.rockets = kept
	m.ids[other(team)] += 9
	for i := range m.pickups {
		m.pickups[i].back, m.pickups[i].gone[other(team)] = uint32(rnd.IntN(2)), uint32(rnd.IntN(2))
	}
	return n
}

// channels are those that the players of a team receive.
func channels(s *gametest.Sim, team uint32) []game.Channel {
	list := []game.Channel{game.All, game.Team(team)}
	for _, p := range s.Players {
		if p.Team == team {
			list = append(list, game.Own(p.Number))
		}
	}
	return list
}

func image(s *gametest.Sim, c game.Channel) string {
	var b strings.Builder
	for _, row := range s.Rows.Channel(c) {
		fmt.Fprintln(&b, row.ID, row.Kind, s.Rows.Values(row))
	}
	return b.String()
}

// inFog is a match in fog with the wall of the stage between player 1 of team 1 and player 2 of team 2.
func inFog(t *testing.T) stage {
	s := newStage(t, `{"mode":"teams","fog":true}`, 1, 2)
	s.put(1, 1, 2)
	s.put(2, 8, 2)
	for range 20 {
		s.Step()
	}
	return s
}

// row returns the row of a body in a team's channel, or nil.
func (s stage) row(team, player uint32) (v []int32) {
	for _, row := range s.Rows.Channel(game.Team(team)) {
		if row.ID == s.m.find(player).row {
			v = s.Rows.Values(row)
		}
	}
	return v
}

func (s stage) rockets(team uint32) (ids []uint32) {
	for _, row := range s.Rows.Channel(game.Team(team)) {
		if row.Kind == KindRocket {
			ids = append(ids, row.ID)
		}
	}
	return ids
}

func TestFogLiftsAndFallsWithAMargin(t *testing.T) {
	s := inFog(t)
	if s.row(1, 2) != nil || s.row(2, 1) != nil || s.row(1, 1) == nil {
		t.Fatal("seen through the wall, or not by himself")
	}
	s.put(2, 8, 1)
	s.put(1, 1, 1)
	s.Step()
	if s.row(1, 2) == nil || s.row(2, 1) == nil {
		t.Fatal("not seen without a wall between")
	}
	s.put(2, 8, 2)
	s.put(1, 1, 2)
	n := 0
	for ; s.row(1, 2) != nil && n < 100; n++ {
		s.Step()
	}
	if n != int(s.m.pace.sight) {
		t.Errorf("gone after %d ticks, want %d", n, s.m.pace.sight)
	}
}

// He who dies goes at once, and comes back unseen.
func TestFogOfDeath(t *testing.T) {
	s := inFog(t)
	s.put(1, 1, 1)
	s.put(2, 4, 1).health = 1
	s.Step()
	s.press(1, ButtonRifle, 1)
	if s.m.find(2).health > 0 || s.row(1, 2) != nil || s.row(2, 2) != nil {
		t.Error("a dead body is shown")
	}
}

// What is fired and hit unseen is not counted for those who do not see it, and neither are rockets.
func TestFogHidesCounts(t *testing.T) {
	s := inFog(t)
	me := s.m.find(2)
	s.press(1, ButtonRocket, 1)
	first := s.rockets(1)
	me.aim = 512 // at the wall, far enough from his own rockets
	for range 140 {
		s.Input(2, game.Input{Buttons: ButtonRifle | ButtonRocket, Axes: [4]int16{0, 0, -32768}})
		s.Step()
	}
	if me.shots == 0 || me.ammo != 0 || len(first) != 1 {
		t.Fatalf("%d shots, %d rockets left, %d rockets of player 1", me.shots, me.ammo, len(first))
	}
	shots, hits := me.shots, me.hits
	s.press(1, ButtonRocket, 1)
	if ids := s.rockets(1); len(ids) != 1 || ids[0] != first[0]+1 {
		t.Errorf("the next rocket is %v after %v", ids, first)
	}
	s.put(1, 1, 1)
	s.put(2, 8, 1)
	me.ammo, me.rifleReady, me.aim = 0, 0, 512
	s.Input(2, game.Input{Buttons: ButtonRifle, Axes: [4]int16{0, 0, -32768}})
	s.Step()
	if v := s.row(1, 2); v == nil || v[BodyShots] != 1 || v[BodyHits] != 0 {
		t.Errorf("shown as %v after one shot in sight; %d shots and %d hits before", v, shots, hits)
	}
	if v := s.row(2, 2); v[BodyShots] != int32(shots+1) || v[BodyHits] != int32(hits) {
		t.Errorf("shown to his own as %v", v)
	}
}

// A pickup is as the team saw it last, and worth a look once it may be back.
func TestFogOnPickups(t *testing.T) {
	s := inFog(t)
	up := func(team uint32) (up bool) {
		for _, row := range s.Rows.Channel(game.Team(team)) {
			if v := s.Rows.Values(row); row.Kind == KindPickup && v[PickupType] == PickHealth {
				up = v[PickupUp] == 1
			}
		}
		return up
	}
	s.put(1, 1, 3) // cannot see it at (8, 1)
	s.put(2, 8, 1).health = 10
	s.Step()
	if !up(1) || up(2) || s.m.pickups[0].back == 0 {
		t.Fatalf("taken unseen: up for 1 %t, for 2 %t", up(1), up(2))
	}
	back := s.m.pickups[0].back
	s.put(2, 8, 3)
	s.put(1, 1, 1)
	s.Step()
	seen := s.Tick
	if up(1) {
		t.Fatal("not gone for one who sees that it is")
	}
	s.put(1, 1, 3)
	for s.Tick < seen+s.m.pace.pickup-1 {
		s.Step()
		if up(1) {
			t.Fatalf("at tick %d team 1 knows that it came back at %d without having seen it", s.Tick, back)
		}
	}
	s.Step()
	if !up(1) {
		t.Error("not taken to be back after its time")
	}
}
