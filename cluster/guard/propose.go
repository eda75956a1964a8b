package guard

import "math/bits"

type phase uint8

const (
	idle      phase = iota
	preparing       // waits for promises
	prepared        // has two promises; proposes when it has a reason
	proposing       // waits for votes
)

// proposal is this node's ballot in the vote on the next epoch.
type proposal struct {
	phase    phase
	waited   bool // the third promise was waited for
	ballot   uint32
	promises uint8 // mask of seats
	votes    uint8
	voted    [3]uint32 // of the promises: highest ballot voted in, and for what
	vote     [3]Value
	value    Value
}

// pursue starts, continues or ends a ballot, or decides alone, if there is a reason.
func (g *Guard) pursue(now int64) {
	switch {
	case g.over || g.mute:
	case g.owning:
		v, ok := g.want()
		if !g.list.voted() {
			if ok {
				g.decide(now, v)
			}
		} else if ok || g.move.stage == moveAt || g.prop.phase != idle {
			g.ballot(now, v, ok)
		}
	case g.Role() == RoleStandby:
		if !g.list.voted() {
			g.promotePair(now)
		} else if g.asks() || g.prop.phase != idle {
			g.ballot(now, Value{Base: g.index, Owner: g.cfg.Self}, g.asks())
		}
	}
}

// asks says whether the standby stands for election: it asked already, or the owner is gone and its own log counts.
func (g *Guard) asks() bool {
	if !g.promotable() {
		return false
	}
	return g.frozen || g.gone(g.list.Owner) || g.suspect && g.lost(g.list.Owner)
}

// promotable: the log reaches the base, and whatever was acknowledged, in the owner's tenure or in the one before it if the
// owner is new.
func (g *Guard) promotable() bool {
	l := &g.list
	if g.flaw&noBase != 0 {
		return true
	}
	mine := g.tenure == l.Since || g.tenure == l.Prev && l.Since == l.Epoch
	return mine && g.tenure != 0 && g.index >= l.Base && g.index >= g.jacked
}

// promotePair: two nodes have no majority without the owner. Neither silence nor EOF proves that it died: an owner that hears nothing for a
// moment ends the connection itself, and goes on alone.
func (g *Guard) promotePair(now int64) {
	if g.cfg.Pair == Available && g.link(g.list.Owner) == linkGone && g.promotable() {
		g.takeAlone(now)
	}
}

// takeAlone goes on without a majority. Only policies lead here.
func (g *Guard) takeAlone(now int64) {
	g.unsafe, g.frozen = true, true
	v := Value{Base: g.floor(), Owner: g.cfg.Self}
	if !g.owning {
		v.Base = g.index
	}
	g.decide(now, v)
}

// ballot moves the proposal on. v is what this node wants; ok is false if it only prepares ahead.
func (g *Guard) ballot(now int64, v Value, ok bool) {
	if g.prop.phase == idle && !g.armed(timerBallot) {
		g.begin(now, v)
	}
	switch p := &g.prop; p.phase {
	case preparing:
		if g.enough() {
			p.phase = prepared
			g.ballot(now, v, ok)
		}
	case prepared:
		if g.promised == p.ballot {
			g.choose(now, v, ok)
		} else {
			g.armOnce(timerBallot, now+g.backoff())
		}
	}
}

// begin takes the next ballot of this node's side.
func (g *Guard) begin(now int64, v Value) {
	owner := g.list.Owner == g.cfg.Self
	if !owner {
		g.frozen = true
		if g.promised == 0 { // nothing lower can exist: ballot 1 needs no promises
			g.promised, g.prop.ballot = 1, 1
			g.propose(now, v)
			return
		}
	}
	b := g.promised + 1
	if owner != (b%2 == 0) {
		b++
	}
	me := g.list.seat(g.cfg.Self)
	g.prop = proposal{phase: preparing, ballot: b, promises: 1 << me}
	g.prop.voted[me], g.prop.vote[me] = g.voted, g.vote
	g.promised = b
	g.retry(now)
}

func (g *Guard) enough() bool {
	return bits.OnesCount8(g.prop.promises) >= g.quorum()
}

func (g *Guard) quorum() int {
	if g.flaw&noVote != 0 {
		return 1
	}
	return 2
}

// choose picks what to propose. Any two promises are a quorum; if two come from members that have not voted, the choice is
// free, else the vote of the highest ballot is carried on. With one that has voted, the third is waited for if it may come.
func (g *Guard) choose(now int64, v Value, ok bool) {
	p := &g.prop
	free, best, all := 0, -1, true
	for i, id := range g.list.members() {
		switch {
		case p.promises>>i&1 == 0:
			all = all && g.lost(id)
		case p.voted[i] == 0 || g.flaw&ignoresVotes != 0:
			free++
		case best < 0 || p.voted[i] > p.voted[best]:
			best = i
		}
	}
	switch {
	case free >= g.quorum():
		if !ok {
			return // prepared ahead
		}
		if g.owning && g.flaw&noSeal == 0 {
			g.sealed = true
			g.do(Action{Kind: ActHold})
			v.Base = max(v.Base, g.floor())
		}
		g.propose(now, v)
	case all || p.waited:
		g.propose(now, p.vote[best])
	}
}

// propose votes for v itself before anybody hears of it.
func (g *Guard) propose(now int64, v Value) {
	p := &g.prop
	p.phase, p.value, p.votes = proposing, v, 1<<g.list.seat(g.cfg.Self)
	g.voted, g.vote = p.ballot, v
	if g.flaw&actsEarly != 0 && g.owning && v.Owner == g.cfg.Self && v.Standby == "" {
		g.sealed = false
		g.release(g.index)
	}
	if g.flaw&noVote != 0 {
		g.decide(now, v)
		return
	}
	g.retry(now)
}

// retry sends the current request to those that have not answered.
func (g *Guard) retry(now int64) {
	p := &g.prop
	m := Message{Kind: KindPrepare, Ballot: p.ballot, List: g.list}
	m.Suspect = g.list.Owner != g.cfg.Self && !g.gone(g.list.Owner)
	switch p.phase {
	case preparing, prepared:
		p.waited = p.waited || p.phase == prepared
		g.sendMembers(m, p.promises)
	case proposing:
		m.Kind, m.Value = KindPropose, p.value
		g.sendMembers(m, p.votes)
	default:
		return
	}
	g.arm(timerRetry, now+g.cfg.Retry)
}

func (g *Guard) onPromise(now int64, from string, m *Message) {
	p, i := &g.prop, g.list.seat(from)
	if m.Epoch != g.list.Epoch || i < 0 || m.Ballot != p.ballot || m.Voted >= m.Ballot ||
		p.phase != preparing && p.phase != prepared || m.Voted > 0 && !m.Value.sound() {
		return
	}
	p.promises |= 1 << i
	p.voted[i], p.vote[i] = m.Voted, m.Value
}

func (g *Guard) onVote(now int64, from string, m *Message) {
	p, i := &g.prop, g.list.seat(from)
	if m.Epoch != g.list.Epoch || i < 0 || p.phase != proposing || m.Ballot != p.ballot {
		return
	}
	p.votes |= 1 << i
	if bits.OnesCount8(p.votes) >= g.quorum() {
		g.decide(now, p.value)
	}
}

// onNack: the ballot is lost. The next one waits, and is above all that were heard of.
func (g *Guard) onNack(now int64, from string, m *Message) {
	if m.Epoch != g.list.Epoch || g.list.seat(from) < 0 || g.prop.phase == idle || m.Ballot != g.prop.ballot ||
		m.Voted <= m.Ballot || m.Voted > maxBallot {
		return
	}
	g.promised = max(g.promised, m.Voted)
	g.armOnce(timerBallot, now+g.backoff())
}
