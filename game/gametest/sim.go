package gametest

import (
	"fmt"
	"slices"

	"github.com/overtime-server/overtime/game"
)

// Sim is one match without a server. It implements game.Host for the rules that it runs. Change a Sim only through its
// methods; the exported fields are for reading.
type Sim struct {
	Def   game.Def
	Setup game.Setup
	Match game.Match

	Tick     uint32 // last tick that ran
	Players  []game.Player
	Rows     *game.Rows // public rows after that tick, sorted
	Result   []byte     // what the rules gave to Tick.End, nil before
	Ended    bool
	Messages int      // reliable messages sent, one per recipient channel
	Kicked   []uint32 // players whom the rules asked to remove; they are gone after the tick

	rand    game.Rand
	lastID  uint32
	events  []game.Event
	seats   []seat // parallel to Players
	handed  game.Tick
	numbers uint32 // last player number given
}

// seat is what the loop would know of one player.
type seat struct {
	brain  game.Brain
	view   View
	inputs []game.Input // for the next tick
	spent  []game.Input // handed to the rules in this tick
	seq    uint32
}

// New makes a match of a game for a setup; Static is filled in, zero Hz and Seats get the game's defaults.
func New(def game.Def, setup game.Setup) (*Sim, error) {
	def = def.WithDefaults()
	if err := def.Validate(); err != nil {
		return nil, err
	}
	if setup.Hz == 0 {
		setup.Hz = def.Hz
	}
	if setup.Seats == 0 {
		setup.Seats = def.Seats
	}
	if setup.Static == nil && def.Static != nil {
		setup.Static = def.Static(setup)
	}
	m, err := def.New(setup)
	if err != nil {
		return nil, fmt.Errorf("new match: %w", err)
	}
	s := &Sim{Def: def, Setup: setup, Match: m, Rows: game.NewRows(def.Kinds), rand: *game.NewRand(setup.Seed)}
	return s, nil
}

// Join seats a player and returns his number; p.Number is ignored. He is online.
func (s *Sim) Join(p game.Player) uint32 {
	s.numbers++
	p.Number, p.Online = s.numbers, true
	s.Players = append(s.Players, p)
	s.seats = append(s.seats, seat{})
	s.event(game.EventJoin, p.Number, nil)
	return p.Number
}

// Bots seats n players with the game's brains at a skill and returns the first one's number.
func (s *Sim) Bots(n, skill int) uint32 {
	first := s.numbers + 1
	for range n {
		s.Bot(skill, 0)
	}
	return first
}

// Bot seats a player with the game's brain at a skill, in a team or 0, and returns his number.
func (s *Sim) Bot(skill int, team uint32) uint32 {
	number := s.Join(game.Player{Name: fmt.Sprintf("bot %d", s.numbers+1), Bot: true, Team: team})
	s.Drive(number, s.Def.Brain(game.BrainSetup{
		Seed: s.Setup.Seed<<16 ^ uint64(number), Hz: s.Setup.Hz, Static: s.Setup.Static, Skill: skill,
	}))
	return number
}

// Drive lets a brain think for a player before every tick; nil takes it away.
func (s *Sim) Drive(player uint32, b game.Brain) {
	if i := s.index(player); i >= 0 {
		s.seats[i].brain = b
		s.seats[i].view = View{sim: s, player: player}
	}
}

// Leave removes a player for good.
func (s *Sim) Leave(player uint32) {
	if i := s.index(player); i >= 0 {
		s.Players = slices.Delete(s.Players, i, i+1)
		s.seats = slices.Delete(s.seats, i, i+1)
		s.event(game.EventLeave, player, nil)
	}
}

// Drop breaks a player's connection; his seat is kept.
func (s *Sim) Drop(player uint32) { s.setOnline(player, false, game.EventDrop) }

// Return brings a dropped player back.
func (s *Sim) Return(player uint32) { s.setOnline(player, true, game.EventReturn) }

func (s *Sim) setOnline(player uint32, on bool, kind game.EventKind) {
	if i := s.index(player); i >= 0 && s.Players[i].Online != on {
		s.Players[i].Online = on
		s.event(kind, player, nil)
	}
}

// Command queues one command of a player for the next tick.
func (s *Sim) Command(player uint32, data []byte) { s.event(game.EventCommand, player, data) }

// Admin queues an operator's event for the next tick.
func (s *Sim) Admin(data []byte) { s.event(game.EventAdmin, 0, data) }

// Input queues a sample of a player for the next tick; of more than two the oldest are lost, as with the server's credits.
func (s *Sim) Input(player uint32, in game.Input) {
	i := s.index(player)
	if i < 0 {
		return
	}
	seat := &s.seats[i]
	seat.seq++
	in.Seq, in.Seen = seat.seq, s.Tick
	if len(seat.inputs) == game.MaxInputsTick {
		seat.inputs = append(seat.inputs[:0], seat.inputs[1:]...)
	}
	seat.inputs = append(seat.inputs, in)
}

func (s *Sim) event(kind game.EventKind, player uint32, data []byte) {
	s.events = append(s.events, game.Event{Kind: kind, Player: player, Data: data})
}

// Think lets the brains of all online players choose their controls for the next tick. Step does not: a benchmark may
// time the two apart.
func (s *Sim) Think() {
	for i := range s.seats {
		if b := s.seats[i].brain; b != nil && s.Players[i].Online {
			s.Input(s.Players[i].Number, b.Think(&s.seats[i].view, s.Players[i].Number))
		}
	}
}

// Step runs one tick of the rules and collects the rows.
func (s *Sim) Step() {
	s.Tick++
	for i := range s.seats {
		seat := &s.seats[i]
		seat.spent, seat.inputs = seat.inputs, seat.spent[:0]
	}
	s.handed = game.Tick{N: s.Tick, Rand: &s.rand, Players: s.Players, Events: s.events, Host: s}
	s.Match.Step(&s.handed)
	s.events = s.events[:0]
	for _, p := range s.Kicked {
		s.Leave(p)
	}
	s.Kicked = s.Kicked[:0]
	s.Collect()
}

// Collect fills Rows anew from the match.
func (s *Sim) Collect() {
	s.Rows.Reset()
	s.Match.Rows(s.Rows)
	s.Rows.Sort()
}

// Run is Think and Step n times, or until the match has ended.
func (s *Sim) Run(n int) {
	for ; n > 0 && !s.Ended; n-- {
		s.Think()
		s.Step()
	}
}

// Player returns a player's entry, or nil.
func (s *Sim) Player(number uint32) *game.Player {
	if i := s.index(number); i >= 0 {
		return &s.Players[i]
	}
	return nil
}

func (s *Sim) index(number uint32) int {
	i, ok := slices.BinarySearchFunc(s.Players, number, func(p game.Player, n uint32) int { return int(p.Number) - int(n) })
	if !ok {
		return -1
	}
	return i
}

// Pending returns the samples of a player that wait for the next tick. The slice is valid until Step.
func (s *Sim) Pending(player uint32) []game.Input {
	if i := s.index(player); i >= 0 {
		return s.seats[i].inputs
	}
	return nil
}
