package guard

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

func newModel(o modelOptions) *model {
	m := &model{opt: o, byKey: map[string]uint32{}, steps: map[uint64]*stepResult{}, msgID: map[modelMsg]uint32{},
		setID: map[string]uint32{}, histID: map[hist]uint32{}, logID: map[string]uint32{}, seen: map[world]struct{}{}, changes: map[string]int{}}
	if m.opt.max == 0 {
		m.opt.max = 50_000_000
	}
	var w world
	for i := range 5 {
		m.ids = append(m.ids, fmt.Sprintf("n%d", i))
	}
	cfg := Config{Match: "m", BackoffMin: 50, BackoffMax: 50, Lag: 100}
	for i := range 5 {
		cfg.Self = m.ids[i]
		g, err := Join(cfg, List{})
		if i == 0 {
			g, err = Birth(cfg, 0)
		}
		if err != nil {
			panic(err)
		}
		g.Actions()
		w.n[i] = m.intern(&modelNode{g: g})
	}
	var h hist
	for e := range h.start {
		h.start[e] = "-"
	}
	h.start[1] = ""
	w.hist, w.msgs = m.histNumber(&h), m.setNumber(nil)
	m.begin(w)
	return m
}

// begin brings up the first trio, without flaws, and makes that the first state.
func (m *model) begin(w world) {
	flaw, epochs := m.opt.flaw, m.opt.epochs
	m.opt.epochs = 2
	all := func() {
		for moved := true; moved; {
			moved = false
			m.each(w, func(l label, n world) {
				k := inputKind(l.in >> 28)
				if !moved && (k == inDeliver || k == inTake) && n != w {
					w, moved = n, true
				}
			})
		}
	}
	n, _ := m.move(w, label{0, mkInput(inOffer, 1|2<<4)})
	w = n
	all()
	m.opt.epochs = epochs
	for i := range w.n {
		c := m.nodes[w.n[i]].clone()
		c.g.flaw = flaw
		m.nodes[w.n[i]] = c
	}
	m.byKey = map[string]uint32{}
	m.steps = map[uint64]*stepResult{}
	m.nodes = slices.Clone(m.nodes)
	for i := range w.n {
		m.byKey[m.nodes[w.n[i]].encode()] = w.n[i]
	}
	h := m.hists[w.hist]
	h.client = 2
	if !m.opt.client {
		h.client = 0
	}
	w.hist = m.histNumber(&h)
	m.add(w, 0, label{})
}

func (m *model) add(w world, parent int, l label) {
	if _, ok := m.seen[w]; !ok {
		m.seen[w] = struct{}{}
		m.worlds, m.parents, m.labels = append(m.worlds, w), append(m.parents, uint32(parent)), append(m.labels, l)
	}
}

// run explores everything, nearest states first, and returns the violation found with its schedule, or "".
func (m *model) run() string {
	for i := 0; i < len(m.worlds) && len(m.worlds) < m.opt.max; i++ {
		var bad string
		m.each(m.worlds[i], func(l label, w world) {
			if m.violation != "" {
				if bad == "" {
					bad = m.violation + "\n" + m.trace(i, l)
				}
				return
			}
			m.add(w, i, l)
		})
		if bad != "" {
			return bad
		}
		m.count(m.worlds[i])
		if m.opt.progress > 0 && i%m.opt.progress == 0 {
			if bad := m.progress(m.worlds[i]); bad != "" {
				return bad + "\n" + m.trace(i, label{})
			}
		}
	}
	return ""
}

// count keeps what must be reachable for the check to mean anything: sequences of changes that end with an answered input.
func (m *model) count(w world) {
	h := &m.hists[w.hist]
	last := m.opt.epochs + 2
	if h.acked[last] == "" {
		return
	}
	path := ""
	for e := uint32(3); e <= last; e++ {
		a, b := &h.lists[e-1], &h.lists[e]
		switch {
		case b.Standby == "" && b.Owner == a.Owner:
			path += " alone"
		case b.Standby == "":
			path += " promote"
		case a.Standby == "":
			path += " adopt"
		case b.Owner == a.Standby:
			path += " hand-over"
		case b.Owner != a.Owner:
			path += " move"
		case b.Standby != a.Standby:
			path += " standby"
		case b.Witness != a.Witness:
			path += " witness"
		default:
			path += " same"
		}
	}
	m.changes[path]++
}

// each calls f for every step that is possible in w.
func (m *model) each(w world, f func(label, world)) {
	try := func(i int, in input) {
		l := label{uint8(i), in}
		n, ok := m.move(w, l)
		if ok && (n != w || m.violation != "") {
			f(l, n)
		}
	}
	for _, id := range m.sets[w.msgs] {
		try(int(m.msgs[id].to), mkInput(inDeliver, id))
	}
	h := &m.hists[w.hist]
	for i := range m.opt.nodes {
		n := m.nodes[w.n[i]]
		g := n.g
		for _, t := range explored {
			if g.armed(t) && (t != timerStall || !m.opt.calm) {
				try(i, mkInput(inFire, uint32(t)))
			}
		}
		if g.owning {
			m.eachOwner(w, i, try)
		} else if g.list.Standby == g.cfg.Self {
			if !g.frozen && g.link(g.list.Owner) == linkUp {
				if m.opt.silence {
					try(i, mkInput(inSilence, 0))
				} else {
					try(i, mkInput(inEOF, 0))
				}
			}
			if m.opt.drops && w.drops == 0 {
				try(i, mkInput(inDropped, 0))
			}
		}
		if log, ok := m.nextTake(n, h); ok {
			try(i, mkInput(inTake, m.logNumber(log)))
		}
		if m.opt.wraps&acksAfter != 0 && g.owning {
			try(i, mkInput(inJackAfter, 0))
		}
		if m.opt.client && g.owning && (g.list.Epoch > h.client || m.opt.wraps&clientTakes != 0) {
			try(i, mkInput(inClient, 0))
		}
	}
}

func (m *model) eachOwner(w world, i int, try func(int, input)) {
	n := m.nodes[w.n[i]]
	g := n.g
	if w.inputs < m.opt.inputs && g.move.stage != moveStill {
		try(i, mkInput(inAppend, 0))
	}
	if g.newS.id != "" || g.newW.id != "" || g.move.stage != moveNone {
		return
	}
	solo := g.list.Standby == ""
	if !solo && w.plans >= m.opt.plans {
		return
	}
	for _, a := range m.candidates(w, g, 0) {
		if solo {
			for _, b := range m.candidates(w, g, 1<<a) {
				try(i, mkInput(inOffer, uint32(a|b<<4)))
			}
			continue
		}
		if m.plans(newStandby) {
			try(i, mkInput(inOffer, uint32(a|15<<4)))
		}
		if m.plans(newWitness) {
			try(i, mkInput(inOffer, uint32(15|a<<4)))
		}
		if m.plans(migrates) {
			try(i, mkInput(inMove, uint32(a)))
		}
	}
	if !solo && m.plans(handsOver) {
		try(i, mkInput(inMove, uint32(g.list.Standby[1]-'0')))
	}
}

func (m *model) plans(p plan) bool { return m.opt.only == 0 || m.opt.only&p != 0 }

// candidates are the nodes outside of the list; of those that no list has named yet, which are all alike, only one.
func (m *model) candidates(w world, g *Guard, also uint32) (ids []int) {
	h := &m.hists[w.hist]
	used := also
	for e := range h.lists {
		for _, id := range h.lists[e].members() {
			if id != "" {
				used |= 1 << (id[1] - '0')
			}
		}
	}
	for i := range m.opt.nodes {
		if c := m.nodes[w.n[i]].g; c.learner || c.list.Epoch > 0 {
			used |= 1 << i
		}
	}
	fresh := bits.TrailingZeros32(^used)
	for i := range m.opt.nodes {
		if !g.list.Has(m.ids[i]) && also>>i&1 == 0 && (used>>i&1 == 1 || i == fresh) {
			ids = append(ids, i)
		}
	}
	return ids
}

// nextTake is what a follower's copy becomes with the next message of its owner's journal.
func (m *model) nextTake(n *modelNode, h *hist) (string, bool) {
	g := n.g
	t := g.list.Since
	if !g.Take(g.list.Owner, t) || h.start[t] == "-" {
		return "", false
	}
	log := h.tenure[t]
	switch {
	case g.tenure == t && g.flaw&keepsOldLog == 0 && !strings.HasPrefix(log, n.log):
		m.violation = fmt.Sprintf("equal index, another hash: %s holds %q of tenure %d, which is %q", g.cfg.Self, n.log, t, log)
		return n.log, true
	case g.tenure == t && len(n.log) < len(log):
		return n.log + log[len(n.log):len(n.log)+1], true
	case g.tenure != t && strings.HasPrefix(log, n.log):
		return n.log, true
	case g.tenure != t:
		return log, true
	}
	return "", false
}

// move makes one step of one node, with everything that is carried out at once.
func (m *model) move(w world, l label) (world, bool) {
	k := inputKind(l.in >> 28)
	h := histRef{hist: &m.hists[w.hist]}
	switch k {
	case inAppend:
		w.inputs++
	case inDropped:
		w.drops++
	case inOffer, inMove:
		if m.nodes[w.n[l.node]].g.list.Standby != "" {
			w.plans++
		}
	case inClient:
		e := m.nodes[w.n[l.node]].g.list.Epoch
		if e < h.client {
			m.violation = "I3: the client went back to an older epoch"
		}
		h.edit().client = e
		w.hist = m.histNumber(h.hist)
		return w, true
	case inJackAfter:
		return m.jackAfter(w, l.node, h.hist)
	}
	set := slices.Clone(m.sets[w.msgs])
	todo := []label{l}
	for n := 0; len(todo) > 0; n++ {
		if n > 100 {
			panic(fmt.Sprintf("%s: %+v", m.showLabel(todo[0]), *m.nodes[w.n[todo[0].node]].g))
		}
		l := todo[0]
		todo = todo[1:]
		r := m.step(w.n[l.node], l.in)
		if r.ballot > m.opt.ballots || r.epoch > m.opt.epochs+2 {
			return w, false
		}
		was := m.nodes[w.n[l.node]].g.list.Epoch
		w.n[l.node] = r.next
		m.check(&h, l.node, m.nodes[r.next], was)
		for i := range r.effects {
			e := &r.effects[i]
			switch e.kind {
			case ActSend:
				x := modelMsg{l.node, e.to, e.msg}
				if e.msg.Kind == KindTold || e.msg.Kind == KindAt {
					continue
				}
				id := m.msgNumber(x)
				if m.atOnce(w, &x) {
					todo = append(todo, label{e.to, mkInput(inDeliver, id)})
				} else {
					set = append(set, id)
				}
			case ActRelease:
				m.released(&h, m.nodes[r.next], e.i)
			case ActOwn:
				m.started(&h, m.nodes[r.next])
			}
		}
		if len(todo) == 0 {
			todo = m.learners(w, h.hist, todo)
		}
	}
	w.msgs = m.setNumber(m.prune(w, set))
	if h.own {
		w.hist = m.histNumber(h.hist)
	}
	return w, true
}

// atOnce: see model.
func (m *model) atOnce(w world, x *modelMsg) bool {
	switch to := m.nodes[w.n[x.to]].g; x.m.Kind {
	case KindEnlist, KindEnlisted, KindDismiss:
		return true
	case KindJack:
		return to.newS.id == m.ids[x.from] && to.list.Standby != m.ids[x.from]
	}
	return false
}

// learners take what there is.
func (m *model) learners(w world, h *hist, todo []label) []label {
	for i := range m.opt.nodes {
		n := m.nodes[w.n[i]]
		if !n.g.learner || !n.g.copies || m.opt.slow {
			continue
		}
		if log, ok := m.nextTake(n, h); ok {
			todo = append(todo, label{uint8(i), mkInput(inTake, m.logNumber(log))})
		}
	}
	return todo
}

func (m *model) jackAfter(w world, i uint8, h *hist) (world, bool) {
	set := slices.Clone(m.sets[w.msgs])
	for e := range h.lists {
		l := &h.lists[e]
		if l.Epoch > 0 && l.Standby == m.ids[i] && l.Epoch < m.nodes[w.n[i]].g.list.Epoch {
			x := modelMsg{i, l.Owner[1] - '0', Message{Kind: KindJack, Epoch: l.Epoch, Tenure: l.Since, Index: uint32(len(h.tenure[l.Since]))}}
			set = append(set, m.msgNumber(x))
		}
	}
	w.msgs = m.setNumber(m.prune(w, set))
	return w, true
}
