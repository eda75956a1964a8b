package guard

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// The exhaustive model. A state of the world is what every node's real Guard holds, the set of messages that were sent, and
// what players and owners have seen so far. The set only grows: a message may arrive at any later time, in any order,
// twice, or never; so loss, delay, repetition, pauses and crashes (a node that takes no more steps) are all in it. A timer
// that is armed may fire at any time, a standby may lose its owner's link at any time.
//
// Guards are deterministic, so each step of a node is run once per (state of the node, input) and remembered; the search
// itself only handles numbers.
//
// Left out: repeated sending (the set repeats), the answers to decided, the asking for the journal (a follower may
// take the next entry of its owner's log whenever Guard.Take allows it), lost contact and LostAfter. Enlisting and a learner's
// journal are carried out at once. These have no part in safety; the simulation has them.
type model struct {
	opt   modelOptions
	ids   []string
	nodes []*modelNode
	byKey map[string]uint32
	steps map[uint64]*stepResult

	msgs    []modelMsg
	msgID   map[modelMsg]uint32
	sets    [][]uint32
	setID   map[string]uint32
	hists   []hist
	histID  map[hist]uint32
	logs    []string
	logID   map[string]uint32
	worlds  []world
	parents []uint32
	labels  []label
	seen    map[world]struct{}

	violation string
	changes   map[string]int
}

type modelOptions struct {
	name     string
	flaw     flaw
	nodes    int
	epochs   uint32 // changes after the first trio
	inputs   uint8
	ballots  uint32
	plans    uint8 // offers to a full list, and moves
	only     plan  // these plans, 0 for all
	silence  bool  // the standby's reason is silence: the witness probes first
	wraps    wrap  // flaws outside of the guard
	client   bool
	slow     bool   // learners take the journal when they like
	drops    bool   // a standby may lose its copy, once per world
	calm     bool   // nobody suspects a standby of stalling
	ahead    uint32 // K lies this many entries further ahead than the next one
	max      int
	progress int // ask every so many states for progress
}

// plan is what an owner of a full list may do without need.
type plan uint8

const (
	newStandby plan = 1 << iota
	newWitness
	migrates
	handsOver
)

// wrap is a broken driver or client.
type wrap uint8

const (
	acksAfter   wrap = 1 << iota // a standby goes on acknowledging after it has taken over
	clientTakes                  // a client takes frames of older epochs
)

type modelNode struct {
	g   *Guard
	log string // an entry is the tenure that appended it
}

type modelMsg struct {
	from, to uint8
	m        Message
}

const maxEpochs = 14

type hist struct {
	lists  [maxEpochs]List
	acked  [maxEpochs]string // by epoch: what players may have seen in it
	start  [maxEpochs]string // by epoch: the log with which its owner started a tenure; "-" not yet
	tenure [maxEpochs]string // by tenure: its owner's log
	client uint32
}

type world struct {
	n      [5]uint32
	msgs   uint32
	hist   uint32
	inputs uint8
	plans  uint8
	drops  uint8
}

type label struct {
	node uint8
	in   input
}

type inputKind uint8

const (
	inDeliver inputKind = iota
	inFire
	inEOF
	inSilence
	inAppend
	inOffer
	inMove
	inTake
	inDropped
	inJackAfter
	inClient
)

// input packs kind and argument.
type input uint32

func mkInput(k inputKind, arg uint32) input { return input(uint32(k)<<28 | arg) }

type effect struct {
	kind ActionKind
	to   uint8
	msg  Message
	i    uint32
}

type stepResult struct {
	next    uint32
	effects []effect
	ballot  uint32 // the highest in its messages
	epoch   uint32
}

func (n *modelNode) encode() string {
	g := n.g
	b := make([]byte, 0, 96)
	id := func(s string) {
		if s == "" {
			b = append(b, 9)
		} else {
			b = append(b, s[1]-'0')
		}
	}
	num := func(v uint32) { b = binary.AppendUvarint(b, uint64(v)) }
	val := func(v Value) { num(v.Base); id(v.Owner); id(v.Standby); id(v.Witness) }
	bits := func(f ...bool) {
		var m uint32
		for i, x := range f {
			if x {
				m |= 1 << i
			}
		}
		num(m)
	}
	id(g.cfg.Self)
	num(g.list.Epoch)
	num(g.list.Since)
	num(g.list.Prev)
	val(g.list.value(g.list.Base))
	num(g.promised)
	num(g.voted)
	val(g.vote)
	num(g.tenure)
	num(g.index)
	bits(g.owning, g.sealed, g.rival, g.stalled, g.counts, g.learner, g.copies, g.frozen, g.suspect, g.newS.enlisted, g.newW.enlisted, g.mute)
	num(g.jack)
	num(g.released)
	id(g.newS.id)
	num(g.newS.index)
	id(g.newW.id)
	id(g.move.target)
	num(uint32(g.move.stage))
	num(g.move.k)
	num(g.jacked)
	id(g.patron)
	num(g.follows)
	p := &g.prop
	num(uint32(p.phase))
	bits(p.waited)
	num(p.ballot)
	num(uint32(p.promises))
	num(uint32(p.votes))
	for i := range p.voted {
		num(p.voted[i])
		val(p.vote[i])
	}
	val(p.value)
	id(g.request.from)
	num(g.request.m.Ballot)
	num(uint32(g.request.m.Kind))
	val(g.request.m.Value)
	for _, l := range g.peers {
		id(l.id)
		num(uint32(l.state))
	}
	for k := range g.timers {
		bits(g.armed(timer(k)))
	}
	return string(append(b, n.log...))
}

// explored are the timers whose firing matters.
var explored = []timer{timerBallot, timerSuspect, timerProbe, timerStall, timerMove, timerRetry}

// normal drops what the model leaves out, so that equal futures are one state.
func (g *Guard) normal() {
	g.news, g.said, g.out, g.fed, g.hash = nil, Record{}, nil, nil, 0
	g.askedS, g.askedW, g.dirty, g.watched = false, false, true, nil
	if g.prop.phase != preparing && g.prop.phase != prepared {
		g.prop = proposal{phase: g.prop.phase, ballot: g.prop.ballot, votes: g.prop.votes, value: g.prop.value}
	}
	if g.prop.phase == idle {
		g.prop = proposal{}
	}
	for i := range g.peers {
		if p := &g.peers[i]; p.state == linkUnknown || g.list.seat(g.cfg.Self) < 1 || p.id != g.list.Owner {
			p.state = linkUp
		}
	}
	slices.SortFunc(g.peers, func(a, b peer) int { return cmp.Compare(a.id, b.id) })
	for k := range g.timers {
		if t := timer(k); !slices.Contains(explored, t) || t == timerRetry && (g.prop.phase != preparing && g.prop.phase != prepared || g.prop.waited) {
			g.stop(t)
		}
	}
}

func (n *modelNode) clone() *modelNode {
	g := *n.g
	g.peers = slices.Clone(g.peers)
	return &modelNode{&g, n.log}
}

func (m *model) intern(n *modelNode) uint32 {
	n.g.normal()
	k := n.encode()
	if i, ok := m.byKey[k]; ok {
		return i
	}
	i := uint32(len(m.nodes))
	m.nodes = append(m.nodes, n)
	m.byKey[k] = i
	return i
}

// step runs the real guard for one input and remembers the outcome.
func (m *model) step(state uint32, in input) *stepResult {
	key := uint64(state)<<32 | uint64(in)
	if r, ok := m.steps[key]; ok {
		return r
	}
	n := m.nodes[state].clone()
	r := &stepResult{}
	m.feed(n, in)
	for again := true; again; {
		again = false
		for _, a := range slices.Clone(n.g.Actions()) {
			switch a.Kind {
			case ActSend:
				r.ballot = max(r.ballot, a.Message.Ballot)
				r.effects = append(r.effects, effect{kind: ActSend, to: a.Peer[1] - '0', msg: a.Message})
			case ActRelease, ActOwn:
				r.effects = append(r.effects, effect{kind: a.Kind, i: a.Index})
			case ActDrop:
				n.log = ""
			case ActMoveReady:
				n.g.MoveAt(0, n.g.index+1+m.opt.ahead)
				again = true
			}
		}
	}
	r.epoch, r.next = n.g.list.Epoch, m.intern(n)
	m.steps[key] = r
	return r
}

func (m *model) feed(n *modelNode, in input) {
	g, arg := n.g, uint32(in)&(1<<28-1)
	switch inputKind(in >> 28) {
	case inDeliver:
		x := &m.msgs[arg]
		g.Receive(0, m.ids[x.from], &x.m)
	case inFire:
		g.fire(0, timer(arg))
		g.settle(0)
	case inEOF:
		g.Down(0, g.list.Owner, EOF)
	case inSilence:
		g.Down(0, g.list.Owner, Silence)
	case inAppend:
		n.log += string(rune('0' + g.tenure))
		g.Logged(0, uint32(len(n.log)))
		if g.move.stage == moveAt && g.index == g.move.k {
			g.Frozen(0, g.index)
		}
	case inOffer:
		g.Offer(0, m.name(arg&15), m.name(arg>>4&15))
	case inMove:
		g.Move(0, m.name(arg))
	case inDropped:
		n.log = ""
		g.Dropped(0)
	case inTake:
		n.log = m.logs[arg]
		g.Held(0, g.list.Since, uint32(len(n.log)), 0)
	}
}

func (m *model) name(i uint32) string {
	if i >= uint32(len(m.ids)) {
		return ""
	}
	return m.ids[i]
}

func (m *model) logNumber(s string) uint32 {
	i, ok := m.logID[s]
	if !ok {
		i = uint32(len(m.logs))
		m.logs, m.logID[s] = append(m.logs, s), i
	}
	return i
}

func (m *model) msgNumber(x modelMsg) uint32 {
	i, ok := m.msgID[x]
	if !ok {
		i = uint32(len(m.msgs))
		m.msgs, m.msgID[x] = append(m.msgs, x), i
	}
	return i
}

func (m *model) setNumber(s []uint32) uint32 {
	slices.Sort(s)
	s = slices.Compact(s)
	b := make([]byte, 0, 64)
	for _, v := range s {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	if i, ok := m.setID[string(b)]; ok {
		return i
	}
	i := uint32(len(m.sets))
	m.sets = append(m.sets, slices.Clone(s))
	m.setID[string(b)] = i
	return i
}

func (m *model) histNumber(h *hist) uint32 {
	i, ok := m.histID[*h]
	if !ok {
		i = uint32(len(m.hists))
		m.hists, m.histID[*h] = append(m.hists, *h), i
	}
	return i
}
