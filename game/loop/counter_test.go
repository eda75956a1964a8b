package loop

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/overtime-server/overtime/game"
)

// counter is a game for tests. It counts what it is given and digests everything that a Step can see, so that its state, and
// with it the state hash, differs as soon as anything that the rules see differs. Commands make it do things.
type counter struct {
	// not state
	onStep func(*counter, *game.Tick) // sees every Step before the rules do
	tame   bool                       // traps do not panic

	// state
	digest uint64 // of everything seen
	ticks  uint32 // Steps of this round
	armed  uint32 // which methods panic: bits of the arm constants
	heard  []byte // commands as "player:text;"
	slots  []slot // ascending by player
}

// slot is what the counter keeps about one player; its row has the player's number as id.
type slot struct {
	player  uint32
	sum     int32  // of axis 0 over all ticks
	ticks   uint32 // in which he had controls
	repeats uint32 // of those, with repeated ones
}

// Methods that a command can make panic from then on.
const (
	armRows = 1 << iota
	armSave
	armLoad
	armScores
)

// Buttons of the counter.
const (
	btnPanic = 1 << iota // Step panics
	btnFire              // no effect
)

func counterDef(onStep func(*counter, *game.Tick)) game.Def {
	return game.Def{
		Name: "counter", Version: 3, Exact: true, Seats: 4,
		Kinds: []game.Kind{{Name: "player", Fields: []game.Field{{Name: "sum", Bits: 32, Signed: true, Linear: true}, {Name: "ticks", Bits: 32}}}},
		New: func(s game.Setup) (game.Match, error) {
			if string(s.Settings) == "bad" {
				return nil, game.ErrSettings
			}
			return &counter{onStep: onStep, digest: s.Seed}, nil
		},
	}
}

func (c *counter) Step(t *game.Tick) {
	fence.Add(1)
	if c.onStep != nil {
		c.onStep(c, t)
	}
	c.ticks++
	c.see(uint64(t.N), t.Rand.Uint64())
	for _, e := range t.Events {
		c.see(uint64(e.Kind), uint64(e.Player), uint64(len(e.Data)))
		for _, b := range e.Data {
			c.see(uint64(b))
		}
		if e.Kind == game.EventCommand {
			c.heard = fmt.Appendf(c.heard, "%d:%s;", e.Player, e.Data)
			c.command(t, string(e.Data))
		}
	}
	for _, p := range t.Players {
		c.see(uint64(p.Number), uint64(p.Team), uint64(flags(p.Online, p.Bot, p.Spectator)), uint64(len(p.Name)))
		for _, in := range t.Inputs(p.Number) {
			c.see(uint64(in.Seq), uint64(in.Seen), uint64(in.Frac), uint64(in.Buttons), uint64(flags(in.Repeated)))
			for _, a := range in.Axes {
				c.see(uint64(a))
			}
		}
		if in, ok := t.Input(p.Number); ok {
			c.control(p.Number, in)
		}
	}
}

// see mixes numbers into the digest (FNV-1a over words).
func (c *counter) see(words ...uint64) {
	for _, w := range words {
		c.digest = (c.digest ^ w) * 0x100000001b3
	}
}

// command obeys one command: a verb, then its argument.
func (c *counter) command(t *game.Tick, text string) {
	verb, arg, _ := strings.Cut(text, " ")
	var number uint32
	fmt.Sscan(arg, &number)
	switch verb {
	case "panic":
		panic("told to")
	case "arm":
		c.armed |= number
	case "end":
		t.End([]byte(arg))
	case "result":
		t.End(bytes.Repeat([]byte("r"), int(number)))
	case "kick":
		t.Kick(number, "kicked by the rules")
	case "say":
		t.Send(game.All, []byte(arg))
	case "own":
		t.Send(game.Own(number), []byte(arg))
	case "team":
		t.Send(game.Team(number), []byte(arg))
	case "spam":
		for i := range number {
			t.Send(game.All, fmt.Append(nil, i))
		}
	case "long":
		t.Send(game.All, make([]byte, number))
	case "id":
		c.see(uint64(t.NewID()))
	}
}

func (c *counter) control(player uint32, in game.Input) {
	if in.Buttons&btnPanic != 0 && !in.Repeated {
		panic("button")
	}
	i, ok := slices.BinarySearchFunc(c.slots, player, func(s slot, n uint32) int { return int(s.player) - int(n) })
	if !ok {
		c.slots = slices.Insert(c.slots, i, slot{player: player})
	}
	s := &c.slots[i]
	s.sum += int32(in.Axes[0])
	s.ticks++
	if in.Repeated {
		s.repeats++
	}
}

func (c *counter) Rows(r *game.Rows) {
	c.trap(armRows)
	for _, s := range c.slots {
		v := r.Put(game.All, s.player, 0)
		v[0], v[1] = s.sum, int32(s.ticks)
	}
}

// Scores implements game.Scorer.
func (c *counter) Scores(to []game.Score) []game.Score {
	c.trap(armScores)
	for _, s := range c.slots {
		to = append(to, game.Score{Player: s.player, Points: s.sum})
	}
	return to
}

func (c *counter) trap(bit uint32) {
	if c.armed&bit != 0 && !c.tame {
		panic(fmt.Sprintf("trap %d", bit))
	}
}

func (c *counter) Save(b []byte) []byte {
	c.trap(armSave)
	le := binary.LittleEndian
	b = le.AppendUint64(b, c.digest)
	b = le.AppendUint32(b, c.ticks)
	b = le.AppendUint32(b, c.armed)
	b = le.AppendUint32(b, uint32(len(c.heard)))
	b = append(b, c.heard...)
	b = le.AppendUint32(b, uint32(len(c.slots)))
	for _, s := range c.slots {
		for _, v := range [...]uint32{s.player, uint32(s.sum), s.ticks, s.repeats} {
			b = le.AppendUint32(b, v)
		}
	}
	return b
}

var errCounter = errors.New("counter: bad state")

func (c *counter) Load(b []byte) error {
	le := binary.LittleEndian
	if len(b) < 24 {
		return errCounter
	}
	c.digest, c.ticks, c.armed = le.Uint64(b), le.Uint32(b[8:]), le.Uint32(b[12:])
	c.trap(armLoad)
	n, b := int(le.Uint32(b[16:])), b[20:]
	if n > len(b)-4 {
		return errCounter
	}
	c.heard, b = bytes.Clone(b[:n]), b[n:]
	n, b = int(le.Uint32(b)), b[4:]
	if n*16 != len(b) {
		return errCounter
	}
	c.slots = c.slots[:0]
	for ; len(b) > 0; b = b[16:] {
		s := slot{le.Uint32(b), int32(le.Uint32(b[4:])), le.Uint32(b[8:]), le.Uint32(b[12:])}
		if k := len(c.slots); k > 0 && c.slots[k-1].player >= s.player {
			return errCounter
		}
		c.slots = append(c.slots, s)
	}
	return nil
}
