package replica

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/game/tag"
)

// drift is a game that lies about being exact: in one tick of its settings every world adds a number of its own to its state.
// With panics it panics there instead, but in the first world made.
func drift(at uint32, exact, panics bool) game.Def {
	worlds := uint64(0)
	return game.Def{
		Name: "drift", Version: 1, Exact: exact, Kinds: []game.Kind{{Name: "sum", Fields: []game.Field{{Name: "sum", Bits: 32}}}},
		New: func(game.Setup) (game.Match, error) {
			worlds++
			return &driftWorld{at: at, own: worlds, panics: panics, cells: make([]uint64, 64)}, nil
		},
	}
}

type driftWorld struct {
	at     uint32
	own    uint64
	panics bool
	cells  []uint64
}

func (w *driftWorld) Step(t *game.Tick) {
	w.cells[t.N%64] += uint64(t.N)
	for _, p := range t.Players {
		if in, ok := t.Input(p.Number); ok {
			w.cells[p.Number%64] += uint64(uint16(in.Axes[0]))
		}
	}
	if t.N >= w.at && w.panics && w.own > 1 {
		panic("drift")
	}
	if t.N >= w.at && !w.panics {
		w.cells[7] += w.own
	}
	if t.N%50 == 0 { // the state grows and shrinks
		w.cells = append(w.cells[:t.N%7+60], w.cells[t.N%7+60-20:]...)
		w.cells = w.cells[:min(len(w.cells), 96)]
		for len(w.cells) < 64 {
			w.cells = append(w.cells, uint64(t.N))
		}
	}
}

func (w *driftWorld) Rows(r *game.Rows) { r.Put(game.All, 1, 0)[0] = int32(w.cells[7]) }

func (w *driftWorld) Save(b []byte) []byte {
	for _, c := range w.cells {
		b = binary.LittleEndian.AppendUint64(b, c)
	}
	return b
}

func (w *driftWorld) Load(b []byte) error {
	if len(b)%8 != 0 || len(b) < 64*8 {
		return fmt.Errorf("drift: %d bytes", len(b))
	}
	w.cells = w.cells[:0]
	for ; len(b) > 0; b = b[8:] {
		w.cells = append(w.cells, binary.LittleEndian.Uint64(b))
	}
	return nil
}

// tb is what testing.T and rapid.T have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

const testMatch = "m0123456789abcdef"

func testHeader(def game.Def, seats int) journal.Header {
	def = def.WithDefaults()
	return journal.Header{Match: testMatch, Epoch: 1, Game: def.Name, Version: def.Version, Seed: 7, Hz: 30, Every: 1,
		Seats: seats, SeatHold: 100000, Pause: 30}
}

func gameOf(def game.Def) func(string, uint32) (game.Def, bool) {
	return func(name string, version uint32) (game.Def, bool) {
		return def, name == def.Name && def.CanLoad(version)
	}
}

// script makes records of players who come, go and press anything. It is told nothing by the rules.
type script struct {
	rnd    *rand.Rand
	want   int
	lastNo uint32
	online map[uint32]bool // by number, of everybody with a seat
	acks   map[uint32]uint32
	cmds   map[uint32]uint32
}

func newScript(rnd *rand.Rand, want int) *script {
	return &script{rnd: rnd, want: want, online: map[uint32]bool{}, acks: map[uint32]uint32{}, cmds: map[uint32]uint32{}}
}

func (s *script) clone() *script {
	c := *s
	c.online, c.acks, c.cmds = maps.Clone(s.online), maps.Clone(s.acks), maps.Clone(s.cmds)
	return &c
}

func (s *script) next(tick uint32) *journal.Record {
	rec := &journal.Record{Tick: tick}
	event := func(e journal.Event) { rec.Events = append(rec.Events, e) }
	if len(s.online) < s.want {
		s.lastNo++
		s.online[s.lastNo] = true
		event(journal.Event{Kind: game.EventJoin, Player: s.lastNo, Join: journal.Join{ID: fmt.Sprint("p", s.lastNo), Name: "player", Bot: true}})
	}
	for number := uint32(1); number <= s.lastNo; number++ {
		online, seated := s.online[number]
		if !seated {
			continue
		}
		switch n := s.rnd.IntN(400); {
		case n == 0:
			event(journal.Event{Kind: game.EventLeave, Player: number, Data: []byte("left")})
			delete(s.online, number)
			continue
		case n < 3:
			kind := game.EventReturn
			if online {
				kind = game.EventDrop
			}
			s.online[number] = !online
			event(journal.Event{Kind: kind, Player: number})
		case n == 4:
			s.cmds[number]++
			event(journal.Event{Kind: game.EventCommand, Player: number, Number: s.cmds[number], Data: []byte("hello")})
		}
		if !s.online[number] {
			continue
		}
		in := journal.Inputs{Player: number}
		for range [...]int{0, 1, 1, 1, 1, 1, 2}[s.rnd.IntN(7)] {
			s.acks[number]++
			bits := s.rnd.Uint32()
			x := game.Input{Seq: s.acks[number], Seen: tick - 1, Buttons: uint16(bits & (bits >> 16))}
			for i := range x.Axes {
				x.Axes[i] = int16(s.rnd.Uint32())
			}
			in.Samples = append(in.Samples, x)
		}
		in.Ack = s.acks[number]
		if len(in.Samples) > 0 {
			rec.Inputs = append(rec.Inputs, in)
		}
	}
	rec.Void = s.rnd.IntN(300) == 0
	return rec
}

// owner is a match that is stepped by hand, as loop.Match would.
type owner struct {
	core   *loop.Core
	script *script
	src    *Source
	asked  bool
	hashes map[uint32]uint64 // of all ticks; a later owner's replace an earlier one's
	past   map[uint32]*script
}

func (o *owner) step(t tb) { o.apply(t, o.script.next(o.core.Tick()+1)) }

func eventOf(kind game.EventKind, data []byte) journal.Event {
	return journal.Event{Kind: kind, Data: data}
}

func (o *owner) apply(t tb, rec *journal.Record) {
	if err := o.core.Apply(rec); err != nil {
		t.Fatal(err)
	}
	rec.Hash = o.core.Hash()
	o.hashes[rec.Tick], o.past[rec.Tick] = rec.Hash, o.script.clone()
	delete(o.past, rec.Tick-400)
	o.src.Record(rec)
	if o.asked || rec.Tick%60 == 0 {
		o.asked = false
		o.src.Checkpoint(rec.Tick, o.core.Save())
	}
}

// newOwner makes a match of a game whose replication goes nowhere yet.
func newOwner(t tb, def game.Def, rnd *rand.Rand, players int, change func(*SourceConfig)) *owner {
	t.Helper()
	head := testHeader(def, players+2)
	core, err := loop.NewCore(def, head)
	if err != nil {
		t.Fatal(err)
	}
	o := &owner{core: core, script: newScript(rnd, players), hashes: map[uint32]uint64{}, past: map[uint32]*script{}}
	cfg := SourceConfig{Match: testMatch, Header: head, Epoch: 1, Since: 1, Exact: def.Exact,
		Out: func(string, []byte) bool { return false }, Bulk: func(string, []byte) {}}
	if change != nil {
		change(&cfg)
	}
	o.lead(t, cfg)
	return o
}

func (o *owner) lead(t tb, cfg SourceConfig) {
	t.Helper()
	src, err := NewSource(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.src = src
	src.Bind(func() { o.asked = true })
}

func newStandby(t tb, def game.Def, stats *Stats) *Standby {
	t.Helper()
	s, err := NewStandby(StandbyConfig{Match: testMatch, Game: gameOf(def), Stats: stats})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func games() map[string]game.Def {
	return map[string]game.Def{"arena": arena.Game(), "tag": tag.Game()}
}
