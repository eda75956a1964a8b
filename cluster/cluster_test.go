package cluster

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/netcode/token"
)

// startCluster runs nodes on loopback that know each other.
func startCluster(t *testing.T, count int, change func(i int, c *Config)) []*Node {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(token.GenerateKey().Line()), 0o600); err != nil {
		t.Fatal(err)
	}
	var nodes []*Node
	for i := range count {
		nodes = append(nodes, startNode(t, func(c *Config) {
			c.Gossip, c.SecretFile = "127.0.0.1:0", secret
			for _, n := range nodes {
				c.Join = append(c.Join, n.members.Addr())
			}
			if change != nil {
				change(i, c)
			}
		}))
	}
	eventually(t, "all nodes know each other", func() bool {
		for _, n := range nodes {
			if len(n.others()) != count-1 {
				return false
			}
		}
		return true
	})
	return nodes
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// ownerOf returns the node that has a match.
func ownerOf(nodes []*Node, match string) *Node {
	for _, n := range nodes {
		if n.matches.get(match) != nil {
			return n
		}
	}
	return nil
}

// show returns what a node's API says of a match.
func show(t *testing.T, n *Node, match string) (m admin.Match) {
	t.Helper()
	a := insist(t, "GET", n.AdminURL()+"/v1/matches/"+match, "")
	if a.status != 200 {
		t.Fatalf("match %s: %d %s", match, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// listMatches returns the ids of all matches that a node lists, page by page, when all nodes have said what they have. On its way to another
// node a match may be missing from a page, but it is never there twice.
func listMatches(t *testing.T, n *Node, query string) (ids []string) {
	t.Helper()
	next := ""
	for pages := 0; pages == 0 || next != ""; pages++ {
		var page struct {
			Matches []admin.Match
			Next    string
			Missing []string
		}
		eventually(t, "all nodes say what they have", func() bool {
			page.Matches, page.Next, page.Missing = nil, "", nil
			a := do(t, "GET", n.AdminURL()+"/v1/matches?"+query+"&after="+url.QueryEscape(next), "")
			if err := json.Unmarshal(a.body, &page); err != nil || pages > 100 {
				t.Fatalf("page %d: %s", pages, a.body)
			}
			return len(page.Missing) == 0
		})
		for _, m := range page.Matches {
			if len(ids) > 0 && m.ID <= ids[len(ids)-1] {
				t.Errorf("a node lists %s after %v", m.ID, ids)
			}
			ids = append(ids, m.ID)
		}
		next = page.Next
	}
	return ids
}

// undisturbed runs f while a match is played by its owner. On a busy machine its standby may take it over at any time: then f is run again, and
// what it found wrong is forgotten.
func undisturbed(t *testing.T, nodes []*Node, match string, f func(owner *Node) error) {
	t.Helper()
	eventually(t, "match "+match+" stays where it is for a while", func() bool {
		owner, epoch := playing(nodes, match)
		if owner == nil {
			return false
		}
		err := f(owner)
		if now, since := playing(nodes, match); now != owner || since != epoch {
			return false
		}
		if err != nil {
			t.Error(err)
		}
		return true
	})
}

// playing returns the node that has a match, and its epoch; nil while none has, or two have copies of it.
func playing(nodes []*Node, match string) (owner *Node, epoch uint32) {
	for _, n := range nodes {
		if h := n.matches.get(match); h != nil {
			if owner != nil {
				return nil, 0
			}
			owner, epoch = n, h.match.Info().Epoch
		}
	}
	return owner, epoch
}

// finish has a match ended by a request, again while the answer is that it cannot be done right now: it may have been all the same.
func finish(t *testing.T, method, url, body string, done int) {
	t.Helper()
	again := false
	eventually(t, method+" "+url+" is done", func() bool {
		switch a := do(t, method, url, body); {
		case a.status == http.StatusServiceUnavailable:
			again = true
			return false
		case again && (a.status == http.StatusNotFound || a.status == http.StatusConflict):
		case a.status != done:
			t.Errorf("%s %s: %d %s, want %d", method, url, a.status, a.body, done)
		}
		return true
	})
}

func TestMatchesAreProtected(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	var ids []string
	for i := range 6 {
		a := insist(t, "POST", nodes[i%3].AdminURL()+"/v1/matches", `{"game":"tag"}`)
		ids = append(ids, a.field(t, "match_id"))
	}
	for _, id := range ids {
		eventually(t, "match is protected", func() bool {
			m := show(t, nodes[0], id)
			return m.Protected
		})
	}
}
