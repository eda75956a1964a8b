package member

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/memberlist"
)

// forgetAfter is how long a node that left or died stays in the view, so that others can ask what became of it.
const forgetAfter = 60 * time.Second

// strangeAfter is how long announcements may come later than loads, before others are asked for them. They are sent ten times in a second.
const strangeAfter = time.Second

// entry is one node in a roster. It may exist before memberlist tells of the node: loads and farewells can be faster.
type entry struct {
	Node
	known bool // memberlist told of it: it is in the view
	here  bool // memberlist holds it for alive
	left  bool // said that it goes; final, since an id is never used again
	asked bool // memberlist was made to ask others about it
	since time.Time
	peer  *memberlist.Node
}

// roster is what the view is made from. It is pure and has one owner.
type roster struct {
	self    string
	nodes   map[string]*entry
	version uint64
}

// event is a change of state worth a line in the log.
type event struct {
	id, addr string
	state    State
}

func newRoster(self string) *roster { return &roster{self: self, nodes: map[string]*entry{}} }

// entry returns the entry of an id and makes it when it is new; nil when too many are unknown.
func (r *roster) entry(now time.Time, id string) *entry {
	e := r.nodes[id]
	if e == nil {
		e = &entry{Node: Node{ID: id}, since: now}
		r.nodes[id] = e
	}
	return e
}

// node applies what memberlist said of a node. A broken meta cannot come here: announcements are checked before.
func (r *roster) node(now time.Time, c change) {
	e := r.entry(now, c.node.Name)
	e.known, e.here = true, c.alive
	e.Addr = c.node.Address()
	e.peer = &c.node
	if meta, err := decodeMeta(c.node.Meta); err == nil {
		e.Meta = meta
	}
}

// load applies a load and reports whether it was news.
func (r *roster) load(now time.Time, l nodeLoad) bool {
	if r.nodes[l.id] == nil && len(r.nodes) >= maxOrigins {
		return false
	}
	e := r.entry(now, l.id)
	if l.seq <= e.loadSeq {
		return false
	}
	changed := e.Load != l.load
	e.loadSeq, e.Load = l.seq, l.load
	return changed && e.known
}

// leave applies a farewell.
func (r *roster) leave(now time.Time, id string) {
	if r.nodes[id] == nil && len(r.nodes) >= maxOrigins {
		return
	}
	r.entry(now, id).left = true
}

// settle works out every node's state, forgets those that are long gone, and returns what changed; forgotten says that
// nodes vanished.
func (r *roster) settle(now time.Time) (events []event, forgotten bool) {
	for id, e := range r.nodes {
		state := Dead
		switch {
		case e.left:
			state = Left
		case e.here:
			state = Alive
		}
		if e.known && (e.Since.IsZero() || e.State != state) {
			e.State, e.Since, e.since = state, now, now
			events = append(events, event{id, e.Addr, state})
		}
		if !e.here && id != r.self && now.Sub(e.since) >= forgetAfter {
			delete(r.nodes, id)
			forgotten = forgotten || e.known
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.id, b.id) })
	return events, forgotten
}

// strangers reports whether nodes were heard of that memberlist knows nothing of: gossip has an end, and in one of some thousand joins it
// misses a node, which then has to wait for the next regular exchange. Each node counts once.
func (r *roster) strangers(now time.Time) (some bool) {
	for _, e := range r.nodes {
		if !e.known && !e.left && !e.asked && now.Sub(e.since) >= strangeAfter {
			e.asked, some = true, true
		}
	}
	return some
}

// view makes a new view, and the list of peers that messages to all go to.
func (r *roster) view() (View, []*memberlist.Node) {
	r.version++
	v := View{Self: r.self, Version: r.version, Nodes: make([]Node, 0, len(r.nodes))}
	var peers []*memberlist.Node
	for _, e := range r.nodes {
		if !e.known {
			continue
		}
		v.Nodes = append(v.Nodes, e.Node)
		if e.here && e.ID != r.self {
			peers = append(peers, e.peer)
		}
	}
	slices.SortFunc(v.Nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	return v, peers
}

// draining reports whether a node said that it drains.
func (r *roster) draining(id string) bool {
	e := r.nodes[id]
	return e != nil && e.Load.Draining
}
