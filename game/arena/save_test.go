package arena

import (
	"bytes"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// What Load accepts, the rules can play on from: no saved bytes, however damaged, make Step or Rows panic.
func FuzzLoad(f *testing.F) {
	setup := func(fog bool) game.Setup {
		if fog {
			return game.Setup{Seed: 4, Seats: 4, Settings: foggy}
		}
		return game.Setup{Seed: 4, Seats: 4}
	}
	for _, fog := range []bool{false, true} {
		s := sim(f, setup(fog))
		s.Bots(4, 50)
		for range 4 {
			s.Run(60)
			f.Add(fog, s.Match.Save(nil))
		}
	}
	f.Fuzz(func(t *testing.T, fog bool, b []byte) {
		s := sim(t, setup(fog))
		if s.Match.Load(b) != nil {
			return
		}
		if !bytes.Equal(b, s.Match.Save(nil)) {
			t.Fatal("Save gives other bytes than were loaded")
		}
		s.Bots(4, 50)
		s.Run(5)
	})
}

// The state of a full match is small, since it is hashed every tick.
func TestSaveIsCompact(t *testing.T) {
	s := sim(t, game.Setup{Seed: 4, Settings: endless})
	s.Bots(16, 50)
	s.Run(300)
	if n := len(s.Match.Save(nil)); n > 1500 {
		t.Errorf("16 players take %d bytes, want at most 1500", n)
	}
}

// In steady state a tick allocates nothing, with shots and deaths, bots' thoughts included.
func TestNoAllocation(t *testing.T) {
	t.Run("open", func(t *testing.T) { noAllocation(t, endless) })
	t.Run("fog", func(t *testing.T) { noAllocation(t, foggy) })
}

func noAllocation(t *testing.T, settings []byte) {
	s := sim(t, game.Setup{Seed: 4, Settings: settings})
	s.Bots(16, 50)
	s.Run(2000)
	save := make([]byte, 0, 4096)
	deaths := func() (n uint32) {
		for _, b := range s.Match.(*match).bodies {
			n += b.deaths
		}
		return n
	}
	before := deaths()
	if n := testing.AllocsPerRun(2000, func() { s.Run(1); save = s.Match.Save(save[:0]) }); n > 0 {
		t.Errorf("%v allocations a tick", n)
	}
	if deaths() == before {
		t.Error("nobody died while it was measured")
	}
}
