package loop

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game/journal"
)

// answer is one call of a sink about a link.
type answer struct {
	kind outputKind
	link string
	why  uint8
	tick uint32 // of the loop when it was called
}

// ledger is a sink that writes down what it is told and judges nothing.
type ledger struct {
	t        *rapid.T
	now      uint32 // tick being stepped, or the last one
	answers  []answer
	states   []uint32            // ticks of state frames, shed ones included
	sent     []uint32            // ticks of frames that were not shed
	messages map[string][]string // by link
	open     map[string]uint32   // links that carry a player: his number
	got      map[string]uint32   // number of the last message
	check    func(answer)        // of every call
	frame    func(*Frame)
	over     Outcome
}

func newLedger(t *rapid.T) *ledger {
	return &ledger{t: t, messages: map[string][]string{}, open: map[string]uint32{}, got: map[string]uint32{}}
}

func (s *ledger) note(kind outputKind, l Link, why uint8) {
	a := answer{kind, l.(string), why, s.now}
	s.answers = append(s.answers, a)
	if s.check != nil {
		s.check(a)
	}
}

func (s *ledger) Joined(l Link, seat Seat) {
	s.note(outJoined, l, 0)
	s.open[l.(string)], s.got[l.(string)] = seat.Player.Number, seat.Message
}
func (s *ledger) Refused(l Link, why Refusal) { s.note(outRefused, l, uint8(why)) }
func (s *ledger) Gone(l Link, why Departure, _ string) {
	s.note(outGone, l, uint8(why))
	delete(s.open, l.(string))
}
func (s *ledger) Over(why Outcome, _ string) { s.over = why }

func (s *ledger) Frame(f *Frame) {
	if f.State {
		s.states = append(s.states, f.Tick)
	}
	if s.frame != nil {
		s.frame(f)
	}
	if f.Shed {
		return
	}
	s.sent = append(s.sent, f.Tick)
	for l, number := range s.open {
		f.Messages(number, s.got[l], func(n uint32, _ uint8, data []byte) {
			s.got[l] = n
			s.messages[l] = append(s.messages[l], string(data))
		})
	}
}

// tape is a Replica that keeps what it is given, coded as for a link.
type tape struct {
	records [][]byte
	states  map[uint32]int // checkpoints by tick
	last    uint32
	onTick  func(*journal.Record)
}

func (r *tape) Record(rec *journal.Record) {
	r.records = append(r.records, journal.AppendRecord(nil, rec))
	r.last = rec.Tick
	if r.onTick != nil {
		r.onTick(rec)
	}
}

func (r *tape) Checkpoint(tick uint32, state []byte) {
	if r.states == nil {
		r.states = map[uint32]int{}
	}
	if tick != r.last {
		panic(fmt.Sprintf("checkpoint of tick %d after record %d", tick, r.last))
	}
	r.states[tick] = len(state)
}

// twins are a match with a gate and one without, which are told the same and stepped by hand.
type twins struct {
	t           *rapid.T
	free, gated *Match
	ref, out    *ledger
	tape        *tape
	released    uint32
	cut         map[string]bool // links that were detached
	links       int
	commands    map[string]uint32
}

func newTwins(t *rapid.T) *twins {
	w := &twins{t: t, ref: newLedger(t), out: newLedger(t), tape: &tape{}, cut: map[string]bool{}, commands: map[string]uint32{}}
	cfg := Config{ID: "m", Game: counterDef(nil), Hz: 30, Every: rapid.IntRange(1, 3).Draw(t, "every"), Seats: 2, Seed: 1, Pause: 100_000_000, Log: slog.New(slog.DiscardHandler)}
	var err error
	if w.free, err = newMatch(cfg, w.ref); err != nil {
		t.Fatal(err)
	}
	cfg.Replica = w.tape
	if w.gated, err = newMatch(cfg, w.out); err != nil {
		t.Fatal(err)
	}
	w.out.check = w.judge
	w.out.frame = func(f *Frame) {
		if !f.Shed {
			w.order(f.Tick)
		}
		if !f.Shed && (f.core.tick > w.released || w.tape.last < f.core.tick) {
			t.Fatalf("frame %d left after tick %d, released is %d, recorded %d", f.Tick, f.core.tick, w.released, w.tape.last)
		}
	}
	return w
}

// judge finds the tick in which the free twin said the same, which must have been released.
func (w *twins) judge(a answer) {
	i := slices.IndexFunc(w.ref.answers, func(r answer) bool { return r.kind == a.kind && r.link == a.link })
	if i < 0 || w.ref.answers[i].tick > w.released || w.ref.answers[i].why != a.why {
		w.t.Fatalf("%+v left, released is %d; of %+v", a, w.released, w.ref.answers)
	}
}

// order checks that a frame comes after all answers of its tick and before those of the next.
func (w *twins) order(tick uint32) {
	for _, r := range w.ref.answers {
		said := slices.ContainsFunc(w.out.answers, func(o answer) bool { return o.link == r.link && o.kind == r.kind })
		if said != (r.tick <= tick) && !w.cut[r.link] {
			w.t.Fatalf("frame %d left, %+v was said: %v", tick, r, said)
		}
	}
}

// both does the same to both twins.
func (w *twins) both(f func(m *Match)) { f(w.free); f(w.gated) }

func (w *twins) step() {
	w.ref.now++
	w.out.now++
	last := rapid.IntRange(0, 4).Draw(w.t, "last") > 0
	if !w.free.step(0, last) || !w.gated.step(0, last) {
		w.t.Fatal("the match failed")
	}
	if w.free.core.Hash() != w.gated.core.Hash() {
		w.t.Fatal("the gate changed the state")
	}
}

// release releases a tick; the match sees it now or when it is about to step.
func (w *twins) release(tick uint32, seen bool) {
	w.released = tick
	w.gated.Release(tick)
	if seen {
		w.gated.flush()
	}
}

// act does one thing that players do.
func (w *twins) act() {
	t := w.t
	switch rapid.IntRange(0, 5).Draw(t, "act") {
	case 0, 1:
		w.links++
		l := fmt.Sprint("l", w.links)
		id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
		w.both(func(m *Match) { _ = m.Attach(l, who(id)) })
	case 2:
		if l := w.link(); l != "" {
			w.cut[l] = true
			w.both(func(m *Match) { m.Detach(l) })
		}
	case 3:
		if l := w.link(); l != "" {
			w.both(func(m *Match) { _ = m.Leave(l) })
		}
	default:
		if l := w.link(); l != "" {
			if seat := w.free.plan.byLink(l); seat != nil {
				n := seat.command + 1 + uint32(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 7}).Draw(t, "gap"))
				text := rapid.SampledFrom([]string{"say x", "own 1", "end r", "kick 2"}).Draw(t, "text")
				w.both(func(m *Match) { _ = m.Command(l, n, []byte(text)) })
			}
		}
	}
}

// link picks one that holds a player at the gated twin: what its edge could speak for.
func (w *twins) link() string {
	var open []string
	for l := range w.out.open {
		if !w.cut[l] && w.free.plan.byLink(l) != nil {
			open = append(open, l)
		}
	}
	if len(open) == 0 {
		return ""
	}
	slices.Sort(open)
	return rapid.SampledFrom(open).Draw(w.t, "link")
}

// Whatever the releases and holds: nothing leaves before its tick was recorded and released, and what leaves is what leaves without a
// gate, in the same order, nothing lost and nothing twice; every state frame's rows are seen once.
func TestGateHoldsBackAndLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newTwins(t)
		for range rapid.IntRange(1, 60).Draw(t, "moves") {
			switch rapid.IntRange(0, 5).Draw(t, "move") {
			case 0, 1:
				w.act()
			case 2, 3:
				w.step()
			case 4:
				tick := uint32(max(0, int(w.gated.core.tick)+rapid.IntRange(-3, 1).Draw(t, "tick")))
				if rapid.IntRange(0, 9).Draw(t, "solo") == 0 {
					tick = Solo
				}
				w.release(tick, rapid.Bool().Draw(t, "seen"))
			case 5:
				left := w.gated.Hold()
				if left != min(w.released, w.gated.core.tick) {
					t.Fatalf("hold says %d, %d is released", left, w.released)
				}
				w.released = left
			}
		}
		w.release(Solo, true)
		for range 6 { // a state frame that nothing overtakes
			w.ref.now++
			w.out.now++
			if !w.free.step(0, true) || !w.gated.step(0, true) {
				t.Fatal("the match failed")
			}
		}
		w.same()
	})
}

// same compares what both twins said.
func (w *twins) same() {
	want := slices.DeleteFunc(slices.Clone(w.ref.answers), func(a answer) bool {
		return w.cut[a.link] && !slices.ContainsFunc(w.out.answers, func(o answer) bool { return o.link == a.link && o.kind == a.kind })
	})
	if !slices.EqualFunc(w.out.answers, want, func(a, b answer) bool { return a.kind == b.kind && a.link == b.link && a.why == b.why }) {
		w.t.Fatalf("said\n%+v, want\n%+v", w.out.answers, want)
	}
	if !slices.Equal(w.ref.states, w.out.states) {
		w.t.Fatalf("state frames %v, want %v", w.out.states, w.ref.states)
	}
	for l := range w.out.open {
		if !w.cut[l] && !slices.Equal(w.out.messages[l], w.ref.messages[l]) {
			w.t.Fatalf("%s was told %q, want %q", l, w.out.messages[l], w.ref.messages[l])
		}
	}
	if len(w.tape.records) != int(w.gated.core.tick) {
		w.t.Fatalf("%d records of %d ticks", len(w.tape.records), w.gated.core.tick)
	}
}

// A link that breaks before its answer left is told nothing.
func TestGateForgetsBrokenLinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newTwins(t)
		w.both(func(m *Match) { _ = m.Attach("l", who("a")) })
		w.step()
		w.cut["l"] = true
		w.both(func(m *Match) { m.Detach("l") })
		w.step()
		w.release(Solo, true)
		if len(w.out.answers) != 0 || w.gated.gate.held.Load() != 0 {
			t.Fatalf("%+v", w.out.answers)
		}
	})
}

// Links that come while nothing leaves are refused at a bound, and let in again afterwards.
func TestGateIsBounded(t *testing.T) {
	w := &ledger{messages: map[string][]string{}, open: map[string]uint32{}, got: map[string]uint32{}}
	m, err := newMatch(Config{ID: "m", Game: counterDef(nil), Hz: 30, Replica: &tape{}, Log: slog.New(slog.DiscardHandler)}, w)
	ok(t, err)
	taken := 0
	for i := range 20_000 {
		if m.Attach(fmt.Sprint(i), who(fmt.Sprint(i%7))) == nil {
			taken++
		}
		if i%100 == 99 && !m.step(0, true) {
			t.Fatal("failed")
		}
	}
	m.step(0, true)
	if n := len(m.gate.queue); n > maxHeld+2*m.inbox.limit || m.cfg.Stats.HeldFull.Load() == 0 || taken+int(m.cfg.Stats.HeldFull.Load()+m.cfg.Stats.InboxFull.Load()) != 20_000 {
		t.Fatalf("%d wait, %d refused", n, m.cfg.Stats.HeldFull.Load())
	}
	m.Release(Solo)
	m.flush()
	if len(m.gate.queue) != 0 || len(w.answers) < taken {
		t.Errorf("%d of %d links were answered", len(w.answers), taken)
	}
	ok(t, m.Attach("late", who("z")))
}
