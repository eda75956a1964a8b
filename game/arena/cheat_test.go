package arena

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

// anyInput is what a modified client may send: everything that fits the message.
func anyInput(t *rapid.T) game.Input {
	axis := rapid.OneOf(rapid.Int16(), rapid.SampledFrom([]int16{-32768, -32767, 0, 32767}))
	return game.Input{
		Buttons: rapid.SampledFrom([]uint16{0, 1, 2, 3, 0xffff}).Draw(t, "buttons"),
		Axes:    [4]int16{axis.Draw(t, "x"), axis.Draw(t, "y"), axis.Draw(t, "aim"), axis.Draw(t, "rest")},
	}
}

// Whatever clients send, and be it twice a tick, nobody moves, turns or fires faster than the rules allow, nobody is in a wall, and
// the velocity is the displacement.
func TestCheatsGainNothing(t *testing.T) {
	for _, hz := range []int{10, 30, 128} {
		rapid.Check(t, func(t *rapid.T) {
			s, err := gametest.New(Game(), game.Setup{Seed: rapid.Uint64().Draw(t, "seed"), Hz: hz, Seats: 4})
			if err != nil {
				t.Fatal(err)
			}
			s.Bots(2, 100)
			cheat := s.Join(game.Player{})
			g := guard{m: s.Match.(*match), was: map[uint32]body{}}
			var in game.Input
			for tick := range 120 {
				s.Think()
				if tick%10 == 0 {
					in = anyInput(t)
				}
				for range rapid.IntRange(0, 2).Draw(t, "samples") {
					s.Input(cheat, in)
				}
				s.Step()
				g.check(t, s.Tick)
			}
		})
	}
}

// guard compares every tick of a match with the one before.
type guard struct {
	m   *match
	was map[uint32]body
}

func (g *guard) check(t *rapid.T, now uint32) {
	p := g.m.pace
	for _, b := range g.m.bodies {
		o := g.was[b.number]
		g.was[b.number] = b
		if b.health <= 0 || o.health <= 0 {
			if o.health <= 0 && b.shots != o.shots {
				t.Fatalf("tick %d: the dead fire", now)
			}
			continue
		}
		dx, dy := b.x-o.x, b.y-o.y
		if dx != b.vx || dy != b.vy {
			t.Fatalf("tick %d: moved by %d, %d at a velocity of %d, %d", now, dx, dy, b.vx, b.vy)
		}
		if game.Length(dx, dy) > p.speed+1 {
			t.Fatalf("tick %d: %d units in a tick, %d are allowed", now, game.Length(dx, dy), p.speed)
		}
		if abs(aimTurn(o.aim, b.aim)) > p.turn {
			t.Fatalf("tick %d: turned by %d in a tick, %d are allowed", now, aimTurn(o.aim, b.aim), p.turn)
		}
		if !g.m.world.free(b.x, b.y) {
			t.Fatalf("tick %d: at %d, %d in a wall", now, b.x, b.y)
		}
		if b.shots != o.shots && now < o.rifleReady {
			t.Fatalf("tick %d: a rifle shot before tick %d", now, o.rifleReady)
		}
		if b.rocketReady != o.rocketReady && now < o.rocketReady {
			t.Fatalf("tick %d: a rocket before tick %d", now, o.rocketReady)
		}
	}
}

// Held triggers give shots exactly at the cadence, and no more rockets than there are.
func TestCadence(t *testing.T) {
	s := sim(t, game.Setup{Seats: 2})
	p := s.Join(game.Player{})
	b := func() *body { return s.Match.(*match).find(p) }
	s.Step()
	run := func(buttons uint16, seconds int) {
		for range seconds * 30 {
			s.Input(p, game.Input{Buttons: buttons})
			s.Input(p, game.Input{Buttons: buttons})
			s.Step()
		}
	}
	run(ButtonRifle, 10)
	if got, want := int(b().shots), 10*30/8+1; got != want {
		t.Errorf("%d rifle shots in 10 s, want %d", got, want)
	}
	b().x, b().y = s.Match.(*match).world.Spawns[0].X, s.Match.(*match).world.Spawns[0].Y
	b().health = 10000 // to outlive his own rockets; more than a row may show
	b().shots = 0
	run(ButtonRocket, 10)
	if b().ammo != 0 || b().shots != 0 {
		t.Errorf("%d rockets are left, %d rifle shots were fired", b().ammo, b().shots)
	}
}

// Two samples in a tick are worth one: a match in which everybody sends each sample twice is the same.
func TestSecondSampleBuysNothing(t *testing.T) {
	once, inputs := recorded(t, 8, 600)
	twice := sim(t, once.Setup)
	for range 8 {
		twice.Join(game.Player{Bot: true})
	}
	for tick, all := range inputs {
		for n, in := range all {
			once.Input(uint32(n+1), in)
			twice.Input(uint32(n+1), in)
			twice.Input(uint32(n+1), in)
		}
		once.Step()
		twice.Step()
		if !bytes.Equal(once.Match.Save(nil), twice.Match.Save(nil)) {
			t.Fatalf("tick %d differs", tick+1)
		}
	}
}

// A player's ammunition and times are his own: nobody else's view has that row, and nobody else's row shows them.
func TestHiddenRows(t *testing.T) {
	s := sim(t, game.Setup{Seats: 4})
	first := s.Bots(4, 50)
	s.Run(200)
	for p := first; p < first+4; p++ {
		n := 0
		s.ViewOf(p).Each(KindSelf, func(_ uint32, row []int32) {
			if n++; row[SelfBody] != int32(s.Match.(*match).find(p).row) {
				t.Errorf("player %d sees the own row of body %d", p, row[SelfBody])
			}
		})
		if n != 1 {
			t.Errorf("player %d sees %d own rows, want 1", p, n)
		}
	}
	s.ViewOf(99).Each(KindSelf, func(uint32, []int32) { t.Error("a spectator sees an own row") })
}
