package delta

import (
	"bytes"
	"errors"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema/wire"
)

// forged is a state frame written by hand.
type forged struct {
	rows, small         []byte
	wide                []int16
	base                byte
	channel, tick, hash uint32
	at                  uint32 // the tick that head says
	keyframe, headless  bool
}

func (f forged) message() []byte {
	e := Encoder{b: flatbuffers.NewBuilder(64), wide: f.wide}
	b := e.b
	rows, small, wide := octets(b, f.rows), octets(b, f.small), e.wideVector()
	wire.ServerMessageStart(b)
	wire.ServerMessageAddRows(b, rows)
	wire.ServerMessageAddSmall(b, small)
	wire.ServerMessageAddWide(b, wide)
	wire.ServerMessageAddBase(b, f.base)
	wire.ServerMessageAddChannel(b, f.channel)
	wire.ServerMessageAddTick(b, f.tick)
	wire.ServerMessageAddHash(b, f.hash)
	wire.ServerMessageAddKeyframe(b, f.keyframe)
	if !f.headless {
		wire.ServerMessageAddHead(b, wire.CreateHead(b, checkOf(f.at, f.hash)))
	}
	b.Finish(wire.ServerMessageEnd(b))
	return b.FinishedBytes()
}

// Every way in which a frame can break the rules of doc.go is told from a wrong hash and from a missing base, and leaves
// the state alone. The state has one row, point 5 with x = 20 and displacement 10, at frame 2.
func TestMalformedFrames(t *testing.T) {
	ok := forged{at: 3, rows: []byte{5, 2}, small: []byte{1}}
	cases := map[string]struct {
		f    func(*forged)
		want error
	}{
		"nothing wrong but the hash":         {func(f *forged) {}, ErrHash},
		"a long mask of zeros":               {func(f *forged) { f.rows = []byte{5, 2, 0} }, ErrMalformed},
		"no head":                            {func(f *forged) { f.headless = true }, ErrMalformed},
		"base 1":                             {func(f *forged) { f.base = 1 }, ErrMalformed},
		"another tick":                       {func(f *forged) { *f = forged{at: 4, rows: []byte{5, 0}} }, ErrHash},
		"another tick in its upper half":     {func(f *forged) { f.tick = 1<<16 + 3 }, ErrBase},
		"a longer gap than said":             {func(f *forged) { *f = forged{at: 3, base: 2, rows: []byte{5, 0}} }, ErrHash},
		"mask bit beyond the fields":         {func(f *forged) { f.rows = []byte{5, 8 | 2} }, ErrMalformed},
		"a displacement without being told":  {func(f *forged) { f.rows, f.small = []byte{5, 10}, []byte{1, 1} }, ErrMalformed},
		"its displacement, being told":       {func(f *forged) { f.base, f.at, f.rows, f.small = 2, 4, []byte{5, 10}, []byte{1, 1} }, ErrHash},
		"too few residuals":                  {func(f *forged) { f.small = nil }, ErrMalformed},
		"too many residuals":                 {func(f *forged) { f.small = []byte{1, 1} }, ErrMalformed},
		"no mask":                            {func(f *forged) { f.rows = []byte{5} }, ErrMalformed},
		"no mask for the second":             {func(f *forged) { f.rows = []byte{5, 2, 1} }, ErrMalformed},
		"escape into nothing":                {func(f *forged) { f.small = []byte{0x80} }, ErrMalformed},
		"long escape into nothing":           {func(f *forged) { f.small = []byte{0x81} }, ErrMalformed},
		"long escape into half":              {func(f *forged) { f.small, f.wide = []byte{0x81}, []int16{1} }, ErrMalformed},
		"escape":                             {func(f *forged) { f.small, f.wide = []byte{0x80}, []int16{-32768} }, ErrHash},
		"long escape":                        {func(f *forged) { f.small, f.wide = []byte{0x81}, []int16{9, 9} }, ErrHash},
		"wide left over":                     {func(f *forged) { f.wide = []int16{1} }, ErrMalformed},
		"wide left over after an escape":     {func(f *forged) { f.small, f.wide = []byte{0x80}, []int16{1, 1} }, ErrMalformed},
		"change of a row that is not there":  {func(f *forged) { f.rows = []byte{6, 2} }, ErrMalformed},
		"a new row":                          {func(f *forged) { f.rows, f.small = []byte{6, 1}, []byte{1} }, ErrHash},
		"a new row of no kind":               {func(f *forged) { f.rows, f.small = []byte{6, 1}, []byte{2} }, ErrMalformed},
		"a new row of a negative kind":       {func(f *forged) { f.rows, f.small = []byte{6, 1}, []byte{0xff} }, ErrMalformed},
		"a new row without kind":             {func(f *forged) { f.rows, f.small = []byte{6, 1}, nil }, ErrMalformed},
		"an id twice":                        {func(f *forged) { f.rows = []byte{5, 2, 0, 2} }, ErrMalformed},
		"an id twice, the second new":        {func(f *forged) { f.rows, f.small = []byte{5, 2, 0, 1}, []byte{1, 1} }, ErrMalformed},
		"an id twice, the first gone":        {func(f *forged) { f.rows, f.small = []byte{5, 0, 0, 1}, []byte{1} }, ErrMalformed},
		"id 0 twice":                         {func(f *forged) { f.rows, f.small = []byte{0, 1, 0, 1}, []byte{1, 1} }, ErrMalformed},
		"an id cut short":                    {func(f *forged) { f.rows = []byte{0x85} }, ErrMalformed},
		"an id written long":                 {func(f *forged) { f.rows = []byte{0x85, 0x80, 0, 2} }, ErrHash},
		"an id beyond 32 bits":               {func(f *forged) { f.rows = []byte{0xff, 0xff, 0xff, 0xff, 0x7f, 2} }, ErrMalformed},
		"ids that add up beyond 32 bits":     {func(f *forged) { f.rows = []byte{5, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0} }, ErrMalformed},
		"an id beyond 64 bits":               {func(f *forged) { f.rows = []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2} }, ErrMalformed},
		"removal":                            {func(f *forged) { *f = forged{at: 3, rows: []byte{5, 0}, hash: 1} }, ErrHash},
		"removal of a row that is not there": {func(f *forged) { *f = forged{at: 3, rows: []byte{6, 0}} }, ErrMalformed},
		"removal of a smaller id":            {func(f *forged) { *f = forged{at: 3, rows: []byte{4, 0}} }, ErrMalformed},
		"removal twice":                      {func(f *forged) { *f = forged{at: 3, rows: []byte{5, 0, 0, 0}} }, ErrMalformed},
		"removal with a residual":            {func(f *forged) { *f = forged{at: 3, rows: []byte{5, 0}, small: []byte{1}} }, ErrMalformed},
		"removal in a keyframe":              {func(f *forged) { *f = forged{at: 3, tick: 3, keyframe: true, rows: []byte{5, 0}} }, ErrMalformed},
		"a keyframe with a base":             {func(f *forged) { *f = forged{at: 3, tick: 3, keyframe: true, base: 2} }, ErrMalformed},
		"a keyframe with two ticks":          {func(f *forged) { *f = forged{at: 3, tick: 4, keyframe: true} }, ErrHash},
		"a change in a keyframe":             {func(f *forged) { f.keyframe, f.tick = true, 3 }, ErrMalformed},
		"a keyframe's upper hash":            {func(f *forged) { *f = forged{at: 3, tick: 3, keyframe: true, hash: 1 << 16} }, ErrHash},
		"an empty keyframe":                  {func(f *forged) { *f = forged{at: 3, tick: 3, keyframe: true} }, nil},
		"all gone":                           {func(f *forged) { *f = forged{at: 3, rows: []byte{5, 0}} }, nil},
	}
	for name, c := range cases {
		s := twoFrames(t)
		f := ok
		c.f(&f)
		_, err := tryApply(s, f.message())
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, row, ok := s.Row(game.All, 5); err != nil && (!ok || row[0] != 20 || s.Tick() != 2) {
			t.Errorf("%s: the state changed", name)
		}
	}
}

// twoFrames returns the state that TestMalformedFrames wants.
func twoFrames(t *testing.T) *State {
	t.Helper()
	rows, ring, s := game.NewRows(pointKinds), NewRing(mustTables(pointKinds), game.All, 2), mustState(pointKinds, 1)
	var enc Encoder
	for n := range uint32(2) {
		rows.Reset()
		rows.Put(game.All, 5, 0)[0] = 10 + 10*int32(n)
		base := ring.Last()
		apply(t, s, enc.Encode(base, ring.Add(n+1, n+1, rows.All(), rows), Options{}))
	}
	return s
}

// A small frame cannot make the receiver keep more than MaxRows.
func TestTooManyRows(t *testing.T) {
	f := forged{keyframe: true, tick: 1, at: 1, rows: []byte{0, 1}}
	for range MaxRows {
		f.rows = append(f.rows, 1, 1)
	}
	f.small = bytes.Repeat([]byte{1}, MaxRows+1) // kind 1 has one field, so one byte of mask
	if _, err := tryApply(mustState(pointKinds, 1), f.message()); !errors.Is(err, ErrMalformed) {
		t.Fatalf("%d rows: %v", len(f.small), err)
	}
	f.rows, f.small = f.rows[:2*MaxRows], f.small[:MaxRows]
	if _, err := tryApply(mustState(pointKinds, 1), f.message()); !errors.Is(err, ErrHash) {
		t.Fatalf("%d rows: %v", len(f.small), err)
	}
}
