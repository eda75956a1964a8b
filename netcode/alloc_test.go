package netcode

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// TestTicksAllocateNothing plays a match of 16 arena bots that shoot and die, through inbox, loop, journal, encoder,
// compressor and connections: what it allocates is for things that happen now and then, not for ticks.
func TestTicksAllocateNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a goroutine writes for every connection")
	}
	ticks := 10_000
	if testing.Short() || raceDetector {
		ticks = 1_000
	}
	tape := playTape(t, ticks, 0)
	if ticks == 10_000 && (tape.points < 50 || tape.death < 50) {
		t.Errorf("%d points, %d deaths: this is no fight", tape.points, tape.death)
	}
	virtual(t, nil, func(t *testing.T, _ context.Context, e *edge) {
		m := e.match("m", func(c *loop.Config) { c.Game, c.Seed, c.Empty, c.Pause = arena.Game(), 7, -1, time.Second })
		var members []*session
		for n := range tapePlayers {
			x := e.member()
			defer x.Abort()
			id := fmt.Sprint("p", n+1)
			if err := m.Attach(x, loop.Attach{Who: journal.Join{ID: id, Name: id}}); err != nil {
				t.Fatal(err)
			}
			members = append(members, x)
		}
		warm := ticks / 4
		var before, now runtime.MemStats
		var messages uint64
		begin := time.Now()
		for i := range ticks {
			if i == warm {
				runtime.ReadMemStats(&before)
				messages = e.srv.stats.MessagesOut.Load()
			}
			for n, x := range members {
				if err := m.Sample(x, loop.Sample{Input: tape.inputs[i][n]}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Until(begin.Add(time.Duration(i+1) * time.Second / 30)))
		}
		runtime.ReadMemStats(&now)
		after(0)
		perTick := float64(now.Mallocs-before.Mallocs) / float64(ticks-warm)
		bytes := float64(now.TotalAlloc-before.TotalAlloc) / float64(ticks-warm)
		perMessage := float64(now.Mallocs-before.Mallocs) / float64(e.srv.stats.MessagesOut.Load()-messages)
		st := m.Config().Stats
		t.Logf("%.4f allocations a delivered message, %.3f and %.0f bytes a tick; %d samples applied, %d state frames, %d of %d bytes after deflating",
			perMessage, perTick, bytes, st.Applied.Load(), e.srv.stats.StateFrames.Load(), e.srv.stats.DeflatedBytes.Load(), e.srv.stats.RawBytes.Load())
		if i := m.Info(); ticks == 10_000 && i.Round < 2 {
			t.Errorf("no round has ended: %+v", i.Scores)
		}
		if got := e.srv.stats.StateFrames.Load(); got < uint64(tapePlayers*(ticks-2)) || st.Applied.Load() < uint64(tapePlayers*ticks*9/10) {
			t.Errorf("%d state frames, %d samples applied", got, st.Applied.Load())
		}
		if !raceDetector && (perTick > 0.5 || perMessage > 0.1) {
			t.Errorf("%.3f allocations a tick, %.4f a message", perTick, perMessage)
		}
	})
}
