package cluster

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A match is made under a key while a node is silent; only where just that node may have it already must the caller come again.
func TestKeyedCreationWhileANodeIsSilent(t *testing.T) {
	simulate(t, 1, func(w *simWorld) {
		w.grow(5)
		time.Sleep(freshFor)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		create := func(n *simNode, key string) *httptest.ResponseRecorder { return n.call(ctx, "POST", "/v1/matches", "{}", key) }
		silent := w.nodes[4]
		for _, n := range w.nodes[:4] { // it has told the others that it makes this one
			n.intents.note(keyedID("doubtful"), silent.id, silent.id)
		}
		w.pause(silent, true)
		a := create(w.nodes[0], "doubtful")
		if a.Code != 503 || a.Header().Get("Retry-After") == "" || !strings.Contains(a.Body.String(), "problem:unreachable") {
			t.Errorf("a match that the silent node may have made: %d %v %s", a.Code, a.Header(), a.Body)
		}
		for i, key := range []string{"a", "b", "c", "d"} {
			began := time.Now()
			var a *httptest.ResponseRecorder
			for a = create(w.nodes[i], key); a.Code == 503 && time.Since(began) < 3*time.Second; a = create(w.nodes[i], key) {
				time.Sleep(100 * time.Millisecond) // as a client does
			}
			if took := time.Since(began); a.Code != 201 || took > 3*time.Second {
				t.Errorf("key %s: %d %s after %v", key, a.Code, a.Body, took)
			}
			if len(w.nodes[i].others()) < 4 {
				t.Logf("membership knows before key %s", key)
				break
			}
			t.Logf("key %s: %v", key, time.Since(began))
		}
		w.pause(silent, false)
		time.Sleep(5 * time.Second)
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
