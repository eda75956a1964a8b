package admin

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
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
	for i := range 16 {
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
		{`{"seats":-1}`, 400, "at least 0", nil},
		{`{"seats":256}`, 400, "at most 255", nil},
		{`{"GAME":"tag"}`, 400, `unknown field "GAME"`, nil},
		{`{"labels":{"a":"b"},"labels":{}}`, 400, "twice", nil},
		{`{"seats":null}`, 400, "null", nil},
		{`{"settings":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400, "in each other", nil},
		{`{"seed":-1}`, 400, "seed", nil},
		{`{"seats":1e99}`, 400, "seats", nil},
		{`{"labels":{"":"x"}}`, 400, "labels", nil},
		{`{"labels":{"x":"` + strings.Repeat("y", 257) + `"}}`, 400, "label", nil},
		{many + "}}", 400, "labels", nil},
		{`[]`, 400, "array", nil},
		{`{"game":"tag"}garbage`, 400, "more than one", nil},
		{`{"game":`, 400, "unexpected", nil},
		{`{"settings":"` + strings.Repeat("y", maxBody) + `"}`, 413, "too large", nil},
		{`{}`, 415, "application/json", []string{"Content-Type", ""}},
		{`{}`, 400, "Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("k", 256)}},
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

func TestCreateMatchPassesTheKeyOn(t *testing.T) {
	s, n := newTest(t, nil)
	call(s, "POST", "/v1/matches", `{"game":"tag"}`, "Idempotency-Key", "a")
	call(s, "POST", "/v1/matches", `{"game":"tag"}`)
	if !slices.Equal(n.keys, []string{"a", ""}) {
		t.Errorf("keys %q", n.keys)
	}
	n.err = fmt.Errorf("%w", ErrKeyReused)
	wantProblem(t, call(s, "POST", "/v1/matches", `{"game":"tag"}`, "Idempotency-Key", "a"), 422)
}

// A request about a match of another node is answered by that node, with its words; a node that is asked by another answers itself.
func TestForward(t *testing.T) {
	s, n := newTest(t, nil)
	w := call(s, "POST", "/v1/matches/far1/tokens", `{"players":[]}`)
	if w.Code != 202 || w.Body.String() != "other" || w.Header().Get("Content-Type") != "text/x" {
		t.Errorf("status %d, %q", w.Code, w.Body)
	}
	want := Request{Method: "POST", URI: "/v1/matches/far1/tokens", Kind: "application/json", Body: []byte(`{"players":[]}`)}
	if len(n.forwarded) != 1 || !reflect.DeepEqual(n.forwarded[0], want) {
		t.Errorf("passed on %+v", n.forwarded)
	}
	wantProblem(t, call(s, "POST", "/v1/matches/far1/tokens", strings.Repeat(" ", maxBody+1)), 413)
	n.err = ErrUnreachable
	wantProblem(t, call(s, "DELETE", "/v1/matches/far1", ""), 503)

	if a := s.Answer(t.Context(), want); a.Status != 400 || !strings.Contains(string(a.Body), "players") {
		t.Errorf("asked by another node: %d %s", a.Status, a.Body)
	}
	if a := s.Answer(t.Context(), Request{Method: "GET", URI: "/v1/nodes"}); a.Status != 200 || !strings.Contains(string(a.Body), `"n1"`) {
		t.Errorf("nodes: %d %s", a.Status, a.Body)
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
	for _, bad := range []string{"limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=1001", "limit=", "limit=1&limit=1", "state=gone", "label=x", "labels=x=y", "%zz=1"} {
		wantProblem(t, call(s, "GET", "/v1/matches?"+bad, ""), 400)
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
	many := strings.Repeat(`{"id":"x"},`, 512) + `{"id":"x"}`
	for body, says := range map[string]string{
		``:                                      "application/json",
		`{"players":[]}`:                        "1 to",
		`{"players":[{"id":" "}]}`:              "players[0].id",
		`{"players":[{"id":""}]}`:               "id is missing",
		`{"players":[{}]}`:                      "id is missing",
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
