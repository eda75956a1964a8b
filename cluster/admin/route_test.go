package admin

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// Two keys: one may read, the other may do everything; each operation says which it needs.
func TestRoles(t *testing.T) {
	s, n := newTest(t, func(c *Config) { c.Addr, c.Key, c.ReadKey = "0.0.0.0:8081", "operate-key", "read-key" })
	n.matches = []Match{{ID: "m1", State: "running"}}
	for _, c := range []struct {
		method, path, body    string
		read, operate, nobody int
	}{
		{"GET", "/v1/matches", "", 200, 200, 401},
		{"GET", "/v1/openapi.json", "", 200, 200, 401},
		{"GET", "/metrics", "", 200, 200, 401},
		{"GET", "/debug/pprof/cmdline", "", 403, 200, 401},
		{"GET", "/debug/pprof/heap", "", 403, 200, 401},
		{"POST", "/v1/matches/m1/pause", `{"paused":true}`, 403, 202, 401},
		{"POST", "/v1/messages", `{"text":"x"}`, 403, 200, 401},
		{"POST", "/v1/nodes/n1/drain", "", 403, 202, 401},
		{"POST", "/v1/matches/m1/tokens", `{`, 403, 400, 401},
		{"GET", "/v1/none", "", 404, 404, 401},
		{"PATCH", "/v1/matches", "", 405, 405, 401},
		{"DELETE", "/v1/matches/m1", "", 403, 204, 401},
	} {
		for key, want := range map[string]int{"read-key": c.read, "operate-key": c.operate, "": c.nobody, "read-key2": c.nobody} {
			w := call(s, c.method, c.path, c.body, "Authorization", "Bearer "+key)
			if w.Code != want {
				t.Errorf("%s %s with %q: status %d, want %d: %s", c.method, c.path, key, w.Code, want, w.Body)
			}
			if want >= 400 {
				wantProblem(t, w, want)
			}
			if c.method == "DELETE" && want == 204 {
				n.matches = []Match{{ID: "m1", State: "running"}}
			}
		}
	}
	for _, c := range []Config{{Addr: "127.0.0.1:1", ReadKey: "x"}, {Addr: "127.0.0.1:1", Key: "x", ReadKey: "x"}} {
		if c.Validate() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// An address that asks too often is told to wait, others are not; loopback is not limited.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, testRateLimit) // else tokens come back while the machine is busy
}

func testRateLimit(t *testing.T) {
	s, _ := newTest(t, func(c *Config) { c.Addr, c.Key = "0.0.0.0:8081", "k" })
	ask := func(from string) int {
		r, _ := http.NewRequest("GET", "/v1/nodes", nil)
		r.RemoteAddr, r.Host = from, "x"
		r.Header.Set("Authorization", "Bearer wrong")
		w := &recorder{Response{Header: http.Header{}}}
		s.ServeHTTP(w, r)
		if w.Status == 429 && (w.Response.Header.Get("Retry-After") == "" || !strings.Contains(string(w.Body), "rate-limited")) {
			t.Errorf("%v %s", w.Response.Header, w.Body)
		}
		return w.Status
	}
	limited := 0
	for range burst + 50 {
		if ask("[2001:db8::1]:99") == 429 {
			limited++
		}
	}
	if limited != 50 || uint64(limited) != s.limiter.refused.Load() {
		t.Errorf("%d of %d requests refused, %d counted", limited, burst+50, s.limiter.refused.Load())
	}
	if got := ask("[2001:db8::ffff]:1"); got != 429 {
		t.Errorf("the same customer: %d", got)
	}
	for _, from := range []string{"[2001:db8:0:1::1]:99", "10.0.0.1:1", "127.0.0.1:5", "[::ffff:127.0.0.1]:5"} {
		if got := ask(from); got != 401 {
			t.Errorf("%s: %d", from, got)
		}
	}
	for i := range 3 * addresses { // memory is bounded
		s.limiter.Allow(&http.Request{RemoteAddr: "10." + strings.Join([]string{itoa(i >> 16), itoa(i >> 8 & 255), itoa(i & 255)}, ".") + ":1"})
	}
	if n := len(s.limiter.newer) + len(s.limiter.older); n > 2*addresses {
		t.Errorf("%d addresses are kept", n)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// All bodies together are bounded too.
func TestBodiesAreBounded(t *testing.T) {
	s, _ := newTest(t, nil)
	s.bodies.take(maxBodies - 10)
	if w := call(s, "POST", "/v1/messages", `{"text":"long enough"}`); w.Code != 503 || !strings.Contains(w.Body.String(), ":busy") || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.bodies.give(maxBodies - 10)
	if w := call(s, "POST", "/v1/messages", `{"text":"long enough"}`); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantProblem(t, call(s, "POST", "/v1/messages", strings.Repeat("x", maxBody+1)), 413)
	if used := s.bodies.used.Load(); used != 0 {
		t.Errorf("%d bytes are still reserved", used)
	}
}

func TestPaths(t *testing.T) {
	s, n := newTest(t, nil)
	n.matches = []Match{{ID: "a/b?c", State: "running"}}
	if w := call(s, "GET", "/v1/matches/a%2Fb%3Fc", ""); w.Code != 200 {
		t.Errorf("an id with a slash: %d", w.Code)
	}
	for _, path := range []string{"/v1/matches/", "/v1/matches//kick", "//v1/matches", "/v1/matches/m1/", "/V1/matches", "/console", "/v1/nodes/n1/drain/x", "/debug/pprof"} {
		if w := call(s, "GET", path, ""); w.Code != 404 || !strings.Contains(w.Body.String(), "no-such-path") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	w := call(s, "GET", "/v1/matches/m1/kick", "")
	wantProblem(t, w, 405)
	if got := w.Header().Values("Allow"); !reflect.DeepEqual(got, []string{"POST"}) {
		t.Errorf("Allow %v", got)
	}
}

// An operation that another package adds is checked, shown and answered like the others.
func TestAddedRoute(t *testing.T) {
	type wish struct {
		Size int    `json:"size" need:"yes" min:"2" max:"4"`
		Mode string `json:"mode" enum:"a,b"`
	}
	type wishIn struct {
		ID   string `path:"id" max:"8"`
		Wait int    `query:"wait" min:"0" max:"30"`
		Body wish   `body:"required"`
	}
	type grant struct {
		Text string `json:"text"`
	}
	s, _ := newTest(t, func(c *Config) {
		c.Routes = []Route{Op("makeWish", "POST /v1/wishes/{id}", 201, "Make a wish", func(c *Call, in wishIn) (grant, error) {
			if in.Body.Mode == "b" {
				return grant{}, ErrFull
			}
			return grant{strings.Repeat(in.ID, in.Body.Size) + itoa(in.Wait)}, nil
		}).Fails(ErrFull)}
	})
	for body, status := range map[string]int{
		`{"size":3}`: 201, `{"size":3,"mode":"b"}`: 503, `{"size":1}`: 400, `{"size":5}`: 400, `{}`: 400, `{"size":2,"mode":"c"}`: 400, `{"size":2.0}`: 400, `[]`: 400, ``: 415,
	} {
		if w := call(s, "POST", "/v1/wishes/x?wait=7", body); w.Code != status || status == 201 && !strings.Contains(w.Body.String(), `"xxx7"`) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/v1/wishes/x?wait=31", "/v1/wishes/x?wait=07", "/v1/wishes/x?wait= 7", "/v1/wishes/123456789", "/v1/wishes/x?wiat=1"} {
		wantProblem(t, call(s, "POST", strings.ReplaceAll(path, " ", "%20"), `{"size":2}`), 400)
	}
	doc := call(s, "GET", "/v1/openapi.json", "").Body.String()
	for _, want := range []string{`"makeWish"`, `"/v1/wishes/{id}"`, `"Wish":{"type":"object"`, `"maximum":4`, `"enum":["a","b"]`, "urn:overtime:problem:full"} {
		if !strings.Contains(doc, want) {
			t.Errorf("the document lacks %s", want)
		}
	}
}
