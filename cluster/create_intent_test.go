package cluster

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// withSilence simulates five nodes of which the last falls silent.
func withSilence(t *testing.T, before func(w *simWorld), f func(w *simWorld, create func(n *simNode, key string) *httptest.ResponseRecorder)) {
	simulate(t, 1, func(w *simWorld) {
		w.grow(5)
		time.Sleep(freshFor)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		before(w)
		w.pause(w.nodes[4], true)
		f(w, func(n *simNode, key string) *httptest.ResponseRecorder {
			return n.call(ctx, "POST", "/v1/matches", "{}", key)
		})
	})
}

// A match is made under a key while a node is silent, before membership knows that.
func TestKeyedCreationWhileANodeIsSilent(t *testing.T) {
	withSilence(t, func(*simWorld) {}, func(w *simWorld, create func(n *simNode, key string) *httptest.ResponseRecorder) {
		began := time.Now()
		var all sync.WaitGroup
		var early atomic.Int32 // matches that were made while membership believed all nodes to live
		for i, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			all.Go(func() {
				a := create(w.nodes[i%4], key)
				for a.Code == 503 && time.Since(began) < 10*time.Second { // as a client does
					time.Sleep(200 * time.Millisecond)
					a = create(w.nodes[i%4], key)
				}
				if took := time.Since(began); a.Code != 201 || took > 5*time.Second {
					t.Errorf("key %s: %d %s after %v", key, a.Code, a.Body, took)
				}
				if len(w.nodes[i%4].others()) == 4 {
					early.Add(1)
				}
			})
		}
		all.Wait()
		if early.Load() < 4 {
			t.Errorf("%d of 8 matches were made before membership knew of the silence", early.Load())
		}
	})
}

// Only where just the silent node may have made the match already must the caller come again.
func TestKeyedCreationOfAMatchThatASilentNodeMayHave(t *testing.T) {
	withSilence(t, func(w *simWorld) {
		for _, n := range w.nodes[:4] { // it has told the others that it makes this one
			n.intents.note(keyedID("doubtful"), w.nodes[4].id, w.nodes[4].id)
		}
	}, func(w *simWorld, create func(n *simNode, key string) *httptest.ResponseRecorder) {
		a := create(w.nodes[0], "doubtful")
		if a.Code != 503 || a.Header().Get("Retry-After") == "" || !strings.Contains(a.Body.String(), "problem:unreachable") {
			t.Errorf("%d %v %s", a.Code, a.Header(), a.Body)
		}
		w.pause(w.nodes[4], false)
		time.Sleep(intentFor)
		if a := create(w.nodes[0], "doubtful"); a.Code != 201 {
			t.Errorf("after the node went on: %d %s", a.Code, a.Body)
		}
	})
}

// One home at a time is told that it may make a match; who was to host it before is remembered, and may not any more.
func TestIntents(t *testing.T) {
	var i intents
	if others, ok := i.note("m", "h1", "o1"); !ok || len(others) > 0 || !i.allows("m", "o1") || i.allows("m", "o2") {
		t.Errorf("first: %v %v", others, ok)
	}
	if _, ok := i.note("m", "h2", "o2"); ok || !i.allows("m", "o1") {
		t.Error("two homes at a time")
	}
	i.giveUp("m", "h2") // it has nothing to give up
	if _, ok := i.note("m", "h2", "o2"); ok {
		t.Error("a home gave up what another one does")
	}
	i.giveUp("m", "h1")
	if others, ok := i.note("m", "h2", "o2"); !ok || len(others) != 1 || others[0] != "o1" || i.allows("m", "o1") {
		t.Errorf("second: %v %v", others, ok)
	}
	if !i.allows("other", "o1") {
		t.Error("a match that nobody spoke of is refused")
	}
}
