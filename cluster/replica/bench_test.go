package replica

import (
	"fmt"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// seen is what one player's client sees of a core, but for his own rows.
type seen struct {
	core *loop.Core
	rows *game.Rows
}

func (v seen) Tick() uint32 { return v.core.Tick() }

func (v seen) Each(kind uint8, f func(id uint32, row []int32)) {
	for _, row := range v.rows.Channel(game.All) {
		if row.Kind == kind {
			f(row.ID, v.rows.Values(row))
		}
	}
}

// played is an arena match of bots: the state in which it is busy, and the encoded ticks that follow.
type played struct {
	def   game.Def
	head  journal.Header
	start *Snapshot
	recs  []*journal.Record
	ticks [2][]Message // as records, as differences
}

// play lets bots play a match for a few seconds, and keeps a number of ticks after that.
func play(b *testing.B, players, ticks int) *played {
	p := &played{def: arena.Game()}
	p.head = testHeader(p.def, players)
	core, err := loop.NewCore(p.def, p.head)
	if err != nil {
		b.Fatal(err)
	}
	view := seen{core, game.NewRows(loop.Kinds(p.def))}
	var brains []game.Brain
	for i := range players {
		brains = append(brains, p.def.Brain(game.BrainSetup{Seed: uint64(i), Hz: p.head.Hz, Static: core.Static(), Skill: 50}))
	}
	var d differ
	var before []byte
	const warm = 200
	for tick := uint32(1); tick <= uint32(warm+ticks); tick++ {
		rec := &journal.Record{Tick: tick}
		for i, brain := range brains {
			number := uint32(i + 1)
			if tick == 1 {
				rec.Events = append(rec.Events, journal.Event{Kind: game.EventJoin, Player: number,
					Join: journal.Join{ID: fmt.Sprint("bot", i), Name: fmt.Sprint("bot", i), Bot: true}})
			}
			in := brain.Think(view, number)
			in.Seq, in.Seen = tick, tick-1
			rec.Inputs = append(rec.Inputs, journal.Inputs{Player: number, Samples: []game.Input{in}, Ack: tick})
		}
		hash := core.Hash()
		if tick == warm+1 {
			p.start = &Snapshot{Match: testMatch, Epoch: 1, Since: 1, Tick: warm, Hash: hash, State: append([]byte(nil), core.Save()...)}
		}
		before = append(before[:0], core.Save()...)
		if err := core.Apply(rec); err != nil {
			b.Fatal(err)
		}
		rec.Hash = core.Hash()
		core.Rows(view.rows)
		if tick <= warm {
			continue
		}
		m := Message{Kind: KindRecord, Match: []byte(testMatch), Epoch: 1, From: tick - 1, Tick: tick, Before: hash, Hash: rec.Hash}
		m.Body = journal.AppendRecord(nil, rec)
		p.recs, p.ticks[0] = append(p.recs, rec), append(p.ticks[0], m)
		m.Kind, m.Body = KindDiff, d.append(nil, before, core.Save())
		p.ticks[1] = append(p.ticks[1], m)
	}
	return p
}

// Benchmark measures a tick of the owner's step (rules, hash and rows: what a match costs before any encoding), of the source and of
// the standby, both as records and as differences. All run the same ticks of a match of bots. B/tick is on the wire.
func Benchmark(b *testing.B) {
	for _, players := range []int{16, 64} {
		p := play(b, players, 300)
		b.Run(fmt.Sprintf("players=%d/owner", players), func(b *testing.B) { p.owner(b) })
		for diff, name := range []string{"record", "diff"} {
			b.Run(fmt.Sprintf("players=%d/%s/source", players, name), func(b *testing.B) { p.source(b, diff == 1) })
			b.Run(fmt.Sprintf("players=%d/%s/standby", players, name), func(b *testing.B) { p.standby(b, diff) })
		}
	}
}

func (p *played) owner(b *testing.B) {
	rows := game.NewRows(loop.Kinds(p.def))
	var core *loop.Core
	for i := 0; b.Loop(); i++ {
		if i%len(p.recs) == 0 {
			b.StopTimer()
			core, _ = build(p.def, p.head, p.start.State)
			b.StartTimer()
		}
		if err := core.Apply(p.recs[i%len(p.recs)]); err != nil {
			b.Fatal(err)
		}
		if core.Hash() != p.recs[i%len(p.recs)].Hash {
			b.Fatal("the match differs from itself")
		}
		core.Rows(rows)
	}
	b.ReportMetric(float64(len(core.Save())), "B/state")
}

// source is fed the ticks, and in difference mode the states, whose making is not counted.
func (p *played) source(b *testing.B, diff bool) {
	var states [][]byte
	core, _ := build(p.def, p.head, p.start.State)
	for _, rec := range p.recs {
		if err := core.Apply(rec); err != nil {
			b.Fatal(err)
		}
		states = append(states, append([]byte(nil), core.Save()...))
	}
	bytes, n := 0, 0
	var src *Source
	for i := 0; b.Loop(); i++ {
		k := i % len(p.recs)
		if k == 0 {
			b.StopTimer()
			h := &Handover{Tick: p.start.Tick, Hash: p.start.Hash}
			h.History.Put(p.start.Tick, p.start.Hash)
			src, _ = NewSource(SourceConfig{Match: testMatch, Header: p.head, Epoch: 1, Since: 1, Exact: !diff, From: h,
				Out: func(_ string, m []byte) bool { bytes += len(m); return true }, Bulk: func(string, []byte) {}})
			src.Checkpoint(p.start.Tick, p.start.State)
			src.Add("s")
			_ = src.Receive("s", &Message{Kind: KindAck, Match: []byte(testMatch), Epoch: 1, Since: 1, Tick: p.start.Tick, Hash: p.start.Hash})
			bytes, n = 0, 0
			b.StartTimer()
		}
		src.Record(p.recs[k])
		if diff || p.recs[k].Tick%60 == 0 {
			src.Checkpoint(p.recs[k].Tick, states[k])
		}
		_ = src.Receive("s", &Message{Kind: KindAck, Match: []byte(testMatch), Epoch: 1, Since: 1, Tick: p.recs[k].Tick, Hash: p.recs[k].Hash})
		n++
	}
	b.ReportMetric(float64(bytes)/float64(n), "B/tick")
}

func (p *played) standby(b *testing.B, mode int) {
	header := journal.AppendHeader(nil, &p.head)
	var s *Standby
	var answer []byte
	var err error
	for i := 0; b.Loop(); i++ {
		k := i % len(p.recs)
		if k == 0 {
			b.StopTimer()
			s = newStandby(b, p.def, nil)
			if _, err := s.Receive(nil, &Message{Kind: KindBegin, Match: []byte(testMatch), Epoch: 1, Since: 1, Header: header}); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Swap(nil, p.start); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		if answer, err = s.Receive(answer[:0], &p.ticks[mode][k]); err != nil || len(answer) == 0 {
			b.Fatal(err)
		}
	}
}
