package arena

import (
	"testing"

	"github.com/overtime-server/overtime/game/gametest"
)

func TestContract(t *testing.T) {
	gametest.Check(t, Game(), gametest.Options{Players: 16, Ticks: 900})
	gametest.Check(t, Game(), gametest.Options{Players: 6, Seats: 8, Runs: 1, Settings: []byte(`{"mode":"teams","minutes":1,"score_limit":5}`)})
	gametest.Check(t, Game(), gametest.Options{Players: 16, Runs: 2, Ticks: 900, Settings: foggy})
	gametest.Check(t, Game(), gametest.Options{Players: 6, Hz: 7, Runs: 1})
	gametest.Check(t, Game(), gametest.Options{Players: 6, Hz: 7, Runs: 1, Settings: foggy})
	gametest.Check(t, Game(), gametest.Options{Players: 6, Hz: 128, Runs: 1})
}
