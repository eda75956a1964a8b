package loop

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

func testHeader() journal.Header {
	return journal.Header{Match: "m", Epoch: 1, Game: "counter", Version: 3, Seed: 99, Hz: 30, Every: 1, Seats: 6, SeatHold: 12, Pause: 7}
}

func testCore(t testing.TB) *Core {
	t.Helper()
	c, err := NewCore(counterDef(nil), testHeader())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// script draws the records of a match as its planner could make them, and applies them to a core as it goes.
type script struct {
	t    *rapid.T
	core *Core
	recs []journal.Record
}

// drawScript draws n ticks and fills their hashes in.
func drawScript(t *rapid.T, n int) *script {
	core, err := NewCore(counterDef(nil), testHeader())
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, core: core}
	for range n {
		rec := s.tick()
		if err := core.Apply(&rec); err != nil {
			t.Fatal(err)
		}
		rec.Hash = core.Hash()
		s.recs = append(s.recs, rec)
	}
	return s
}

func (s *script) chance(percent int, what string) bool {
	return rapid.IntRange(0, 99).Draw(s.t, what) < percent
}

func (s *script) tick() journal.Record {
	rec := journal.Record{Tick: s.core.tick + 1, Void: s.chance(3, "void")}
	gone := map[uint32]bool{}
	for _, p := range s.core.players {
		rec.Events = append(rec.Events, s.events(p, gone)...)
	}
	if len(s.core.players) < 8 && s.chance(15, "join") {
		n := s.core.lastNum + 1
		rec.Events = append(rec.Events, journal.Event{Kind: game.EventJoin, Player: n, Join: journal.Join{
			ID: fmt.Sprint("id", n), Name: fmt.Sprint("name", n), Team: n % 3, Bot: n%4 == 0, Spectator: n%5 == 0,
		}})
	}
	if s.chance(2, "admin") {
		rec.Events = append(rec.Events, journal.Event{Kind: game.EventAdmin, Data: []byte("shrink the world")})
	}
	if s.chance(4, "pause") || s.core.paused && s.chance(20, "go on") {
		rec.Events = append(rec.Events, journal.Event{Kind: journal.EventPause, Number: uint32(flags(!s.core.paused))})
	}
	for _, p := range s.core.players {
		if !gone[p.number] && s.chance(60, "inputs") {
			rec.Inputs = append(rec.Inputs, s.inputs(p))
		}
	}
	return rec
}

// events draws what happens to one player.
func (s *script) events(p *player, gone map[uint32]bool) (l []journal.Event) {
	say := func(e journal.Event) { e.Player = p.number; l = append(l, e) }
	if p.online && s.chance(5, "command") {
		verbs := []string{"say hello", "own 1", "team 1", "spam 9", "id", "end", "end {}", fmt.Sprint("kick ", p.number), "kick 1", "kick 99"}
		say(journal.Event{Kind: game.EventCommand, Number: p.command + 1, Data: []byte(rapid.SampledFrom(verbs).Draw(s.t, "text"))})
	}
	switch x := rapid.IntRange(0, 99).Draw(s.t, "fate"); {
	case x < 2:
		gone[p.number] = true
		say(journal.Event{Kind: game.EventLeave, Data: []byte("left")})
	case x < 3:
		gone[p.number] = true
		say(journal.Event{Kind: journal.EventKick, Data: []byte("kicked")})
	case x < 8 && p.online && !p.who.Spectator:
		say(journal.Event{Kind: game.EventDrop})
	case x < 40 && !p.online:
		say(journal.Event{Kind: game.EventReturn})
		say(journal.Event{Kind: journal.EventSpend, Number: p.generation + 1})
	}
	return l
}

func (s *script) inputs(p *player) journal.Inputs {
	in := journal.Inputs{Player: p.number, Ack: p.ack, MessageAck: rapid.Uint32Range(0, p.out.next+1).Draw(s.t, "message")}
	if p.who.Spectator {
		return in
	}
	for range rapid.IntRange(0, game.MaxInputsTick).Draw(s.t, "samples") {
		in.Ack++
		in.Samples = append(in.Samples, game.Input{
			Seq: in.Ack, Seen: s.core.tick, Frac: 128, Buttons: btnFire, Axes: [4]int16{int16(rapid.IntRange(-9, 9).Draw(s.t, "axis")), 1, -2, 3},
		})
	}
	in.Merged = uint16(max(0, len(in.Samples)-1))
	in.Late, in.Refused = uint16(rapid.IntRange(0, 1).Draw(s.t, "late")), uint16(rapid.IntRange(0, 1).Draw(s.t, "refused"))
	in.Ack += uint32(in.Late) + uint32(in.Refused)
	return in
}
