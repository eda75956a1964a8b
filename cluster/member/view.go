package member

import (
	"slices"
	"strings"
	"time"
)

// State is what a view says of a node.
type State uint8

const (
	Alive State = iota // answers, as far as known
	Left               // announced that it goes; it may still answer for a moment
	Dead               // stopped answering and never announced that it goes; it may come back
)

// String returns the name that operators see.
func (s State) String() string {
	switch s {
	case Alive:
		return "alive"
	case Left:
		return "left"
	case Dead:
		return "dead"
	}
	return "unknown"
}

// Node is one node in a view.
type Node struct {
	ID    string // random per process start
	Addr  string // IP:PORT of its gossip
	Meta  Meta
	Load  Load
	State State
	Since time.Time // of State, by the clock of the node that has this view

	loadSeq uint64 // of Load
}

// View is who is there as one node knows it: itself, the living, and for 60 s those that left or died. It never changes;
// it may be read by any goroutine and kept.
type View struct {
	Self    string // id of the node whose view it is
	Version uint64 // counts the views of this node
	Nodes   []Node // ascending by id; not to be modified
}

// Node returns the node of an id.
func (v View) Node(id string) (Node, bool) {
	i, ok := slices.BinarySearchFunc(v.Nodes, id, func(n Node, id string) int { return strings.Compare(n.ID, id) })
	if !ok {
		return Node{}, false
	}
	return v.Nodes[i], true
}

// Alive counts the nodes that are alive, self included.
func (v View) Alive() int {
	n := 0
	for i := range v.Nodes {
		if v.Nodes[i].State == Alive {
			n++
		}
	}
	return n
}
