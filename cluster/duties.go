package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/cluster/link"
	"github.com/overtime-server/overtime/cluster/replica"
)

// maxDuties bounds the matches that this node has a part in, by the number that it may own.
const maxDuties = 4

// duties are this node's parts in matches. It locks itself.
type duties struct {
	malformed atomic.Uint64 // messages of peers that made no sense
	dropped   atomic.Uint64 // messages of peers that a full mailbox did not take
	laggards  atomic.Uint64 // standbys that were given up since they acknowledged every tick too late
	crowded   atomic.Uint64 // requests to take part in a match that were refused for lack of room, and parts that are not remembered for that
	replicas  replica.Stats

	mu   sync.Mutex // guards the following
	all  map[string]*duty
	held map[string]time.Time // matches that room for a copy is kept for, and since when
	book guard.Book
	lean int64 // when the book was freed of what is too old, in ms
}

func (s *duties) get(match []byte) *duty {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[string(match)]
}

// drop forgets a duty whose goroutine ends, and keeps its tombstone.
func (s *duties) drop(d *duty) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, d.match)
	now := d.now()
	if now-s.lean >= bookEvery {
		s.book.Expire(now)
		s.lean = now
	}
	if !s.book.Put(d.match, d.guard.List(), now+bookFor) {
		s.crowded.Add(1)
	}
}

// forget drops a duty for a match that did not begin: nobody has heard of it, and another node may make it yet.
func (s *duties) forget(d *duty) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, d.match)
}

// How long a match that this node had a part in is remembered, and how often those are forgotten that are older, in ms.
const (
	bookFor   = 600_000
	bookEvery = 10_000
)

// list returns all duties.
func (s *duties) list() []*duty {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*duty, 0, len(s.all))
	for _, d := range s.all {
		all = append(all, d)
	}
	return all
}

// guardConfig is the configuration of the guard of a match.
func (n *Node) guardConfig(match string) guard.Config {
	c := guard.Config{Self: n.id, Match: match, Seed: rand.Uint64()}
	if n.cfg.TwoNodes == TwoNodesAvailable {
		c.Pair, c.Last = guard.Available, guard.Available
	}
	return c
}

// protect makes this node the owner of a match that it has just made, or taken over by itself.
func (n *Node) protect(match string) (*duty, error) {
	d := n.newDuty(match)
	var err error
	if d.guard, err = guard.Birth(n.guardConfig(match), d.now()); err != nil {
		return nil, err
	}
	n.duties.mu.Lock()
	defer n.duties.mu.Unlock()
	if n.duties.all[match] != nil {
		return nil, fmt.Errorf("match %s: this node has a part in it already", match)
	}
	n.duties.all[match] = d
	return d, nil
}

// linkMessage is the link's Config.Message: it hands a message to the match's duty. It does not block.
func (n *Node) linkMessage(from string, kind uint8, body []byte) {
	var match, rest []byte
	switch kind {
	case kindGuard:
		var err error
		if match, rest, err = guard.Split(body); err != nil {
			n.duties.malformed.Add(1)
			return
		}
	case kindReplica:
		m, err := replica.Parse(body)
		if err != nil {
			n.duties.malformed.Add(1)
			return
		}
		match, rest = m.Match, body
	default:
		return // of a newer version
	}
	l := letter{kind: letterReplica, from: from, body: bytes.Clone(rest)}
	if kind == kindGuard {
		l.kind = letterGuard
	}
	d := n.duties.get(match)
	if d == nil && kind == kindGuard {
		d = n.enlisted(from, string(match), rest)
	}
	if d != nil && !d.mail.put(l) {
		n.duties.dropped.Add(1)
	}
}

// enlisted answers a message about a match that this node has no part in: it takes one if it is asked to and has room.
func (n *Node) enlisted(from, match string, body []byte) *duty {
	var m guard.Message
	if guard.Parse(body, &m) != nil {
		n.duties.malformed.Add(1)
		return nil
	}
	s := &n.duties
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.all[match]; d != nil {
		return d
	}
	room := len(s.all) < maxDuties*n.maxMatches() && !n.closing.Load()
	if m.Kind == guard.KindEnlist && room {
		d := n.newDuty(match)
		var err error
		if d.guard, err = guard.Join(n.guardConfig(match), s.book.Tomb(match)); err == nil {
			s.all[match] = d
			n.work.Go(d.run)
			return d
		}
		n.cfg.Log.Error("enlisted", "match", match, "err", err)
	}
	if m.Kind == guard.KindEnlist {
		s.crowded.Add(1)
	}
	if answer, ok := s.book.Answer(match, &m); ok {
		_ = n.links.Send(from, kindGuard, guard.Append(nil, match, &answer)) // it asks again if this is lost
	}
	return nil
}

// linkUp and linkDown are the link's callbacks.
func (n *Node) linkUp(peer string) {
	n.mu.Lock()
	delete(n.cutOff, peer)
	n.up[peer] = true
	n.mu.Unlock()
	n.compare(peer)
	for _, d := range n.duties.list() {
		d.mail.put(letter{kind: letterUp, from: peer})
	}
}

func (n *Node) linkDown(peer string, why error) {
	n.mu.Lock()
	delete(n.up, peer)
	if !errors.Is(why, link.ErrIdle) && !errors.Is(why, link.ErrReplaced) {
		n.cutOff[peer] = true
	}
	n.mu.Unlock()
	for _, d := range n.duties.list() {
		d.mail.put(letter{kind: letterDown, from: peer, err: why})
	}
	if n.cfg.TwoNodes == TwoNodesAvailable && !errors.Is(why, link.ErrIdle) && !errors.Is(why, link.ErrReplaced) {
		n.inquire(peer)
	}
}

// linked says whether there is a connection to a node.
func (n *Node) linked(peer string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.up[peer]
}

// bulkSnapshot is the kind of connection that carries one state.
const bulkSnapshot = "snapshot"

// linkStream takes a state over a connection of its own. It runs in a goroutine of the links.
func (n *Node) linkStream(from, kind string, c net.Conn) {
	defer c.Close()
	if kind != bulkSnapshot {
		return
	}
	_ = c.SetDeadline(time.Now().Add(2 * bulkTime)) // the sender has given up by then
	b, err := replica.ReadSnapshot(c, 0)
	if err != nil {
		n.cfg.Log.Warn("snapshot", "node", from, "err", err)
		return
	}
	snap, err := replica.ParseSnapshot(b)
	if err != nil {
		n.cfg.Log.Warn("snapshot", "node", from, "err", err)
		return
	}
	if d := n.duties.get([]byte(snap.Match)); d != nil && !d.mail.put(letter{kind: letterSnapshot, from: from, snap: snap}) {
		n.duties.dropped.Add(1) // the owner sends another one when it hears nothing
	}
}

// bulk sends a state to a follower. Who is out of reach when it is his turn gets nothing: others would wait for the attempt.
func (n *Node) bulk(d *duty, peer string, snapshot []byte) {
	n.spawn(func() {
		n.bulks <- struct{}{}
		defer func() { <-n.bulks }()
		err := link.ErrDown
		if n.linked(peer) {
			err = n.sendBulk(peer, snapshot)
		}
		if err != nil {
			n.cfg.Log.Warn("snapshot not sent", "match", d.match, "node", peer, "err", err)
			d.mail.put(letter{kind: letterBulkFailed, from: peer})
		}
	})
}

func (n *Node) sendBulk(peer string, snapshot []byte) error {
	ctx, cancel := n.within(bulkTime)
	defer cancel()
	c, err := n.links.Open(ctx, peer, bulkSnapshot)
	if err != nil {
		return err
	}
	stop := closeWith(ctx, c)
	_, err = c.Write(snapshot)
	stop()
	return errors.Join(err, c.Close())
}

// relieve has standbys and witnesses replaced that are about to leave.
func (n *Node) relieve() {
	leaving := false
	for _, x := range n.nodes() {
		leaving = leaving || x.Load.Draining && x.ID != n.id
	}
	if !leaving || n.closing.Load() {
		return
	}
	for _, d := range n.duties.list() {
		d.mail.put(letter{kind: letterRelieve})
	}
}

// relieve looks for others in place of members that drain.
func (d *duty) relieve() {
	if d.host == nil || d.finished {
		return
	}
	l := d.guard.List()
	standby, _ := d.node.node(l.Standby)
	witness, _ := d.node.node(l.Witness)
	if standby.Load.Draining || witness.Load.Draining {
		d.seek(standby.Load.Draining, witness.Load.Draining)
	}
}
