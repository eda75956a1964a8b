package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	var ids []string
	idle := func() bool { return slices.ContainsFunc(nodes, func(n *Node) bool { return n.matches.count() == 0 }) }
	for i := 0; i < 6 || i < 60 && idle(); i++ { // each has two of six where all answer in time
		a := insist(t, "POST", nodes[i%3].AdminURL()+"/v1/matches", `{"game":"tag","seats":4}`)
		if a.status != 201 {
			t.Fatalf("create: %d %s", a.status, a.body)
		}
		ids = append(ids, a.field(t, "match_id"))
	}
	if idle() {
		t.Error("a node has none of sixty matches")
	}
	slices.Sort(ids)
	for _, n := range nodes {
		eventually(t, "a node lists all matches", func() bool { return slices.Equal(listMatches(t, n, "limit=2"), ids) })
		for _, id := range ids {
			if m := show(t, n, id); m.ID != id || m.Game != "tag" {
				t.Errorf("a node shows %+v for %s", m, id)
			}
		}
	}
	one := ids[0]
	var other *Node
	tries := 0
	undisturbed(t, nodes, one, func(owner *Node) error {
		other = nodes[(slices.Index(nodes, owner)+1)%3]
		tries++
		return comesIn(t, owner, other, one, fmt.Sprint("ann", tries))
	})
	finish(t, "DELETE", other.AdminURL()+"/v1/matches/"+one, "", 204)
	for _, n := range nodes {
		if m := show(t, n, one); m.Outcome != "finished" {
			t.Errorf("after its end a node shows %+v", m)
		}
		eventually(t, "the route is gone", func() bool { return do(t, "GET", n.URL()+"/v1/route?match="+one, "").status == 404 })
		wantProblem(t, insist(t, "GET", n.AdminURL()+"/v1/matches/mnobody", ""), 404)
	}
}

// comesIn lets a player join a match by a node that has not got it, with a token that this one signed.
func comesIn(t *testing.T, owner, other *Node, match, player string) error {
	url, token := seatToken(t, other, match, player)
	p := join(t, other.meta.URL, token)
	w := p.welcomed()
	switch moves := p.client.Stats().Moves; {
	case url != owner.meta.URL:
		return fmt.Errorf("tokens come with %s, want %s", url, owner.meta.URL)
	case w.Match != match || w.Node != owner.meta.URL:
		return fmt.Errorf("a player at the wrong node got to %s at %s", w.Match, w.Node)
	case moves != 1:
		return fmt.Errorf("%d moves on the way", moves)
	}
	return nil
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
			got[string(a.body)]++
		})
	}
	all.Wait()
	made := map[uint32]int{} // by epoch: who took a match over has a later one
	for _, n := range nodes {
		for _, h := range n.matches.all() {
			if id := h.match.ID(); id != keyedID("k1") {
				t.Errorf("one key made match %s, and answers %v", id, got)
			}
			if made[h.match.Info().Epoch]++; made[h.match.Info().Epoch] > 1 {
				t.Errorf("one key made the match twice; answers %v", got)
			}
		}
	}
	for answer := range got {
		if !strings.Contains(answer, keyedID("k1")) {
			t.Errorf("an answer is %s", answer)
		}
	}
	for _, n := range nodes {
		eventually(t, "the match is there", func() bool { return show(t, n, keyedID("k1")).State != "ended" })
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
	var a answer
	eventually(t, "a match is made in its region", func() bool { // whose only node may be believed to be silent for a while
		a = insist(t, "POST", nodes[0].AdminURL()+"/v1/matches", `{"region":"us","game":"tag"}`)
		return a.status == 201
	})
	if ownerOf(nodes, a.field(t, "match_id")) != nodes[1] {
		t.Error("the match is not in its region")
	}
	eventually(t, "a full region is told", func() bool {
		a := post(`{"region":"us"}`)
		if a.status == 201 {
			t.Fatalf("a full region: %s", a.body)
		}
		return problemType(t, a) == "full"
	})
	nodes[0].closing.Store(true)
	nodes[1].closing.Store(true)
	eventually(t, "draining is known", func() bool { return problemType(t, post(`{}`)) == "draining" })
}

// Players who ask any node for a quick game meet in the same match. In virtual time every node answers in time.
func TestQuickplayMeets(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.grow(3)
		seats := w.nodes[0].cfg.Games[0].WithDefaults().Seats
		matches := map[string]int{}
		for i := range seats + 1 {
			matches[w.quickplay(w.nodes[i%3])]++
		}
		if len(matches) != 2 {
			t.Errorf("%d players are in matches of %d seats: %v", seats+1, seats, matches)
		}
	})
}

// quickplay asks a node for a quick game and returns the match.
func (w *simWorld) quickplay(n *simNode) string {
	w.t.Helper()
	a := httptest.NewRecorder()
	n.player.srv.Handler.ServeHTTP(a, httptest.NewRequest("POST", "/v1/quickplay", nil))
	var got struct {
		Match string `json:"match_id"`
	}
	if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil || a.Code != http.StatusOK {
		w.t.Fatalf("quickplay: %d %s", a.Code, a.Body)
	}
	return got.Match
}

// Whoever asks any node for a quick game gets into the match that the answer names.
func TestQuickplayOnAnyNode(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	for i := range 9 {
		a := insist(t, "POST", nodes[i%3].URL()+"/v1/quickplay", `{"game":"tag"}`)
		if a.status != 200 {
			t.Fatalf("quickplay: %d %s", a.status, a.body)
		}
		if w := join(t, a.field(t, "url"), a.field(t, "token")).welcomed(); w.Match != a.field(t, "match_id") {
			t.Errorf("welcome to %s", w.Match)
		}
	}
}

// Where players reach one node only, it passes their bytes on.
func TestProxy(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, func(_ int, c *Config) { c.Proxy = true })
	for range 3 {
		a := insist(t, "POST", nodes[0].AdminURL()+"/v1/matches", `{"game":"tag"}`)
		id := a.field(t, "match_id")
		_, token := seatToken(t, nodes[0], id, "ann")
		for _, n := range nodes {
			p := join(t, strings.Replace(n.URL(), "http", "ws", 1)+"/v1/play", token)
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
	eventually(t, "all nodes know each other", func() bool { // for good; TestGossipThroughKeyRotation says that they always do
		return !slices.ContainsFunc(nodes, func(n *Node) bool { return len(n.others()) != 2 })
	})
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

// While the cluster's key is replaced step by step, and for as long as it takes to declare a node dead, no node loses another.
func TestGossipThroughKeyRotation(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.grow(3)
		old, err := os.ReadFile(w.secret)
		if err != nil {
			t.Fatal(err)
		}
		next := token.GenerateKey().Line()
		for _, keys := range []string{string(old) + "\n" + next, next + "\n" + string(old), next} {
			if err := os.WriteFile(w.secret, []byte(keys), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, n := range w.nodes {
				if err := n.Reload(); err != nil {
					t.Fatal(err)
				}
				for range 100 {
					time.Sleep(100 * time.Millisecond)
					if err := w.agree(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
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

	for state, want := range map[directory.State]int{directory.Running: 503, directory.Lost: 410, directory.Ended: 201} {
		id := newID("m") // which this node knows from the directory only
		n.dir.Apply(time.Now(), []directory.Record{{Match: id, Epoch: 2, Since: 1, Seq: 1, Owner: "other", State: state}})
		if _, err := n.giveCreate(t.Context(), "", askCreate{Match: id, Spec: admin.MatchSpec{Game: "tag"}}); (err == nil) != (want == 201) {
			t.Errorf("%v: %v, want status %d", state, err, want)
		}
		if n.matches.count() != 0 {
			t.Errorf("%v: a second match was made", state)
		}
	}
}
