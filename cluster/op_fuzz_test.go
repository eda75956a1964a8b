package cluster

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// numbered reads a document with its numbers as they are written.
func numbered(t *testing.T, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	return v
}

// The document is what OpenAPI 3.1 asks for: references lead somewhere, ids are unique, parameters of paths are described, every
// operation says what it answers.
func TestAPIDocument(t *testing.T) {
	n := startNode(t, nil)
	doc := numbered(t, do(t, "GET", n.AdminURL()+"/v1/openapi.json", "").body).(object)
	if doc["openapi"] != "3.1.0" || doc["info"].(object)["title"] == "" || doc["info"].(object)["version"] == "" {
		t.Errorf("head %v %v", doc["openapi"], doc["info"])
	}
	o := oracle{doc: doc}
	refs := 0
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case object:
			if _, ok := v["$ref"].(string); ok {
				refs++
				o.resolve(v) // panics
			}
			for name, x := range v {
				walk(at+"/"+name, x)
			}
			props, _ := v["properties"].(object)
			required, _ := v["required"].([]any)
			for _, name := range required {
				if _, ok := props[name.(string)]; !ok {
					t.Errorf("%s requires %s, which it does not have", at, name)
				}
			}
		case []any:
			for i, x := range v {
				walk(at+"/"+strconv.Itoa(i), x)
			}
		}
	}
	walk("", doc)
	if refs < 20 {
		t.Errorf("%d references", refs)
	}
	ids := map[any]bool{}
	for _, op := range operations(t, n) {
		if id := op.spec["operationId"]; id == "" || ids[id] || op.spec["summary"] == "" {
			t.Errorf("%s %s: operationId %v, summary %v", op.method, op.path, id, op.spec["summary"])
		}
		ids[op.spec["operationId"]] = true
		params, _ := op.spec["parameters"].([]any)
		for _, part := range strings.Split(op.path, "/") {
			if name, ok := strings.CutPrefix(part, "{"); ok && !slices.ContainsFunc(params, func(p any) bool {
				return p.(object)["name"] == strings.TrimSuffix(name, "}") && p.(object)["in"] == "path" && p.(object)["required"] == true
			}) {
				t.Errorf("%s: %s is not described", op.path, part)
			}
		}
		for status, r := range op.spec["responses"].(object) {
			if r.(object)["description"] == "" || len(status) != 3 {
				t.Errorf("%s %s: %s", op.method, op.path, status)
			}
		}
		if role := op.spec["x-role"]; role != "operate" && (role != "read" || op.method != "GET") {
			t.Errorf("%s %s for the role %v", op.method, op.path, role)
		}
	}
}

// fuzzer asks a node for whatever its document allows, and for more.
type fuzzer struct {
	oracle
	t        *testing.T
	n        *Node
	matches  []string // some that were made
	tickets  []string
	statuses map[string]int // of answers, by operation
	current  string         // request
}

// Whatever is asked, the answer is one that the document names: never a 500. What the document allows is not refused for its form, and what
// it does not allow is never done.
func TestAPIKeepsItsDocument(t *testing.T) {
	n := startNode(t, func(c *Config) { c.MaxMatches = 30 })
	seed := *simSeed
	t.Logf("seed %d", seed)
	f := &fuzzer{t: t, n: n, statuses: map[string]int{}}
	f.doc, f.rand = numbered(t, do(t, "GET", n.AdminURL()+"/v1/openapi.json", "").body).(object), rand.New(rand.NewPCG(seed, 0))
	ops := operations(t, n)
	slices.SortFunc(ops, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	rounds := 2000
	if testing.Short() {
		rounds = 300
	}
	f.askOften(ops, rounds*8/10, []string{
		"createMatch 201", "createMatch 400", "getMatch 200", "getMatch 404", "kickPlayer 404", "pauseMatch 202", "pauseMatch 400", "endMatch 200", "sendEvent 202",
		"sendMessage 200", "deleteMatch 204", "signTokens 200", "listResults 200", "listNodes 200", "getNode 200", "getNode 404", "drainNode 404",
		"createTicket 201", "createTicket 400",
	})
	if a := do(t, "POST", n.AdminURL()+"/v1/nodes/"+n.id+"/drain", ""); a.status != 202 {
		t.Errorf("drain: %d %s", a.status, a.body)
	}
	ops = slices.DeleteFunc(ops, func(op operation) bool { return strings.HasPrefix(op.path, "/v1/tickets") }) // they wait for seconds for another home, and there is none
	f.askOften(ops, rounds*2/10, []string{"createMatch 503"})
}

// askOften makes requests, and more until all answers that are wanted have come.
func (f *fuzzer) askOften(ops []operation, rounds int, want []string) {
	missing := func() []string {
		return slices.DeleteFunc(slices.Clone(want), func(s string) bool { return f.statuses[s] > 0 })
	}
	for i := 0; i < rounds || i < 10*rounds && len(missing()) > 0; i++ {
		op := ops[f.rand.IntN(len(ops))]
		f.ask(op.method, op.path, f.doc["paths"].(object)[op.path].(object)[strings.ToLower(op.method)].(object))
	}
	for _, s := range missing() {
		f.t.Errorf("no %s among %v", s, f.statuses)
	}
}

// ask makes one request of an operation, and checks its answer.
func (f *fuzzer) ask(method, path string, spec object) {
	if spec["operationId"] == "metrics" && f.rand.IntN(20) > 0 {
		return // long, and always the same
	}
	good := f.rand.IntN(3) > 0
	fits := true
	bad := func(s object) (any, bool) {
		if good || !fits || f.rand.IntN(2) == 0 {
			return nil, false
		}
		v, ok := f.broken(s)
		fits = fits && !ok
		return v, ok
	}
	query, header := url.Values{}, map[string]string{}
	params, _ := spec["parameters"].([]any)
	for _, p := range params {
		x := p.(object)
		name, s := x["name"].(string), x["schema"].(object)
		switch x["in"] {
		case "path":
			path = strings.Replace(path, "{"+name+"}", url.PathEscape(f.id(path, s)), 1)
		case "query":
			if v, ok := bad(s); ok {
				query.Set(name, fmt.Sprint(v))
				fits = false // as text a value may still fit: then nothing is known
				good = false
			} else if f.rand.IntN(3) == 0 {
				f.param(query, name, f.valid(s, 0))
			}
		case "header":
			if f.rand.IntN(4) == 0 {
				header[name] = strconv.Itoa(f.rand.IntN(1000))
			}
		}
	}
	known := len(query) == 0 || fits
	body := ""
	if b, ok := spec["requestBody"].(object); ok {
		s := b["content"].(object)["application/json"].(object)["schema"].(object)
		v, isBad := bad(s)
		if !isBad {
			v = f.valid(s, 0)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			f.t.Fatal(err)
		}
		body = string(raw)
		if !good && !isBad && f.rand.IntN(4) == 0 {
			body, fits, known = []string{"{", "[1,", `{"a":1}{"a":1}`, "nul", `"\ud8"x`, strings.Repeat(" ", 300<<10)}[f.rand.IntN(6)], false, true
		}
	}
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1"
	r.RemoteAddr = "127.0.0.1:1"
	for k, v := range header {
		r.Header.Set(k, v)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	f.current = method + " " + target + " " + body[:min(len(body), 300)]
	w := httptest.NewRecorder()
	f.n.api.ServeHTTP(w, r)
	f.judge(spec, w, fits, known)
}

// param adds a parameter's value, for an array each.
func (f *fuzzer) param(query url.Values, name string, v any) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, x := range list {
		query.Add(name, fmt.Sprint(x))
	}
}

// id is one that exists, or could.
func (f *fuzzer) id(path string, s object) string {
	switch {
	case strings.HasPrefix(path, "/v1/nodes") && !strings.HasSuffix(path, "drain") && f.rand.IntN(2) == 0:
		return f.n.id
	case strings.HasPrefix(path, "/v1/tickets") && len(f.tickets) > 0 && f.rand.IntN(4) > 0:
		return f.tickets[f.rand.IntN(len(f.tickets))]
	case strings.HasPrefix(path, "/v1/matches") && f.n.matches.count() > 0 && f.rand.IntN(2) == 0:
		all := f.n.matches.all()
		return all[f.rand.IntN(len(all))].match.ID()
	case strings.HasPrefix(path, "/v1/matches") && len(f.matches) > 0 && f.rand.IntN(3) > 0:
		return f.matches[max(0, len(f.matches)-1-f.rand.IntN(6))]
	}
	return f.text(s)
}

// judge checks an answer against the document.
func (f *fuzzer) judge(spec object, w *httptest.ResponseRecorder, fits, known bool) {
	t := f.t
	f.statuses[fmt.Sprint(spec["operationId"], " ", w.Code)]++
	response, ok := spec["responses"].(object)[strconv.Itoa(w.Code)].(object)
	if !ok || w.Code >= 500 && w.Code != 503 {
		t.Fatalf("%s: status %d is not in the document: %s", f.current, w.Code, w.Body)
	}
	if known && !fits && w.Code < 400 {
		t.Errorf("%s: done, though it does not fit: %d", f.current, w.Code)
	}
	content, _ := response["content"].(object)
	kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	if len(content) == 0 {
		if w.Body.Len() > 0 {
			t.Errorf("%s: a body %s", f.current, w.Body)
		}
		return
	}
	media, ok := content[kind].(object)
	if !ok {
		t.Fatalf("%s: content type %q is not in the document", f.current, kind)
	}
	schema, ok := media["schema"].(object)
	if !ok {
		return
	}
	v := numbered(t, w.Body.Bytes())
	if why := f.check(schema, v); why != "" {
		t.Errorf("%s: the answer does not fit: %s: %.600s", f.current, why, w.Body)
	}
	o := v.(object)
	if id, ok := o["ticket_id"].(string); ok && w.Code == 201 {
		f.tickets = append(f.tickets, id)
	}
	if id, ok := o["match_id"].(string); ok && w.Code == 201 {
		f.matches = append(f.matches, id)
	}
	if kind, ok := o["type"].(string); ok && w.Code >= 400 && !strings.Contains(response["description"].(string), kind) {
		t.Errorf("%s: problem %s is not in the document for %d", f.current, kind, w.Code)
	}
	if detail, _ := o["detail"].(string); fits && (strings.HasPrefix(detail, "the body cannot be used") || strings.Contains(detail, "parameter")) {
		t.Errorf("%s: refused, though it fits: %s", f.current, detail)
	}
}
