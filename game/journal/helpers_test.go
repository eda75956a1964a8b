package journal

import (
	"bytes"
	"slices"
	"testing"

	"github.com/overtime-server/overtime/game"
	"pgregory.net/rapid"
)

var testHeader = Header{
	Match: "m-1", Epoch: 3, Game: "arena", Version: 7, Seed: 1<<63 + 5, Hz: 30, Every: 2, Seats: 16,
	SeatHold: 1800, Pause: -1, Settings: []byte(`{"walls":12}`), Started: 1_700_000_000_123,
}

// drawInputs makes the inputs of a tick.
func drawInputs(t *rapid.T, tick uint32) []Inputs {
	u16 := rapid.Uint16()
	var out []Inputs
	players := rapid.SliceOfNDistinct(rapid.Uint32Range(1, 1<<32-1), 0, 5, rapid.ID[uint32]).Draw(t, "players")
	slices.Sort(players)
	for _, p := range players {
		in := Inputs{Player: p, Ack: rapid.Uint32().Draw(t, "ack"), MessageAck: rapid.Uint32().Draw(t, "messages")}
		if rapid.Bool().Draw(t, "counts") {
			in.Merged, in.Late, in.Refused = u16.Draw(t, "merged"), u16.Draw(t, "late"), u16.Draw(t, "refused")
		}
		for range rapid.IntRange(0, game.MaxInputsTick).Draw(t, "samples") {
			s := game.Input{
				Seq: rapid.Uint32().Draw(t, "seq"), Seen: rapid.Uint32().Draw(t, "seen"), Frac: rapid.Byte().Draw(t, "frac"),
				Buttons: u16.Draw(t, "buttons"), Repeated: rapid.Bool().Draw(t, "repeated"),
			}
			for i := range s.Axes {
				s.Axes[i] = rapid.Int16().Draw(t, "axis")
			}
			in.Samples = append(in.Samples, s)
		}
		out = append(out, in)
	}
	return out
}

// drawRecord makes any record that is within the limits.
func drawRecord(t *rapid.T, tick uint32) Record {
	r := Record{Tick: tick, Void: rapid.Bool().Draw(t, "void"), Hash: rapid.Uint64().Draw(t, "hash"), Inputs: drawInputs(t, tick)}
	for range rapid.IntRange(0, 4).Draw(t, "events") {
		e := Event{
			Kind: EventKind(rapid.ByteRange(1, 255).Draw(t, "kind")), Player: rapid.Uint32().Draw(t, "player"),
			Number: rapid.Uint32().Draw(t, "number"), Data: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data"),
		}
		if rapid.Bool().Draw(t, "join") {
			e.Kind = game.EventJoin
			e.Join = Join{
				ID: rapid.StringN(0, -1, MaxString).Draw(t, "id"), Name: rapid.StringN(0, -1, 24).Draw(t, "name"),
				Team: rapid.Uint32().Draw(t, "team"), Bot: rapid.Bool().Draw(t, "bot"), Spectator: rapid.Bool().Draw(t, "spectator"),
			}
		}
		r.Events = append(r.Events, e)
	}
	return r
}

// clone copies a record deeply, with empty slices for nil ones, so that clones can be compared.
func clone(r Record) Record {
	r.Events, r.Inputs = append([]Event{}, r.Events...), append([]Inputs{}, r.Inputs...)
	for i := range r.Events {
		r.Events[i].Data = append([]byte{}, r.Events[i].Data...)
	}
	for i := range r.Inputs {
		r.Inputs[i].Samples = append([]game.Input{}, r.Inputs[i].Samples...)
	}
	return r
}

// tickRecord is a record of a busy 16-player tick.
func tickRecord(tick uint32) *Record {
	r := &Record{Tick: tick, Hash: uint64(tick) * 0x9e3779b97f4a7c15}
	for p := uint32(1); p <= 16; p++ {
		r.Inputs = append(r.Inputs, Inputs{Player: p, Ack: tick + p, MessageAck: 3, Samples: []game.Input{{
			Seq: tick + p, Seen: tick - 2, Frac: byte(p), Buttons: 5, Axes: [game.NumAxes]int16{-32767, 32767, 300, 0},
		}}})
	}
	r.Events = []Event{
		{Kind: game.EventCommand, Player: 2, Number: tick, Data: []byte("hello")},
		{Kind: game.EventJoin, Player: 17, Join: Join{ID: "guest-1", Name: "Ann", Team: 1}},
	}
	return r
}

// smallJournal returns a whole journal of three ticks, and where its blocks begin.
func smallJournal(t testing.TB) (file []byte, starts []int64) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, testHeader)
	starts = append(starts, int64(len(magic)))
	step := func(f func() error) {
		starts = append(starts, w.Bytes())
		if err == nil {
			err = f()
		}
	}
	for tick := uint32(1); tick <= 3; tick++ {
		r := tickRecord(tick)
		r.Inputs = r.Inputs[:2]
		step(func() error { return w.WriteRecord(r) })
		if tick == 2 {
			step(func() error { return w.WriteCheckpoint(tick, []byte("the state")) })
		}
	}
	step(func() error { return w.End("done") })
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), starts
}

// readAll reads entries until an error and returns copies of them.
func readAll(file []byte) (entries []Entry, err error) {
	r, err := NewReader(bytes.NewReader(file))
	for err == nil {
		var e Entry
		if e, err = r.Next(); err == nil {
			if e.Record != nil {
				c := clone(*e.Record)
				e.Record = &c
			}
			e.State = bytes.Clone(e.State)
			entries = append(entries, e)
		}
	}
	return entries, err
}
