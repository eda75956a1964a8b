package cluster

import (
	"encoding/json"
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
