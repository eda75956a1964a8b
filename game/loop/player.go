package loop

import (
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// player is everything that the match remembers of one participant. All of it is match state: saved, hashed, and changed by
// Core.Apply only.
type player struct {
	number     uint32
	who        journal.Join
	online     bool
	gone       uint32 // tick in which he dropped, while offline
	generation uint32 // of resume tokens that are valid now
	command    uint32 // last command applied

	// samples
	ack      uint32     // last sample answered
	applied  uint32     // counts of answers
	merged   uint32     //
	late     uint32     //
	refused  uint32     //
	last     game.Input // last sample applied
	repeats  uint8      // ticks for which last was repeated
	hasInput bool       // last is valid

	out outbox // reliable messages not yet acknowledged

	// this tick only, not saved
	now  [game.MaxInputsTick]game.Input
	nnow int
}

// seat is how the rules see the player.
func (p *player) seat() game.Player {
	return game.Player{
		Number: p.number, Team: p.who.Team, Name: p.who.Name,
		Online: p.online, Bot: p.who.Bot, Spectator: p.who.Spectator,
	}
}

// control sets this tick's samples from what the record holds, or from a repetition of the last.
func (p *player) control(samples []game.Input) {
	p.nnow = copy(p.now[:], samples)
	switch {
	case p.nnow > 0:
		p.last, p.repeats, p.hasInput = p.now[p.nnow-1], 0, true
	case p.hasInput && p.repeats < game.MaxRepeat && p.online:
		p.repeats++
		p.now[0], p.nnow = p.last, 1
		p.now[0].Repeated = true
	default:
		p.hasInput = false
	}
}

// find returns the player with a number, or nil. Players are kept in ascending order.
func (c *Core) find(number uint32) *player {
	i, ok := slices.BinarySearchFunc(c.players, number, func(p *player, n uint32) int { return int(int64(p.number) - int64(n)) })
	if !ok {
		return nil
	}
	return c.players[i]
}

// seatsTaken counts players that are not spectators.
func (c *Core) seatsTaken() (n int) {
	for _, p := range c.players {
		if !p.who.Spectator {
			n++
		}
	}
	return n
}

func (c *Core) remove(number uint32) {
	c.players = slices.DeleteFunc(c.players, func(p *player) bool { return p.number == number })
}
