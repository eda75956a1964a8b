package cluster

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/overtime-server/overtime/cluster/admin"
)

func TestQuickplayJoins(t *testing.T) {
	n := startNode(t, nil)
	a := do(t, "POST", n.URL()+"/v1/quickplay", "", "Host", "play.example.com:99")
	if a.status != 200 || a.field(t, "url") != "ws://play.example.com:99/v1/play" {
		t.Fatalf("status %d, answer %s: want the URL under the name that the request names", a.status, a.body)
	}
	a = do(t, "POST", n.URL()+"/v1/quickplay", `{"name":" Ann\n "}`)
	w := join(t, a.field(t, "url"), a.field(t, "token")).welcomed()
	if w.Match != a.field(t, "match_id") || w.Name != "Ann" || w.PlayerID != a.field(t, "player_id") || w.Game != "tag" {
		t.Errorf("welcome %+v does not fit the answer %s", w, a.body)
	}
	b := do(t, "POST", n.URL()+"/v1/quickplay", `{"game":"arena"}`)
	if w := join(t, b.field(t, "url"), b.field(t, "token")).welcomed(); w.Game != "arena" || w.Name != "Guest" {
		t.Errorf("asked for the arena as nobody: welcome %+v", w)
	}
}

// In virtual time, since a seat is kept for some seconds only.
func TestQuickplayFillsMatches(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.grow(1)
		seats := w.nodes[0].cfg.Games[0].WithDefaults().Seats
		matches := map[string]int{}
		for range seats + 1 {
			matches[w.quickplay(w.nodes[0])]++
		}
		if len(matches) != 2 {
			t.Fatalf("%d players in matches of %d seats are in %v", seats+1, seats, matches)
		}
		for id, k := range matches {
			if k != seats && k != 1 {
				t.Errorf("match %s was given %d players", id, k)
			}
		}
	})
}

func TestGuests(t *testing.T) {
	n := startNode(t, nil)
	g := do(t, "POST", n.URL()+"/v1/guest", `{"name":"Ann"}`)
	id, bearer := g.field(t, "player_id"), "Bearer "+g.field(t, "token")
	for range 2 {
		a := do(t, "POST", n.URL()+"/v1/quickplay", "{}", "Authorization", bearer)
		if a.field(t, "player_id") != id {
			t.Errorf("quickplay as %s gave %s", id, a.body)
		}
	}
	a := do(t, "POST", n.URL()+"/v1/quickplay", "", "Authorization", bearer)
	if w := join(t, a.field(t, "url"), a.field(t, "token")).welcomed(); w.Name != "Ann" || w.PlayerID != id {
		t.Errorf("the guest came in as %s %q", w.PlayerID, w.Name)
	}
	wantProblem(t, do(t, "POST", n.URL()+"/v1/quickplay", "", "Authorization", bearer+"x"), http.StatusUnauthorized)
	// A token for a match is not a guest's.
	wantProblem(t, do(t, "POST", n.URL()+"/v1/quickplay", "", "Authorization", "Bearer "+a.field(t, "token")), http.StatusUnauthorized)
}

func TestGuestsOff(t *testing.T) {
	n := startNode(t, func(c *Config) { c.NoGuests = true })
	wantProblem(t, do(t, "POST", n.URL()+"/v1/guest", ""), http.StatusForbidden)
	wantProblem(t, do(t, "POST", n.URL()+"/v1/quickplay", ""), http.StatusForbidden)
}

func TestRefusedRequests(t *testing.T) {
	n := startNode(t, func(c *Config) { c.Origins = []string{"https://friend.example"} })
	u := n.URL()
	for _, c := range []struct {
		method, path, body string
		status             int
		headers            []string
	}{
		{"POST", "/v1/quickplay", `{"game":"chess"}`, 400, nil},
		{"POST", "/v1/quickplay", `{"gane":"tag"}`, 400, nil},
		{"POST", "/v1/quickplay", `{"name":1}`, 400, nil},
		{"POST", "/v1/quickplay", `{} {}`, 400, nil},
		{"POST", "/v1/quickplay", `{`, 400, nil},
		{"POST", "/v1/quickplay", `{"name":"` + strings.Repeat("x", maxAsk) + `"}`, 413, nil},
		{"POST", "/v1/guest", `name=Ann`, 415, []string{"Content-Type", "text/plain"}},
		{"GET", "/v1/quickplay", "", 405, nil},
		{"GET", "/v1/route?match=none", "", 404, nil},
		{"GET", "/v1/route", "", 404, nil},
		{"GET", "/v1/maps/none", "", 404, nil},
		{"GET", "/v1/none", "", 404, nil},
	} {
		wantProblem(t, do(t, c.method, u+c.path, c.body, c.headers...), c.status)
	}
	if a := do(t, "POST", u+"/v1/quickplay", "", "Origin", "https://foe.example"); a.status != 403 {
		t.Errorf("status %d for a foreign origin, want 403", a.status)
	}
	if a := do(t, "POST", u+"/v1/quickplay", "", "Origin", "https://friend.example"); a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "https://friend.example" {
		t.Errorf("status %d, headers %v for an origin on the list", a.status, a.header)
	}
	if a := do(t, "OPTIONS", u+"/v1/quickplay", "", "Origin", "https://friend.example", "Access-Control-Request-Method", "POST"); a.status != 204 {
		t.Errorf("status %d for a preflight, want 204", a.status)
	}
}

func TestRouteAndMap(t *testing.T) {
	n := startNode(t, nil)
	id := do(t, "POST", n.URL()+"/v1/quickplay", `{"game":"arena"}`).field(t, "match_id")
	r := do(t, "GET", n.URL()+"/v1/route?match="+id, "")
	want := `{"url":"` + strings.Replace(n.URL(), "http", "ws", 1) + `/v1/play","standby_url":"","epoch":1}`
	if r.status != 200 || string(r.body) != want {
		t.Errorf("route: status %d %s, want %s", r.status, r.body, want)
	}
	m := n.edge.Match(id)
	url := n.URL() + "/v1/maps/" + m.MapHash()
	a := do(t, "GET", url, "")
	if a.status != 200 || string(a.body) != string(m.Static()) || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("map: status %d, %d bytes of %s, want the match's %d", a.status, len(a.body), a.header.Get("Content-Type"), len(m.Static()))
	}
	if c := a.header.Get("Cache-Control"); !strings.Contains(c, "immutable") {
		t.Errorf("Cache-Control %q", c)
	}
	if b := do(t, "GET", url, "", "If-None-Match", a.header.Get("ETag")); b.status != http.StatusNotModified || len(b.body) != 0 {
		t.Errorf("status %d for a map that the client has, want 304", b.status)
	}
	if err := (operator{n}).DeleteMatch(id); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, do(t, "GET", url, ""), http.StatusNotFound)
	wantProblem(t, do(t, "GET", n.URL()+"/v1/route?match="+id, ""), http.StatusNotFound)
}

func TestPublicURLWins(t *testing.T) {
	n := startNode(t, func(c *Config) { c.Public = "https://play.example.com" })
	a := do(t, "POST", n.URL()+"/v1/quickplay", "")
	if got := a.field(t, "url"); got != "wss://play.example.com/v1/play" {
		t.Errorf("quickplay says %s", got)
	}
	if got := (operator{n}).PlayerURL("localhost"); got != "wss://play.example.com/v1/play" {
		t.Errorf("the admin API says %s", got)
	}
}

func TestAskingTooOften(t *testing.T) {
	n := startNode(t, nil)
	synctest.Test(t, func(t *testing.T) { // in no time
		n.limiter = admin.NewLimiter(1, 2, 10)
		h := n.limited(n.guest)
		var last int
		for range 3 {
			w := httptest.NewRecorder()
			h(w, httptest.NewRequest("POST", "/v1/guest", nil)) // from 192.0.2.1, as httptest has it
			last = w.Code
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("status %d for the third request of two, want 429", last)
		}
	})
}
