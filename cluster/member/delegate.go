package member

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/hashicorp/memberlist"
)

// delegate is what memberlist calls, from many goroutines and partly under its lock: nothing here may block or call
// memberlist. What a packet or stream brings is checked here and nowhere else.
type delegate struct{ m *Members }

var (
	_ memberlist.Delegate         = delegate{}
	_ memberlist.EventDelegate    = delegate{}
	_ memberlist.AliveDelegate    = delegate{}
	_ memberlist.MergeDelegate    = delegate{}
	_ memberlist.ConflictDelegate = delegate{}
)

// NodeMeta returns the encoded Meta.
func (d delegate) NodeMeta(int) []byte { return d.m.meta }

// NotifyJoin copies the node: memberlist goes on writing to it.
func (d delegate) NotifyJoin(n *memberlist.Node) { d.m.inbox.node(*n, true) }

// NotifyUpdate copies the node.
func (d delegate) NotifyUpdate(n *memberlist.Node) { d.m.inbox.node(*n, true) }

// NotifyLeave copies the node. Whether it left or died is not to be seen here.
func (d delegate) NotifyLeave(n *memberlist.Node) { d.m.inbox.node(*n, false) }

// NotifyConflict tells of two processes with one id, which cannot be with random ids.
func (d delegate) NotifyConflict(existing, other *memberlist.Node) {
	d.m.count.refusedMeta.Add(1)
	d.m.log.Warn("two nodes have the same id", "id", existing.Name, "addr", existing.Address(), "other", other.Address())
}

// NotifyAlive refuses nodes that this one cannot talk to. memberlist logs the error as a warning.
func (d delegate) NotifyAlive(n *memberlist.Node) error { return d.admit(n) }

// NotifyMerge refuses to join a cluster, or to be joined by nodes, that this one cannot talk to.
func (d delegate) NotifyMerge(peers []*memberlist.Node) error {
	for _, n := range peers {
		if n.State != memberlist.StateAlive && n.State != memberlist.StateSuspect {
			continue
		}
		if err := d.admit(n); err != nil {
			d.m.log.Warn("nodes do not fit together, not joined", "id", n.Name, "addr", n.Address(), "err", err)
			return err
		}
	}
	return nil
}

// admit says why a node must stay out.
func (d delegate) admit(n *memberlist.Node) error {
	meta, err := decodeMeta(n.Meta)
	if err != nil || !validID(n.Name) {
		d.m.count.refusedMeta.Add(1)
		return fmt.Errorf("node %.64q: %w", n.Name, errMeta)
	}
	if low, high := d.m.cfg.window(); meta.Wire < low || meta.Wire > high {
		d.m.count.refusedWire.Add(1)
		return fmt.Errorf("node %s (build %s) speaks wire version %d, this node (build %s) accepts %d to %d",
			n.Name, meta.Build, meta.Wire, d.m.cfg.Meta.Build, low, high)
	}
	if x := d.m.misfit(n.Name, meta.Wire); x != nil {
		d.m.count.refusedWire.Add(1)
		return fmt.Errorf("node %s (build %s) speaks wire version %d, node %s (build %s) of this cluster %d: they do not understand each other",
			n.Name, meta.Build, meta.Wire, x.ID, x.Meta.Build, x.Meta.Wire)
	}
	return nil
}

// misfit returns a member that is too far from the wire version of a newcomer, though this node may lie between them; nil if there is none.
func (m *Members) misfit(id string, wire uint8) *Node {
	v := m.view.Load()
	if v == nil {
		return nil // about to start
	}
	back, ahead := 1, 1
	if own := int(m.cfg.Meta.Wire); m.cfg.WireMin != 0 || m.cfg.WireMax != 0 {
		low, high := m.cfg.window()
		back, ahead = own-int(low), int(high)-own
	}
	if x, ok := v.Node(id); ok && x.State == Alive {
		return nil // it is in
	}
	for i := range v.Nodes {
		x := &v.Nodes[i]
		if apart := int(wire) - int(x.Meta.Wire); x.State == Alive && x.ID != id && (apart < -back || apart > ahead) {
			return x
		}
	}
	return nil
}

// GetBroadcasts fills a packet.
func (d delegate) GetBroadcasts(overhead, limit int) [][]byte {
	return d.m.queue.GetBroadcasts(overhead, limit)
}

// NotifyMsg takes a message of a peer. b is memberlist's.
func (d delegate) NotifyMsg(b []byte) {
	m := d.m
	e, err := parseEnvelope(b)
	if err != nil {
		m.count.malformed.Add(1)
		return
	}
	if e.from == m.cfg.ID { // gossip comes back to where it began
		m.count.duplicates.Add(1)
		return
	}
	var load Load
	if e.kind == kindLoad {
		if load, _, err = parseLoad(e.body); err != nil {
			m.count.malformed.Add(1)
			return
		}
	}
	switch m.origins.first(&e) {
	case isRepeated:
		m.count.duplicates.Add(1)
		return
	case isTooMany:
		m.count.originOverflow.Add(1)
		return
	}
	if e.kind != kindDirect {
		m.spread(&e, slices.Clone(b))
	}
	d.accept(&e, load)
}

// accept passes a new message to the goroutine of Members.
func (d delegate) accept(e *envelope, load Load) {
	m := d.m
	switch e.kind {
	case kindLoad:
		m.inbox.load(nodeLoad{e.from, e.seq, load})
		return
	case kindLeft:
		m.inbox.leave(e.from)
		return
	case kindDirect:
		m.count.messagesIn.Add(1)
	case kindGossip:
		m.count.gossipIn.Add(1)
	}
	if m.cfg.Message != nil && !m.inbox.put(item{from: e.from, body: slices.Clone(e.body)}) {
		m.count.inboxOverflow.Add(1)
	}
}

// LocalState returns what push/pull tells a peer.
func (d delegate) LocalState(join bool) []byte {
	m := d.m
	var s syncState
	if v := m.view.Load(); v != nil {
		for i := range v.Nodes {
			n := &v.Nodes[i]
			if n.State == Left {
				s.left = append(s.left, n.ID)
			} else if n.loadSeq > 0 {
				s.loads = append(s.loads, nodeLoad{n.ID, n.loadSeq, n.Load})
			}
		}
	}
	m.calls.RLock()
	defer m.calls.RUnlock()
	if m.cfg.State != nil && !m.stopped {
		s.body = m.cfg.State(join)
	}
	if len(s.body) > maxState {
		m.count.stateOverflow.Add(1)
		m.log.Warn("state for push/pull is too long and was left out", slog.Int("bytes", len(s.body)))
		s.body = nil
	}
	return s.append(nil)
}

// MergeRemoteState takes what a peer's LocalState returned. b is ours.
func (d delegate) MergeRemoteState(b []byte, join bool) {
	m := d.m
	s, err := parseSync(b)
	if err != nil {
		m.count.malformed.Add(1)
		return
	}
	for _, l := range s.loads {
		if l.id == m.cfg.ID {
			continue
		}
		if m.origins.first(&envelope{kind: kindLoad, from: l.id, seq: l.seq}) == isNew {
			m.inbox.load(l)
		}
	}
	for _, id := range s.left {
		if id != m.cfg.ID {
			m.inbox.leave(id)
		}
	}
	if len(s.body) > 0 && m.cfg.Merge != nil && !m.inbox.put(item{body: s.body, merge: true, join: join}) {
		m.count.inboxOverflow.Add(1)
	}
}
