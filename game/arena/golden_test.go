package arena

import (
	"hash/fnv"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// golden is what the saved bytes of 100,000 ticks of 16 bots hash to, on every machine and in every build: .ci/determinism runs this
// test for old and new processors. It changes with the rules (then raise Game's Version) and with the brains.
const golden = 0xf369d5ba623161dc

// goldenFog is the same for 20,000 ticks in fog.
const goldenFog = 0x83fc3f80b1ff319c

func TestGolden(t *testing.T) {
	if got := play(t, endless, 100_000); got != golden {
		t.Errorf("the hash of 100,000 ticks is %#x, want %#x", got, uint64(golden))
	}
	if got := play(t, foggy, 20_000); got != goldenFog {
		t.Errorf("the hash of 20,000 ticks in fog is %#x, want %#x", got, uint64(goldenFog))
	}
}

// play returns the hash of all saved bytes of a match of 16 bots.
func play(t *testing.T, settings []byte, ticks int) uint64 {
	s := sim(t, game.Setup{Seed: 2026, Settings: settings})
	s.Bots(16, 50)
	hash, save := fnv.New64a(), make([]byte, 0, 4096)
	for range ticks {
		s.Run(1)
		save = s.Match.Save(save[:0])
		hash.Write(save)
	}
	return hash.Sum64()
}
