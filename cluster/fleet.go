package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/link"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/netcode"
	"github.com/overtime-server/overtime/netcode/token"
)

// Wire is the version of what nodes say to each other. Nodes of neighbouring versions understand each other, so that a cluster
// can be updated node by node.
const Wire = 1

// fleet is this node's part in the cluster: who else is there, links to them, and which match is whose. A lone node has one
// too, with nobody else in it.
type fleet struct {
	// static after join
	dir     *directory.Directory // locks itself
	members *member.Members      // nil: alone
	links   *link.Links          // nil: alone
	link    *door                // listener for other nodes; nil: alone
	meta    member.Meta
	work    sync.WaitGroup
	stop    chan struct{} // closed by leave
	wake    chan struct{} // room for one: the view has changed
	tickP99 atomic.Int64  // ns that 99 of 100 ticks of the last second took no longer than

	mu      sync.Mutex           // guards the following
	pulls   map[string]string    // by node to ask: owner whose records differ there; at most maxPulls
	view    member.View          // as of the last change
	known   map[string]byte      // what the directory was told of each node
	up      map[string]bool      // nodes to which there is a link
	cutOff  map[string]bool      // nodes to which the link broke, and was not made anew yet
	asked   map[string]bool      // nodes of which it is being found out whether they have ended; see inquire
	answers map[string]time.Time // when nodes answered the roll call last
	roll    bool                 // a roll call is under way
	doubt   doubt                // who was in the cluster
	over    bool                 // closeFleet waits for work: no more begins
}

// maxPulls bounds the repairs that wait. What is left out comes again with the next push/pull.
const maxPulls = 256

// join gets hold of everything that other nodes need: the listener for them, links, membership. A node without Config.Gossip
// stays alone.
func (n *Node) join() error {
	n.dir = directory.New(n.id)
	n.stop, n.wake = make(chan struct{}), make(chan struct{}, 1)
	n.pulls, n.known = map[string]string{}, map[string]byte{}
	n.up, n.cutOff, n.asked = map[string]bool{}, map[string]bool{}, map[string]bool{}
	n.answers = map[string]time.Time{}
	n.meta = member.Meta{Wire: Wire, Build: n.cfg.Version, Region: n.cfg.Region, URL: n.publicURL()}
	if n.cfg.Gossip == "" {
		return nil
	}
	cert, hash, err := link.NewCertificate(n.id)
	if err != nil {
		return err
	}
	if n.links, err = link.New(n.linkConfig(cert)); err != nil {
		return err
	}
	if n.link, err = n.openDoor("link listener", n.cfg.Link); err != nil {
		return err
	}
	conn := netcode.DefaultConnConfig()
	n.link.tls = true
	n.link.ln = netcode.WrapListener(n.link.ln, &conn, n.links.TLS())
	n.link.srv = newServer(n.linkRoutes(), n.cfg.Log)
	n.meta.Cert = hash
	if n.meta.Link = n.cfg.AdvertiseLink; n.meta.Link == "" {
		n.meta.Link = reachable(n.link.addr, hostOf(n.cfg.Advertise))
	}
	n.meta.Player = reachable(n.player.addr, hostOf(n.cfg.Advertise))
	gossip := member.Config{
		ID: n.id, Label: "overtime", Keys: gossipKeys(n.secrets), Bind: n.cfg.Gossip, Advertise: knownPort(n.cfg.Advertise), Join: n.cfg.Join,
		Meta: n.meta, Log: n.cfg.Log, Message: n.heard, State: n.pushPull, Merge: n.merge, Change: n.viewChanged,
	}
	n.cfg.net.gossip(&gossip)
	n.members, err = member.Start(gossip)
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	return nil
}

// gossipKeys derives what gossip is encrypted with from the cluster's keys.
func gossipKeys(keys []token.Key) (list [][]byte) {
	for _, k := range keys {
		list = append(list, k.Derive("gossip"))
	}
	return list
}

func (n *Node) linkConfig(cert tls.Certificate) link.Config {
	return link.Config{
		ID: n.id, Cert: cert, Peer: n.peer, Dial: n.cfg.net.dial, Log: n.cfg.Log, Call: n.served,
		Message: n.linkMessage, Stream: n.linkStream, Up: n.linkUp, Down: n.linkDown,
	}
}

// linkRoutes is the listener for other nodes: links, and players whom another node passes on.
func (n *Node) linkRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /link/v1", n.links)
	mux.Handle("GET /v1/play", n.edge)
	return mux
}

// peer is what links know of a node: everything, from gossip, which the cluster's key authenticates. Nodes that left or died are
// among them for a while: they may have something to hand over, or something to learn.
func (n *Node) peer(id string) (link.Peer, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	x, ok := n.view.Node(id)
	return link.Peer{Addr: x.Meta.Link, Cert: x.Meta.Cert}, ok
}

// publicURL is where players reach this node; "" if they come through any node.
func (n *Node) publicURL() string {
	switch {
	case n.cfg.Proxy:
		return ""
	case n.cfg.Public != "" || n.cfg.Gossip == "":
		return n.cfg.Public
	}
	return wsScheme(n.player.tls) + "://" + reachable(n.player.addr, hostOf(n.cfg.Advertise)) + playPath
}

// tend is the goroutine that keeps what this node knows and says of the cluster up to date.
func (n *Node) tend() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	var times tickTimes
	for {
		select {
		case <-n.stop:
			return
		case <-n.wake:
		case <-t.C:
			n.tickP99.Store(int64(times.p99(n.stats)))
		}
		n.judge()
		n.spread(n.dir.Expire(time.Now())...)
		if n.members != nil {
			n.members.SetLoad(n.load())
			n.repair()
			n.relieve()
			n.yield()
			n.disown()
			n.inherit()
		}
	}
}

// viewChanged takes a new view. Called by the goroutine of Members.
func (n *Node) viewChanged(v member.View) {
	n.mu.Lock()
	n.view = v
	n.mu.Unlock()
	n.saw(living(v))
	select {
	case n.wake <- struct{}{}:
	default: // it will look at this view too
	}
}

// nodes returns who is there as far as this node knows, itself included, ascending by id.
func (n *Node) nodes() []member.Node {
	own := n.load() // not under the lock: it takes another
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.view.Nodes) == 0 {
		return []member.Node{{ID: n.id, Meta: n.meta, Load: own, Since: n.began}}
	}
	list := slices.Clone(n.view.Nodes)
	for i := range list {
		if list[i].ID == n.id {
			list[i].Load = own
		}
	}
	return list
}

// node returns one of them. It is asked often, so it does not count this node's matches for any other.
func (n *Node) node(id string) (member.Node, bool) {
	n.mu.Lock()
	alone := len(n.view.Nodes) == 0
	x, ok := n.view.Node(id)
	n.mu.Unlock()
	switch {
	case id == n.id && alone:
		return member.Node{ID: n.id, Meta: n.meta, Load: n.load(), Since: n.began}, true
	case id == n.id && ok:
		x.Load = n.load()
	}
	return x, ok
}

// others returns the ids of the other nodes that are alive.
func (n *Node) others() (ids []string) {
	for _, x := range n.nodes() {
		if x.State == member.Alive && x.ID != n.id {
			ids = append(ids, x.ID)
		}
	}
	return ids
}

// able returns the ids of the nodes that are alive and do not drain; this node's if there are none.
func (n *Node) able() (ids []string) {
	for _, x := range n.nodes() {
		if x.State == member.Alive && !x.Load.Draining {
			ids = append(ids, x.ID)
		}
	}
	if len(ids) == 0 {
		return []string{n.id}
	}
	return ids
}

// judge tells the directory who lives and who died. Called by tend.
func (n *Node) judge() {
	const (
		alive = 1 + iota
		dead
	)
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if len(n.view.Nodes) == 0 {
		if n.known[n.id] != alive {
			n.known[n.id] = alive
			n.dir.Alive(n.id)
		}
		return
	}
	here := living(n.view)
	n.doubt.look(now, here)
	majority := !n.doubt.minority(here) && n.confirmed(now, here)
	for _, x := range n.view.Nodes {
		was := n.known[x.ID]
		switch {
		case x.State == member.Alive && was != alive:
			n.known[x.ID] = alive
			n.dir.Alive(x.ID)
		case x.State != member.Alive && (was != dead || now.Sub(x.Since) < recentDeath):
			n.known[x.ID] = dead
			n.dir.Dead(now, x.ID, majority)
			if was == alive && x.State == member.Left {
				n.doubt.left(x.ID)
			}
			if was != dead {
				n.cfg.Log.Info("node is gone", "node", x.ID, "state", x.State, "majority", majority)
			}
		}
	}
	n.forgetLocked()
}

// forgetLocked forgets what is known of nodes that are in the view no more. The caller holds mu.
func (n *Node) forgetLocked() {
	for id := range n.known {
		if _, ok := n.view.Node(id); !ok {
			delete(n.known, id) // the directory forgets it by itself
			delete(n.answers, id)
		}
	}
	for id := range n.cutOff { // also of those to which a link broke when they had been forgotten
		if _, ok := n.view.Node(id); !ok {
			delete(n.cutOff, id)
		}
	}
}

// unsure says that this node has not found the cluster yet, or that half of the nodes that were there a minute ago are gone: what
// nobody here knows may well be known there.
func (n *Node) unsure() bool {
	if n.members != nil && !n.members.Joined() {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	living, gone := 0, 0
	for _, x := range n.view.Nodes {
		switch x.State {
		case member.Alive:
			living++
		case member.Dead:
			gone++
		}
	}
	return gone > 0 && living <= gone
}

// recentDeath is how long a node that died counts among those that there were before a split.
const recentDeath = 15 * time.Second

// leave announces the end and lets go of everything that join got hold of.
func (n *Node) leave(ctx context.Context) {
	if n.members != nil {
		if err := n.members.Leave(ctx); err != nil {
			n.cfg.Log.Debug("leave", "err", err)
		}
	}
}

// spawn runs f on a goroutine that closeFleet waits for, unless it waits already: a match that did not end in time may still call. It says
// whether f runs.
func (n *Node) spawn(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.over {
		n.work.Go(f)
	}
	return !n.over
}

// closeFleet ends what is left.
func (n *Node) closeFleet() {
	if n.stop != nil {
		close(n.stop)
	}
	if n.members != nil {
		n.members.Close()
	}
	if n.links != nil {
		n.links.Close()
	}
	n.mu.Lock()
	n.over = true
	n.mu.Unlock()
	n.work.Wait() // after those whose callbacks start work
	if n.link != nil {
		n.link.close()
	}
}

// hostOf is the host of HOST:PORT; "" of anything else.
func hostOf(addr string) string {
	h, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return h
}

// knownPort is an address that can be told to others; "" while its port is chosen only when it is bound.
func knownPort(addr string) string {
	if strings.HasSuffix(addr, ":0") {
		return ""
	}
	return addr
}
