package loop

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// counter is a game for tests: a row per player with the number of his samples' ticks and the sum of axis 0.
type counter struct {
	t       *testing.T
	ids     map[uint32]uint32
	order   []uint32
	sum     map[uint32]int32
	samples map[uint32]int32
	ticks   uint32
}

const (
	btnPanic = 1 << iota // Step panics when this button is down
	btnEnd               // the round ends
	btnSend              // a message to all
)

func counterDef(t *testing.T) game.Def {
	return game.Def{
		Name: "counter", Exact: true, Seats: 4,
		Kinds: []game.Kind{{Name: "player", Fields: []game.Field{{Name: "sum", Bits: 32, Linear: true}, {Name: "samples", Bits: 32}}}},
		New: func(game.Setup) (game.Match, error) {
			return &counter{t: t, sum: map[uint32]int32{}, samples: map[uint32]int32{}}, nil
		},
	}
}

func (c *counter) Step(t *game.Tick) {
	c.ticks++
	for _, e := range t.Events {
		if e.Kind == game.EventCommand {
			switch string(e.Data) {
			case "panic":
				panic("told to")
			case "end":
				t.End([]byte(`{"winner":1}`))
			default:
				t.Send(game.All, e.Data)
			}
		}
	}
	for _, p := range t.Players {
		in, ok := t.Input(p.Number)
		if !ok {
			continue
		}
		if in.Buttons&btnPanic != 0 {
			panic("button")
		}
		c.sum[p.Number] += int32(in.Axes[0])
		c.samples[p.Number]++
	}
}

func (c *counter) Rows(r *game.Rows) {
	for n := range uint32(32) {
		if _, ok := c.sum[n]; ok {
			v := r.Put(game.All, n+1, 0)
			v[0], v[1] = c.sum[n], c.samples[n]
		}
	}
}

func (c *counter) Save(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, c.ticks)
	for n := range uint32(32) {
		if _, ok := c.sum[n]; ok {
			b = binary.LittleEndian.AppendUint32(b, n)
			b = binary.LittleEndian.AppendUint32(b, uint32(c.sum[n]))
			b = binary.LittleEndian.AppendUint32(b, uint32(c.samples[n]))
		}
	}
	return b
}

func (c *counter) Load(b []byte) error {
	clear(c.sum)
	clear(c.samples)
	c.ticks = binary.LittleEndian.Uint32(b)
	for b = b[4:]; len(b) > 0; b = b[12:] {
		n := binary.LittleEndian.Uint32(b)
		c.sum[n] = int32(binary.LittleEndian.Uint32(b[4:]))
		c.samples[n] = int32(binary.LittleEndian.Uint32(b[8:]))
	}
	return nil
}

// link records what a sink says about one link.
type link struct {
	name     string
	seat     Seat
	joined   int
	refused  Refusal
	gone     Departure
	messages []string
	last     uint32
}

// sink records everything, and checks that calls stop after Over.
type sink struct {
	t      *testing.T
	links  []*link
	frames int
	last   uint32
	rows   map[uint32][]int32
	ack    map[uint32][]int32
	over   Outcome
}

func (s *sink) Joined(l Link, seat Seat) {
	k := l.(*link)
	k.seat, k.joined, k.last = seat, k.joined+1, seat.Message
	s.links = append(s.links, k)
}
func (s *sink) Refused(l Link, r Refusal)            { l.(*link).refused = r }
func (s *sink) Gone(l Link, why Departure, _ string) { l.(*link).gone = why }
func (s *sink) Over(why Outcome, _ string)           { s.over = why }
func (s *sink) Frame(f *Frame) {
	if s.over != 0 {
		s.t.Error("frame after the end")
	}
	if f.Tick <= s.last {
		s.t.Errorf("frame %d after %d", f.Tick, s.last)
	}
	s.last = f.Tick
	s.frames++
	s.rows, s.ack = map[uint32][]int32{}, map[uint32][]int32{}
	if f.State {
		for _, r := range f.Rows.All() {
			if own, ok := r.Channel.IsOwn(); ok {
				s.ack[own] = append([]int32(nil), f.Rows.Values(r)...)
			} else {
				s.rows[r.ID] = append([]int32(nil), f.Rows.Values(r)...)
			}
		}
	}
	for _, l := range s.links {
		f.Messages(l.seat.Player.Number, l.last, func(n uint32, kind uint8, data []byte) {
			if n != l.last+1 {
				s.t.Errorf("message %d after %d", n, l.last)
			}
			l.last = n
			l.messages = append(l.messages, string(data))
		})
	}
}

func startTest(t *testing.T, change func(*Config)) (*Match, *sink) {
	cfg := Config{ID: "m", Game: counterDef(t), Hz: 30}
	if change != nil {
		change(&cfg)
	}
	s := &sink{t: t}
	m, err := Start(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func who(id string) Attach { return Attach{Who: journal.Join{ID: id, Name: id}} }

// wait lets n ticks pass and everything settle.
func wait(n int) {
	time.Sleep(time.Duration(n) * time.Second / 30)
	synctest.Wait()
}

func TestMatchLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := startTest(t, nil)
		a := &link{name: "a"}
		wait(3)
		if m.Info().Phase != Waiting {
			t.Fatalf("phase %v before anybody came", m.Info().Phase)
		}
		m.Attach(a, who("a"))
		wait(2)
		if a.joined != 1 || a.seat.Player.Number != 1 || m.Info().Phase != Running {
			t.Fatalf("link %+v, phase %v", a, m.Info().Phase)
		}
		m.Answer(a)
		tick, _ := m.Clock()
		m.Sample(a, Sample{Input: game.Input{Seq: 1, Axes: [4]int16{5}}, Tick: tick + 1})
		wait(2)
		if ack := s.ack[1]; ack == nil || ack[0] != 1 || ack[1] != 1 {
			t.Fatalf("ack row %v", s.ack)
		}
		wait(20)
		if r := s.rows[2]; r[1] != 1+game.MaxRepeat {
			t.Fatalf("a sample must be applied once and repeated %d times: %v", game.MaxRepeat, r)
		}
		m.Detach(a)
		wait(2)
		if m.Info().Online != 0 || m.Info().Taken != 1 {
			t.Fatalf("info %+v", m.Info())
		}
		b := &link{name: "b"}
		m.Attach(b, Attach{Who: journal.Join{ID: "a"}, Resume: true, Player: 1, Gen: a.seat.Generation})
		wait(2)
		if b.joined != 1 || b.seat.Sample != 1 {
			t.Fatalf("resume: %+v", b)
		}
		m.Stop(OverShutdown)
		<-m.Done()
		if s.over != OverShutdown {
			t.Fatal(s.over)
		}
		if err := m.Answer(b); err != ErrOver {
			t.Fatal(err)
		}
	})
}
