package replica

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// frames notes the last tick that a match has shown.
type frames struct {
	mu   sync.Mutex
	last uint32
}

func (f *frames) Joined(loop.Link, loop.Seat)            {}
func (f *frames) Refused(loop.Link, loop.Refusal)        {}
func (f *frames) Gone(loop.Link, loop.Departure, string) {}
func (f *frames) Over(loop.Outcome, string)              {}
func (f *frames) Frame(x *loop.Frame)                    { f.set(x) }
func (f *frames) shown() uint32                          { f.mu.Lock(); defer f.mu.Unlock(); return f.last }
func (f *frames) set(x *loop.Frame)                      { f.mu.Lock(); defer f.mu.Unlock(); f.last = x.Tick }

// wire is a link in both directions to one standby, without loss.
type wire struct {
	mu    sync.Mutex
	msgs  [][]byte
	snaps [][]byte
}

func (w *wire) out(_ string, b []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.msgs = append(w.msgs, append([]byte(nil), b...))
	return true
}

func (w *wire) bulk(_ string, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snaps = append(w.snaps, b)
}

func (w *wire) take() (msgs, snaps [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	msgs, snaps = w.msgs, w.snaps
	w.msgs, w.snaps = nil, nil
	return msgs, snaps
}

// deliver carries what is on the wire, and releases what the standby has acknowledged.
func (w *wire) deliver(t *testing.T, src *Source, s *Standby, m *loop.Match) {
	msgs, snaps := w.take()
	var answers [][]byte
	for _, b := range msgs {
		m, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := s.Receive(nil, &m)
		answers = append(answers, a)
	}
	for _, b := range snaps {
		snap, err := ParseSnapshot(b)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := s.Swap(nil, snap)
		answers = append(answers, a)
	}
	for _, b := range answers {
		if len(b) == 0 {
			continue
		}
		a, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		_ = src.Receive("s", &a)
	}
	if p, ok := src.Progress("s"); ok && p.InEpoch {
		m.Release(p.Acked)
	}
}

// A real match with its clock: frames leave when the standby has their tick, also while a game that is not exact changes over to
// differences; and the match goes on from the standby's core.
func TestRealMatch(t *testing.T) {
	for name, def := range map[string]game.Def{"arena": arena.Game(), "drift": drift(40, true, false), "inexact": drift(40, false, false)} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { realMatch(t, def) }) })
	}
}

func realMatch(t *testing.T, def game.Def) {
	head := testHeader(def, 4)
	var w wire
	src, err := NewSource(SourceConfig{Match: testMatch, Header: head, Epoch: 1, Since: 1, Exact: def.Exact, Out: w.out, Bulk: w.bulk})
	if err != nil {
		t.Fatal(err)
	}
	var seen frames
	cfg := loop.Config{ID: testMatch, Game: def, Seats: 4, Seed: 7, Replica: src, Log: slog.New(slog.DiscardHandler)}
	m, err := loop.Start(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	src.Bind(m.Snapshot)
	src.Add("s")
	s := newStandby(t, def, nil)
	if err := m.Attach(&seen, loop.Attach{Who: journal.Join{ID: "p", Name: "p"}}); err != nil {
		t.Fatal(err)
	}
	for range 1000 { // 5 s
		time.Sleep(5 * time.Millisecond)
		w.deliver(t, src, s, m)
		synctest.Wait()
		if pos := s.Position(); seen.shown() > pos.Tick {
			t.Fatalf("tick %d was shown, the standby has %d", seen.shown(), pos.Tick)
		}
	}
	last, hash, _ := src.Last()
	pos := s.Position()
	if last < 140 || pos.Tick < last-1 || pos.Tick == last && pos.Hash != hash || seen.shown() < last-1 {
		t.Fatalf("the match is at %d, shows %d, the standby has %d", last, seen.shown(), pos.Tick)
	}
	if pos.Inexact != (def.Name == "drift") {
		t.Fatalf("%+v", pos)
	}
	s.Freeze(1)
	m.Retire(loop.OverMoved, "moved")
	core, from, err := s.Promote()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Epoch, cfg.Replica = 2, nil
	next, err := loop.Continue(cfg, core, &seen)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	synctest.Wait()
	if shown := seen.shown(); shown < from.Tick+25 {
		t.Fatalf("went on from %d, shows %d a second later", from.Tick, shown)
	}
	next.Retire(loop.OverMoved, "done")
	synctest.Wait()
}
