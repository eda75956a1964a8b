package delta

import (
	"errors"
	"slices"
	"testing"

	"github.com/overtime-server/overtime/game"
)

var pointKinds = []game.Kind{
	{Name: "point", Fields: []game.Field{{Name: "x", Bits: 32, Linear: true}, {Name: "c", Bits: 8}}},
	{Name: "overtime.ack", Fields: []game.Field{{Name: "sample", Bits: 32}}},
}

// pair is one server and one receiver of All and Own(7). In All, row 5 has x = 10*frame; in Own, row 1 has x = frame*frame.
type pair struct {
	t     *testing.T
	rows  *game.Rows
	rings map[game.Channel]*Ring
	enc   Encoder
	state *State
}

func newPair(t *testing.T) *pair {
	tables := mustTables(pointKinds)
	p := &pair{t: t, rows: game.NewRows(pointKinds), rings: map[game.Channel]*Ring{}, state: mustState(pointKinds, 2)}
	for _, c := range []game.Channel{game.All, game.Own(7)} {
		p.rings[c] = NewRing(tables, c, 300)
	}
	for f := int32(1); f <= 290; f++ {
		p.rows.Reset()
		p.rows.Put(game.All, 5, 0)[0] = 10 * f
		p.rows.Put(game.Own(7), 1, 0)[0] = f * f
		p.rows.Put(game.Own(7), 9, 1)[0] = 3
		p.rows.Sort()
		for c, ring := range p.rings {
			ring.Add(uint32(2*f), uint32(f), p.rows.Channel(c), p.rows)
		}
	}
	return p
}

// send codes a frame of a channel and applies it; base 0 is a keyframe.
func (p *pair) send(c game.Channel, base, frame uint32) error {
	p.t.Helper()
	var b *Snapshot
	if base != 0 {
		b = p.rings[c].At(base)
	}
	_, err := tryApply(p.state, p.enc.Encode(b, p.rings[c].At(frame), Options{Epoch: frame}))
	return err
}

func (p *pair) want(err, want error) {
	p.t.Helper()
	if !errors.Is(err, want) {
		p.t.Fatalf("error %v, want %v", err, want)
	}
}

func (p *pair) ok(errs ...error) {
	p.t.Helper()
	for _, err := range errs {
		p.want(err, nil)
	}
}

// x returns the x of a row of a channel, -1 if it is not there.
func (p *pair) x(c game.Channel, id uint32) int32 {
	if _, row, ok := p.state.Row(c, id); ok {
		return row[0]
	}
	return -1
}

const own = game.Channel(1<<31 | 7)

func TestOtherChannelsFollowTheClock(t *testing.T) {
	p := newPair(t)
	if p.state.Ready() || p.state.Tick() != 0 || p.state.Hash() != 0 {
		t.Fatal("an empty state has something")
	}
	p.ok(p.send(own, 0, 10))
	if p.state.Ready() {
		t.Fatal("ready before the clock")
	}
	p.ok(p.send(game.All, 0, 10), p.send(own, 10, 11), p.send(game.All, 10, 11))
	if !p.state.Ready() || p.state.Tick() != 22 || p.x(own, 1) != 121 || p.x(game.All, 5) != 110 {
		t.Fatalf("tick %d, own %d, all %d", p.state.Tick(), p.x(own, 1), p.x(game.All, 5))
	}
	p.ok(p.send(game.All, 11, 14)) // own: predicted by its last displacement, 121-100, over three frames
	if x := p.x(own, 1); x != 121+3*21 {
		t.Fatalf("own is %d after three frames without one", x)
	}
	if got := p.state.Stats(); got.Frames != 3 || got.Keyframes != 2 || got.HashChecks != 5 || got.HashMismatches != 0 {
		t.Fatalf("%+v", got)
	}
}

func TestKeyframeOfAllDropsTheOthers(t *testing.T) {
	p := newPair(t)
	p.ok(p.send(own, 0, 10), p.send(game.All, 0, 10))
	p.ok(p.send(own, 0, 12), p.send(game.All, 0, 12))
	if p.x(own, 1) != 144 || p.state.Epoch() != 12 {
		t.Fatal("a channel that began anew in the same tick is gone, or the epoch is old")
	}
	p.ok(p.send(own, 12, 13), p.send(game.All, 0, 13))
	if p.x(own, 1) != -1 || p.state.Snapshot(own) != nil || p.state.Len() != 1 {
		t.Fatal("a delta outlived a keyframe of All")
	}
	p.want(p.send(own, 13, 14), ErrBase)
	p.ok(p.send(own, 0, 14), p.send(game.All, 13, 14)) // its memory is used again
	if p.x(own, 1) != 14*14 {
		t.Fatal("the channel did not come back")
	}
	p.state.Resumed()
	p.ok(p.send(own, 0, 15), p.send(game.All, 14, 15))
	if p.x(own, 1) != 15*15 {
		t.Fatal("a channel that began anew after a resume is gone")
	}
	p.state.Resumed()
	p.ok(p.send(game.All, 15, 16))
	if p.x(own, 1) != -1 {
		t.Fatal("a channel outlived a resume")
	}
	p.state.Reset()
	p.want(p.send(game.All, 16, 17), ErrBase)
	if p.state.Len() != 0 || p.state.Ready() {
		t.Fatal("reset left something")
	}
}

func TestDeltaNeedsItsBase(t *testing.T) {
	p := newPair(t)
	p.want(p.send(game.All, 9, 10), ErrBase)
	p.ok(p.send(own, 0, 10), p.send(game.All, 0, 10))
	p.want(p.send(game.All, 11, 12), ErrHash) // the server lost count
	p.want(p.send(game.All, 10, 11), ErrBase) // closed until a keyframe
	p.want(p.send(own, 10, 11), ErrBase)      // and with All every channel
	if p.state.Tick() != 20 || p.x(game.All, 5) != 100 || p.x(own, 1) != 100 {
		t.Fatal("the last good state is gone")
	}
	p.ok(p.send(own, 0, 12), p.send(game.All, 0, 12), p.send(game.All, 12, 13))
	if got := p.state.Stats(); got.NoBase != 3 || got.HashMismatches != 1 {
		t.Fatalf("%d frames without base counted, %d of another tick", got.NoBase, got.HashMismatches)
	}
}

// Where nothing changes, the view hash does not tell one tick from another, but the frame's head does.
func TestTickIsChecked(t *testing.T) {
	rows, ring := game.NewRows(pointKinds), NewRing(mustTables(pointKinds), game.All, 9)
	var enc Encoder
	for f := range uint32(9) {
		rows.Reset()
		rows.Put(game.All, 5, 0)[0] = 7
		ring.Add(2*f, f, rows.All(), rows)
	}
	for _, full := range []bool{false, true} {
		s := mustState(pointKinds, 2)
		apply(t, s, enc.Encode(nil, ring.At(1), Options{}))
		apply(t, s, enc.Encode(ring.At(1), ring.At(4), Options{}))
		want := ErrHash
		if full {
			want = ErrBase // all of the tick is there, to be looked at first
		}
		if _, err := tryApply(s, enc.Encode(ring.At(5), ring.At(6), Options{FullHash: full})); !errors.Is(err, want) || s.Tick() != 8 {
			t.Errorf("%v at tick %d", err, s.Tick())
		}
	}
}

// A channel that lost its base stays as it is, beside a clock that goes on, until its keyframe.
func TestOneChannelAloneIsClosed(t *testing.T) {
	p := newPair(t)
	p.ok(p.send(own, 0, 10), p.send(game.All, 0, 10))
	p.want(p.send(own, 11, 12), ErrHash)
	p.ok(p.send(game.All, 10, 11))
	if p.x(own, 1) != 100 || p.x(game.All, 5) != 110 {
		t.Fatal("the wrong channel stood still")
	}
	p.want(p.send(own, 11, 12), ErrBase)
	p.ok(p.send(own, 0, 12), p.send(game.All, 11, 12))
	if p.x(own, 1) != 144 {
		t.Fatal("no way back")
	}
	p.ok(p.send(own, 0, 20), p.send(game.All, 12, 13)) // from nowhere: ahead of the clock
	p.want(p.send(own, 20, 21), ErrBase)
}

func TestCatchUpAsFarAsMaxGap(t *testing.T) {
	p := newPair(t)
	p.ok(p.send(game.All, 0, 10), p.send(game.All, 10, 10+MaxGap))
	if x := p.x(game.All, 5); x != 10*(10+MaxGap) {
		t.Fatalf("x is %d", x)
	}
	now := p.rings[game.All].At(10 + MaxGap + 1)
	for _, base := range []*Snapshot{nil, now, p.rings[game.All].At(10), p.rings[own].At(264), p.rings[game.All].At(280)} {
		if res := apply(t, p.state, p.enc.Encode(base, now, Options{})); !res.Keyframe {
			t.Fatal("a base that cannot serve does not give a keyframe")
		}
		if Predicted(base, now) {
			t.Fatal("predicted from nothing")
		}
	}
}

func TestTooManyChannels(t *testing.T) {
	s, rows := mustState(pointKinds, 1), game.NewRows(pointKinds)
	var enc Encoder
	for i := range uint32(MaxChannels + 1) {
		snap := NewSnapshot(s.tables, game.Team(i))
		snap.Build(1, 1, nil, nil, rows)
		_, err := tryApply(s, enc.Encode(nil, snap, Options{}))
		if want := i == MaxChannels; errors.Is(err, ErrMalformed) != want || (err != nil) != want {
			t.Fatalf("channel %d: %v", i, err)
		}
	}
}

// The view merges the channels by id; equal ids come in the order of the channels.
func TestViewMergesChannels(t *testing.T) {
	s, rows := mustState(pointKinds, 1), game.NewRows(pointKinds)
	for i, at := range []struct {
		c  game.Channel
		id uint32
	}{{game.All, 2}, {game.All, 4}, {game.Team(1), 1}, {game.Team(1), 4}, {game.Own(3), 3}, {game.Own(3), 5}} {
		rows.Put(at.c, at.id, 0)[0] = int32(i)
		rows.Put(at.c, at.id+100, 1)
	}
	rows.Sort()
	var enc Encoder
	for _, c := range []game.Channel{game.Own(3), game.Team(1), game.All} {
		snap := NewSnapshot(s.tables, c)
		snap.Build(1, 1, nil, rows.Channel(c), rows)
		apply(t, s, enc.Encode(nil, snap, Options{}))
	}
	var ids []uint32
	var xs []int32
	s.Each(0, func(id uint32, row []int32) { ids, xs = append(ids, id), append(xs, row[0]) })
	if !slices.Equal(ids, []uint32{1, 2, 3, 4, 4, 5}) || !slices.Equal(xs, []int32{2, 0, 4, 1, 3, 5}) {
		t.Fatalf("ids %v with %v", ids, xs)
	}
	if k, ok := s.Kind("overtime.ack"); !ok || k != 1 {
		t.Fatal("no built-in kind")
	}
	if _, ok := s.Kind("x"); ok {
		t.Fatal("a kind that nobody has")
	}
}

// Rows that the rules must not put are left out and counted.
func TestBuildLeavesOutWhatCannotBe(t *testing.T) {
	rows := game.NewRows(append([]game.Kind{{Name: "other", Fields: make([]game.Field, 3)}}, pointKinds...))
	rows.Put(game.All, 1, 1)[0] = 7
	rows.Put(game.All, 1, 1)[0] = 8 // the id is taken
	rows.Put(game.All, 2, 2)        // fewer fields than our table has
	rows.Sort()
	s := NewSnapshot(mustTables(pointKinds), game.All)
	s.Build(1, 1, nil, rows.All(), rows)
	if s.Len() != 0 || s.Dropped() != 3 {
		t.Fatalf("%d rows, %d dropped", s.Len(), s.Dropped())
	}
	rows = game.NewRows(pointKinds)
	for i := range uint32(MaxRows + 2) {
		rows.Put(game.All, i/2*2, 1) // each id twice
	}
	for i := range uint32(MaxRows) {
		rows.Put(game.All, 1<<20+i, 1)
	}
	rows.Sort()
	s.Build(2, 2, nil, rows.All(), rows)
	if s.Len() != MaxRows || s.Dropped() != MaxRows+2 {
		t.Fatalf("%d rows, %d dropped", s.Len(), s.Dropped())
	}
}

// After a gap the rows are born anew, without displacement, and the ring has nothing of the gap.
func TestRingWithAGap(t *testing.T) {
	rows, ring := game.NewRows(pointKinds), NewRing(mustTables(pointKinds), game.All, 4)
	if ring.At(0) != nil || ring.Last() != nil {
		t.Fatal("an empty ring has something")
	}
	moved := map[uint32]int32{2: 10, 5: 10} // the others have no frame before them
	for _, f := range []uint32{1, 2, 4, 5} {
		rows.Reset()
		rows.Put(game.All, 5, 0)[0] = 10 * int32(f)
		s := ring.Add(3*f, f, rows.All(), rows)
		want := model{5: {kind: 0, vals: []int32{10 * int32(f), 0}, disp: []int32{moved[f], 0}}}
		if s.Hash() != want.hash(pointKinds) || s.Tick() != 3*f || s.Frame() != f || s.Channel() != game.All || ring.Last() != s || ring.At(f) != s {
			t.Fatalf("frame %d is wrong", f)
		}
	}
	if ring.At(2) == nil || Predicted(ring.At(2), ring.At(5)) {
		t.Error("what was born in between is not news")
	}
	ring.Add(27, 9, nil, rows)
	for _, f := range []uint32{0, 2, 4, 5, 6, 7, 8, 10} { // the slots of 6 and 8 still hold 2 and 4
		if ring.At(f) != nil {
			t.Errorf("the ring has frame %d", f)
		}
	}
}

func TestTablesAreChecked(t *testing.T) {
	for _, kinds := range [][]game.Kind{nil, make([]game.Kind, MaxKinds+1), {{Name: "x"}}, {{Fields: []game.Field{{Bits: 33}}}}} {
		if _, err := NewState(kinds, 1); err == nil {
			t.Errorf("%v is accepted", kinds)
		}
	}
	for _, every := range []int{0, 256} {
		if _, err := NewState(pointKinds, every); err == nil {
			t.Errorf("%d ticks per state frame are accepted", every)
		}
	}
	kinds := []game.Kind{{Name: "a", Fields: []game.Field{{Name: "f", Bits: 9, Signed: true, Jump: 3}, {Name: "g", Bits: 8, Wrap: true, Linear: true}}}}
	if got := KindsFromWire(KindsToWire(kinds)); got[0].Name != "a" || !slices.Equal(got[0].Fields, kinds[0].Fields) {
		t.Errorf("%v", got)
	}
}
