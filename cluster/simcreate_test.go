package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
)

// creation is one answered POST /v1/matches with a key.
type creation struct {
	key  string
	seed uint64 // of the match that was answered; 0: it could not be looked at any more
}

// onceModel: whoever creates under a key gets the match that was made first.
var onceModel = porcupine.Model{
	Partition: func(h []porcupine.Operation) (parts [][]porcupine.Operation) {
		byKey := map[string]int{}
		for _, o := range h {
			k := o.Input.(string)
			if _, ok := byKey[k]; !ok {
				byKey[k] = len(parts)
				parts = append(parts, nil)
			}
			parts[byKey[k]] = append(parts[byKey[k]], o)
		}
		return parts
	},
	Init: func() any { return uint64(0) },
	Step: func(state, _, output any) (bool, any) {
		s, got := state.(uint64), output.(creation).seed
		if s == 0 || got == 0 {
			return true, max(s, got)
		}
		return s == got, s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %x", in, out.(creation).seed) },
}

// seedAt looks at the match that an answer named.
func (w *simWorld) seedAt(made admin.Created) uint64 {
	for _, n := range w.alive() {
		if h := n.Node.matches.get(made.ID); h != nil && strings.Contains(made.URL, n.host.Addr(8080)) {
			return h.match.Config().Seed
		}
	}
	return 0
}

// keyTime is how long callers use a key before they go on to the next.
const keyTime = 3 * time.Second

// createOften has callers, with a source of chance each, create under a few keys at random nodes until the time is over, each again after an
// error. Where late is set they come again with old keys too.
func (w *simWorld) createOften(callers []*rand.Rand, d time.Duration, late bool) []porcupine.Operation {
	var mu sync.Mutex
	var history []porcupine.Operation
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for c, rng := range callers {
		all.Go(func() {
			for time.Now().Before(end) {
				time.Sleep(time.Duration(rng.Int64N(int64(600 * time.Millisecond))))
				number := int(time.Since(w.start) / keyTime)
				if late && rng.IntN(3) == 0 {
					number = rng.IntN(number + 1)
				}
				key := fmt.Sprint("key", number)
				n := w.anyNode(rng)
				w.mu.Lock()
				paused := n.paused
				w.mu.Unlock()
				if paused {
					continue
				}
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				called := time.Since(w.start)
				made, err := operator{n.Node}.CreateMatch(ctx, admin.MatchSpec{}, key)
				cancel()
				if err != nil {
					continue // it may have been made all the same: then the next answer names it
				}
				o := porcupine.Operation{ClientId: c, Input: key, Output: creation{key, w.seedAt(made)}, Call: int64(called), Return: int64(time.Since(w.start))}
				mu.Lock()
				history = append(history, o)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return history
}

// massacre kills most of five nodes within some seconds, while others come, once in a while: those that come need time
// to learn what the dead knew.
func massacre() simFault {
	var last time.Time
	return simFault{"massacre", func(w *simWorld) func() {
		if !last.IsZero() && time.Since(last) < 2*quorumFor {
			return nil
		}
		missing := 0
		for range 3 {
			if n := w.pick(3); n != nil {
				w.kill(n)
				missing++
			}
			if w.rng.IntN(2) == 0 {
				w.add()
				missing--
			}
			time.Sleep(time.Duration(w.rng.Int64N(int64(time.Second))))
		}
		last = time.Now()
		return func() {
			for range missing {
				w.add()
			}
		}
	}}
}

// TestSimCreateOnce: concurrent creations with a key, through all nodes, make one match, while nodes die and links are cut.
func TestSimCreateOnce(t *testing.T) {
	seeds(t, 2, func(w *simWorld) { w.createOnce(20*time.Second, "kill", "cut", "pause", "loss") })
}

// TestSimCreateOnceInRuins: the same where most nodes die at once and others take their places. There may be no match, but not two.
func TestSimCreateOnceInRuins(t *testing.T) {
	seeds(t, 2, func(w *simWorld) {
		w.plans = []simFault{massacre()}
		w.createOnce(40*time.Second, "massacre", "cut", "pause", "loss")
	})
}

// A key makes no other match once its own has died with most of five nodes, also when the others took their records for those of a split, and new
// nodes have come. Other keys make matches again.
func TestKeyOfAMatchThatDiedWithMostNodes(t *testing.T) {
	simulate(t, 1, func(w *simWorld) {
		w.grow(5)
		time.Sleep(freshFor)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		create := func(key string) int { return w.alive()[0].call(ctx, "POST", "/v1/matches", "{}", key).Code }
		if code := create("k"); code != 201 {
			t.Fatalf("first: %d", code)
		}
		time.Sleep(time.Second)
		match, _ := w.alive()[0].dir.Get(keyedID("k"))
		doomed := []string{match.Owner, match.Standby, match.Witness}
		for _, n := range w.alive() {
			if slices.Contains(doomed, n.id) {
				w.kill(n)
			}
		}
		if code := create("another"); code != 503 {
			t.Errorf("with most of the nodes just gone: %d", code)
		}
		time.Sleep(quorumFor + directory.DropAfter)
		for range 3 {
			w.add()
		}
		time.Sleep(quorumFor)
		for i := range 20 {
			if code := create("k"); code != 503 && code != 410 {
				t.Errorf("again: %d", code)
			}
			if code := create(fmt.Sprint("new", i)); code != 201 {
				t.Errorf("new key: %d", code)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

// createOnce has callers create under keys while there is trouble, for longer than quorumFor also under old ones, and looks for second matches.
// Some creation must be answered, but not many: where three of five nodes die within quorumFor no key makes a match for a while.
func (w *simWorld) createOnce(d time.Duration, faults ...string) {
	w.grow(5)
	callers := []*rand.Rand{w.fork(), w.fork(), w.fork(), w.fork()} // before trouble draws from the same source
	stop := make(chan struct{})
	var chaos sync.WaitGroup
	chaos.Go(func() {
		defer close(stop)
		w.trouble(d, faults...)
	})
	history := w.createOften(callers, d, d > 2*quorumFor)
	<-stop
	chaos.Wait()
	time.Sleep(10 * time.Second)
	if len(history) == 0 {
		w.fail("no creation was answered")
	}
	if !porcupine.CheckOperations(onceModel, history) {
		w.fail("a key made two matches:%s", twice(history))
	}
	owners := map[string]string{}
	for _, n := range w.alive() {
		for _, h := range n.Node.matches.all() {
			if o := owners[h.match.ID()]; o != "" {
				w.fail("match %s runs on %s and %s", h.match.ID(), o, n.name)
			}
			owners[h.match.ID()] = n.name
		}
	}
	keys := map[string]bool{}
	for _, o := range history {
		keys[o.Input.(string)] = true
	}
	w.t.Logf("%d creations of %d keys answered, %d matches", len(history), len(keys), len(owners))
}

// twice lists the answers for keys that made more than one match.
func twice(history []porcupine.Operation) (text string) {
	seeds := map[string]map[uint64]bool{}
	for _, o := range history {
		c := o.Output.(creation)
		if seeds[c.key] == nil {
			seeds[c.key] = map[uint64]bool{}
		}
		if c.seed != 0 {
			seeds[c.key][c.seed] = true
		}
	}
	for _, o := range history {
		if c := o.Output.(creation); len(seeds[c.key]) > 1 {
			text += fmt.Sprintf("\n%s %x, client %d, %v to %v", c.key, c.seed, o.ClientId, time.Duration(o.Call), time.Duration(o.Return))
		}
	}
	return text
}
