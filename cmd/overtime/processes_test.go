package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
)

// node is a real process that serves.
type node struct {
	cmd                         *exec.Cmd
	player, admin, gossip, link string
	log                         buffer
}

// startProcess starts a node; join are the gossip addresses of others.
func startProcess(t *testing.T, secret string, at *node, join []string) *node {
	t.Helper()
	if at == nil {
		at = &node{}
		if err := lasting(&at.player, &at.admin, &at.gossip, &at.link); err != nil {
			t.Fatal(err)
		}
	}
	n := &node{player: at.player, admin: at.admin, gossip: at.gossip, link: at.link}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n.cmd = exec.Command(exe, "serve", "--listen", n.player, "--admin", n.admin, "--gossip", n.gossip, "--link", n.link,
		"--secret-file", secret, "--join", strings.Join(join, ","))
	n.cmd.Stderr = &n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = n.cmd.Process.Kill() // it may be gone already
		_ = n.cmd.Wait()
		if t.Failed() {
			t.Logf("log of %s:\n%s", n.player, n.log.String())
		}
	})
	return n
}

// within waits until something holds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// ask makes a call and decodes its JSON answer; the status is 0 if nobody answers. headers are pairs of names and values.
func ask(method, url, body string, into any, headers ...string) int {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || into != nil && json.Unmarshal(b, into) != nil {
		return 0
	}
	return resp.StatusCode
}

// ready counts the nodes that a node believes to be ready.
func (n *node) ready() (count int) {
	var a struct{ Nodes []struct{ State string } }
	ask("GET", "http://"+n.admin+"/v1/nodes", "", &a)
	for _, x := range a.Nodes {
		if x.State == "ready" {
			count++
		}
	}
	return count
}

// matchOf is what a node's API shows of a match.
type matchOf struct {
	Owner, Standby, Witness string
	Protected               bool
	Tick, Epoch             uint32
}

func (n *node) match(id string) (m matchOf, status int) {
	status = ask("GET", "http://"+n.admin+"/v1/matches/"+id, "", &m)
	return m, status
}

// visitor is a player who counts state frames and their ticks.
type visitor struct {
	client.Nop
	ticks chan uint32
}

// Frame implements client.Handler.
func (v *visitor) Frame(_ *client.Client, tick uint32) {
	select {
	case v.ticks <- tick:
	default:
	}
}

// Three real processes: join, place, route, a player at the wrong node, the death of the node that has the match, and a new
// node in its place.
func TestThreeProcesses(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(token.GenerateKey().Line()), 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := []*node{startProcess(t, secret, nil, nil)}
	for range 2 {
		nodes = append(nodes, startProcess(t, secret, nil, []string{nodes[0].gossip}))
	}
	within(t, "all know each other", func() bool {
		return nodes[0].ready() == 3 && nodes[1].ready() == 3 && nodes[2].ready() == 3
	})

	byURL := map[string]int{}
	var id, url string
	for i := range 6 {
		var a struct {
			ID  string `json:"match_id"`
			URL string
		}
		within(t, "a match is made", func() bool {
			return ask("POST", "http://"+nodes[i%3].admin+"/v1/matches", `{"game":"tag"}`, &a, "Idempotency-Key", fmt.Sprint("k", i)) == 201
		})
		byURL[a.URL]++
		id, url = a.ID, a.URL
	}
	for _, n := range nodes {
		if got := byURL["ws://"+n.player+"/v1/play"]; got == 0 { // it has two where all answer in time
			t.Errorf("node %s has none of six matches", n.player)
		}
		var r struct{ URL string }
		within(t, "the route is known", func() bool { return ask("GET", "http://"+n.player+"/v1/route?match="+id, "", &r) == 200 })
		if r.URL != url {
			t.Errorf("node %s routes to %q, want %s", n.player, r.URL, url)
		}
	}
	owner, others := split(nodes, url)
	within(t, "the match is protected", func() bool { m, _ := others[0].match(id); return m.Protected })

	var signed struct{ Tokens map[string]string }
	within(t, "tokens are signed", func() bool {
		return ask("POST", "http://"+others[1].admin+"/v1/matches/"+id+"/tokens", `{"players":[{"id":"ann"}]}`, &signed) == 200
	})
	v := &visitor{ticks: make(chan uint32, 4096)}
	c, err := client.New(client.Config{URL: "ws://" + others[0].player + "/v1/play", Token: signed.Tokens["ann"], Handler: v})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() { cancel(); <-done }()
	before := nextTick(t, v, 0)
	if s := c.Stats(); s.Moves != 1 {
		t.Errorf("a player at the wrong node was moved %d times", s.Moves)
	}

	if err := owner.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = owner.cmd.Wait() // killed
	for len(v.ticks) > 0 {
		before = max(before, <-v.ticks)
	}
	t.Logf("the match went from tick %d to %d", before, nextTick(t, v, before))
	within(t, "after the death of its node the match has a new owner", func() bool {
		m, s := others[1].match(id)
		return s == 200 && m.Epoch >= 2 && m.Owner != ""
	})
	within(t, "the dead node is seen as such", func() bool { return others[0].ready() == 2 })

	again := startProcess(t, secret, owner, []string{others[0].gossip, others[1].gossip})
	within(t, "a new node at the same address is in", func() bool {
		return again.ready() == 3 && others[0].ready() == 3
	})
	within(t, "the match is protected again", func() bool { m, _ := again.match(id); return m.Protected })
	lastOne(t, []*node{again, others[0], others[1]}, id)
}

// lastOne kills all nodes but the one that has a match, each when the cluster has got used to the death of the one before: the match goes on.
func lastOne(t *testing.T, nodes []*node, id string) {
	t.Helper()
	var r struct{ URL string }
	within(t, "the route is known", func() bool { return ask("GET", "http://"+nodes[0].player+"/v1/route?match="+id, "", &r) == 200 })
	owner, rest := split(nodes, r.URL)
	var witness struct {
		URL string `json:"public_url"`
	}
	within(t, "the witness is known", func() bool {
		m, _ := owner.match(id)
		return m.Witness != "" && ask("GET", "http://"+owner.admin+"/v1/nodes/"+m.Witness, "", &witness) == 200
	})
	w, standby := split(rest, witness.URL)
	rest = append(standby, w) // the witness dies first
	for left := len(rest); left > 0; left-- {
		n := rest[left-1]
		if err := n.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = n.cmd.Wait() // killed
		within(t, "the match has settled with fewer nodes", func() bool {
			m, _ := owner.match(id)
			return m.Witness == "" && (m.Standby != "") == (left > 1)
		})
	}
	before, _ := owner.match(id)
	within(t, "the match goes on at the last node", func() bool {
		m, s := owner.match(id)
		return s == 200 && m.Tick > before.Tick+30
	})
}

// split finds the node that players of a match connect to.
func split(nodes []*node, url string) (owner *node, others []*node) {
	for _, n := range nodes {
		if strings.Contains(url, n.player) {
			owner = n
		} else {
			others = append(others, n)
		}
	}
	return owner, others
}

// nextTick waits for a state frame of a later tick.
func nextTick(t *testing.T, v *visitor, after uint32) uint32 {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case tick := <-v.ticks:
			if tick > after {
				return tick
			}
		case <-limit:
			t.Fatalf("no state frame after tick %d within %v", after, patience)
		}
	}
}
