package arena

import (
	"fmt"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

var endless = []byte(`{"minutes":60,"score_limit":0}`)

// recorded plays a match of bots and returns what they pressed, tick by tick in order of their numbers.
func recorded(tb testing.TB, seats, ticks int) (*gametest.Sim, [][]game.Input) {
	s := sim(tb, game.Setup{Seed: 9, Seats: seats, Settings: endless})
	s.Bots(seats, 50)
	inputs := make([][]game.Input, ticks)
	for i := range inputs {
		s.Think()
		for _, p := range s.Players {
			in, _ := game.MergeInputs(s.Pending(p.Number))
			inputs[i] = append(inputs[i], in)
		}
		s.Step()
	}
	fresh := sim(tb, s.Setup)
	for range seats {
		fresh.Join(game.Player{Bot: true})
	}
	return fresh, inputs
}

// BenchmarkTick measures what the server does for one tick of the rules: inputs, Step, Rows and Save. Allocations must be 0.
func BenchmarkTick(b *testing.B) {
	for _, seats := range []int{16, 64, 200} {
		b.Run(fmt.Sprintf("players=%d", seats), func(b *testing.B) {
			s, inputs := recorded(b, seats, 3000)
			save := make([]byte, 0, 1<<16)
			i := 0
			tick := func() {
				for n, in := range inputs[i%len(inputs)] {
					s.Input(uint32(n+1), in)
				}
				s.Step()
				save = s.Match.Save(save[:0])
				i++
			}
			for range 600 {
				tick()
			}
			b.ReportAllocs()
			for b.Loop() {
				tick()
			}
			b.ReportMetric(float64(len(save)), "B/save")
		})
	}
}

// BenchmarkThink measures a bot's brain, per thought.
func BenchmarkThink(b *testing.B) {
	for _, seats := range []int{16, 64, 200} {
		b.Run(fmt.Sprintf("players=%d", seats), func(b *testing.B) {
			s := sim(b, game.Setup{Seed: 9, Seats: seats, Settings: endless})
			s.Bots(seats, 50)
			s.Run(300)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += seats {
				s.Think()
				b.StopTimer()
				s.Step()
				b.StartTimer()
			}
		})
	}
}

// BenchmarkFog measures what fog adds to a tick of the rules: finding out who sees whom.
func BenchmarkFog(b *testing.B) {
	for _, seats := range []int{16, 64, 200} {
		b.Run(fmt.Sprintf("players=%d", seats), func(b *testing.B) {
			s := sim(b, game.Setup{Seed: 9, Seats: seats, Settings: foggy})
			s.Bots(seats, 50)
			m := s.Match.(*match)
			var spent time.Duration
			for n := 0; n < b.N; n++ {
				s.Run(1)
				began := time.Now()
				m.watch(s.Tick) // again, from where everybody is now
				spent += time.Since(began)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/watch")
		})
	}
}
