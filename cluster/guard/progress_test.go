package guard

import "fmt"

// progress is I4 for nobody dead: from here on everything arrives and timers fire in their order; then the owner logs one
// more entry, and players must be answered.
func (m *model) progress(w world) string {
	opt := m.opt
	defer func() { m.opt = opt }()
	m.opt.ballots, m.opt.epochs, m.opt.inputs = 40, maxEpochs-3, 100
	asked, length := uint32(0), uint32(0)
	for round := range 40 {
		w = m.fair(w, round)
		var top *modelNode
		at := 0
		for i := range m.opt.nodes {
			if n := m.nodes[w.n[i]]; n.g.owning && (top == nil || n.g.list.Epoch > top.g.list.Epoch) {
				top, at = n, i
			}
		}
		if top == nil || top.g.move.stage == moveStill {
			continue
		}
		if asked == top.g.tenure && top.g.released >= length {
			return ""
		}
		if asked != top.g.tenure {
			w, _ = m.move(w, label{uint8(at), mkInput(inAppend, 0)})
			asked, length = top.g.tenure, uint32(len(m.nodes[w.n[at]].log))
		}
	}
	s := "no progress with nobody dead:"
	for i := range m.opt.nodes {
		g := m.nodes[w.n[i]].g
		s += fmt.Sprintf("\n%s: e%d %v owning %v frozen %v sealed %v rival %v tenure %d index %d phase %d", g.cfg.Self, g.list.Epoch,
			g.list.members(), g.owning, g.frozen, g.sealed, g.rival, g.tenure, g.index, g.prop.phase)
	}
	return s
}

// fair is one round: every message arrives, every copy is brought up to date, every timer fires; of two losers of a ballot
// one starts anew before the other.
func (m *model) fair(w world, round int) world {
	step := func(i int, in input) {
		if n, ok := m.move(w, label{uint8(i), in}); ok {
			w = n
		}
	}
	for range 3 {
		for _, id := range m.sets[w.msgs] {
			step(int(m.msgs[id].to), mkInput(inDeliver, id))
		}
		for i := range m.opt.nodes {
			if log, ok := m.nextTake(m.nodes[w.n[i]], &m.hists[w.hist]); ok {
				step(i, mkInput(inTake, m.logNumber(log)))
			}
		}
	}
	for _, t := range []timer{timerRetry, timerProbe, timerMove, timerBallot, timerStall} {
		for i := range m.opt.nodes {
			if m.nodes[w.n[i]].g.armed(t) && (t != timerBallot || i%2 == round*5/3%2) {
				step(i, mkInput(inFire, uint32(t)))
			}
		}
	}
	return w
}
