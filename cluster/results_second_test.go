package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

// simHook is the receiver of the webhooks of all nodes of a simulated cluster.
type simHook struct {
	w *simWorld

	mu   sync.Mutex // guards the following
	down bool
	got  map[string][]admin.Match // by id of the delivery
}

// attach gives all nodes that are started from now on a webhook, and a directory of its own.
func (h *simHook) attach(dir string) {
	secret := filepath.Join(dir, "hook")
	if err := os.WriteFile(secret, []byte(testSecret), 0o600); err != nil {
		h.w.t.Fatal(err)
	}
	h.w.change = func(c *Config) {
		name := fmt.Sprint("n", h.w.started)
		c.Data = filepath.Join(dir, name)
		c.Webhook = Webhook{URL: "http://game.example/", SecretFile: secret, transport: transport(func(q *http.Request) (*http.Response, error) {
			return h.take(name, q)
		})}
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			h.w.t.Fatal(err)
		}
	}
}

func (h *simHook) take(name string, q *http.Request) (*http.Response, error) {
	var in struct {
		ID string `json:"id"`
		admin.Match
	}
	if err := json.NewDecoder(q.Body).Decode(&in); err != nil {
		h.w.fail("delivery of %s: %v", name, err)
	}
	dead := false
	h.w.mu.Lock()
	for _, n := range h.w.nodes {
		dead = dead || n.name == name && (n.dead || n.paused)
	}
	h.w.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if dead || h.down {
		return nil, errors.New("connection refused")
	}
	if in.ID != "result-"+in.Match.ID {
		h.w.fail("the result of %s has id %s", in.Match.ID, in.ID)
	}
	h.got[in.ID] = append(h.got[in.ID], in.Match)
	return &http.Response{StatusCode: 204, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil))}, nil
}

func (h *simHook) set(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

func (h *simHook) count(match string) int { return len(h.of(match)) }

// of returns what was delivered of a match.
func (h *simHook) of(match string) []admin.Match {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got["result-"+match])
}

// withHook simulates a cluster with a webhook.
func withHook(t *testing.T, seed uint64, nodes int, f func(w *simWorld, h *simHook)) {
	dir := t.TempDir()
	simulate(t, seed, func(w *simWorld) {
		h := &simHook{w: w, got: map[string][]admin.Match{}}
		h.attach(dir)
		w.grow(nodes)
		f(w, h)
	})
}

// end ends a match through a node, at its owner.
func (w *simWorld) end(at *simNode, match, result string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	owner, err := operator{at.Node}.Owner(ctx, match)
	if err != nil {
		return err
	}
	if x := w.byID(orThis(owner, at.id)); x != nil {
		_, err = operator{x.Node}.End(ctx, match, []byte(result))
		w.mu.Lock()
		defer w.mu.Unlock()
		if x.dead {
			return errors.New("the node was killed before it answered")
		}
	}
	return err
}

// listed says whether a node lists the result of a match, and shows it.
func (w *simWorld) listed(at *simNode, match string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list, _, _ := operator{at.Node}.Results(ctx, admin.ResultQuery{Limit: 1000})
	count := 0
	for _, m := range list {
		if m.ID == match {
			count++
		}
	}
	if count != 1 {
		return fmt.Errorf("%s lists match %s %d times", at.name, match, count)
	}
	owner, err := operator{at.Node}.Owner(ctx, match)
	if err != nil {
		return fmt.Errorf("%s does not find match %s: %w", at.name, match, err)
	}
	x := w.byID(orThis(owner, at.id))
	if _, err = (operator{x.Node}).Match(match); x.dead || err != nil {
		return fmt.Errorf("%s looks for match %s at %s: %w", at.name, match, x.name, err)
	}
	return nil
}

// A result whose node dies while the receiver is away is delivered by another one, and so is it when that one dies too. Until then it is
// listed, once.
func TestResultOutlivesItsNodes(t *testing.T) {
	withHook(t, 1, 5, func(w *simWorld, h *simHook) {
		h.set(true)
		m := w.create(w.nodes[0], 0)
		if !w.eventually(3*time.Second, func() bool { return w.allProtected() == nil }) {
			t.Fatal(w.allProtected())
		}
		owner := w.hosts(m)[0]
		if err := w.end(w.nodes[0], m.id, `{"winner":"b"}`); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the owner, then whoever keeps it
			w.kill(owner)
			time.Sleep(7 * time.Second)
			pending := 0
			for _, n := range w.alive() {
				if err := w.listed(n, m.id); err != nil {
					w.fail("%v", err)
				}
				if n.hook.counters().Pending > 0 {
					owner = n
					pending++
				}
			}
			if pending != 1 {
				w.fail("%d nodes have it to deliver, want 1", pending)
				return
			}
		}
		h.set(false)
		time.Sleep(lastRetry)
		if h.count(m.id) != 1 {
			w.fail("delivered %d times", h.count(m.id))
		}
		for _, n := range w.alive() {
			n.wills.mu.Lock()
			kept := len(n.wills.all)
			n.wills.mu.Unlock()
			if kept != 0 || n.hook.counters().Pending != 0 {
				w.fail("%s still keeps %d results, and has %+v", n.name, kept, n.hook.counters())
			}
		}
	})
}

// Whenever the owner dies around the end of a match, the match goes on or its result arrives; what was answered stays. Without faults
// every result arrives once.
func TestResultOfAMatchWhoseNodeDiesWithIt(t *testing.T) {
	for seed := range uint64(6) {
		withHook(t, seed, 4, func(w *simWorld, h *simHook) {
			var ends sync.WaitGroup
			answers := map[string]error{}
			var mu sync.Mutex
			for range 6 {
				w.create(w.nodes[0], 0)
			}
			if !w.eventually(3*time.Second, func() bool { return w.allProtected() == nil }) {
				t.Fatal(w.allProtected())
			}
			victim := w.hosts(w.matches[0])[0]
			for _, m := range w.matches {
				ends.Go(func() {
					err := w.end(w.nodes[0], m.id, `{"winner":"b"}`)
					mu.Lock()
					defer mu.Unlock()
					answers[m.id] = err
				})
			}
			time.Sleep(time.Duration(w.rng.Int64N(int64(120 * time.Millisecond))))
			w.kill(victim)
			ends.Wait()
			time.Sleep(20 * time.Second)
			twice, on := 0, 0
			for _, m := range w.matches {
				got, runs := h.count(m.id), len(w.hosts(m))
				if got == 0 && (runs == 0 || answers[m.id] == nil) || got > 0 && runs > 0 || got > 2 {
					w.fail("match %s: delivered %d times, runs on %d nodes, the answer was %v", m.id, got, runs, answers[m.id])
				}
				if twice, on = twice+max(0, got-1), on+runs; got > 0 {
					if r := h.of(m.id)[0]; string(r.Result) != `{"winner":"b"}` || r.Outcome != "finished" {
						w.fail("match %s: delivered %+v", m.id, r)
					}
					for _, n := range w.alive() {
						if err := w.listed(n, m.id); err != nil {
							w.fail("%v", err)
						}
					}
				}
			}
			t.Logf("of %d matches %d go on, %d results came twice", len(w.matches), on, twice)
		})
	}
}
