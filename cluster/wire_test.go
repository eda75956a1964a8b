package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/cluster/link"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/replica"
)

// speaks gives a node a wire version.
func speaks(c *Config, wire uint8) {
	c.Version = fmt.Sprint("build of wire ", wire)
	c.net.gossip = func(m *member.Config) { m.Meta.Wire = wire }
}

// lines collects what nodes log. It locks itself.
type lines struct {
	mu sync.Mutex // guards the following
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.b.Bytes(), []byte(text))
}

// Nodes of neighbouring wire versions are one cluster: they place, protect and move matches among each other, and skip what only the newer
// one knows. In virtual time nothing but that could make a match change its nodes.
func TestNeighbouringWireVersions(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.change = func(c *Config) {
			gossip, wire := c.net.gossip, Wire+uint8(w.started)%2
			speaks(c, wire)
			c.net.gossip = func(m *member.Config) {
				gossip(m)
				m.Meta.Wire = wire
			}
		}
		w.grow(3)
		m := w.create(w.nodes[0], 1)
		if !w.eventually(5*time.Second, func() bool { return w.protected(m) == nil }) {
			w.fail("%v", w.protected(m))
			return
		}
		owner := w.hosts(m)[0]
		before := *owner.Node.matches.get(m.id).duty.shown.Load()
		peer := w.byID(before.Standby)
		future(w.t, owner.Node, peer.Node, m.id)
		future(w.t, peer.Node, owner.Node, m.id)
		time.Sleep(10 * time.Second)
		hosts := w.hosts(m)
		if len(hosts) != 1 || hosts[0] != owner {
			w.fail("the match is on %d nodes, and was on %s", len(hosts), owner.name)
			return
		}
		if r := *owner.Node.matches.get(m.id).duty.shown.Load(); !r.Protected || r.Standby != before.Standby || r.Epoch != before.Epoch {
			w.fail("before: %+v, afterwards: %+v", before, r)
		}
		w.checkCalm(true)
		w.checkHistories()
	})
}

// future has a node say to a peer what only a later version would.
func future(t *testing.T, n, other *Node, match string) {
	t.Helper()
	peer, skipped := other.id, other.duties.malformed.Load()
	next := replica.Message{Kind: replica.KindAck, Match: []byte(match), Epoch: 1}
	b := next.Append(nil)
	b[0] = 77
	g := guard.Append(nil, match, &guard.Message{Kind: guard.KindAlive, Epoch: 1})
	g[len(g)-2] = 99 // kind
	for kind, body := range map[uint8][]byte{200: []byte("new"), kindReplica: b, kindGuard: g} {
		eventually(t, "the link takes a message", func() bool { return n.links.Send(peer, kind, body) == nil })
	}
	eventually(t, "what is unknown about a match is skipped", func() bool { return other.duties.malformed.Load() >= skipped+2 })
	if err := n.members.Gossip("news", []byte{99, 1, 2, 3}); err != nil {
		t.Error(err)
	}
	if c, err := n.links.Open(t.Context(), peer, "later"); err == nil {
		_ = c.Close()
	}
	_, err := n.links.Call(t.Context(), peer, "later", []byte(`{}`))
	var e *link.Error
	if !errors.As(err, &e) || e.Code != link.CodeMethod {
		t.Errorf("an unknown call: %v", err)
	}
	answer, err := n.links.Call(t.Context(), peer, "stand", []byte(`{"match":"m1","later":{"a":[1,2]},"game":"tag","version":1}`))
	var got gotReserve
	if err != nil || json.Unmarshal(answer, &got) != nil {
		t.Errorf("a call with an unknown field: %q, %v", answer, err)
	}
	if _, err := n.links.Call(t.Context(), peer, "stand", []byte(`{"match":"m1"}`)); err != nil { // of an older one
		t.Errorf("a call without fields that are new: %v", err)
	}
}

// Nodes whose wire versions are further apart stay apart, and both say why.
func TestDistantWireVersions(t *testing.T) {
	t.Parallel()
	var log lines
	secret := ""
	nodes := startCluster(t, 2, func(i int, c *Config) {
		speaks(c, Wire+uint8(i))
		secret, c.Log = c.SecretFile, slog.New(slog.NewTextHandler(&log, nil))
	})
	var own lines
	late := startNode(t, func(c *Config) {
		speaks(c, Wire+2)
		c.Gossip, c.SecretFile, c.Join = "127.0.0.1:0", secret, []string{nodes[0].members.Addr(), nodes[1].members.Addr()}
		c.Log = slog.New(slog.NewTextHandler(&own, nil))
	})
	eventually(t, "both sides say why", func() bool {
		return log.has(fmt.Sprintf("speaks wire version %d", Wire+2)) && own.has(fmt.Sprintf("speaks wire version %d", Wire))
	})
	eventually(t, "those who are near each other are together", func() bool { return len(nodes[0].others()) == 1 && len(nodes[1].others()) == 1 })
	if known := late.others(); len(known) > 0 {
		t.Errorf("the third knows %v", known)
	}
	if a := do(t, "GET", late.URL()+"/readyz", ""); a.status != 503 {
		t.Errorf("a node that was not let in is ready: %d", a.status)
	}
}
