package admin

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestCreateMatch(t *testing.T) {
	s, n := newTest(t, nil)
	w := call(s, "POST", "/v1/matches", `{"game":"tag","seats":4,"tick_hz":60,"seed":18446744073709551615,"settings":{"a":[1]},"labels":{"k":"v"}}`, "Host", "localhost:8081")
	if w.Code != 201 || w.Header().Get("Location") != "/v1/matches/m000" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	m := decoded(t, w)
	if len(m) != 2 || m["match_id"] != "m000" || m["url"] != "ws://localhost:8080/v1/play" {
		t.Errorf("answer %v", m)
	}
	got := n.specs[0]
	if got.Game != "tag" || got.Seats != 4 || got.TickHz != 60 || *got.Seed != 1<<64-1 || string(got.Settings) != `{"a":[1]}` || got.Labels["k"] != "v" {
		t.Errorf("the node was asked for %+v", got)
	}
	if w := call(s, "POST", "/v1/matches", ""); w.Code != 201 {
		t.Errorf("status %d for defaults only", w.Code)
	}
}

func TestCreateMatchRefuses(t *testing.T) {
	s, n := newTest(t, nil)
	many := `{"labels":{"x":"y"`
	for i := range maxLabels {
		many += fmt.Sprintf(`,"k%d":""`, i)
	}
	for _, c := range []struct {
		body   string
		status int
		says   string
		header []string
	}{
		{`{"game":"tag","hz":30}`, 400, `unknown field "hz"`, nil},
		{`{"seats":"4"}`, 400, "seats", nil},
		{`{"seats":-1}`, 400, "negative", nil},
		{`{"seed":-1}`, 400, "seed", nil},
		{`{"seats":1e99}`, 400, "seats", nil},
		{`{"labels":{"":"x"}}`, 400, "label", nil},
		{`{"labels":{"x":"` + strings.Repeat("y", maxLabel+1) + `"}}`, 400, "label", nil},
		{many + "}}", 400, "labels", nil},
		{`[]`, 400, "array", nil},
		{`{"game":"tag"}garbage`, 400, "more than one", nil},
		{`{"game":`, 400, "unexpected", nil},
		{`{"settings":"` + strings.Repeat("y", maxBody) + `"}`, 413, "too large", nil},
		{`{}`, 415, "application/json", []string{"Content-Type", ""}},
		{`{}`, 400, "Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("k", maxKeySize+1)}},
	} {
		if says := wantProblem(t, call(s, "POST", "/v1/matches", c.body, c.header...), c.status); !strings.Contains(says, c.says) {
			t.Errorf("%.60s: %q does not say %q", c.body, says, c.says)
		}
	}
	if len(n.specs) != 0 {
		t.Errorf("%d matches were made", len(n.specs))
	}
	for err, status := range map[error]int{
		fmt.Errorf("%w: no such game", ErrInvalid): 400, ErrFull: 503, ErrDraining: 503, errors.New("disk on fire"): 500,
	} {
		n.err = err
		says := wantProblem(t, call(s, "POST", "/v1/matches", "{}"), status)
		if status == 500 && strings.Contains(says, "fire") {
			t.Errorf("an inner error is told: %q", says)
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	s, n := newTest(t, nil)
	post := func(key, body string) *httptest.ResponseRecorder {
		return call(s, "POST", "/v1/matches", body, "Idempotency-Key", key)
	}
	n.err = ErrFull
	wantProblem(t, post("a", `{"game":"tag"}`), 503)
	n.err = nil
	first := decoded(t, post("a", `{"game":"tag"}`))
	if again := decoded(t, post("a", `{ "game": "tag" }`)); again["match_id"] != first["match_id"] {
		t.Errorf("the same request made %v, then %v", first, again)
	}
	wantProblem(t, post("a", `{"game":"tag","seats":2}`), 422)
	if other := decoded(t, post("b", `{"game":"tag"}`)); other["match_id"] == first["match_id"] {
		t.Error("another key got the same match")
	}
	if len(n.specs) != 2 {
		t.Errorf("%d matches were made, want 2", len(n.specs))
	}

	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { post("c", "{}") })
	}
	all.Wait()
	if len(n.specs) != 3 {
		t.Errorf("one key at the same time made %d matches", len(n.specs)-2)
	}
}

func TestIdempotencyIsBounded(t *testing.T) {
	d := newIdempotency(3)
	made := 0
	create := func() (string, error) { made++; return fmt.Sprint(made), nil }
	for _, key := range []string{"a", "b", "c", "d", "b", "c", "d", "e", "f"} {
		if _, ok, err := d.do(key, nil, create); !ok || err != nil {
			t.Fatal(key, ok, err)
		}
	}
	if made != 6 {
		t.Errorf("%d created, want a to f once each", made)
	}
	if len(d.made) != 3 || len(d.ring) != 3 {
		t.Errorf("%d keys in mind, bound 3", len(d.made))
	}
	if id, _, _ := d.do("d", nil, create); id != "4" {
		t.Errorf("a key within the bound was forgotten")
	}
	if id, _, _ := d.do("a", nil, create); id != "7" {
		t.Errorf("the oldest key is still known as %s", id)
	}
}

func TestListMatches(t *testing.T) {
	s, _ := newTest(t, nil)
	m := decoded(t, call(s, "GET", "/v1/matches", ""))
	if list, ok := m["matches"].([]any); !ok || len(list) != 0 || len(m) != 1 {
		t.Errorf("no matches: %v", m)
	}
	for range 5 {
		call(s, "POST", "/v1/matches", "{}")
	}
	var seen []string
	path := "/v1/matches?limit=2"
	for pages := 1; ; pages++ {
		m := decoded(t, call(s, "GET", path, ""))
		for _, x := range m["matches"].([]any) {
			seen = append(seen, x.(map[string]any)["match_id"].(string))
		}
		next, more := m["next"].(string)
		if !more {
			if pages != 3 {
				t.Errorf("%d pages of two for five matches", pages)
			}
			break
		}
		path = "/v1/matches?limit=2&after=" + next
	}
	if strings.Join(seen, " ") != "m000 m001 m002 m003 m004" {
		t.Errorf("pages hold %v", seen)
	}
	for _, bad := range []string{"0", "-1", "x", "1.5"} {
		wantProblem(t, call(s, "GET", "/v1/matches?limit="+bad, ""), 400)
	}
}

func TestOneMatch(t *testing.T) {
	s, _ := newTest(t, nil)
	call(s, "POST", "/v1/matches", `{"game":"tag"}`)
	m := decoded(t, call(s, "GET", "/v1/matches/m000", ""))
	for _, name := range strings.Fields("match_id game state epoch tick players owner standby protected scores seats round") {
		if _, ok := m[name]; !ok {
			t.Errorf("a match does not show %q: %v", name, m)
		}
	}
	if w := call(s, "DELETE", "/v1/matches/m000", ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("delete: status %d, %s", w.Code, w.Body)
	}
	wantProblem(t, call(s, "GET", "/v1/matches/m000", ""), 404)
	wantProblem(t, call(s, "DELETE", "/v1/matches/m000", ""), 404)
	wantProblem(t, call(s, "GET", "/v1/none", ""), 404)
	w := call(s, "PUT", "/v1/matches/m000", "")
	wantProblem(t, w, 405)
	if got := strings.Join(w.Header().Values("Allow"), " "); got != "GET DELETE" {
		t.Errorf("Allow: %s", got)
	}
}

func TestSignTokens(t *testing.T) {
	s, _ := newTest(t, nil)
	call(s, "POST", "/v1/matches", "{}")
	m := decoded(t, call(s, "POST", "/v1/matches/m000/tokens", `{"players":[{"id":"1","name":"Ann","team":2},{"id":"2"}]}`))
	tokens, _ := m["tokens"].(map[string]any)
	if m["url"] != "ws://127.0.0.1:8080/v1/play" || len(tokens) != 2 || tokens["1"] != "token of Ann for m000, team 2" {
		t.Errorf("answer %v", m)
	}
	many := strings.Repeat(`{"id":"x"},`, maxTokens) + `{"id":"x"}`
	for body, says := range map[string]string{
		``:                                      "content type",
		`{"players":[]}`:                        "1 to",
		`{"players":[{"id":" "}]}`:              "id is missing",
		`{"players":[{"id":"a"},{"id":"a"}]}`:   "twice",
		`{"players":[{"id":"a","admin":true}]}`: `unknown field "admin"`,
		`{"players":[{"id":"a","team":-1}]}`:    "team",
		`{"players":[` + many + `]}`:            "1 to",
	} {
		status := 400
		if body == "" {
			status = 415
		}
		if detail := wantProblem(t, call(s, "POST", "/v1/matches/m000/tokens", body), status); !strings.Contains(detail, says) {
			t.Errorf("%.60s: %q does not say %q", body, detail, says)
		}
	}
	wantProblem(t, call(s, "POST", "/v1/matches/none/tokens", `{"players":[{"id":"a"}]}`), 404)
}

// Whatever body comes, the answer is 201 or a problem that is the caller's.
func FuzzCreateMatch(f *testing.F) {
	for _, s := range []string{`{}`, `{"game":"tag","seats":4}`, `{"labels":{"a":"b"}}`, `{"settings":null}`, `{"seed":1.5}`, `[`, `"\ud800"`, `{"GAME":"x"}`} {
		f.Add(s, "key")
	}
	f.Fuzz(func(t *testing.T, body, key string) {
		s, n := newTest(t, nil)
		w := call(s, "POST", "/v1/matches", body, "Idempotency-Key", key)
		if made := len(n.specs); (w.Code == 201) != (made == 1) || w.Code != 201 && w.Code/100 != 4 {
			t.Errorf("status %d, %d matches made", w.Code, made)
		}
	})
}
