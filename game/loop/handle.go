package loop

import (
	"slices"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// Attach asks to let a link in; the sink's Joined or Refused answers at the next tick. Later calls with the link must
// come after Joined. An id or name of more than journal.MaxString bytes is ErrSize.
func (m *Match) Attach(l Link, a Attach) error {
	if len(a.Who.ID) > journal.MaxString || len(a.Who.Name) > journal.MaxString {
		return ErrSize
	}
	if m.gate != nil && m.gate.held.Load() >= maxHeld {
		m.cfg.Stats.HeldFull.Add(1)
		return ErrBusy
	}
	return m.put(item{kind: itemAttach, link: l, attach: &a})
}

// Answer says that the link's player has received his welcome: the resume token that opened the link is spent.
func (m *Match) Answer(l Link) error { return m.put(item{kind: itemAnswer, link: l}) }

// Sample hands in one sample of the link's player.
func (m *Match) Sample(l Link, s Sample) error {
	return m.put(item{kind: itemSample, link: l, sample: s})
}

// Ack says which reliable message the link's player processed last.
func (m *Match) Ack(l Link, message uint32) error {
	return m.put(item{kind: itemAck, link: l, number: message})
}

// Command hands in a command; the bytes are copied. More than game.MaxCommand are ErrSize.
func (m *Match) Command(l Link, number uint32, data []byte) error {
	if len(data) > game.MaxCommand {
		return ErrSize
	}
	return m.put(item{kind: itemCommand, link: l, number: number, data: slices.Clone(data)})
}

// Detach says that a link is gone. The seat is kept. Always accepted while the match runs, also for a link that was never let in.
func (m *Match) Detach(l Link) { _ = m.put(item{kind: itemDetach, link: l}) }

// Leave gives up the seat of a link's player; the sink's Gone answers.
func (m *Match) Leave(l Link) error { return m.put(item{kind: itemLeave, link: l}) }

// Admin hands the rules an event from an operator or the game's backend; the bytes are copied. More than
// journal.MaxData are ErrSize.
func (m *Match) Admin(data []byte) error {
	return m.put(item{kind: itemAdmin, data: slices.Clone(data)})
}

// Announce tells everybody in the match a text of an operator, as a reliable message of kind MessageAdmin from the next tick; also while it is
// paused. It is journaled. Errors: ErrSize for more than game.MaxMessage bytes, ErrOver, ErrBusy. Any goroutine.
func (m *Match) Announce(text string) error {
	if len(text) > game.MaxMessage {
		return ErrSize
	}
	return m.put(item{kind: itemSay, data: []byte(text)})
}

// Kick removes a player by his id. More than journal.MaxData bytes are ErrSize.
func (m *Match) Kick(id, why string) error {
	return m.put(item{kind: itemKick, id: id, data: []byte(why)})
}

// Stop ends the match at the next tick; wait on Done for the end. With OverShutdown that comes within 2 s even if the last tick is never
// released, or the match is frozen.
func (m *Match) Stop(why Outcome) {
	_ = m.put(item{kind: itemStop, number: uint32(why), data: []byte(why.String())})
	if why == OverShutdown {
		m.hurry()
	}
}

// Done is closed when the match has ended, the sink was told and its recording is complete. With a Replica an end waits for its release, or for
// Retire, or Stop with OverShutdown, for as long as it takes.
func (m *Match) Done() <-chan struct{} { return m.done }

func (m *Match) put(it item) error {
	if len(it.data) > journal.MaxData {
		return ErrSize
	}
	err := m.inbox.put(it)
	if err == ErrBusy {
		m.cfg.Stats.InboxFull.Add(1)
	}
	return err
}

// ID returns the match's id.
func (m *Match) ID() string { return m.cfg.ID }

// Config returns the configuration with its defaults filled in.
func (m *Match) Config() Config { return m.cfg }

// Static returns the world's unchanging part, or nil. It never changes.
func (m *Match) Static() []byte { return m.core.static }

// Tick returns the last tick.
func (m *Match) Tick() uint32 { return m.tick.Load() }

// Clock returns the last tick and the time since that tick was intended to begin.
func (m *Match) Clock() (tick uint32, since time.Duration) {
	tick = m.tick.Load()
	return tick, time.Since(m.began) - time.Duration(m.tickAt.Load())
}

// Lateness returns how long ago a tick began; it is negative for a tick to come.
func (m *Match) Lateness(tick uint32) time.Duration {
	last, since := m.Clock()
	return since - time.Duration(int64(int32(tick-last))*int64(time.Second)/int64(m.cfg.Hz))
}

// Info returns what the API shows: as of the last second, or the last change of players or phase; with a Replica, nothing that was
// not released.
func (m *Match) Info() *Info { return m.info.Load() }

// scores returns the rules' score table. Rules that panic over it are not asked again: it is not worth a match.
func (m *Match) scores() (table []game.Score) {
	if m.noScores {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			m.noScores, table = true, nil
			m.cfg.Stats.Panics.Add(1)
			m.cfg.Log.Error("scores failed", "match", m.cfg.ID, "game", m.cfg.Game.Name, "tick", m.core.tick, "err", p)
		}
	}()
	return m.core.Scores()
}

// publish makes a new Info. Called by the match's goroutine.
func (m *Match) publish() {
	c := m.core
	i := &Info{
		ID: m.cfg.ID, Game: m.cfg.Game.Name, Epoch: m.cfg.Epoch, Phase: c.phase, Paused: c.paused, Round: c.round, Tick: c.tick,
		Hz: m.cfg.Hz, Seats: m.cfg.Seats, Taken: c.seatsTaken(), Result: c.result, Outcome: m.outcome, Started: m.started,
	}
	for _, p := range c.players {
		i.Present = append(i.Present, p.who.ID)
		if p.online {
			i.Online++
		}
	}
	table := m.scores()
	i.Scores = make([]PlayerScore, 0, len(table))
	for _, s := range table {
		line := PlayerScore{Player: s.Player, Team: s.Team, Points: s.Points}
		if p := c.find(s.Player); p != nil {
			line.ID, line.Name = p.who.ID, p.who.Name
		}
		i.Scores = append(i.Scores, line)
	}
	m.info.Store(i)
}
