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
	"slices"
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
		"--secret-file", secret, "--join", strings.Join(join, ","), "--empty-after", "10m")
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

	// A node that answers too late gets none, so there are more matches where the machine is busy. Of six it has two where all answer in time.
	byURL := map[string]int{}
	var id string
	for i := 0; i < 6 || len(byURL) < 3 && i < 100; i++ {
		var a struct {
			ID  string `json:"match_id"`
			URL string
		}
		within(t, "a match is made", func() bool {
			return ask("POST", "http://"+nodes[i%3].admin+"/v1/matches", `{"game":"tag"}`, &a, "Idempotency-Key", fmt.Sprint("k", i)) == 201
		})
		byURL[a.URL]++
		id = a.ID
	}
	for _, n := range nodes {
		if got := byURL["ws://"+n.player+"/v1/play"]; got == 0 {
			t.Errorf("node %s has none of the matches: %v", n.player, byURL)
		}
	}
	within(t, "the match is protected", func() bool { m, _ := nodes[0].match(id); return m.Protected })
	_, others := whose(t, nodes, id)

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
	if s := c.Stats(); s.Moves == 0 {
		t.Error("a player at the wrong node was not moved")
	}

	within(t, "the match can survive the death of its node", func() bool { m, _ := others[0].match(id); return m.Protected })
	owner, others := whose(t, nodes, id) // on a busy machine it may have gone on elsewhere
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
		return s == 200 && m.Epoch >= 2 && others[1].named(others, m.Owner) != nil
	})
	within(t, "the dead node is seen as such", func() bool { return others[0].ready() == 2 })

	again := startProcess(t, secret, owner, []string{others[0].gossip, others[1].gossip})
	within(t, "a new node at the same address is in", func() bool {
		return again.ready() == 3 && others[0].ready() == 3
	})
	within(t, "the match is protected again", func() bool { m, _ := again.match(id); return m.Protected })
	lastOne(t, []*node{again, others[0], others[1]}, id)
}

// lastOne kills nodes until one is left, each when the match has got used to the death of the one before: first its witness, then its standby.
// The match goes on.
func lastOne(t *testing.T, nodes []*node, id string) {
	t.Helper()
	for len(nodes) > 1 {
		var victim *node
		within(t, "every node has its part in the match", func() bool {
			m, _ := nodes[0].match(id)
			victim = nodes[0].named(nodes, m.Standby)
			if len(nodes) == 3 {
				victim = nodes[0].named(nodes, m.Witness)
			}
			members := slices.DeleteFunc([]string{m.Owner, m.Standby, m.Witness}, func(id string) bool { return nodes[0].named(nodes, id) == nil })
			return victim != nil && len(members) == len(nodes) && (m.Witness == "") == (len(nodes) == 2)
		})
		if err := victim.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = victim.cmd.Wait() // killed
		nodes = slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return n == victim })
	}
	var before matchOf
	within(t, "the match has settled on the last node", func() bool {
		before, _ = nodes[0].match(id)
		return nodes[0].named(nodes, before.Owner) != nil && before.Standby == "" && before.Witness == ""
	})
	within(t, "the match goes on at the last node", func() bool {
		m, s := nodes[0].match(id)
		return s == 200 && m.Tick > before.Tick+30
	})
}

// named finds the process that has an id, if this node thinks that it is there; nil otherwise.
func (n *node) named(nodes []*node, id string) *node {
	var x struct {
		State string
		URL   string `json:"public_url"`
	}
	if id == "" || ask("GET", "http://"+n.admin+"/v1/nodes/"+id, "", &x) != 200 || x.State != "ready" {
		return nil
	}
	for _, n := range nodes {
		if strings.Contains(x.URL, n.player) {
			return n
		}
	}
	return nil
}

// whose waits until all nodes agree where players find a match, and returns that node and the others.
func whose(t *testing.T, nodes []*node, id string) (owner *node, others []*node) {
	t.Helper()
	within(t, "all nodes know the route", func() bool {
		owner, others = nil, nil
		var first string
		for i, n := range nodes {
			var r struct{ URL string }
			if ask("GET", "http://"+n.player+"/v1/route?match="+id, "", &r) != 200 || i > 0 && r.URL != first {
				return false
			}
			first = r.URL
		}
		for _, n := range nodes {
			if strings.Contains(first, n.player) {
				owner = n
			} else {
				others = append(others, n)
			}
		}
		return owner != nil
	})
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
