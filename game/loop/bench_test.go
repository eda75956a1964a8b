package loop

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/journal"
)

// arenaMatch is a match of bots that is stepped by hand: no goroutine, no clock.
type arenaMatch struct {
	m      *Match
	links  []*quietLink
	brains []game.Brain
	script [][]game.Input // per tick, one for each player: what the brains decided
	rows   int            // seen by the sink
}

type quietLink struct{ player, message uint32 }

// The sink of an arenaMatch.
func (a *arenaMatch) Joined(l Link, s Seat)         { l.(*quietLink).player = s.Player.Number }
func (a *arenaMatch) Refused(Link, Refusal)         {}
func (a *arenaMatch) Gone(Link, Departure, string)  {}
func (a *arenaMatch) Over(why Outcome, text string) {}
func (a *arenaMatch) Frame(f *Frame) {
	a.rows += len(f.Rows.All())
	for _, l := range a.links { // clients acknowledge what they get
		before := l.message
		f.Messages(l.player, l.message, func(n uint32, _ uint8, _ []byte) { l.message = n })
		if l.message != before {
			_ = a.m.Ack(l, l.message)
		}
	}
}

// prompt is a standby that has every tick at once; the record is coded as for its link.
type prompt struct {
	m   *Match
	buf []byte
}

func (p *prompt) Record(rec *journal.Record) {
	p.buf = journal.AppendRecord(p.buf[:0], rec)
	if p.m != nil {
		p.m.Release(rec.Tick)
	}
}

func (p *prompt) Checkpoint(_ uint32, state []byte) { p.buf = append(p.buf[:0], state...) }

// newArenaMatch lets players into a match; with record its journal is written, to nowhere; with a standby, to that.
func newArenaMatch(t testing.TB, players int, record bool, standby ...*prompt) *arenaMatch {
	a := &arenaMatch{}
	cfg := Config{ID: "bench", Game: arena.Game(), Seats: players, Seed: 5, Empty: -1, Log: slog.New(slog.DiscardHandler)}
	if record {
		cfg.Record = io.Discard
	}
	for _, p := range standby {
		cfg.Replica = p
	}
	m, err := newMatch(cfg, a)
	for _, p := range standby {
		p.m = m
	}
	if err != nil {
		t.Fatal(err)
	}
	a.m = m
	t.Cleanup(func() { m.finish(OverShutdown, "") })
	for i := range players {
		l := &quietLink{}
		a.links = append(a.links, l)
		a.brains = append(a.brains, m.cfg.Game.Brain(game.BrainSetup{Seed: uint64(i), Hz: m.cfg.Hz, Static: m.Static(), Skill: 50}))
		if err := m.Attach(l, Attach{Who: journal.Join{ID: fmt.Sprint("bot", i), Name: fmt.Sprint("bot", i), Bot: true}}); err != nil {
			t.Fatal(err)
		}
	}
	a.step(nil)
	return a
}

// step runs one tick with a sample of every player, as the goroutine would.
func (a *arenaMatch) step(inputs []game.Input) {
	for i := range inputs {
		in := inputs[i]
		in.Seq = a.m.core.tick
		_ = a.m.Sample(a.links[i], Sample{Input: in, Tick: a.m.core.tick + 1})
	}
	if !a.m.step(0, true) {
		panic("the match failed")
	}
}

// think asks the brains, who see what their clients would, and keeps what they answer.
func (a *arenaMatch) think() []game.Input {
	inputs := make([]game.Input, len(a.brains))
	for i, b := range a.brains {
		inputs[i] = b.Think(&eyes{a.m, a.links[i].player}, a.links[i].player)
	}
	a.script = append(a.script, inputs)
	return inputs
}

// eyes is what one player's client has.
type eyes struct {
	m  *Match
	me uint32
}

func (e *eyes) Tick() uint32 { return e.m.core.tick }

func (e *eyes) Each(kind uint8, f func(id uint32, row []int32)) {
	for _, c := range [...]game.Channel{game.All, game.Own(e.me)} {
		for _, r := range e.m.rows.Channel(c) {
			if r.Kind == kind {
				f(r.ID, e.m.rows.Values(r))
			}
		}
	}
}

// scriptOf plays n ticks with brains and returns what they decided, so that the same can be played without them.
func scriptOf(t testing.TB, players, n int) [][]game.Input {
	a := newArenaMatch(t, players, false)
	for range n {
		a.step(a.think())
	}
	return a.script
}

// A tick in steady state, from the inbox to the sink with hash, rows and journal, allocates nothing: what is left is Info
// once a second and buffers that still grow. The bots play; shots and deaths included.
func TestTickAllocatesNothing(t *testing.T) {
	const warm, measured = 600, 900
	script := scriptOf(t, 16, warm+measured+1)
	t.Run("alone", func(t *testing.T) { allocatesNothing(t, newArenaMatch(t, 16, false), script, warm, measured) })
	t.Run("gated", func(t *testing.T) {
		allocatesNothing(t, newArenaMatch(t, 16, false, &prompt{}), script, warm, measured)
	})
}

func allocatesNothing(t *testing.T, a *arenaMatch, script [][]game.Input, warm, measured int) {
	t.Helper()
	for _, inputs := range script[:warm] {
		a.step(inputs)
	}
	at := warm
	perTick := testing.AllocsPerRun(measured, func() {
		a.step(script[at])
		at++
	})
	if perTick >= 1 { // AllocsPerRun rounds down: less than one in a tick
		t.Errorf("%v allocations in a tick", perTick)
	}
	if len(a.m.core.Scores()) == 0 || a.m.core.Scores()[0].Points == 0 {
		t.Error("nobody scored: the script does not play")
	}
}

// BenchmarkTick steps one match as its goroutine does: samples taken from the inbox, planned, applied, hashed, rows made and
// journaled. The bots' decisions were made before. Run it with -benchtime 10000x -benchmem.
func BenchmarkTick(b *testing.B) {
	for _, players := range []int{16, 64} {
		for _, record := range []bool{false, true} {
			name := fmt.Sprintf("players=%d", players)
			if record {
				name += "/recorded"
			}
			b.Run(name, func(b *testing.B) { benchTick(b, players, newArenaMatch(b, players, record)) })
		}
		b.Run(fmt.Sprintf("players=%d/gated", players), func(b *testing.B) { benchTick(b, players, newArenaMatch(b, players, false, &prompt{})) })
	}
}

func benchTick(b *testing.B, players int, a *arenaMatch) {
	const warm = 300
	script := scriptOf(b, players, warm+b.N)
	for _, inputs := range script[:warm] {
		a.step(inputs)
	}
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for _, inputs := range script[warm:] {
		a.step(inputs)
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N), "mallocs/tick") // allocs/op is rounded down
	b.ReportMetric(float64(len(a.m.core.Save())), "B/state")
}
