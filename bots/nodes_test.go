package bots

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
)

// TestNodes: the nodes of a cluster are learnt from the admin listener, asked in turn, and entered at random.
func TestNodes(t *testing.T) {
	var asked atomic.Int32 // a handler may go on when its caller has given up
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/nodes", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"nodes":[{"id":"x","public_url":"ws://two.example:1/v1/play"},{"id":"y"},{"id":"z","public_url":"wss://three.example"}]}`)
	})
	mux.HandleFunc("GET /v1/route", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, `{"title":"no such match"}`, http.StatusNotFound)
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	api := newCaller("")
	defer api.close()
	n := &nodes{api: api, known: []string{s.URL}}
	n.discover(t.Context(), s.URL+"/elsewhere", slog.New(slog.DiscardHandler)) // 404: a server that is alone
	if !slices.Equal(n.all(), []string{s.URL}) {
		t.Errorf("learnt %q from nobody", n.all())
	}
	n.discover(t.Context(), s.URL, slog.New(slog.DiscardHandler))
	if want := []string{s.URL, "http://two.example:1", "https://three.example"}; !slices.Equal(n.all(), want) {
		t.Errorf("know %q, want %q", n.all(), want)
	}
	rng, entered := rand.New(rand.NewPCG(1, 1)), map[string]int{}
	for range 300 {
		u, err := n.spread(t.Context(), "m", 1, rng)
		if err != nil {
			t.Fatal(err)
		}
		entered[u]++
	}
	if len(entered) != 3 || entered["ws://two.example:1/v1/play"] < 60 || entered["wss://three.example/v1/play"] < 60 || asked.Load() != 0 {
		t.Errorf("entered at %v after %d questions", entered, asked.Load())
	}

	n.known = n.known[:1]
	if u, err := n.locate(context.Background(), "m", 2); err == nil {
		t.Errorf("alone, and sent to %q", u)
	}
	n.known = append(n.known, s.URL+"/")
	if u, err := n.locate(context.Background(), "m", 3); err != nil || u == "" || asked.Load() != 3 {
		t.Errorf("nobody knows the match, and no other node is tried: %q, %v, %d questions", u, err, asked.Load())
	}
}
