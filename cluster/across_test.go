package cluster

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/netcode/token"
)

// problemType returns the type of a problem document.
func problemType(t *testing.T, a answer) string {
	t.Helper()
	var p struct{ Type string }
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return strings.TrimPrefix(p.Type, "urn:overtime:problem:")
}

// Every call about a match works on every node, and says the same.
func TestAnyNodeAnswers(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	ids := map[string]bool{}
	for i := range 6 {
		a := insist(t, "POST", nodes[i%3].AdminURL()+"/v1/matches", `{"game":"tag","seats":4}`)
		if a.status != 201 {
			t.Fatalf("create: %d %s", a.status, a.body)
		}
		ids[a.field(t, "match_id")] = true
	}
	for _, n := range nodes {
		if got := len(n.matches.all()); got == 0 { // it has two where all answer in time
			t.Error("a node has none of six matches")
		}
		var list struct {
			Matches []struct {
				ID string `json:"match_id"`
			}
			Next    string
			Missing []string
		}
		var seen []string
		for path := "/v1/matches?limit=2"; ; path = "/v1/matches?limit=2&after=" + list.Next {
			eventually(t, "all nodes say what they have", func() bool {
				list.Next, list.Missing = "", nil
				if err := json.Unmarshal(do(t, "GET", n.AdminURL()+path, "").body, &list); err != nil {
					t.Fatal(err)
				}
				return len(list.Missing) == 0
			})
			for _, m := range list.Matches {
				seen = append(seen, m.ID)
			}
			if list.Next == "" {
				break
			}
		}
		if len(seen) != 6 || !slices.IsSorted(seen) {
			t.Errorf("a node lists %v", seen)
		}
		for id := range ids {
			if m := show(t, n, id); m.ID != id || m.Game != "tag" {
				t.Errorf("a node shows %+v for %s", m, id)
			}
		}
	}
	var one string
	for one = range ids {
		break
	}
	owner := ownerOf(nodes, one)
	other := nodes[(slices.Index(nodes, owner)+1)%3]
	tokens := insist(t, "POST", other.AdminURL()+"/v1/matches/"+one+"/tokens", `{"players":[{"id":"ann"}]}`)
	if url := tokens.field(t, "url"); url != owner.meta.URL {
		t.Errorf("tokens come with %s, want %s", url, owner.meta.URL)
	}
	var signed struct{ Tokens map[string]string }
	if err := json.Unmarshal(tokens.body, &signed); err != nil {
		t.Fatal(err)
	}
	p := join(t, other.meta.URL, signed.Tokens["ann"])
	if w := p.welcomed(); w.Match != one || w.Node != owner.meta.URL {
		t.Errorf("a player at the wrong node got to %s at %s", w.Match, w.Node)
	}
	if moves := p.client.Stats().Moves; moves != 1 {
		t.Errorf("%d moves on the way", moves)
	}
	if a := do(t, "DELETE", other.AdminURL()+"/v1/matches/"+one, ""); a.status != 204 {
		t.Errorf("delete: %d %s", a.status, a.body)
	}
	for _, n := range nodes {
		if m := show(t, n, one); m.Outcome != "finished" {
			t.Errorf("after its end a node shows %+v", m)
		}
		eventually(t, "the route is gone", func() bool { return do(t, "GET", n.URL()+"/v1/route?match="+one, "").status == 404 })
		wantProblem(t, insist(t, "GET", n.AdminURL()+"/v1/matches/mnobody", ""), 404)
	}
}

// One key makes one match, whichever node is asked, also by many at once; another body under the same key is refused.
func TestOneKeyOneMatch(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			a := insist(t, "POST", nodes[i%3].AdminURL()+"/v1/matches", `{"game":"tag"}`, "Idempotency-Key", "k1")
			mu.Lock()
			defer mu.Unlock()
			got[a.field(t, "match_id")]++
		})
	}
	all.Wait()
	made := 0
	for _, n := range nodes {
		made += len(n.matches.all())
	}
	if len(got) != 1 || made != 1 {
		t.Errorf("one key made %v, %d matches run", got, made)
	}
	for _, n := range nodes {
		a := insist(t, "POST", n.AdminURL()+"/v1/matches", `{"game":"tag","seats":2}`, "Idempotency-Key", "k1")
		if wantProblem(t, a, 422); problemType(t, a) != "key-reused" {
			t.Errorf("problem %s", a.body)
		}
	}
}

// What cannot be placed says why, each reason with a type of its own.
func TestPlacingProblems(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 2, func(i int, c *Config) {
		c.MaxMatches, c.Region = 1, "eu"
		if i == 1 {
			c.Region = "us"
		}
	})
	post := func(body string) answer { return do(t, "POST", nodes[0].AdminURL()+"/v1/matches", body) }
	for body, want := range map[string]string{`{"game":"chess"}`: "unknown-game", `{"region":"mars"}`: "no-such-region"} {
		if a := post(body); problemType(t, a) != want {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	a := insist(t, "POST", nodes[0].AdminURL()+"/v1/matches", `{"region":"us","game":"tag"}`)
	if ownerOf(nodes, a.field(t, "match_id")) != nodes[1] {
		t.Error("the match is not in its region")
	}
	if a := post(`{"region":"us"}`); problemType(t, a) != "full" {
		t.Errorf("a full region: %d %s", a.status, a.body)
	}
	nodes[0].closing.Store(true)
	nodes[1].closing.Store(true)
	eventually(t, "draining is known", func() bool { return problemType(t, post(`{}`)) == "draining" })
}

// Players who ask any node for a quick game meet in the same match.
func TestQuickplayMeets(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	matches := map[string]bool{}
	for i := range 9 {
		a := insist(t, "POST", nodes[i%3].URL()+"/v1/quickplay", `{"game":"tag"}`)
		if a.status != 200 {
			t.Fatalf("quickplay: %d %s", a.status, a.body)
		}
		matches[a.field(t, "match_id")] = true
		if w := join(t, a.field(t, "url"), a.field(t, "token")).welcomed(); w.Match != a.field(t, "match_id") {
			t.Errorf("welcome to %s", w.Match)
		}
	}
	if len(matches) > 2 { // tag has 8 seats
		t.Errorf("nine players are in %d matches", len(matches))
	}
}

// Where players reach one node only, it passes their bytes on.
func TestProxy(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, func(_ int, c *Config) { c.Proxy = true })
	for range 3 {
		a := insist(t, "POST", nodes[0].AdminURL()+"/v1/matches", `{"game":"tag"}`)
		id := a.field(t, "match_id")
		tokens := insist(t, "POST", nodes[0].AdminURL()+"/v1/matches/"+id+"/tokens", `{"players":[{"id":"ann"}]}`)
		var signed struct{ Tokens map[string]string }
		if err := json.Unmarshal(tokens.body, &signed); err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			p := join(t, strings.Replace(n.URL(), "http", "ws", 1)+"/v1/play", signed.Tokens["ann"])
			if w := p.welcomed(); w.Match != id {
				t.Errorf("welcome to %s, want %s", w.Match, id)
			}
			if moves := p.client.Stats().Moves; moves != 0 {
				t.Errorf("%d moves through a proxy", moves)
			}
			p.client.Leave()
		}
	}
}

// The cluster's key is replaced step by step while players play and nodes gossip; nobody is lost, and tokens of the dropped key end.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	file := nodes[0].cfg.SecretFile
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	next := token.GenerateKey().Line()
	a := insist(t, "POST", nodes[0].URL()+"/v1/quickplay", `{"game":"tag"}`)
	p := join(t, a.field(t, "url"), a.field(t, "token"))
	p.welcomed()
	guest := do(t, "POST", nodes[0].URL()+"/v1/guest", "").field(t, "token")
	for _, keys := range []string{string(old) + "\n" + next, next + "\n" + string(old), next} {
		if err := os.WriteFile(file, []byte(keys), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			if err := n.Reload(); err != nil {
				t.Fatal(err)
			}
			for _, other := range nodes { // tokens of each are good at all, at every moment
				if keys == next {
					break
				}
				g := do(t, "POST", n.URL()+"/v1/guest", "").field(t, "token")
				if a := insist(t, "POST", other.URL()+"/v1/quickplay", `{"game":"tag"}`, "Authorization", "Bearer "+g); a.status != 200 {
					t.Errorf("quickplay with a fresh token: %d %s", a.status, a.body)
				}
			}
		}
		b := insist(t, "POST", nodes[1].AdminURL()+"/v1/matches", `{"game":"tag"}`)
		eventually(t, "a new match is known everywhere", func() bool {
			_, known := nodes[2].dir.Get(b.field(t, "match_id"))
			return known
		})
	}
	for _, n := range nodes {
		if len(n.others()) != 2 {
			t.Error("a node lost others")
		}
	}
	if a := do(t, "POST", nodes[1].URL()+"/v1/quickplay", "", "Authorization", "Bearer "+guest); a.status != http.StatusUnauthorized {
		t.Errorf("a token of the dropped key: %d", a.status)
	}
	if err := os.WriteFile(file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if nodes[0].Reload() == nil {
		t.Error("took a secret file without keys")
	}
}

// A key that comes again makes no second match: not after a restart, not while the match is on its way to another node, and not when
// its node has forgotten it.
func TestKeyOfAMatchThatIsNotHere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	create := func(n *Node, body string) answer {
		return do(t, "POST", n.AdminURL()+"/v1/matches", body, "Idempotency-Key", "k1")
	}
	data := func(c *Config) { c.Data = dir }
	first := startNode(t, data)
	id := create(first, `{"game":"tag"}`).field(t, "match_id")
	if err := (operator{first}).DeleteMatch(id); err != nil {
		t.Fatal(err)
	}
	stopNode(t, first)
	n := startNode(t, data)
	if again := create(n, `{"game":"tag"}`).field(t, "match_id"); again != id || n.matches.count() != 0 {
		t.Errorf("after a restart the key made match %s, want %s, which is over", again, id)
	}

	n.matches.mu.Lock()
	n.matches.finished = map[string]admin.Match{}
	n.matches.mu.Unlock()
	for state, want := range map[directory.State]int{directory.Running: 503, directory.Lost: 410, directory.Ended: 201} {
		n.dir = directory.New(n.id)
		n.dir.Apply(time.Now(), []directory.Record{{Match: id, Epoch: 2, Since: 1, Seq: 1, Owner: "other", State: state}})
		if _, err := n.giveCreate(t.Context(), "", askCreate{Match: id, Spec: admin.MatchSpec{Game: "tag"}}); (err == nil) != (want == 201) {
			t.Errorf("%v: %v, want status %d", state, err, want)
		}
		if n.matches.count() != 0 {
			t.Errorf("%v: a second match was made", state)
		}
	}
}
