package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// readmeCurls returns the examples of the README's section on the admin API, as printed.
func readmeCurls(t *testing.T) (list []string) {
	t.Helper()
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), "\n## Admin API\n")
	if !ok {
		t.Fatal("the README has no section Admin API")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		list = append(list, m[1])
	}
	return list
}

// Every example of the README works as printed, and every operation of the API document has one.
func TestReadmeCurls(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	n := startNode(t, nil)
	blocks := readmeCurls(t)
	env := append(os.Environ(), "NODE="+n.id, "no_proxy=*")
	used := map[string]bool{}
	setting := strings.Replace(blocks[0], "http://127.0.0.1:8081", n.AdminURL(), 1)
	match, ticket := "", ""
	for _, block := range blocks[1:] {
		if match != "" && n.matches.get(match) == nil && strings.Contains(block, "-X DELETE") {
			match = do(t, "POST", n.AdminURL()+"/v1/matches", "{}").field(t, "match_id") // ended by the example before
		}
		// What curl sends is printed after its answer: method, URL and status.
		wrapper := `curl() { command curl -w '\n%{method} %{url_effective} %{http_code}' "$@"; }` + "\n"
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", setting+wrapper+block)
		cmd.Env = append(env, "MATCH="+match, "TICKET="+ticket)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v, %s", block, err, out)
		}
		answer, last := cutLast(string(out))
		var method, url string
		var status int
		if _, err := fmt.Sscan(last, &method, &url, &status); err != nil || status/100 != 2 {
			t.Errorf("%s: %v, %s", block, err, out)
			continue
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(url, n.AdminURL()), "?")
		used[method+" "+strings.NewReplacer("/"+n.id, "/{id}", "/"+orThis(match, "none"), "/{id}",
			"/"+orThis(ticket, "none"), "/{id}").Replace(path)] = true
		var v map[string]any
		if json.Unmarshal([]byte(answer), &v) == nil {
			if id, ok := v["match_id"].(string); ok && match == "" {
				match = id
			}
			if id, ok := v["ticket_id"].(string); ok {
				ticket = id
			}
			if tokens, ok := v["tokens"].(map[string]any); ok { // who is removed later must be there
				join(t, v["url"].(string), tokens["p1"].(string)).welcomed()
			}
		}
	}
	for _, op := range operations(t, n) {
		if !used[op.method+" "+op.path] {
			t.Errorf("no example for %s %s; there are %v", op.method, op.path, used)
		}
	}
}

// cutLast cuts the last line off.
func cutLast(s string) (before, last string) {
	i := strings.LastIndexByte(s, '\n')
	return s[:i], s[i+1:]
}

// operation is one of the API document.
type operation struct {
	method, path string
	spec         map[string]any
}

// apiDocument reads a node's API document.
func apiDocument(t *testing.T, n *Node) map[string]any {
	t.Helper()
	a := do(t, "GET", n.AdminURL()+"/v1/openapi.json", "")
	var doc map[string]any
	if err := json.Unmarshal(a.body, &doc); err != nil || a.status != 200 {
		t.Fatalf("status %d, %v", a.status, err)
	}
	return doc
}

func operations(t *testing.T, n *Node) (list []operation) {
	t.Helper()
	for path, item := range apiDocument(t, n)["paths"].(map[string]any) {
		for method, spec := range item.(map[string]any) {
			list = append(list, operation{strings.ToUpper(method), path, spec.(map[string]any)})
		}
	}
	if len(list) < 16 {
		t.Errorf("%d operations only", len(list))
	}
	return list
}
