package guard

// Unable says that a follower has refused the journal for good: its rules are of another version, and do not load what those of this match
// save. A standby counts as one that acknowledges nothing, without the wait for Config.Stall, and a
// candidate is given up: what those timers may do at any time. Owner.
func (g *Guard) Unable(now int64, peer string) {
	switch {
	case !g.owning || g.over || peer == "":
	case peer == g.list.Standby:
		g.stalled = true
	case peer == g.newS.id && !(g.sealed && g.moves(peer)):
		g.giveUp(&g.newS)
	}
	g.settle(now)
}
