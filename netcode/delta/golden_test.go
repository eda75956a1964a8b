package delta

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
)

var update = flag.Bool("update", false, "write testdata/frames.json anew")

const goldenFile = "testdata/frames.json"

const goldenAbout = "Frames as one receiver gets them, for decoders in any language. Apply each step's frame (hex of a whole ServerMessage) to one state " +
	"made from kinds and every. error is what applying must report: empty, base (a delta without a state of its channel) or hash (the tick or the view hash differs); " +
	"then the state stays as it was. channels is the whole state after the step, ascending by channel; a row is [id, kind, [values]]; hash is the view hash. " +
	"All numbers of rows are int32, ids, channels and hashes uint32. Written by go test ./netcode/delta -run Golden -update."

type goldenDoc struct {
	About string       `json:"about"`
	Every int          `json:"every"` // ticks per state frame
	Kinds []goldenKind `json:"kinds"`
	Steps []goldenStep `json:"steps"`
}

type goldenKind struct {
	Name   string        `json:"name"`
	Fields []goldenField `json:"fields"`
}

// goldenField is a schema.Field with names for JSON.
type goldenField struct {
	Name   string `json:"name"`
	Bits   uint8  `json:"bits"`
	Signed bool   `json:"signed"`
	Wraps  bool   `json:"wraps"`
	Linear bool   `json:"linear"`
	Jump   int32  `json:"jump"`
}

type goldenStep struct {
	Note     string          `json:"note"`
	Frame    string          `json:"frame"`
	Error    string          `json:"error"`
	Tick     uint32          `json:"tick"` // of the state after the step: All's
	Channels []goldenChannel `json:"channels"`
}

type goldenChannel struct {
	Channel uint32   `json:"channel"`
	Tick    uint32   `json:"tick"`
	Hash    uint32   `json:"hash"`
	Rows    [][3]any `json:"rows"`
}

func goldenKinds() []game.Kind {
	many := game.Kind{Name: "many"} // its mask has 49 bits
	for i := range game.MaxFields {
		many.Fields = append(many.Fields, game.Field{Name: "f" + string(rune('a'+i)), Bits: 32, Signed: true, Linear: true})
	}
	return []game.Kind{
		{Name: "ship", Fields: []game.Field{
			{Name: "x", Bits: 16, Linear: true, Jump: 300}, {Name: "y", Bits: 16, Signed: true, Linear: true},
			{Name: "aim", Bits: 10, Wrap: true}, {Name: "spin", Bits: 8, Signed: true, Wrap: true, Linear: true},
			{Name: "hp", Bits: 32, Signed: true},
		}},
		{Name: "bolt", Fields: []game.Field{{Name: "x", Bits: 16, Wrap: true, Linear: true}, {Name: "type", Bits: 3}}},
		many,
		{Name: "overtime.ack", Fields: []game.Field{{Name: "sample", Bits: 32, Linear: true}}},
	}
}

// goldenWorld puts the rows of a state frame; the frames of the scenario begin with 5.
func goldenWorld(r *game.Rows, f int32) {
	put := func(c game.Channel, id uint32, kind uint8, vals ...int32) { copy(r.Put(c, id, kind), vals) }
	x := 1000 + 40*f
	if f >= 7 {
		x += 5000 // a jump in frame 7
	}
	hp := []int32{100, 100, 100, 100, 100, 100, 100, 228, 227, -30000, 1 << 20, -1 << 31, 1<<31 - 1}
	put(game.All, 1, 0, x, -7*f, (1020+f*3)%1024, int32(int8(120+f*2)), hp[min(int(f), 12)])
	put(game.All, 300, 0, 500, 0, 1023*(f&1), -128+127*(f&1), 5) // aim and spin go over the edge, back and forth
	if f < 8 {
		put(game.All, 70000, 1, 65000+200*f, 2) // wraps past 65536
	}
	if f != 9 && f != 10 {
		put(game.All, 1<<32-1, 1, 10*f, 1) // gone for two frames, then back under its id
	}
	if f >= 8 {
		put(game.All, 2, uint8(f/9), 3*f) // kind 0 in frame 8, then kind 1
	}
	if f == 8 || f >= 11 {
		r.Put(game.All, 40, 2)[0] = f
		vals := r.Put(game.All, 41, 2)
		for i := range vals {
			vals[i] = f * int32(i-12) * 100_000_000
		}
	}
	put(game.Own(3), 1, 3, 50+f+f/9+f/14)
}

// goldenSteps plays the scenario and calls f with every message of it.
func goldenSteps(every uint32, f func(note string, msg []byte, own *Snapshot)) {
	kinds := goldenKinds()
	tables, rows := mustTables(kinds), game.NewRows(kinds)
	all, own := NewRing(tables, game.All, 64), NewRing(tables, game.Own(3), 64)
	for n := uint32(5); n <= 24; n++ {
		rows.Reset()
		goldenWorld(rows, min(int32(n), 17)) // nothing moves after 17
		rows.Sort()
		all.Add(n*every, n, rows.Channel(game.All), rows)
		own.Add(n*every, n, rows.Channel(game.Own(3)), rows)
	}
	var enc Encoder
	send := func(note string, r *Ring, base, now uint32, full bool) {
		f(note, enc.Encode(r.At(base), r.At(now), Options{FullHash: full, Epoch: 9}), own.At(now))
	}
	send("keyframe of Own, before the first of All", own, 0, 5, false)
	send("keyframe of All", all, 0, 5, false)
	send("Own differs from its prediction: the first displacement", own, 5, 6, false)
	send("linear fields begin to move; a wrap", all, 5, 6, false)
	send("a jump has no displacement; int8 escapes; Own is skipped, as predicted", all, 6, 7, false)
	send("new rows, a removed one, residuals beyond int16; Own skipped", all, 7, 8, false)
	send("Own turns up again", own, 8, 9, false)
	send("another kind under the same id; the last id removed", all, 8, 9, true)
	send("Own over two frames: its displacement is coded", own, 9, 11, false)
	send("int32's lower end; base of two frames: displacements coded", all, 9, 11, false)
	send("Own catches up over five frames", own, 11, 16, true)
	send("an id comes back, born after the base; five frames; int32's upper end", all, 11, 16, false)
	send("movement ends", all, 16, 17, false)
	send("Own stops", own, 17, 18, false)
	send("displacements end", all, 17, 18, false)
	send("nothing to say", all, 18, 19, false)
	send("a base that is another, where nothing changes", all, 18, 20, false)
	send("closed until a keyframe", all, 19, 20, false)
	send("keyframe of All: Own is dropped", all, 0, 20, true)
	send("Own without its base", own, 19, 21, false)
	send("keyframe of Own", own, 0, 21, false)
	send("All's delta in the same tick keeps it", all, 20, 21, false)
	forged := bytes.Clone(enc.Encode(all.At(21), all.At(22), Options{}))
	m, _ := schema.VerifyServer(forged)
	h := m.Head(nil)
	h.MutateCheck(h.Check() ^ 1)
	f("a view hash that differs", forged, nil)
	send("closed until a keyframe", all, 21, 22, false)
	send("keyframe of Own", own, 0, 23, false)
	send("keyframe of All in the same tick", all, 0, 23, false)
	send("and on", all, 23, 24, false)
}

// play applies a message and describes what came of it.
func play(t *testing.T, s *State, note string, msg []byte) goldenStep {
	t.Helper()
	step := goldenStep{Note: note, Frame: hex.EncodeToString(msg)}
	switch _, err := tryApply(s, msg); {
	case errors.Is(err, ErrBase):
		step.Error = "base"
	case errors.Is(err, ErrHash):
		step.Error = "hash"
	case err != nil:
		t.Fatalf("%s: %v", note, err)
	}
	step.Tick = s.Tick()
	for _, ch := range s.live {
		c := goldenChannel{Channel: uint32(ch.id), Tick: ch.cur.tick, Hash: ch.cur.hash}
		for i := range ch.cur.rows {
			r := &ch.cur.rows[i]
			c.Rows = append(c.Rows, [3]any{r.id, r.kind, append([]int32(nil), ch.cur.values(r)...)})
		}
		step.Channels = append(step.Channels, c)
	}
	return step
}

// The frames of the scenario are, byte for byte, what they were when the file was written, and give the same states.
func TestGolden(t *testing.T) {
	doc := goldenDoc{About: goldenAbout, Every: 2}
	for _, k := range KindsToWire(goldenKinds()) {
		g := goldenKind{Name: k.Name}
		for _, f := range k.Fields {
			g.Fields = append(g.Fields, goldenField(f))
		}
		doc.Kinds = append(doc.Kinds, g)
	}
	s := mustState(goldenKinds(), doc.Every)
	goldenSteps(uint32(doc.Every), func(note string, msg []byte, own *Snapshot) {
		doc.Steps = append(doc.Steps, play(t, s, note, msg))
		// What the server left out of Own was predicted.
		if have := s.Snapshot(game.Own(3)); own != nil && have != nil && s.Tick() == own.Tick() && have.Hash() != own.Hash() {
			t.Fatalf("%s: Own is not the server's", note)
		}
	})
	if *update {
		if err := os.WriteFile(goldenFile, marshalGolden(t, doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, marshalGolden(t, doc)) {
		var old goldenDoc
		if err := json.Unmarshal(text, &old); err != nil {
			t.Fatal(err)
		}
		for i := range min(len(old.Steps), len(doc.Steps)) {
			a, _ := json.Marshal(old.Steps[i])
			b, _ := json.Marshal(doc.Steps[i])
			if !bytes.Equal(a, b) {
				t.Fatalf("step %d differs:\nfile %s\nnow  %s", i, a, b)
			}
		}
		t.Fatal("the file differs")
	}
	if want := 3; s.Stats().NoBase != uint64(want) || s.Stats().HashMismatches != 2 {
		t.Errorf("the scenario lost its point: %+v", s.Stats())
	}
}

// The states in the file are those of the worlds that were put, not only what the decoder made of them.
func TestGoldenStatesAreTheWorlds(t *testing.T) {
	var doc goldenDoc
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	last := doc.Steps[len(doc.Steps)-1]
	rows := game.NewRows(goldenKinds())
	goldenWorld(rows, 17)
	rows.Sort()
	for _, ch := range last.Channels {
		var want [][3]any
		for _, r := range rows.Channel(game.Channel(ch.Channel)) {
			var vals []any
			for _, v := range rows.Values(r) {
				vals = append(vals, float64(v))
			}
			want = append(want, [3]any{float64(r.ID), float64(r.Kind), vals})
		}
		if !reflect.DeepEqual(ch.Rows, want) {
			t.Errorf("channel %d: %v, want %v", ch.Channel, ch.Rows, want)
		}
	}
}

// marshalGolden writes a step per line.
func marshalGolden(t *testing.T, doc goldenDoc) []byte {
	t.Helper()
	line := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var b bytes.Buffer
	b.WriteString("{\n\"about\": " + string(line(doc.About)) + ",\n\"every\": " + string(line(doc.Every)) + ",\n\"kinds\": [\n")
	for i, k := range doc.Kinds {
		b.Write(line(k))
		if i+1 < len(doc.Kinds) {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("],\n\"steps\": [\n")
	for i, s := range doc.Steps {
		b.Write(line(s))
		if i+1 < len(doc.Steps) {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n}\n")
	return b.Bytes()
}
