package loop

import (
	"fmt"
	"time"

	"github.com/overtime-server/overtime/game/journal"
)

// grace is how long players of a match that goes on here may take to connect before they count as dropped.
const grace = 2 * time.Second

// Continue goes on with a match at the tick after core's last one: a standby's, or one loaded from a checkpoint. The core
// belongs to the match from now on. What the core's header fixes (rates, seats, settings, seed, rounds) is taken from there; cfg gives id and
// game, which must be the same, the epoch, which must not be lower, and all that belongs to this node. Players who were
// online stay so without a link for 2 s, in which they resume as if nothing had been; then they drop, which is journaled. Resume
// tokens, samples, commands and messages go on from what the core has. Config.LastTick keeps the ticks in their
// rhythm. Errors: ErrConfig, and a core that cannot be saved.
func Continue(cfg Config, core *Core, sink Sink) (*Match, error) {
	m, err := continued(cfg, core, sink)
	if err != nil {
		return nil, err
	}
	go m.run()
	return m, nil
}

// continued makes a match whose goroutine is not running yet.
func continued(cfg Config, core *Core, sink Sink) (m *Match, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("game %s: panic: %v", core.def.Name, p)
		}
	}()
	if cfg, err = cfg.follow(core); err != nil {
		return nil, err
	}
	core.head.Epoch = cfg.Epoch
	if m, err = assemble(cfg, core, sink); err != nil {
		return nil, err
	}
	m.plan.adopt(core.tick + ticks(grace, core.head.Hz))
	m.visited = core.lastNum > 0
	return m, nil
}

// follow takes over what a core's header fixes.
func (c Config) follow(core *Core) (Config, error) {
	h := &core.head
	c.Hz, c.Every, c.Seats, c.Seed, c.Settings = h.Hz, h.Every, h.Seats, h.Seed, h.Settings
	c.SeatHold = span(h.SeatHold, h.Hz)
	c.Rounds, c.Pause = RoundsOne, 0
	if h.Pause >= 0 {
		c.Rounds, c.Pause = RoundsRepeat, span(uint32(h.Pause), h.Hz)
	}
	c, err := c.withDefaults()
	switch {
	case err != nil:
		return c, err
	case c.ID != h.Match || c.Game.Name != h.Game || c.Game.Version != h.Version:
		return c, fmt.Errorf("%w: match %s of %s version %d, the core is of %s, %s version %d",
			ErrConfig, c.ID, c.Game.Name, c.Game.Version, h.Match, h.Game, h.Version)
	case c.Epoch < h.Epoch:
		return c, fmt.Errorf("%w: epoch %d after %d", ErrConfig, c.Epoch, h.Epoch)
	}
	return c, nil
}

// span is the time that n ticks take, so that ticks(span(n)) is n.
func span(n uint32, hz int) time.Duration {
	return time.Duration(int64(n) * int64(time.Second) / int64(hz))
}

// adopt makes the seats of a core that others led until now. Who is online has no link yet and is dropped at a tick if
// he does not come. A token that was issued and not answered may be with its player: it is the next generation.
func (p *planner) adopt(until uint32) {
	p.roster, p.grace = true, until
	for _, c := range p.core.players {
		message := c.out.next - uint32(c.out.n)
		p.seats = append(p.seats, &seatOf{
			number: c.number, id: c.who.ID, who: c.who, away: !c.online, issued: c.generation + 1, spent: c.generation,
			command: c.command, message: message, samples: inputBuffer{recv: c.ack, ack: c.ack},
			saidAck: c.ack, saidMessage: message,
		})
	}
}

// expire drops who has not come within the grace.
func (p *planner) expire() {
	if p.grace == 0 || p.rec.Tick < p.grace {
		return
	}
	p.grace = 0
	for _, s := range append([]*seatOf(nil), p.seats...) { // leaving takes seats away
		if s.link == nil && !s.away {
			p.drop(s)
		}
	}
}

// Header returns how the match's journal begins: what a standby builds its Core from, before it loads a checkpoint. Its
// settings must not be changed. Any goroutine.
func (m *Match) Header() journal.Header { return m.core.head }
