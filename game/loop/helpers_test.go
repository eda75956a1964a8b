package loop

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// link records what a sink is told about one link.
type link struct {
	name     string
	seat     Seat
	joined   int
	refused  Refusal
	gone     Departure
	why      string
	messages []message
	last     uint32 // number of the last message seen
	closed   bool   // the edge has closed it
}

type message struct {
	number uint32
	kind   uint8
	text   string
}

// holds reports whether the link carries a player, as far as the sink was told.
func (l *link) holds() bool { return l.joined > 0 && l.gone == 0 }

// texts are the messages of the rules that the link saw.
func (l *link) texts() (s []string) {
	for _, m := range l.messages {
		s = append(s, m.text)
	}
	return s
}

// sink records what a match produces, and fails the test where the order of calls is wrong.
type sink struct {
	t       *testing.T
	cfg     Config
	began   time.Time
	links   []*link
	frames  int // shed ones not counted
	shed    int
	rosters int
	online  int                // in the last roster
	last    uint32             // tick of the last frame, shed or not
	sent    uint32             // of the last one that was not shed
	times   []time.Duration    // since the start, of every frame
	rows    map[uint32][]int32 // last state frame: the counter's rows by player
	match   []int32            // the row of kind overtime.match
	ack     map[uint32][]int32 // the rows of kind overtime.ack by player
	over    Outcome
}

func (s *sink) Joined(l Link, seat Seat) {
	fence.Add(1)
	k := l.(*link)
	if k.refused != 0 || k.gone != 0 || k.joined != 0 {
		s.t.Errorf("link %s joined after %+v", k.name, k)
	}
	k.seat, k.joined, k.last = seat, k.joined+1, seat.Message
	s.links = append(s.links, k)
}

func (s *sink) Refused(l Link, r Refusal) {
	fence.Add(1)
	k := l.(*link)
	if k.refused != 0 || k.gone != 0 || k.joined != 0 {
		s.t.Errorf("link %s refused after %+v", k.name, k)
	}
	k.refused = r
}

func (s *sink) Gone(l Link, why Departure, text string) {
	fence.Add(1)
	k := l.(*link)
	if k.gone != 0 || k.refused != 0 {
		s.t.Errorf("link %s gone after %+v", k.name, k)
	}
	k.gone, k.why = why, text
}

func (s *sink) Over(why Outcome, _ string) {
	fence.Add(1)
	if s.over != 0 {
		s.t.Error("over twice")
	}
	s.over = why
}

func (s *sink) Frame(f *Frame) {
	fence.Add(1)
	if s.over != 0 || f.Tick <= s.last {
		s.t.Errorf("frame %d after %d, outcome %v", f.Tick, s.last, s.over)
	}
	s.last = f.Tick
	if f.Shed {
		s.shed++
		return
	}
	s.frames++
	s.sent = f.Tick
	s.times = append(s.times, time.Since(s.began))
	if f.Roster {
		s.rosters++
		s.online = 0
		f.Players(func(p game.Player) {
			if p.Online {
				s.online++
			}
		})
	}
	if f.State {
		s.state(f)
	}
	for _, l := range s.links {
		if !l.holds() || l.closed {
			continue
		}
		f.Messages(l.seat.Player.Number, l.last, func(n uint32, kind uint8, data []byte) {
			l.last = n
			l.messages = append(l.messages, message{n, kind, string(data)})
		})
	}
}

func (s *sink) state(f *Frame) {
	s.rows, s.ack, s.match = map[uint32][]int32{}, map[uint32][]int32{}, nil
	for _, r := range f.Rows.All() {
		v := append([]int32(nil), f.Rows.Values(r)...)
		own, isOwn := r.Channel.IsOwn()
		switch {
		case isOwn:
			s.ack[own] = v
		case r.ID == 0:
			s.match = v
		default:
			s.rows[r.ID] = v
		}
	}
}

// startTest starts a match of the counter at 30 Hz in the bubble of a test, and stops it at the end.
func startTest(t *testing.T, change func(*Config)) (*Match, *sink) {
	t.Helper()
	cfg := Config{ID: "m", Game: counterDef(nil), Hz: 30, Seed: 7, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	s := &sink{t: t, cfg: cfg, began: time.Now()}
	m, err := Start(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(m) })
	return m, s
}

func stop(m *Match) {
	m.Stop(OverShutdown)
	<-m.Done()
}

func who(id string) Attach { return Attach{Who: journal.Join{ID: id, Name: id}} }

// resume is how the holder of a link's resume token asks to come back.
func resume(l *link) Attach {
	return Attach{Who: journal.Join{ID: l.seat.ID}, Resume: true, Player: l.seat.Player.Number, Gen: l.seat.Generation}
}

// enter attaches a new link and lets it answer.
func enter(t *testing.T, m *Match, name string, a Attach) *link {
	t.Helper()
	l := &link{name: name}
	ok(t, m.Attach(l, a))
	wait(2)
	if !l.holds() {
		t.Fatalf("%s is not in: %+v", name, l)
	}
	ok(t, m.Answer(l))
	wait(1)
	return l
}

// fence orders what the test does before a wait with what matches do after it: virtual time alone does not.
var fence atomic.Uint64

// wait lets n ticks of a match at 30 Hz pass and everything settle.
func wait(n int) {
	fence.Add(1)
	time.Sleep(time.Duration(n)*time.Second/30 + 1) // never a rounding before a tick
	synctest.Wait()
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// cut closes a link as the edge does when its connection breaks.
func cut(m *Match, l *link) {
	l.closed = true
	m.Detach(l)
	wait(1)
}

// tell sends a player's next command and waits until it was applied.
func tell(t *testing.T, m *Match, l *link, text string) {
	t.Helper()
	l.seat.Command++
	ok(t, m.Command(l, l.seat.Command, []byte(text)))
	wait(1)
}

// play sends a link's next sample for the next tick and waits a tick.
func play(t *testing.T, m *Match, l *link, in game.Input) {
	t.Helper()
	l.seat.Sample++
	in.Seq = l.seat.Sample
	ok(t, m.Sample(l, Sample{Input: in}))
	wait(1)
}
