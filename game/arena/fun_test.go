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
	alive, changed  int
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
				if b.vx != o.vx || b.vy != o.vy || b.health != o.health || b.shots != o.shots {
					st.changed++
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

func TestFun(t *testing.T) {
	for _, seats := range []int{8, 16, 64, 200} {
		s := sim(t, game.Setup{Seed: 7, Seats: seats, Settings: []byte(`{"minutes":60,"score_limit":0}`)})
		s.Bots(seats, 50)
		n := 3000
		if seats > 16 {
			n = 900
		}
		st := watch(t, s, n)
		t.Logf("%d seats: contacts %d median %.1f s; kills %d ttk %.2f s; with %v; moving %.2f turning %.2f changed %.2f; shots/player/s %.2f; kills/player/min %.2f",
			seats, len(st.contacts), float64(median(st.contacts))/30, len(st.kills), float64(median(st.kills))/30, st.with,
			float64(st.moving)/float64(st.alive), float64(st.turning)/float64(st.alive), float64(st.changed)/float64(st.alive),
			float64(st.shots)*30/float64(st.alive), float64(len(st.kills))*1800/float64(seats*st.ticks))
	}
}
