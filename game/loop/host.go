package loop

import (
	"fmt"
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// host is the loop's side of a game.Tick.
type host struct{ c *Core }

var _ game.Host = host{}

// Inputs returns this tick's samples of a player.
func (h host) Inputs(number uint32) []game.Input {
	if p := h.c.find(number); p != nil {
		return p.now[:p.nnow]
	}
	return nil
}

// NewID returns the next row id. Ids from 1; the built-in rows have 0.
func (h host) NewID() uint32 { h.c.lastID++; return h.c.lastID }

// Send queues a reliable message for everybody in a channel.
func (h host) Send(to game.Channel, msg []byte) {
	if len(msg) > game.MaxMessage {
		panic(fmt.Sprintf("game %s: message of %d bytes, at most %d", h.c.def.Name, len(msg), game.MaxMessage))
	}
	own, isOwn := to.IsOwn()
	team, isTeam := to.IsTeam()
	for _, p := range h.c.players {
		if isOwn && p.number != own || isTeam && p.who.Team != team {
			continue
		}
		h.c.lost += p.out.push(MessageGame, msg)
	}
}

// SetTeam changes a player's team, which is match state, and his entry in the tick's list.
func (h host) SetTeam(number, team uint32) {
	p := h.c.find(number)
	if p == nil || p.who.Team == team {
		return
	}
	p.who.Team, h.c.moved = team, true
	for i := range h.c.seats {
		if h.c.seats[i].Number == number {
			h.c.seats[i].Team = team
		}
	}
}

// Kick marks a player to be removed at the end of this tick. The first reason counts.
func (h host) Kick(number uint32, why string) {
	marked := func(r Removal) bool { return r.Player == number }
	if h.c.find(number) != nil && !slices.ContainsFunc(h.c.removed, marked) {
		h.c.removed = append(h.c.removed, Removal{Player: number, Kicked: true, Why: why})
	}
}

// End ends the round with a result.
func (h host) End(result []byte) {
	c := h.c
	if c.phase != Running {
		return
	}
	c.end(result)
	if c.head.Pause < 0 {
		c.stopped = true
	} else {
		c.until = c.tick + max(1, uint32(c.head.Pause))
	}
}

// end ends the round with a result and tells the players.
func (c *Core) end(result []byte) {
	c.enter(Ended)
	c.result = slices.Clone(result)
	c.ended = true
	kept := c.result
	if len(kept) > maxResult {
		kept = nil
	}
	for _, p := range c.players {
		c.lost += p.out.push(MessageResult, kept)
	}
}

// say tells all players what an operator has to say. Bytes beyond game.MaxMessage are cut: the journal may hold more.
func (c *Core) say(text []byte) {
	text = text[:min(len(text), game.MaxMessage)]
	for _, p := range c.players {
		c.lost += p.out.push(MessageAdmin, text)
	}
}

// anonymous reports whether events of a kind are about no player who is there.
func anonymous(k journal.EventKind) bool {
	switch k {
	case game.EventJoin, game.EventAdmin, journal.EventStop, journal.EventPause, journal.EventFinish, journal.EventSay:
		return true
	}
	return false
}

// event applies one journaled event to the players and passes on what the rules see.
func (c *Core) event(e *journal.Event) error {
	p := c.find(e.Player)
	if p == nil && !anonymous(e.Kind) {
		return fmt.Errorf("tick %d: event %d for unknown player %d", c.tick, e.Kind, e.Player)
	}
	switch e.Kind {
	case game.EventJoin:
		if p != nil || e.Player != c.lastNum+1 {
			return fmt.Errorf("tick %d: join as player %d after %d", c.tick, e.Player, c.lastNum)
		}
		c.lastNum = e.Player
		c.players = append(c.players, &player{number: e.Player, who: e.Join, online: true, generation: 1})
	case game.EventDrop:
		p.online, p.gone = false, c.tick
	case game.EventReturn:
		p.online, p.gone = true, 0
	case game.EventLeave:
		c.leave(e.Player, Removal{Player: e.Player, Why: string(e.Data)})
		return nil
	case journal.EventKick:
		c.leave(e.Player, Removal{Player: e.Player, Kicked: true, Why: string(e.Data)})
		return nil
	case journal.EventSpend:
		p.generation = e.Number
		return nil
	case journal.EventStop:
		c.stopped = true
		return nil
	case journal.EventPause:
		c.paused = e.Number != 0
		return nil
	case journal.EventFinish:
		c.end(e.Data)
		c.stopped, c.kept = true, nil
		return nil
	case journal.EventSay:
		c.say(e.Data)
		return nil
	case game.EventCommand:
		p.command = e.Number
		if c.void {
			return nil
		}
	case game.EventAdmin:
		if c.void {
			return nil
		}
	default:
		return fmt.Errorf("tick %d: unknown event %d", c.tick, e.Kind)
	}
	c.evs = append(c.evs, game.Event{Kind: e.Kind, Player: e.Player, Data: e.Data})
	return nil
}
