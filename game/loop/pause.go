package loop

import (
	"slices"

	"github.com/overtime-server/overtime/game"
)

// Pause stops the rules, or lets them go on, from the next tick: by an operator, and journaled. While paused no round advances; samples
// and commands are answered, samples have no effect, and the rules see commands, admin events and who came and went in the
// first tick after the pause. Seats expire as always, and ticks are counted on: to rules that wait for a tick its time may have passed. It returns ErrOver or ErrBusy. Any goroutine.
func (m *Match) Pause(on bool) error {
	it := item{kind: itemPause}
	if on {
		it.number = 1
	}
	return m.put(it)
}

// Finish ends the match at the next tick with a result that an operator or the game's backend gives, as if the rules had ended the
// round with it: players are told, Info.Result is that. It is journaled; the bytes are copied. Errors: ErrSize for more
// than journal.MaxData, ErrOver, ErrBusy. Any goroutine.
func (m *Match) Finish(result []byte) error {
	return m.put(item{kind: itemFinish, data: slices.Clone(result)})
}

// Bounds of the commands and admin events that wait for the end of a pause; what is beyond is answered and has no effect.
const (
	maxKeptEvents    = 256
	maxKeptEventData = 64 << 10
)

// hold lets the events of a paused tick wait for the first tick after the pause, and puts before that tick's own what has waited. A round
// that has not begun needs none of it: everybody joins with its first step.
func (c *Core) hold() {
	switch {
	case c.phase != Running:
	case c.paused:
		c.keep()
	case len(c.kept) > 0:
		if c.void {
			c.kept = slices.DeleteFunc(c.kept, fromOutside)
		}
		c.evs = slices.Insert(c.evs, 0, c.kept...)
		c.kept = nil
	}
}

// fromOutside reports whether an event carries data that somebody sent.
func fromOutside(e game.Event) bool { return e.Kind == game.EventCommand || e.Kind == game.EventAdmin }

// keep moves the events of a paused tick to where the first tick after the pause finds them.
func (c *Core) keep() {
	for _, e := range c.evs {
		switch e.Kind {
		case game.EventLeave:
			c.keepLeave(e)
		case game.EventDrop, game.EventReturn:
			c.keepPresence(e)
		case game.EventJoin:
			c.kept = append(c.kept, e)
		default:
			c.keepData(e)
		}
	}
	c.evs = c.evs[:0]
}

// keepLeave forgets what a player did during the pause. Whom the rules never saw join, they do not see leave.
func (c *Core) keepLeave(e game.Event) {
	joined := false
	c.kept = slices.DeleteFunc(c.kept, func(k game.Event) bool {
		joined = joined || k.Kind == game.EventJoin && k.Player == e.Player
		return k.Player == e.Player
	})
	if !joined {
		c.kept = append(c.kept, e)
	}
}

// keepPresence keeps a drop or a return; one takes the other away, so that each player has one at most.
func (c *Core) keepPresence(e game.Event) {
	i := slices.IndexFunc(c.kept, func(k game.Event) bool {
		return k.Player == e.Player && (k.Kind == game.EventDrop || k.Kind == game.EventReturn)
	})
	if i >= 0 && c.kept[i].Kind != e.Kind {
		c.kept = slices.Delete(c.kept, i, i+1)
	} else if i < 0 {
		c.kept = append(c.kept, e)
	}
}

// keepData keeps a command or an admin event as long as there is room.
func (c *Core) keepData(e game.Event) {
	n, size := 0, len(e.Data)
	for _, k := range c.kept {
		if fromOutside(k) {
			n++
			size += len(k.Data)
		}
	}
	if n < maxKeptEvents && size <= maxKeptEventData {
		e.Data = slices.Clone(e.Data)
		c.kept = append(c.kept, e)
	}
}

// Paused reports whether an operator has stopped the rules.
func (c *Core) Paused() bool { return c.paused }
