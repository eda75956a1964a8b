package link

// claim is what a peer's dial says about itself.
type claim struct {
	dial uint64 // number of the dial
	id   uint64 // of the new connection
	last uint64 // the connection of this pair that ended last for the dialler
}

// standing is what this node has when a peer's dial arrives.
type standing struct {
	conn    bool   // a connection is in use
	mine    bool   // this node dialled it
	dial    uint64 // its number, if the peer dialled it
	id      uint64 // its name
	dialing bool   // a dial of this node is under way
	smaller bool   // this node's id is the smaller one
}

// takes says whether a peer's dial becomes the connection. Both ends decide by it, each with what it knows, and agree:
//
//   - A dial that this node made was taken by the peer before this node used it. So if the peer dials while that
//     connection is in use here, its request is older, and loses, unless the peer names it as ended.
//   - A peer has one dial under way at a time: a newer one says that the older is given up.
//   - With both dials under way the smaller id's wins.
func (s standing) takes(c claim) bool {
	switch {
	case s.conn && s.mine:
		return c.last == s.id
	case s.conn:
		return c.dial > s.dial
	}
	return !s.dialing || !s.smaller
}
