package loop

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// Phase is where a match is in its life.
type Phase uint8

// Phases of a match; the values are on the wire in the row of kind "overtime.match".
const (
	Waiting Phase = iota // nobody has taken a seat yet
	Running              // the rules are stepped
	Ended                // a round has a result; the next one follows, or the match is over
	paused               // on the wire only: an operator has stopped the rules
)

func (p Phase) String() string { return [...]string{"waiting", "running", "ended", "paused"}[p] }

// Core is a match as a pure function: [Core.Apply] turns one journal record into the next state. Whoever holds the same journal
// has the same states, hash by hash: the owner, a replay, a standby. Not safe for concurrent use.
type Core struct {
	// fixed at the start
	def    game.Def
	head   journal.Header
	static []byte

	// match state: saved and hashed
	tick    uint32
	rand    game.Rand
	lastID  uint32 // last row id given
	lastNum uint32 // last player number given
	phase   Phase
	since   uint32       // tick in which the phase began
	until   uint32       // tick at which the next round starts, while ended
	round   uint32       // from 1
	result  []byte       // of the last finished round
	stopped bool         // no further tick will be applied
	paused  bool         // the rules are not stepped
	kept    []game.Event // that the rules see after the pause
	players []*player
	world   game.Match

	// of the current tick only
	t        game.Tick
	evs      []game.Event
	late     []game.Event // events that arose during the last tick, for the next: kicks
	fresh    bool         // the next Step is the first of its round
	void     bool
	lost     int // reliable messages that gave way
	removed  []Removal
	moved    bool // somebody's team was changed
	seats    []game.Player
	ended    bool
	saved    []byte
	savedFor uint32
	scores   []game.Score

	savedBy uint32 // during Upgrade: version of the rules that saved the state
}

// Removal is a player who was removed in the last tick.
type Removal struct {
	Player uint32
	Kicked bool
	Why    string
}

// NewCore builds the match that a journal header describes. The definition must be the one that the header names.
func NewCore(def game.Def, head journal.Header) (*Core, error) {
	def = def.WithDefaults()
	if def.Name != head.Game || def.Version != head.Version {
		return nil, fmt.Errorf("journal is of game %s version %d, have %s version %d", head.Game, head.Version, def.Name, def.Version)
	}
	c := &Core{def: def, head: head}
	if def.Static != nil {
		c.static = def.Static(c.setup(1))
	}
	return c, c.begin(1)
}

// setup is what a round starts from.
func (c *Core) setup(round uint32) game.Setup {
	seed := c.head.Seed
	if round > 1 {
		seed = game.NewRand(seed + uint64(round)*0x9e3779b97f4a7c15).Uint64()
	}
	return game.Setup{Seed: seed, Hz: c.head.Hz, Seats: c.head.Seats, Settings: c.head.Settings, Static: c.static, Saved: c.savedBy}
}

// begin starts a round.
func (c *Core) begin(round uint32) error {
	s := c.setup(round)
	w, err := c.def.New(s)
	if err != nil {
		return fmt.Errorf("game %s: %w", c.def.Name, err)
	}
	c.world, c.round, c.fresh = w, round, true
	c.rand = *game.NewRand(s.Seed)
	return nil
}

var errOrder = errors.New("record does not follow the last tick")

// Apply advances the match by one tick. It returns an error only for a record that does not belong here; rules that panic
// let the panic through, and the state is then undefined until Load.
func (c *Core) Apply(rec *journal.Record) error {
	if rec.Tick != c.tick+1 || c.stopped {
		return fmt.Errorf("%w: record %d after tick %d", errOrder, rec.Tick, c.tick)
	}
	c.tick = rec.Tick
	c.lost, c.removed, c.moved, c.ended, c.void = 0, c.removed[:0], false, false, rec.Void
	c.evs = append(c.evs[:0], c.late...)
	c.late = c.late[:0]
	for i := range rec.Events {
		if err := c.event(&rec.Events[i]); err != nil {
			return err
		}
	}
	c.expire()
	c.hold()
	c.inputs(rec)
	c.advance()
	c.savedFor = 0
	return nil
}

// expire gives up the seats of players who were away for too long.
func (c *Core) expire() {
	for i := 0; i < len(c.players); {
		p := c.players[i]
		if !p.online && c.tick-p.gone >= c.head.SeatHold {
			c.leave(p.number, Removal{Player: p.number, Why: "seat expired"})
			continue
		}
		i++
	}
}

// leave removes a player and tells the rules in this tick.
func (c *Core) leave(number uint32, r Removal) {
	c.remove(number)
	c.removed = append(c.removed, r)
	c.evs = append(c.evs, game.Event{Kind: game.EventLeave, Player: number})
}

func (c *Core) inputs(rec *journal.Record) {
	k := 0
	for _, p := range c.players {
		for k < len(rec.Inputs) && rec.Inputs[k].Player < p.number {
			k++
		}
		if k == len(rec.Inputs) || rec.Inputs[k].Player != p.number {
			p.control(nil)
			continue
		}
		in := &rec.Inputs[k]
		if rec.Void {
			p.control(nil)
		} else {
			p.control(in.Samples)
		}
		p.ack = in.Ack
		p.applied += uint32(len(in.Samples)) - uint32(in.Merged)
		p.merged += uint32(in.Merged)
		p.late += uint32(in.Late)
		p.refused += uint32(in.Refused)
		p.out.ack(in.MessageAck)
	}
}

// advance moves the phase on and steps the rules where they run.
func (c *Core) advance() {
	switch {
	case c.paused:
		return
	case c.phase == Waiting && c.seatsTaken() > 0:
		c.enter(Running)
	case c.phase == Ended && c.until != 0 && c.tick >= c.until:
		if err := c.begin(c.round + 1); err != nil {
			panic(err) // the same settings made the first round
		}
		c.enter(Running)
	}
	if c.phase == Running {
		c.step()
	}
}

func (c *Core) enter(p Phase) { c.phase, c.since, c.until = p, c.tick, 0 }

// step calls the rules.
func (c *Core) step() {
	c.seats = c.seats[:0]
	for _, p := range c.players {
		c.seats = append(c.seats, p.seat())
	}
	if c.fresh {
		c.welcome()
	}
	before := len(c.removed)
	c.t = game.Tick{N: c.tick, Rand: &c.rand, Players: c.seats, Events: c.evs, Host: host{c}}
	c.world.Step(&c.t)
	c.t = game.Tick{}
	for _, r := range c.removed[before:] { // whom the rules kicked
		c.remove(r.Player)
		c.late = append(c.late, game.Event{Kind: game.EventLeave, Player: r.Player})
	}
}

// welcome replaces the events of a round's first tick: everybody present joins; commands and admin events of this very tick
// follow, the comings and goings do not.
func (c *Core) welcome() {
	c.fresh = false
	c.evs = slices.DeleteFunc(c.evs, func(e game.Event) bool {
		return e.Kind != game.EventAdmin && (e.Kind != game.EventCommand || c.find(e.Player) == nil)
	})
	for i, p := range c.players {
		c.evs = slices.Insert(c.evs, i, game.Event{Kind: game.EventJoin, Player: p.number})
	}
}

// Save returns the whole state as bytes, valid until the next Apply or Load.
func (c *Core) Save() []byte {
	if c.savedFor != c.tick || c.tick == 0 {
		c.saved = c.append(c.saved[:0])
		c.savedFor = c.tick
	}
	return c.saved
}

// Hash returns the 64-bit state hash: XXH64 of the saved bytes.
func (c *Core) Hash() uint64 { return xxhash.Sum64(c.Save()) }

// Tick returns the last tick applied.
func (c *Core) Tick() uint32 { return c.tick }

// Phase returns where the match is in its life.
func (c *Core) Phase() Phase { return c.phase }

// Round returns the number of the round, from 1.
func (c *Core) Round() uint32 { return c.round }

// Static returns the world's unchanging part, or nil.
func (c *Core) Static() []byte { return c.static }

// Result returns the result of the last finished round, or nil.
func (c *Core) Result() []byte { return c.result }

// Over reports whether no further tick will be applied.
func (c *Core) Over() bool { return c.stopped }

// Scores returns the score table where the game keeps one; valid until the next call.
func (c *Core) Scores() []game.Score {
	c.scores = c.scores[:0]
	if s, ok := c.world.(game.Scorer); ok {
		c.scores = s.Scores(c.scores)
	}
	return c.scores
}
