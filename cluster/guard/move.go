package guard

type moveStage uint8

const (
	moveNone  moveStage = iota
	moveLearn           // the target gets a copy
	moveReady           // the driver was told
	moveAt              // last tick fixed; the ballot is prepared ahead
	moveStill           // the match stands still after it
)

// move is a planned change of the owner: hand-over if the target is the standby, else migration.
type move struct {
	target string
	stage  moveStage
	k      uint32
}

// Move starts moving the match to a node: it learns, then ActMoveReady or ActMoveFailed follows. The standby takes over in
// place; a node outside the list becomes the owner directly, or, when the match has no standby or no witness, the standby
// first. False: not now (not the owner, a move is under way, the standby is lost or still catching up), or target is this
// node or the witness.
func (g *Guard) Move(now int64, target string) bool {
	l := &g.list
	switch {
	case !g.owning || g.over || g.move.stage != moveNone || !validID(target) || target == g.cfg.Self:
		return false
	case target == l.Witness && target != "", l.Standby != "" && (!g.counts || g.lost(l.Standby) || g.sealed):
		return false
	}
	if target != l.Standby && target != g.newS.id {
		if target == g.newW.id {
			g.giveUp(&g.newW)
		}
		g.giveUp(&g.newS)
		g.enlist(now, &g.newS, target)
	}
	g.move = move{target: target, stage: moveLearn}
	g.settle(now)
	return true
}

// MoveAt fixes the last tick here, after ActMoveReady: ActFreeze follows. k lies ahead of the last index logged; if
// it does not, it is taken as the next one.
func (g *Guard) MoveAt(now int64, k uint32) {
	if g.move.stage == moveReady && g.owning {
		g.move.stage, g.move.k = moveAt, max(k, g.index+1)
		g.do(Action{Kind: ActFreeze, Index: g.move.k})
	}
	g.settle(now)
}

// Frozen says that the match stands still after entry k, which was Logged.
func (g *Guard) Frozen(now int64, k uint32) {
	if g.move.stage == moveAt && g.index >= g.move.k {
		g.move.stage, g.move.k = moveStill, g.index
		g.arm(timerMove, now+g.cfg.Move)
	}
	g.settle(now)
}

// CancelMove gives a move up, unless it was proposed already.
func (g *Guard) CancelMove(now int64) {
	if g.owning && !g.sealed {
		g.failMove()
	}
	g.settle(now)
}

// failMove: the match goes on here.
func (g *Guard) failMove() {
	if g.move.stage == moveNone {
		return
	}
	m := g.move
	g.move = move{}
	g.stop(timerMove)
	if m.stage >= moveAt {
		g.do(Action{Kind: ActThaw})
	}
	g.do(Action{Kind: ActMoveFailed, Peer: m.target})
	if m.target == g.newS.id {
		g.giveUp(&g.newS)
	}
}

// moves says whether id is the target of a move.
func (g *Guard) moves(id string) bool { return g.move.stage != moveNone && g.move.target == id }

// direct says whether the target becomes the owner as a learner.
func (g *Guard) direct() bool { return g.list.voted() && g.move.target == g.newS.id }

// tendMove reports a target that has caught up, and gives up when the standby is lost or asks: that comes first.
func (g *Guard) tendMove(now int64) {
	m := &g.move
	if m.stage == moveNone || !g.owning {
		return
	}
	if l := g.list.Standby; l != "" && (g.lost(l) || g.stalled || g.rival) && !g.sealed {
		g.failMove()
		return
	}
	if m.stage != moveLearn || !g.counts || g.jack+g.cfg.Lag < g.index {
		return
	}
	if m.target == g.list.Standby || g.direct() && g.learned() {
		m.stage = moveReady
		g.do(Action{Kind: ActMoveReady, Peer: m.target})
	}
}

// moveDue: nothing is stepped after K, and standby and target hold K.
func (g *Guard) moveDue() bool {
	m := &g.move
	still := m.stage == moveStill && !g.lost(m.target) && (g.jack >= m.k || g.flaw&startsEarly != 0)
	return still && (m.target == g.list.Standby || g.newS.index >= m.k || g.flaw&startsEarly != 0)
}

// moveValue is [T S W], or [S O W] if the target is the standby.
func (g *Guard) moveValue(v Value) Value {
	v.Owner = g.move.target
	if g.move.target == g.list.Standby {
		v.Standby = g.cfg.Self
	}
	if g.flaw&startsEarly == 0 {
		v.Base = max(v.Base, g.move.k)
	}
	return v
}
