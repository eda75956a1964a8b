package arena

import (
	"hash/fnv"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// golden is what the saved bytes of 100,000 ticks of 16 bots hash to, on every machine and in every build: .ci/determinism runs this
// test for old and new processors. It changes with the rules (then raise Game's Version) and with the brains.
const golden = 0xf369d5ba623161dc

func TestGolden(t *testing.T) {
	s := sim(t, game.Setup{Seed: 2026, Settings: endless})
	s.Bots(16, 50)
	hash, save := fnv.New64a(), make([]byte, 0, 4096)
	for range 100_000 {
		s.Run(1)
		save = s.Match.Save(save[:0])
		hash.Write(save)
	}
	if got := hash.Sum64(); got != golden {
		t.Errorf("the hash of 100,000 ticks is %#x, want %#x", got, uint64(golden))
	}
}
