package netcode

import (
	"bytes"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
)

func TestRingSize(t *testing.T) {
	for _, c := range []struct{ perSecond, seats, want int }{
		{30, 16, 90}, {60, 16, 96}, {128, 16, 96}, {10, 16, 30}, {1, 16, 8}, {30, 100, 90}, {30, 200, 52},
	} {
		if got := ringSize(c.perSecond, c.seats); got != c.want {
			t.Errorf("%d frames a second, %d seats: %d snapshots, want %d", c.perSecond, c.seats, got, c.want)
		}
	}
}

// labStream is a stream of a lab's rows, with the match that encodes it.
type labStream struct {
	*stream
	m     *Match
	world *labMatch
	kinds []game.Kind
	rows  *game.Rows
	t     *tick
}

func newLabStream(t *testing.T, size int) *labStream {
	t.Helper()
	l := &lab{mob: 12}
	kinds := loop.Kinds(l.def())
	tables, err := delta.NewTables(kinds)
	if err != nil {
		t.Fatal(err)
	}
	return &labStream{
		stream: newStream(tables, game.All, size), m: &Match{srv: &Server{deflate: cohort.NewCompressor()}},
		world: &labMatch{lab: l}, kinds: kinds, rows: game.NewRows(kinds), t: &tick{},
	}
}

// advance makes the stream's next state frame.
func (s *labStream) advance() {
	s.world.tick++
	s.rows.Reset()
	s.world.Rows(s.rows)
	s.next(s.world.tick, s.world.tick, s.rows)
}

// A frame is coded once for each base, whoever asks, from every base that the ring has and from no other.
func TestStreamCodesOncePerBase(t *testing.T) {
	s := newLabStream(t, 40)
	n := 0
	states := map[uint32]*delta.State{} // by the frame that they have
	for frame := uint32(1); frame <= 100; frame++ {
		s.advance()
		for base := range uint32(110) {
			if want := base > 0 && base <= frame && frame-base < 40; s.has(base) != want {
				t.Fatalf("frame %d: has base %d: %v", frame, base, !want)
			}
		}
		key := s.m.message(s.stream, s.t, true, 0)
		state, err := delta.NewState(s.kinds, 1)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, state, key)
		for base, old := range states {
			if frame-base != []uint32{1, 7, 20, 39}[base%4] {
				continue
			}
			c := s.m.message(s.stream, s.t, false, base)
			if again := s.m.message(s.stream, s.t, false, base); again != c {
				t.Fatal("coded twice")
			}
			apply(t, old, c)
			delete(states, base)
			n++
		}
		if s.m.message(s.stream, s.t, true, 12345) != key {
			t.Fatal("a keyframe has no base")
		}
		states[frame] = state
	}
	if n < 70 {
		t.Errorf("%d deltas", n)
	}
}

// apply decodes a coded message, which checks its view hash.
func apply(t *testing.T, s *delta.State, c *coded) {
	t.Helper()
	m, err := schema.VerifyServer(bytes.Clone(c.msg()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(&m); err != nil {
		t.Fatalf("from base %d (keyframe %v): %v", c.base, c.key, err)
	}
}

// Outside of a company a frame is deflated by itself once, for those who can inflate, where that pays.
func TestStreamAlone(t *testing.T) {
	s := newLabStream(t, 8)
	s.advance()
	key := s.m.message(s.stream, s.t, true, 0)
	if got := s.m.alone(key, cohort.Plain); !bytes.Equal(got, AppendFrame(nil, false, key.msg())) {
		t.Error("a plain client gets something else")
	}
	z := s.m.alone(key, cohort.NoContext)
	head := 2
	if z[1] == 126 {
		head = 4
	}
	if msg, err := inflateStd(z[head:], nil); err != nil || !bytes.Equal(msg, key.msg()) || z[0] != fin|rsv1|opBinary || len(z) >= len(key.plain) {
		t.Errorf("%d bytes of %d: %v", len(z), len(key.plain), err)
	}
	if again := s.m.alone(key, cohort.Cohort); &again[0] != &z[0] {
		t.Error("deflated twice")
	}
	s.advance()
	small := s.m.message(s.stream, s.t, false, 1)
	if got := s.m.alone(small, cohort.NoContext); len(got) > len(small.plain) {
		t.Errorf("%d bytes where %d do", len(got), len(small.plain))
	}
}
