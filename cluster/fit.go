package cluster

// upgradeLoad is what a node adds to its load when its rules are of another version than those of a match, and load its states all
// the same: others come first. A match then changes its rules once, and late, while nodes are updated one by one.
const upgradeLoad = 1e6

// rules says what a node must have to take a match over.
func (h *hosted) rules() askReserve {
	i := h.match.Header()
	return askReserve{Match: i.Match, Game: i.Game, Version: i.Version}
}

// suits says how well this node's rules carry a match: what to add to its load, or that they do not.
func (n *Node) suits(in askReserve) (extra float64, unfit bool) {
	if in.Game == "" {
		return 0, false
	}
	if in.Version == 0 {
		_, err := n.game(in.Game)
		return 0, err != nil
	}
	def, ok := n.rules(in.Game, in.Version)
	if ok && def.Version != in.Version {
		extra = upgradeLoad
	}
	return extra, !ok
}
