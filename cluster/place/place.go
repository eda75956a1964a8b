package place

import "errors"

// Node is what the view of the cluster says of one live member.
type Node struct {
	ID       string
	Region   string
	Zone     string  // failure domain inside the region; empty: a domain of its own
	Load     float64 // gossiped cost in use, 0..1 of capacity, above 1 when it falls behind
	Matches  int     // gossiped count of matches
	Free     int     // gossiped count of matches that it would still take
	Draining bool    // takes nothing new
}

// Hot is the gossiped load from which a node is asked only after all others.
const Hot = 0.9

// Errors of Candidates and Search, each another problem for who asked.
var (
	ErrNone     = errors.New("place: no nodes")
	ErrNoRegion = errors.New("place: no node in that region")
	ErrDraining = errors.New("place: all nodes are draining")
	ErrFull     = errors.New("place: all nodes are full")
)

// Candidates returns the nodes that may host a match, in the order to ask them: ready nodes of the region (empty: of any)
// in rendezvous order of the match, those that are hot after the others. A retry with the same match id asks the same nodes.
// The errors are ErrNone, ErrNoRegion, ErrDraining (nobody there takes anything new) and ErrFull (who would is full).
func Candidates(nodes []Node, match, region string) ([]string, error) {
	if len(nodes) == 0 {
		return nil, ErrNone
	}
	var ready, hot []string
	there, full := 0, 0
	for i := range nodes {
		n := &nodes[i]
		if region != "" && n.Region != region {
			continue
		}
		there++
		switch {
		case n.Draining:
		case n.Free <= 0:
			full++
		case n.Load >= Hot:
			hot = append(hot, n.ID)
		default:
			ready = append(ready, n.ID)
		}
	}
	switch {
	case there == 0:
		return nil, ErrNoRegion
	case len(ready)+len(hot) > 0:
		return append(Rendezvous(match, ready), Rendezvous(match, hot)...), nil
	case full > 0:
		return nil, ErrFull
	}
	return nil, ErrDraining
}

// Standbys returns the nodes that may stand by for a match of owner, in the order to ask them: far ones are in other zones
// than the owner, near ones in its own and come after all far ones. Both are of the owner's region, since nothing leaves the owner
// before its standby answered. The owner and draining nodes are never among them. NewSearch takes both; the load to ask
// for is the matches that a node stands by for.
func Standbys(nodes []Node, owner, match string) (far, near []string) {
	home := find(nodes, owner)
	for i := range nodes {
		n := &nodes[i]
		switch {
		case n.ID == owner || n.Draining || n.Region != home.Region:
		case apart(n, &home):
			far = append(far, n.ID)
		default:
			near = append(near, n.ID)
		}
	}
	return Rendezvous(match, far), Rendezvous(match, near)
}

// Witnesses returns the nodes that may be the witness of a match, best first: in a zone of its own, then in another zone than
// one of the two, then the rest of the region, then other regions, each in rendezvous order of the match. A witness only
// votes, so nobody is asked for load. Owner, standby and draining nodes are never among them.
func Witnesses(nodes []Node, owner, standby, match string) []string {
	o, s := find(nodes, owner), find(nodes, standby)
	var tiers [4][]string
	for i := range nodes {
		n := &nodes[i]
		if n.ID == owner || n.ID == standby || n.Draining {
			continue
		}
		tier := 2
		if apart(n, &o) {
			tier--
		}
		if apart(n, &s) {
			tier--
		}
		if n.Region != o.Region {
			tier = 3
		}
		tiers[tier] = append(tiers[tier], n.ID)
	}
	var out []string
	for _, ids := range tiers {
		out = append(out, Rendezvous(match, ids)...)
	}
	return out
}

// apart says whether two nodes are in different failure domains.
func apart(a, b *Node) bool {
	return a.Region != b.Region || a.Zone != b.Zone || a.Zone == ""
}

// find returns a node of the view; one that is not in it has no region and no zone.
func find(nodes []Node, id string) Node {
	for i := range nodes {
		if nodes[i].ID == id {
			return nodes[i]
		}
	}
	return Node{ID: id}
}
