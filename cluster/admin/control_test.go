package admin

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestControl(t *testing.T) {
	s, n := newTest(t, nil)
	n.matches = []Match{{ID: "m1", State: "running"}, {ID: "m2", State: "ended"}}
	for _, c := range []struct {
		path, body string
		status     int
		did        string // or the problem
	}{
		{"/v1/matches/m1/kick", `{"player":"p1","reason":"rude"}`, 202, "kick p1: rude"},
		{"/v1/matches/m1/kick", `{"player":"nobody"}`, 404, "no-such-player"},
		{"/v1/matches/m1/kick", `{"reason":"x"}`, 400, "invalid"},
		{"/v1/matches/m2/kick", `{"player":"p1"}`, 409, "match-over"},
		{"/v1/matches/m3/kick", `{"player":"p1"}`, 404, "not-found"},
		{"/v1/matches/m1/pause", `{"paused":true}`, 202, "pause true"},
		{"/v1/matches/m1/pause", `{"paused":false}`, 202, "pause false"},
		{"/v1/matches/m1/pause", `{}`, 400, "invalid"},
		{"/v1/matches/m1/end", `{"result":{"winner": [1]}}`, 200, `end {"winner": [1]}`},
		{"/v1/matches/m1/end", `{"result":null}`, 200, `end null`},
		{"/v1/matches/m1/end", `{}`, 400, "invalid"},
		{"/v1/matches/m1/admin", ` {"b": 2, "a":1}`, 202, `event {"b": 2, "a":1}`},
		{"/v1/matches/m1/admin", `7`, 202, `event 7`},
		{"/v1/matches/m1/admin", `{`, 400, "invalid"},
		{"/v1/messages", `{"match":"m1","text":"hi"}`, 200, "say {Match:m1 Node:} hi"},
		{"/v1/messages", `{"node":"n1","text":"hi"}`, 200, "say {Match: Node:n1} hi"},
		{"/v1/messages", `{"text":"hi"}`, 200, "say {Match: Node:} hi"},
		{"/v1/messages", `{"match":"m1","node":"n1","text":"hi"}`, 400, "invalid"},
		{"/v1/messages", `{"node":"n7","text":"hi"}`, 404, "no-such-node"},
		{"/v1/messages", `{"text":""}`, 400, "invalid"},
		{"/v1/messages", `{"text":"` + strings.Repeat("é", 251) + `"}`, 400, "invalid"},
		{"/v1/nodes/n1/drain", ``, 202, "drain n1"},
		{"/v1/nodes/n7/drain", ``, 404, "no-such-node"},
	} {
		n.did = nil
		w := call(s, "POST", c.path, c.body)
		switch {
		case w.Code != c.status:
			t.Errorf("%s %.60s: status %d, want %d: %s", c.path, c.body, w.Code, c.status, w.Body)
		case c.status < 400 && !reflect.DeepEqual(n.did, []string{c.did}):
			t.Errorf("%s %s: did %q", c.path, c.body, n.did)
		case c.status >= 400 && !strings.Contains(w.Body.String(), `"urn:overtime:problem:`+c.did+`"`):
			t.Errorf("%s %.60s: %s", c.path, c.body, w.Body)
		}
	}
	m := decoded(t, call(s, "POST", "/v1/matches/m1/end", `{"result":{"winner":1}}`))
	if m["outcome"] != "finished" || m["result"].(map[string]any)["winner"] != 1.0 {
		t.Errorf("ended as %v", m)
	}
	n.err = fmt.Errorf("%w: 70000", ErrTooLarge)
	wantProblem(t, call(s, "POST", "/v1/matches/m1/admin", "1"), 413)
}

func TestFilters(t *testing.T) {
	s, n := newTest(t, nil)
	for i, game := range []string{"tag", "arena", "tag", "tag"} {
		n.matches = append(n.matches, Match{ID: fmt.Sprint("m", i), Game: game, State: "running", Labels: map[string]string{"n": fmt.Sprint(i % 2), "x": "a=b"}})
	}
	for query, want := range map[string]string{
		"": "m0 m1 m2 m3", "game=tag": "m0 m2 m3", "game=tag&label=n=0": "m0 m2", "label=x=a=b&label=n=1": "m1 m3", "label=x=a": "", "label=none=": "",
		"state=running&limit=1&after=m1": "m2", "state=waiting": "", "label=n=0&label=n=1": "",
	} {
		var got []string
		for _, m := range decoded(t, call(s, "GET", "/v1/matches?"+query, ""))["matches"].([]any) {
			got = append(got, m.(map[string]any)["match_id"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", query, got, want)
		}
	}
}

// Pages of results and nodes hold everything once, in order.
func TestPages(t *testing.T) {
	s, n := newTest(t, nil)
	at := time.UnixMilli(1_700_000_000_000)
	for i := range 7 {
		n.results = append(n.results, Match{ID: fmt.Sprint("m", i), Ended: at.Add(time.Duration(i/3) * time.Millisecond)})
	}
	for name, path := range map[string]string{"results": "/v1/results", "nodes": "/v1/nodes"} {
		var got []string
		next := ""
		for range 10 {
			m := decoded(t, call(s, "GET", path+"?limit=2&after="+next, ""))
			for _, x := range m[name].([]any) {
				o := x.(map[string]any)
				got = append(got, fmt.Sprint(o["match_id"], o["id"]))
			}
			var more bool
			if next, more = m["next"].(string); !more {
				break
			}
		}
		want := map[string]int{"results": 7, "nodes": 3}[name]
		if len(got) != want || !reflect.DeepEqual(got, sorted(got)) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if m := decoded(t, call(s, "GET", "/v1/results?after=1700000000001.", "")); len(m["results"].([]any)) != 4 || m["missing"] == nil {
		t.Errorf("from a time on: %v", m)
	}
	for _, bad := range []string{"x", "1", "1.a%20b", "-1.", "1234567890123456."} {
		wantProblem(t, call(s, "GET", "/v1/results?after="+bad, ""), 400)
	}
	if m := decoded(t, call(s, "GET", "/v1/nodes/n2", "")); m["state"] != "draining" {
		t.Errorf("%v", m)
	}
	wantProblem(t, call(s, "GET", "/v1/nodes/n9", ""), 404)
}

func sorted(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
