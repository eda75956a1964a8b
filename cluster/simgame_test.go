package cluster

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/overtime-server/overtime/game"
)

// ledger is a game whose state is a hash over all that ever happened to it: two states are equal only if their whole histories
// are. Every step is noted in a book outside of the game, so that the history of any state can be told afterwards.
type ledger struct {
	book  *ledgerBook
	node  string // URL of the one that the copy is on
	chain uint64 // the seed at first
}

// ledgerGame returns the game for a node.
func ledgerGame(b *ledgerBook, node string, exact bool) game.Def {
	return game.Def{
		Name: "ledger", Version: 1, Hz: 10, Seats: 16, Exact: exact,
		Kinds: []game.Kind{{Name: "chain", Fields: []game.Field{{Name: "low", Bits: 32, Signed: true}, {Name: "high", Bits: 32, Signed: true}}}},
		New: func(s game.Setup) (game.Match, error) {
			return &ledger{book: b, node: node, chain: s.Seed}, nil
		},
	}
}

// ledgerStep is one step of a match's history.
type ledgerStep struct {
	tick     uint32
	parent   uint64
	samples  []ledgerSample
	commands []ledgerCommand
	stepped  map[string]int // when each node did so, as numbers of the book
}

type ledgerSample struct{ player, seq uint32 }

type ledgerCommand struct {
	player uint32
	text   string
}

// ledgerBook holds all steps of all copies of all matches, by the state that they led to. It locks itself.
type ledgerBook struct {
	mu    sync.Mutex // guards the following
	steps map[uint64]ledgerStep
	noted int      // steps
	torn  []string // states with two histories
}

func newLedgerBook() *ledgerBook { return &ledgerBook{steps: map[uint64]ledgerStep{}} }

func (b *ledgerBook) note(node string, chain uint64, s ledgerStep) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, ok := b.steps[chain]
	if ok && (was.tick != s.tick || was.parent != s.parent) {
		b.torn = append(b.torn, fmt.Sprintf("state %x has two histories", chain))
	}
	if s.stepped = was.stepped; s.stepped == nil {
		s.stepped = map[string]int{}
	}
	b.noted++
	s.stepped[node] = b.noted
	b.steps[chain] = s
}

// history returns the steps that led to a state of the match with a seed, by tick, and the state after each.
func (b *ledgerBook) history(seed, chain uint64) (steps map[uint32]ledgerStep, states map[uint32]uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	steps, states = map[uint32]ledgerStep{}, map[uint32]uint64{}
	for chain != seed {
		s, ok := b.steps[chain]
		if !ok {
			return nil, nil, fmt.Errorf("state %x is unknown", chain)
		}
		steps[s.tick], states[s.tick] = s, chain
		chain = s.parent
	}
	return steps, states, nil
}

// onward returns the state to which one has led on a node, at a tick or the last one before it. Where an owner has stepped ahead that was cut off,
// and another one has gone on otherwise, there are several of that tick: the node tells which, and of those that one node has stepped at different
// times the latest counts.
func (b *ledgerBook) onward(chain uint64, tick uint32, node string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	from, best := b.steps[chain].tick, chain
	top, when := from, 0
	for c, s := range b.steps {
		n := s.stepped[node]
		if s.tick > tick || s.tick < top || n == 0 || s.tick == top && n < when || !b.descends(c, chain, from) {
			continue
		}
		best, top, when = c, s.tick, n
	}
	return best
}

// descends says whether a state comes from another one, of a tick. The caller holds mu.
func (b *ledgerBook) descends(chain, from uint64, tick uint32) bool {
	for s := b.steps[chain]; s.tick > tick; s = b.steps[chain] {
		chain = s.parent
	}
	return chain == from
}

func (m *ledger) Step(t *game.Tick) {
	h := fnv.New64a()
	mix := func(values ...uint64) {
		for _, v := range values {
			_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, v))
		}
	}
	s := ledgerStep{tick: t.N, parent: m.chain}
	mix(m.chain, uint64(t.N), uint64(t.Rand.IntN(1<<30)))
	for _, e := range t.Events {
		mix(uint64(e.Kind), uint64(e.Player))
		_, _ = h.Write(e.Data)
		if e.Kind == game.EventCommand {
			s.commands = append(s.commands, ledgerCommand{e.Player, string(e.Data)})
			t.Send(game.Own(e.Player), e.Data)
		}
	}
	for _, p := range t.Players {
		online := uint64(0)
		if p.Online {
			online = 1
		}
		mix(uint64(p.Number), online)
		for _, in := range t.Inputs(p.Number) {
			mix(uint64(in.Seq), uint64(in.Buttons))
			if !in.Repeated {
				s.samples = append(s.samples, ledgerSample{p.Number, in.Seq})
			}
		}
	}
	m.chain = h.Sum64()
	m.book.note(m.node, m.chain, s)
}

func (m *ledger) Rows(r *game.Rows) {
	copy(r.Put(game.All, 1, 0), []int32{int32(uint32(m.chain)), int32(uint32(m.chain >> 32))})
}

func (m *ledger) Save(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, m.chain) }

func (m *ledger) Load(b []byte) error {
	if len(b) != 8 {
		return game.ErrSettings
	}
	m.chain = binary.LittleEndian.Uint64(b)
	return nil
}

// ledgerChain reads the state that a client sees.
func ledgerChain(v game.View) (chain uint64) {
	v.Each(0, func(_ uint32, row []int32) { chain = uint64(uint32(row[0])) | uint64(uint32(row[1]))<<32 })
	return chain
}

// checkInputs says what is wrong with the inputs of a history: samples of a player that came twice or in the wrong order, commands that
// are missing, double or in the wrong order. It returns how many samples and commands of each player there were.
func checkInputs(steps map[uint32]ledgerStep) (samples, commands map[uint32]int, wrong []string) {
	ticks := make([]uint32, 0, len(steps))
	for t := range steps {
		ticks = append(ticks, t)
	}
	slices.Sort(ticks)
	samples, commands = map[uint32]int{}, map[uint32]int{}
	last := map[uint32]uint32{}
	for i, t := range ticks { // the first may be any: rules are not stepped before somebody has taken a seat
		if i > 0 && t != ticks[i-1]+1 {
			wrong = append(wrong, fmt.Sprintf("tick %d follows tick %d", t, ticks[i-1]))
			break
		}
		for _, s := range steps[t].samples {
			if s.seq <= last[s.player] {
				wrong = append(wrong, fmt.Sprintf("tick %d: sample %d of player %d after %d", t, s.seq, s.player, last[s.player]))
			}
			last[s.player] = s.seq
			samples[s.player]++
		}
		for _, c := range steps[t].commands {
			commands[c.player]++
			if want := fmt.Sprint("c", commands[c.player]); c.text != want {
				wrong = append(wrong, fmt.Sprintf("tick %d: player %d gave command %s, want %s", t, c.player, c.text, want))
			}
		}
	}
	return samples, commands, wrong
}
