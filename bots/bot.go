package bots

import (
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// mind gives a player its brain once the welcome says what it plays in. It is the handler that all bots have in common.
type mind struct {
	client.Nop
	def    game.Def
	seed   uint64
	skill  int
	static func(hash string) []byte
	brain  game.Brain
}

// Welcome makes the brain, once.
func (m *mind) Welcome(_ *client.Client, w *schema.Welcome, _ bool) {
	if m.brain != nil {
		return
	}
	s := game.BrainSetup{Seed: m.seed, Hz: int(w.Hz), Skill: m.skill}
	if w.MapHash != "" {
		s.Static = m.static(w.MapHash)
	}
	if m.def.Brain == nil {
		m.brain = &fidget{rand: game.NewRand(m.seed)}
		return
	}
	m.brain = m.def.Brain(s)
}

// Frame thinks and sends.
func (m *mind) Frame(c *client.Client, _ uint32) { c.Send(m.brain.Think(c.View(), c.Player())) }

// fidget is the brain of bots in games that have none: controls that change now and then.
type fidget struct {
	rand *game.Rand
	in   game.Input
	hold int
}

// Think implements game.Brain.
func (f *fidget) Think(game.View, uint32) game.Input {
	if f.hold--; f.hold < 0 {
		f.hold = f.rand.Range(5, 60)
		f.in = game.Input{Buttons: 1 << f.rand.IntN(16)}
		for i := range f.in.Axes {
			f.in.Axes[i] = int16(f.rand.Range(-32767, 32767))
		}
	}
	return f.in
}

// bot is one player of a run.
type bot struct {
	mind
	run    *run
	match  *match
	client *client.Client
	watch  *activity // one bot of each match looks around, the others have none
	sight  *Sight    // nil: nobody wants to know

	// Owned by the goroutine of the client, read by others after it has ended or once settled is set.
	began   time.Time
	number  uint32 // of the player
	unnamed uint64 // samples that were answered, but not by name

	joined  atomic.Bool
	moved   atomic.Bool  // he came back as another player: the seat was lost
	ended   atomic.Bool  // by itself, before the bots were told to leave
	settled atomic.Bool  // everything that had to be answered is
	last    atomic.Int64 // when the last state frame came, as time since the run began
}

// Welcome implements client.Handler.
func (b *bot) Welcome(c *client.Client, w *schema.Welcome, resumed bool) {
	b.mind.Welcome(c, w, resumed)
	b.sight.welcome(c, w)
	if b.number != 0 && b.number != w.Player {
		b.moved.Store(true)
	}
	b.number = w.Player
	if b.watch == nil && b.match.watcher == b {
		b.watch = newActivity(w.Kinds)
	}
}

// Frame implements client.Handler.
func (b *bot) Frame(c *client.Client, tick uint32) {
	b.mind.Frame(c, tick)
	b.sight.frame(c, tick)
	end := b.run.settleBy.Load() // first: who has settled was heard of after the end
	b.last.Store(int64(time.Since(b.run.start)))
	if !b.joined.Load() {
		b.joined.Store(true)
		b.run.joins.add(time.Since(b.began))
		for moves := c.Stats().Moves; ; {
			if most := b.run.moved.Load(); moves <= most || b.run.moved.CompareAndSwap(most, moves) {
				break
			}
		}
		b.run.arrived <- b
	}
	if b.watch != nil && b.run.counting.Load() {
		b.watch.frame(c.View())
	}
	if end != 0 && !b.settled.Load() {
		if c.Unanswered(time.Since(b.run.start)-time.Duration(end)) == 0 {
			s := c.Stats()
			b.unnamed = max(s.Answered, s.Applied+s.Merged+s.Late+s.Refused) - (s.Applied + s.Merged + s.Late + s.Refused)
			b.settled.Store(true)
		}
	}
}

// away reports whether the bot had joined and has not been heard of since a time, though it still tried.
func (b *bot) away(since time.Duration) bool {
	return b.joined.Load() && !b.ended.Load() && time.Duration(b.last.Load()) < since
}
