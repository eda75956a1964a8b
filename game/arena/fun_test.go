package arena

import (
	"slices"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

// story is what can be counted in a match from its public rows and state.
type story struct {
	contacts, kills []int // ticks: from spawn to the first hit given or taken; from the first hit of a life to death
	with            [3]int
	moving, turning int
	alive           int
	shots, ticks    int
}

type life struct{ born, hit, contact uint32 }

// watch plays a match of bots and tells its story.
func watch(t testing.TB, s *gametest.Sim, ticks int) (st story) {
	t.Helper()
	m := s.Match.(*match)
	lives := map[uint32]*life{}
	was := map[uint32]body{}
	for range ticks {
		s.Think()
		s.Step()
		st.ticks++
		for i := range m.bodies {
			b := m.bodies[i]
			o, seen := was[b.number]
			was[b.number] = b
			l := lives[b.number]
			if b.health > 0 && (l == nil || o.health <= 0) {
				l = &life{born: s.Tick}
				lives[b.number] = l
				continue
			}
			if !seen || l == nil {
				continue
			}
			if b.hits != o.hits {
				if l.hit == 0 {
					l.hit = s.Tick
				}
				if l.contact == 0 {
					l.contact = s.Tick
					st.contacts = append(st.contacts, int(s.Tick-l.born))
				}
			}
			if b.deaths != o.deaths {
				st.kills = append(st.kills, int(s.Tick-l.hit))
				st.with[b.with]++
			}
			if b.health > 0 {
				st.alive++
				if b.vx != 0 || b.vy != 0 {
					st.moving++
				}
				if b.aim != o.aim {
					st.turning++
				}
				st.shots += int((b.shots - o.shots) & 255)
			}
		}
	}
	return st
}

func median(v []int) int {
	if len(v) == 0 {
		return -1
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func sim(t testing.TB, setup game.Setup) *gametest.Sim {
	t.Helper()
	s, err := gametest.New(Game(), setup)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What makes the arena fun, in matches of usual bots of every size: there is always somebody to fight, a fight lasts long enough to
// turn it, both weapons are worth having, and nobody stands about.
func TestFun(t *testing.T) {
	for _, c := range []struct {
		seats, ticks int
		settings     []byte
	}{{16, 5000, endless}, {64, 1500, endless}, {200, 600, endless}, {16, 5000, foggy}} {
		s := sim(t, game.Setup{Seed: 7, Seats: c.seats, Settings: c.settings})
		s.Bots(c.seats, 50)
		st := watch(t, s, c.ticks)
		contact, kill := float64(median(st.contacts))/30, float64(median(st.kills))/30
		share := func(part, of int) float64 { return float64(part) / float64(max(1, of)) }
		rifle, moving := share(st.with[Rifle], len(st.kills)), share(st.moving, st.alive)
		t.Logf("%d players, %s: contact after %.1f s, time to kill %.2f s, %d kills, %.0f %% by rifle, moving %.0f %%, turning %.0f %%, %.2f rifle shots/s",
			c.seats, c.settings, contact, kill, len(st.kills), rifle*100, moving*100, share(st.turning, st.alive)*100, share(st.shots*30, st.alive))
		if len(st.kills) < 100 {
			t.Fatalf("%d players: only %d kills to judge by", c.seats, len(st.kills))
		}
		if contact > 6 || contact < 0.5 {
			t.Errorf("%d players: %.1f s from spawn to contact, want at most 6", c.seats, contact)
		}
		if kill < 0.8 || kill > 2.5 {
			t.Errorf("%d players: %.2f s to kill, want 0.8 to 2.5", c.seats, kill)
		}
		if rifle > 0.65 || rifle < 0.35 {
			t.Errorf("%d players: %.0f %% of the kills are by rifle, want no weapon above 65 %%", c.seats, rifle*100)
		}
		if moving < 0.8 {
			t.Errorf("%d players: %.0f %% move, want at least 80 %%", c.seats, moving*100)
		}
	}
}
