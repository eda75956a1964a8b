package gametest

import "github.com/overtime-server/overtime/game"

// act is one thing that a driver did to a Sim before a tick. A list of them replays into another Sim.
type act struct {
	kind   actKind
	player uint32
	join   game.Player
	data   []byte
	input  game.Input
}

type actKind uint8

const (
	actJoin actKind = iota
	actLeave
	actDrop
	actReturn
	actCommand
	actAdmin
	actInput
)

func (a act) apply(s *Sim) {
	switch a.kind {
	case actJoin:
		s.Join(a.join)
	case actLeave:
		s.Leave(a.player)
	case actDrop:
		s.Drop(a.player)
	case actReturn:
		s.Return(a.player)
	case actCommand:
		s.Command(a.player, a.data)
	case actAdmin:
		s.Admin(a.data)
	case actInput:
		s.Input(a.player, a.input)
	}
}

// driver makes up what players do: some think with the game's brain, some press anything.
type driver struct {
	rand   *game.Rand
	brains map[uint32]game.Brain
	want   int // players whom it tries to keep in the match
	acts   []act
}

func newDriver(seed uint64, want int) *driver {
	return &driver{rand: game.NewRand(seed ^ 0xd41e), brains: map[uint32]game.Brain{}, want: want}
}

// drive does one tick's worth of things to s and returns the list of them.
func (d *driver) drive(s *Sim) []act {
	d.acts = nil
	d.people(s)
	for _, p := range append([]game.Player(nil), s.Players...) {
		if p.Online && !p.Spectator {
			d.play(s, p.Number)
		}
		if d.rand.Chance(1, 60) {
			d.do(s, act{kind: actCommand, player: p.Number, data: d.garbage(game.MaxCommand)})
		}
	}
	if d.rand.Chance(1, 200) {
		d.do(s, act{kind: actAdmin, data: d.garbage(200)})
	}
	return d.acts
}

func (d *driver) do(s *Sim, a act) {
	a.apply(s)
	d.acts = append(d.acts, a)
}

// people lets players come and go.
func (d *driver) people(s *Sim) {
	seated := 0
	for _, p := range s.Players {
		if !p.Spectator {
			seated++
		}
	}
	if seated < d.want && d.rand.Chance(1, 3) || len(s.Players) == 0 {
		d.join(s, game.Player{Name: "player", Bot: d.rand.Chance(1, 2), Team: uint32(d.rand.IntN(3))})
	} else if len(s.Players) < d.want+3 && d.rand.Chance(1, 200) {
		d.join(s, game.Player{Name: "watcher", Spectator: true})
	}
	if len(s.Players) == 0 || !d.rand.Chance(1, 40) {
		return
	}
	p := s.Players[d.rand.IntN(len(s.Players))]
	switch {
	case d.rand.Chance(1, 4):
		d.do(s, act{kind: actLeave, player: p.Number})
		delete(d.brains, p.Number)
	case p.Online:
		d.do(s, act{kind: actDrop, player: p.Number})
	default:
		d.do(s, act{kind: actReturn, player: p.Number})
	}
}

func (d *driver) join(s *Sim, p game.Player) {
	d.do(s, act{kind: actJoin, join: p})
	number := s.Players[len(s.Players)-1].Number
	if s.Def.Brain != nil && !p.Spectator && d.rand.Chance(2, 3) {
		d.brains[number] = s.Def.Brain(game.BrainSetup{
			Seed: d.rand.Uint64(), Hz: s.Setup.Hz, Static: s.Setup.Static, Skill: d.rand.IntN(101),
		})
	}
}

// play gives one player his samples: usually one, sometimes none or two.
func (d *driver) play(s *Sim, number uint32) {
	if b := d.brains[number]; b != nil {
		d.do(s, act{kind: actInput, player: number, input: b.Think(s.ViewOf(number), number)})
		return
	}
	for range [...]int{0, 1, 1, 1, 1, 1, 1, 2}[d.rand.IntN(8)] {
		bits := d.rand.Uint64()
		in := game.Input{Buttons: uint16(bits), Frac: uint8(bits >> 16), Repeated: bits>>24&7 == 0}
		bits = d.rand.Uint64()
		for i := range in.Axes {
			in.Axes[i] = int16(bits >> (16 * i))
		}
		d.do(s, act{kind: actInput, player: number, input: in})
	}
}

func (d *driver) garbage(limit int) []byte {
	b := make([]byte, d.rand.IntN(d.rand.IntN(limit)+1))
	for i := range b {
		b[i] = byte(d.rand.Uint64())
	}
	return b
}
