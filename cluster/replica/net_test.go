package replica

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
)

// world is an owner, receivers, and links between them that are cut and mended at random; each link delivers in order.
type world struct {
	t     tb
	rnd   *rand.Rand
	def   game.Def
	owner *owner
	epoch uint32
	stats *Stats
	cfg   SourceConfig
	nodes []*node

	diverged []uint32 // ticks at which receivers said that they differ
	resyncs  int      // acknowledgements that were proven equal
}

// node is a receiver and its link.
type node struct {
	name     string
	standby  *Standby
	up       bool
	down, in [][]byte // messages on their way to it, and from it
	bulk     []byte   // snapshot on its way, nil: none
}

const linkQueue = 40

func newWorld(t tb, def game.Def, seed uint64, players int, change func(*SourceConfig)) *world {
	w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), def: def, epoch: 1, stats: &Stats{}}
	w.owner = newOwner(t, def, w.rnd, players, func(c *SourceConfig) {
		c.Stats, c.Out, c.Bulk = w.stats, w.out, w.bulk
		if change != nil {
			change(c)
		}
		w.cfg = *c
	})
	return w
}

func (w *world) node(name string) *node {
	return w.nodes[slices.IndexFunc(w.nodes, func(n *node) bool { return n.name == name })]
}

func (w *world) out(peer string, msg []byte) bool {
	n := w.node(peer)
	if !n.up || len(n.down) >= linkQueue {
		return false
	}
	n.down = append(n.down, bytes.Clone(msg))
	return true
}

func (w *world) bulk(peer string, snapshot []byte) { w.node(peer).bulk = snapshot }

func (w *world) join(name string) *node { return w.joinWith(name, w.def) }

// joinWith adds a node with rules of its own.
func (w *world) joinWith(name string, def game.Def) *node {
	n := &node{name: name, standby: newStandby(w.t, def, w.stats)}
	w.nodes = append(w.nodes, n)
	w.mend(n)
	return n
}

func (w *world) mend(n *node) {
	if !n.up {
		n.up = true
		w.owner.src.Add(n.name)
	}
}

func (w *world) cut(n *node) {
	n.up, n.down, n.in = false, nil, nil
	w.owner.src.Down(n.name)
}

// down delivers one message to a node.
func (w *world) toNode(n *node) {
	if len(n.down) == 0 {
		return
	}
	m, err := Parse(n.down[0])
	n.down = n.down[1:]
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := n.standby.Receive(nil, &m)
	w.usual(err)
	w.answer(n, answer)
}

// usual fails the test for errors that faults of links do not explain.
func (w *world) usual(err error) {
	var div *loop.DivergedError
	switch {
	case errors.As(err, &div):
		w.diverged = append(w.diverged, div.Tick)
	case err == nil, errors.Is(err, ErrGap), errors.Is(err, ErrFork), errors.Is(err, ErrEpoch), errors.Is(err, ErrEmpty),
		errors.Is(err, ErrFrozen), errors.Is(err, ErrRules), errors.Is(err, ErrGame), errors.Is(err, ErrRefused):
	default:
		w.t.Fatal(err)
	}
}

// answer puts what a node says on its way, and proves that it equals the owner where it says so.
func (w *world) answer(n *node, b []byte) {
	w.same(n)
	if len(b) > 0 && n.up {
		n.in = append(n.in, b)
	}
}

// same compares what a node holds with what the owner had in that tick.
func (w *world) same(n *node) {
	w.t.Helper()
	tick, state, err := n.standby.State(nil)
	if err != nil {
		return
	}
	pos := n.standby.Position()
	if pos.Since != w.cfg.Since { // under an earlier owner, whose last ticks nobody may have had
		return
	}
	if want := w.owner.hashes[tick]; loop.StateHash(state) != want || pos.Hash != want || pos.Tick != tick {
		w.t.Fatalf("%s at tick %d: hash %016x of state %016x, owner %016x", n.name, tick, pos.Hash, loop.StateHash(state), want)
	}
	w.resyncs++
}

func (w *world) toOwner(n *node) {
	if len(n.in) == 0 {
		return
	}
	m, err := Parse(n.in[0])
	n.in = n.in[1:]
	if err != nil {
		w.t.Fatal(err)
	}
	w.usual(w.owner.src.Receive(n.name, &m))
	p, _ := w.owner.src.Progress(n.name)
	if pos := n.standby.Position(); p.InEpoch && p.Acked > pos.Tick {
		w.t.Fatalf("%s acknowledged tick %d, holds %d", n.name, p.Acked, pos.Tick)
	}
}

// load ends a bulk transfer: well, or not.
func (w *world) load(n *node, fails bool) {
	b := n.bulk
	if n.bulk = nil; b == nil {
		return
	}
	if fails {
		w.owner.src.BulkFailed(n.name)
		return
	}
	raw, err := ReadSnapshot(bytes.NewReader(b), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	snap, err := ParseSnapshot(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := n.standby.Swap(nil, snap)
	w.usual(err)
	w.answer(n, answer)
}

// run steps the owner a number of times, with faults in between if there are to be any.
func (w *world) run(ticks int, faults bool) {
	for range ticks {
		w.owner.step(w.t)
		for _, n := range w.nodes {
			w.traffic(n, faults)
		}
	}
}

func (w *world) traffic(n *node, faults bool) {
	if !faults {
		for len(n.down)+len(n.in) > 0 || n.bulk != nil {
			w.load(n, false)
			w.toNode(n)
			w.toOwner(n)
		}
		return
	}
	loading := w.owner.src.receiver(n.name).phase == Loading // it would be patient for longer than the test
	switch f := w.rnd.IntN(200); {
	case f == 0 && n.up:
		w.cut(n)
	case f == 1 && len(n.down) > 0 && !loading && n.down[0][0] != byte(KindBegin): // no link loses a message; if one did, that would be healed too
		n.down = n.down[1:]
	case f == 2 && len(n.in) > 0 && !loading: // an answer for which a link had no room
		n.in = n.in[1:]
	case f < 10 && !n.up:
		w.mend(n)
	case f == 10:
		w.epoch++
		w.owner.src.Enter(w.epoch, []byte("list"))
	}
	for range w.rnd.IntN(5) {
		w.toNode(n)
	}
	for range w.rnd.IntN(5) {
		w.toOwner(n)
	}
	if w.rnd.IntN(10) == 0 {
		w.load(n, w.rnd.IntN(5) == 0)
	}
}

// promote makes a node the owner; the old owner is gone and what it had on its way is lost.
func (w *world) promote(n *node) {
	w.t.Helper()
	n.standby.Freeze(w.epoch)
	pos := n.standby.Position()
	core, from, err := n.standby.Promote()
	if err != nil {
		w.t.Fatal(err)
	}
	if from.Header.Version != w.cfg.Header.Version { // another hash of the same state
		pos.Hash = core.Hash()
		w.owner.hashes[pos.Tick] = pos.Hash
	}
	if core.Tick() != pos.Tick || from.Tick != pos.Tick || from.Hash != pos.Hash || core.Hash() != pos.Hash {
		w.t.Fatalf("promoted at %d (%016x), core %d (%016x), handover %d", pos.Tick, pos.Hash, core.Tick(), core.Hash(), from.Tick)
	}
	w.epoch++
	w.cfg.Epoch, w.cfg.Since, w.cfg.From, w.cfg.Header = w.epoch, w.epoch, &from, from.Header
	w.owner.core, w.owner.asked = core, false
	w.owner.script = w.owner.past[core.Tick()].clone()
	w.owner.lead(w.t, w.cfg)
	w.nodes = slices.DeleteFunc(w.nodes, func(x *node) bool { return x == n })
	for _, x := range w.nodes {
		x.up, x.down, x.in, x.bulk = false, nil, nil, nil
		w.mend(x)
	}
}
