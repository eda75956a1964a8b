package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
)

// heeded is what operators told a match, by the state that it led to.
type heeded struct {
	mu   sync.Mutex // guards the following
	seen map[uint64][]string
}

// obedient is a ledger that notes what operators tell it.
type obedient struct {
	*ledger
	notes *heeded
}

func (m obedient) Step(t *game.Tick) {
	var told []string
	for _, e := range t.Events {
		if e.Kind == game.EventAdmin {
			told = append(told, string(e.Data))
		}
	}
	m.ledger.Step(t)
	if len(told) > 0 {
		m.notes.mu.Lock()
		defer m.notes.mu.Unlock()
		m.notes.seen[m.chain] = told
	}
}

// withNotes has nodes play obedient ledgers from now on.
func (w *simWorld) withNotes() *heeded {
	notes := &heeded{seen: map[uint64][]string{}}
	w.change = func(c *Config) {
		def := c.Games[0]
		make := def.New
		def.New = func(s game.Setup) (game.Match, error) {
			m, err := make(s)
			return obedient{m.(*ledger), notes}, err
		}
		c.Games = []game.Def{def}
	}
	return notes
}

// of returns how often what was told is in the history of a match as its player sees it.
func (h *heeded) of(w *simWorld, m *simMatch) map[string]int {
	f, _ := m.players[0].last()
	_, states, err := w.book.history(m.seed, f.chain)
	if err != nil {
		w.fail("match %s: %v", m.id, err)
	}
	count := map[string]int{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, chain := range states {
		for _, told := range h.seen[chain] {
			count[told]++
		}
	}
	return count
}

// operatorCalls calls the API of random nodes about matches until the time is over, and returns what was told to which match and how that was
// answered.
type operatorCall struct {
	match, told string
	answer      *httptest.ResponseRecorder
	took        time.Duration
}

func (w *simWorld) operatorCalls(rngs []*rand.Rand, d time.Duration) (all []operatorCall) {
	var mu sync.Mutex
	var callers sync.WaitGroup
	end := time.Now().Add(d)
	for c, rng := range rngs {
		callers.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				n := w.anyNode(rng)
				m := w.matches[rng.IntN(len(w.matches))]
				x := operatorCall{m.id, fmt.Sprintf(`"event-%d-%d."`, c, i), httptest.NewRecorder(), 0}
				uri, body := "/v1/matches/"+m.id+"/admin", x.told
				if rng.IntN(4) == 0 {
					x.told = fmt.Sprintf("say-%d-%d.", c, i)
					uri, body = "/v1/messages", fmt.Sprintf(`{"match":%q,"text":%q}`, m.id, x.told)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				r := httptest.NewRequestWithContext(ctx, "POST", uri, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer key")
				began := time.Now()
				n.api.ServeHTTP(x.answer, r)
				cancel()
				x.took = time.Since(began)
				w.mu.Lock()
				died := n.dead || n.paused
				w.mu.Unlock()
				if !died {
					mu.Lock()
					all = append(all, x)
					mu.Unlock()
				}
				time.Sleep(time.Duration(rng.Int64N(int64(60 * time.Millisecond))))
			}
		})
	}
	callers.Wait()
	return all
}

// caughtUp waits until every match's player has seen it as it is now: one who has just been sent from node to node may be on his way.
func (w *simWorld) caughtUp() {
	for _, m := range w.matches {
		hosts := w.hosts(m)
		if len(hosts) == 0 {
			w.fail("match %s is nowhere", m.id)
			continue
		}
		now, _ := hosts[0].Node.matches.get(m.id).match.Clock()
		if !w.eventually(15*time.Second, func() bool { f, ok := m.players[0].last(); return ok && f.tick >= now }) {
			f, _ := m.players[0].last()
			w.fail("the player of match %s, which is in tick %d on %s, has seen tick %d of %s", m.id, now, hosts[0].name, f.tick, f.node)
		}
	}
}

// checkOrders compares what was answered with what the matches know. It returns how many orders were refused for now.
func (w *simWorld) checkOrders(notes *heeded, calls []operatorCall) (again int) {
	byMatch := map[string]map[string]int{}
	said := map[string][]string{}
	for _, m := range w.matches {
		byMatch[m.id] = notes.of(w, m)
		m.players[0].mu.Lock()
		said[m.id] = slices.Clone(m.players[0].wrong) // messages are no replies to its commands
		m.players[0].mu.Unlock()
	}
	for _, x := range calls {
		count := byMatch[x.match][x.told]
		if strings.HasPrefix(x.told, "say") && slices.ContainsFunc(said[x.match], func(s string) bool { return strings.Contains(s, x.told) }) {
			count = 1
		}
		switch code := x.answer.Code; {
		case count > 1:
			w.fail("match %s was told %s %d times (%d)", x.match, x.told, count, code)
		case (code == http.StatusOK || code == http.StatusAccepted) && count != 1:
			w.fail("match %s does not know of %s, which was answered with %d after %v", x.match, x.told, code, x.took)
		case code == http.StatusServiceUnavailable:
			if x.answer.Header().Get("Retry-After") == "" || !strings.Contains(x.answer.Body.String(), "urn:overtime:problem:") {
				w.fail("%s: %v %s", x.told, x.answer.Header(), x.answer.Body)
			}
			again++
		case code > 299:
			w.fail("%s for match %s: %d %s", x.told, x.match, code, x.answer.Body)
		}
	}
	return again
}

// move hands matches over to other nodes until the time is over. It returns how many it moved.
func (w *simWorld) moveOften(rng *rand.Rand, d time.Duration) (moves int) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Duration(rng.Int64N(int64(400 * time.Millisecond)))) {
		m := w.matches[rng.IntN(len(w.matches))]
		for _, n := range w.hosts(m) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if h := n.Node.matches.get(m.id); h != nil && n.moveAway(ctx, h) == nil {
				moves++
			}
			cancel()
		}
	}
	return moves
}

// What operators want of matches while these are handed over from node to node is done once each, and nobody is asked to try again.
func TestOrdersDuringMoves(t *testing.T) {
	seeds(t, 2, func(w *simWorld) {
		notes := w.withNotes()
		w.grow(4)
		for range 3 {
			w.create(w.anyNode(w.rng), 1)
		}
		if !w.eventually(3*time.Second, func() bool { return w.allProtected() == nil }) {
			t.Fatal(w.allProtected())
		}
		var mover sync.WaitGroup
		moves, rng := 0, w.fork()
		mover.Go(func() { moves = w.moveOften(rng, 15*time.Second) })
		calls := w.operatorCalls([]*rand.Rand{w.fork(), w.fork(), w.fork(), w.fork(), w.fork(), w.fork()}, 15*time.Second)
		mover.Wait()
		time.Sleep(2 * time.Second)
		w.caughtUp()
		again := w.checkOrders(notes, calls)
		longest := slices.MaxFunc(calls, func(a, b operatorCall) int { return int(a.took - b.took) }).took
		if moves < 15 || len(calls) < 200 || again > 0 || longest > time.Second {
			w.fail("%d moves, %d calls, %d were to try again, the longest took %v", moves, len(calls), again, longest)
		}
		t.Logf("%d moves, %d calls, the longest took %v", moves, len(calls), longest)
	})
}

// What was answered is not lost either when owners die or stand still.
func TestOrdersDuringFaults(t *testing.T) {
	seeds(t, 2, func(w *simWorld) {
		notes := w.withNotes()
		w.grow(6)
		for range 4 {
			w.create(w.anyNode(w.rng), 1)
		}
		if !w.eventually(3*time.Second, func() bool { return w.allProtected() == nil }) {
			t.Fatal(w.allProtected())
		}
		rngs := []*rand.Rand{w.fork(), w.fork(), w.fork(), w.fork()}
		var faults sync.WaitGroup
		faults.Go(func() {
			for i := range 4 { // one at a time, each of a node that owns a match
				time.Sleep(3 * time.Second)
				n := w.hosts(w.matches[i])[0]
				if i%2 == 0 {
					w.kill(n)
					continue
				}
				w.pause(n, true)
				time.Sleep(2 * time.Second)
				w.pause(n, false)
			}
		})
		calls := w.operatorCalls(rngs, 18*time.Second)
		faults.Wait()
		time.Sleep(5 * time.Second)
		w.caughtUp()
		again := w.checkOrders(notes, calls)
		if again > len(calls)/4 {
			w.fail("%d of %d were to try again", again, len(calls))
		}
		t.Logf("%d calls, %d were to try again", len(calls), again)
	})
}

// Orders wait while a match stands still, and no longer than they may.
func TestTurnstile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hosted{gone: make(chan struct{})}
		done := 0
		order := func() error { return h.order(t.Context(), func() error { done++; return nil }) }
		if order() != nil || done != 1 {
			t.Fatal("an open turnstile stops orders")
		}
		h.gate.shut()
		h.gate.shut()
		time.AfterFunc(time.Second/2, h.gate.open)
		if err := order(); err != nil || done != 2 {
			t.Errorf("after the match went on: %v", err)
		}
		h.gate.shut()
		began := time.Now()
		if err := order(); err != admin.ErrMoved || done != 2 || time.Since(began) != stillTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		h.gate.open()
		h.gate.open()
		if err := h.order(t.Context(), func() error { return loop.ErrBusy }); err == nil {
			t.Error("an error is lost")
		}
	})
}
