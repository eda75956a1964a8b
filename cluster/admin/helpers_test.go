package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
)

// fakeNode has matches m000, m001, ... and does what it is told.
type fakeNode struct {
	mu        sync.Mutex
	matches   []Match
	specs     []MatchSpec
	keys      []string // of the specs
	err       error    // what the next calls return
	forwarded []Request
	results   []Match
	did       []string // what it was asked to do
	stats     map[string]*loop.Stats
}

func (f *fakeNode) CreateMatch(_ context.Context, spec MatchSpec, key string) (Created, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return Created{}, f.err
	}
	f.keys = append(f.keys, key)
	id := fmt.Sprintf("m%03d", len(f.specs))
	f.specs = append(f.specs, spec)
	f.matches = append(f.matches, Match{ID: id, Game: spec.Game, State: "waiting", Scores: []loop.PlayerScore{}})
	return Created{ID: id}, nil
}

// Owner: matches whose id begins with "far" are on another node.
func (f *fakeNode) Owner(_ context.Context, match string) (string, error) {
	if strings.HasPrefix(match, "far") {
		return "other", nil
	}
	return "", nil
}

// Forward answers with what it was asked.
func (f *fakeNode) Forward(_ context.Context, node string, r Request) (Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forwarded = append(f.forwarded, r)
	return Response{Status: 202, Header: http.Header{"Content-Type": {"text/x"}}, Body: []byte(node)}, f.err
}

func (f *fakeNode) Nodes() []NodeInfo {
	return []NodeInfo{{ID: "n1", State: "ready"}, {ID: "n2", State: "draining"}, {ID: "n3", State: "dead"}}
}

func (f *fakeNode) find(id string) int {
	return slices.IndexFunc(f.matches, func(m Match) bool { return m.ID == id })
}

func (f *fakeNode) Match(id string) (Match, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(id)
	if i < 0 {
		return Match{}, ErrNotFound
	}
	return f.matches[i], nil
}

func (f *fakeNode) Matches(_ context.Context, q MatchQuery) ([]Match, bool, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Match
	for _, m := range f.matches {
		if m.ID > q.After && q.Takes(&m) {
			list = append(list, m)
		}
	}
	return list[:min(q.Limit, len(list))], len(list) > q.Limit, nil
}

func (f *fakeNode) Results(_ context.Context, q ResultQuery) ([]Match, bool, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Match
	for _, m := range f.results {
		if at := m.Ended.UnixMilli(); at > q.After || at == q.After && m.ID > q.AfterID {
			list = append(list, m)
		}
	}
	return list[:min(q.Limit, len(list))], len(list) > q.Limit, []string{"n9"}
}

// here says why nothing can be done to a match, if so.
func (f *fakeNode) here(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.find(id); i < 0 {
		return ErrNotFound
	} else if f.matches[i].State == "ended" {
		return ErrOver
	}
	return f.err
}

func (f *fakeNode) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, what)
}

func (f *fakeNode) Kick(_ context.Context, match, player, reason string) error {
	f.note("kick " + player + ": " + reason)
	if player == "nobody" {
		return ErrNoPlayer
	}
	return f.here(match)
}

func (f *fakeNode) Pause(_ context.Context, match string, on bool) error {
	f.note(fmt.Sprint("pause ", on))
	return f.here(match)
}

func (f *fakeNode) End(_ context.Context, match string, result []byte) (Match, error) {
	f.note("end " + string(result))
	return Match{ID: match, State: "ended", Result: result, Scores: []loop.PlayerScore{}, Outcome: "finished"}, f.here(match)
}

func (f *fakeNode) Event(_ context.Context, match string, data []byte) error {
	f.note("event " + string(data))
	return f.here(match)
}

func (f *fakeNode) Announce(_ context.Context, to Audience, text string) (Told, error) {
	f.note(fmt.Sprintf("say %+v %s", to, text))
	switch {
	case to.Match != "":
		return Told{Matches: 1}, f.here(to.Match)
	case to.Node != "" && to.Node != "n1":
		return Told{}, ErrNoNode
	}
	return Told{Matches: 2, Players: 3}, f.err
}

func (f *fakeNode) Drain(_ context.Context, node string) error {
	f.note("drain " + node)
	if node != "n1" {
		return ErrNoNode
	}
	return f.err
}

func (f *fakeNode) DeleteMatch(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(id)
	if i < 0 {
		return ErrNotFound
	}
	f.matches = slices.Delete(f.matches, i, i+1)
	return nil
}

func (f *fakeNode) Tokens(match string, players []Player) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.find(match) < 0 {
		return nil, ErrNotFound
	}
	t := map[string]string{}
	for _, p := range players {
		t[p.ID] = fmt.Sprintf("token of %s for %s, team %d", p.Name, match, p.Team)
	}
	return t, f.err
}

func (f *fakeNode) PlayerURL(host string) string { return "ws://" + host + ":8080/v1/play" }

func (f *fakeNode) Counters() Counters {
	return Counters{
		Net: new(netcode.Stats), Games: f.stats, Matches: map[string]int{"tag": 3}, Players: 7, Limited: 2, BytesIn: 100, BytesOut: 200,
		Unprotected: map[string]int{"no standby": 4},
		Cluster: &ClusterCounters{
			Members: map[string]int{"alive": 3, "dead": 1}, Parts: map[string]int{"owner": 2, "other": 5}, Gauges: map[string]int{"links": 2},
			Totals: map[string]uint64{"link_dials": 6}, Errors: map[string]uint64{"link_dial": 7},
		},
		Webhook: &WebhookCounters{Pending: 8, Open: true, Delivered: 9, Attempts: 10, Dropped: 11},
	}
}

// newTest returns the API of a fake node.
func newTest(t *testing.T, change func(*Config)) (*Server, *fakeNode) {
	t.Helper()
	n := &fakeNode{stats: map[string]*loop.Stats{"tag": loop.NewStats()}}
	cfg := Config{Node: n, Addr: "127.0.0.1:8081", Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, n
}

// call makes one request as a local script would; headers are pairs of names and values, an empty value takes one away.
func call(s *Server, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8081"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		switch {
		case headers[i] == "Host":
			r.Host = headers[i+1]
		case headers[i+1] == "":
			r.Header.Del(headers[i])
		default:
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// decoded returns an answer's JSON object.
func decoded(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("status %d, answer %q: %v", w.Code, b, err)
	}
	return m
}

// wantProblem checks that an answer is a problem document with a status, and returns its detail.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int) string {
	t.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, content type %s, want a problem %d: %s", w.Code, w.Header().Get("Content-Type"), status, w.Body)
		return ""
	}
	p := decoded(t, w)
	detail, _ := p["detail"].(string)
	if p["status"] != float64(status) || p["title"] == "" || detail == "" {
		t.Errorf("problem %v", p)
	}
	return detail
}
