package arena

import (
	"testing"

	"github.com/overtime-server/overtime/game"
)

// The better brain wins: in duels to the death, skill 80 beats skill 30 at least 7 times in 10.
func TestBetterBrainWins(t *testing.T) {
	const duels = 100
	won := 0
	for seed := range uint64(duels) {
		s := sim(t, game.Setup{Seed: seed, Seats: 2, Settings: []byte(`{"minutes":5,"score_limit":1}`)})
		skills := [2]int{80, 30}
		swap := int(seed % 2) // neither gets the advantage of the lower number
		first := s.Bot(skills[swap], 0)
		s.Bot(skills[1-swap], 0)
		s.Run(5 * 60 * 30)
		better := first + uint32(swap)
		if s.Match.(*match).winner == better {
			won++
		}
	}
	if won < duels*7/10 {
		t.Errorf("the better brain won %d of %d duels, want at least 70 %%", won, duels)
	}
}
