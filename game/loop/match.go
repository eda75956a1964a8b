package loop

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// Match is a running match: one goroutine that owns a Core. Its methods may be called from any goroutine and never block.
type Match struct {
	// static after Start
	cfg     Config
	began   time.Time // base of all times of the schedule
	started time.Time // when the match began, here or at another node
	inbox   inbox
	done    chan struct{} // closed when the goroutine has ended
	wake    chan struct{} // of size 1: something below has changed
	gate    *gate         // nil: nothing is held back

	// orders from any goroutine to the match's
	freeze   atomic.Pointer[freeze]     // nil: none
	retired  atomic.Pointer[retirement] // nil: no
	snapshot atomic.Bool                // a checkpoint is wanted
	stopBy   atomic.Int64               // when waiting for others ends, ns since began; 0: the node does not stop

	// written by the match's goroutine, read by anybody
	tick   atomic.Uint32 // last tick stepped
	tickAt atomic.Int64  // its intended time, ns since began
	info   atomic.Pointer[Info]

	// owned by the match's goroutine
	core    *Core
	sink    Sink
	gather  func() // the sink's, if it is a Gatherer
	sched   schedule
	plan    planner
	rows    *game.Rows
	frame   Frame
	items   []item // memory swapped with the inbox
	log     *journal.Log
	rec     recorder
	panics  int
	quiet   uint32  // ticks for which nobody was online
	visited bool    // somebody has been here
	outcome Outcome // 0 until the end
	told    *freeze // whose done was called
	stale   bool    // Info is to be published when the last tick is released

	noScores bool // the rules panicked: their score table is not asked for
}

// Info is what the API shows of a match.
type Info struct {
	ID, Game string
	Epoch    uint32
	Phase    Phase
	Paused   bool // by an operator
	Round    uint32
	Tick     uint32
	Hz       int
	Seats    int
	Taken    int      // seats taken, kept ones included
	Online   int      // players and spectators with a connection
	Present  []string // ids of players and spectators, those away included
	Scores   []PlayerScore
	Result   []byte  // of the last finished round
	Outcome  Outcome // why the match is over; 0 while it runs
	Started  time.Time
}

// PlayerScore is a line of the score table with the player's name.
type PlayerScore struct {
	Player uint32 `json:"player,omitempty"` // number in the match; 0 for a team's line
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Team   uint32 `json:"team,omitempty"`
	Points int32  `json:"points"`
}

// checkpointEvery is how often the state is kept for a restore.
const checkpointEvery = 2 * time.Second

// alarmGrace is how late an alarm may be before a match wakes by itself.
const alarmGrace = 5 * time.Millisecond

// joinGrace is how long a match waits for its first player, if Empty is shorter.
const joinGrace = time.Minute

// Start checks the configuration and starts the match. sink's methods are called from then on.
func Start(cfg Config, sink Sink) (*Match, error) {
	m, err := newMatch(cfg, sink)
	if err != nil {
		return nil, err
	}
	go m.run()
	return m, nil
}

// newMatch makes a match whose goroutine is not running yet.
func newMatch(cfg Config, sink Sink) (*Match, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	head := cfg.header(time.Now())
	core, err := NewCore(cfg.Game, head)
	if err != nil {
		return nil, err
	}
	return assemble(cfg, core, sink)
}

// assemble makes a match around a core; cfg has its defaults and fits.
func assemble(cfg Config, core *Core, sink Sink) (*Match, error) {
	m := &Match{
		cfg: cfg, began: time.Now(), started: time.UnixMilli(core.head.Started), done: make(chan struct{}), wake: make(chan struct{}, 1),
		core: core, sink: sink,
		rows: game.NewRows(Kinds(cfg.Game)),
		log:  journal.NewLog(journal.LogConfig{MaxRecords: 4 * cfg.Hz, MaxBytes: 8 << 20}),
	}
	if g, ok := sink.(Gatherer); ok {
		m.gather = g.Gather
	}
	m.sched = newSchedule(cfg.Hz, cfg.Phase, m.began)
	if !cfg.LastTick.IsZero() {
		m.sched.follow(cfg.LastTick.Sub(m.began))
	}
	m.tick.Store(core.tick)
	m.tickAt.Store(int64(m.sched.at(-1)))
	m.inbox.limit = 1024 + 64*cfg.Seats
	m.plan = planner{core: core, out: sink, stats: cfg.Stats}
	if cfg.Replica != nil {
		m.gate = &gate{sink: sink, recorded: core.tick, stepped: core.tick}
		m.plan.out, m.plan.gate = m.gate, m.gate
	}
	if err := m.log.Checkpoint(core.tick, core.Save()); err != nil {
		return nil, fmt.Errorf("first checkpoint: %w", err)
	}
	if err := m.rec.open(cfg.Record, core); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	m.publish()
	return m, nil
}

// run is the match's goroutine.
func (m *Match) run() {
	defer close(m.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	alarmed := int64(-1) // the tick that the alarm knows of
	for !m.core.stopped && m.retired.Load() == nil {
		if m.rests() {
			if !m.wait(timer) {
				break
			}
			m.flush()
			continue
		}
		next := m.sched.at(m.sched.next)
		limit := next
		if m.cfg.Alarm != nil && (m.sched.next == alarmed || m.cfg.Alarm(m.began.Add(next), m.wake)) {
			alarmed = m.sched.next
			limit += alarmGrace
		}
		timer.Reset(limit - time.Since(m.began))
		select {
		case <-m.wake:
			m.flush()
			if time.Since(m.began) < next {
				continue
			}
		case <-timer.C:
		}
		if !m.catchUp() {
			m.finish(OverFailed, "the rules failed twice")
			return
		}
	}
	if !m.core.stopped {
		m.abandon()
		return
	}
	why := m.plan.stop
	if why == 0 {
		why = OverFinished
	}
	m.finish(why, why.String())
}

// catchUp runs the ticks that are due. It reports false if the match has failed.
func (m *Match) catchUp() bool {
	n, dropped := m.sched.due(time.Since(m.began))
	m.cfg.Stats.Dropped.Add(uint64(dropped))
	for i := n - 1; i >= 0; i-- {
		if m.core.stopped || m.retired.Load() != nil || m.rests() {
			m.sched.next -= int64(i + 1)
			return true
		}
		intended := m.sched.at(m.sched.next - 1 - int64(i))
		if !m.step(intended, i == 0 || m.restsAfter(m.core.tick+1)) {
			return false
		}
	}
	return true
}

// step runs one tick. last says that no further tick follows at once; others leave their state frame out. It reports
// false if the match has failed.
func (m *Match) step(intended time.Duration, last bool) bool {
	start := time.Since(m.began)
	m.cfg.Stats.Lateness.add(start - intended)
	if m.gather != nil {
		m.gather()
	}
	m.items = m.inbox.swap(m.items)
	if m.gate != nil {
		m.overtake()
	}
	rec := m.plan.plan(m.items)
	clear(m.items)
	if !m.apply(rec) {
		return false
	}
	if m.gate != nil {
		m.gate.record(rec.Tick) // first: who has the record may release it at once, and then hold
		m.cfg.Replica.Record(rec)
	}
	m.tickAt.Store(int64(intended))
	m.tick.Store(m.core.tick)
	m.cfg.Stats.Ticks.Add(1)
	m.cfg.Stats.Messages.Add(uint64(m.core.lost))
	m.plan.applied()
	m.send(last)
	m.flush()
	m.keep(rec)
	m.idle()
	took := time.Since(m.began) - start
	m.cfg.Stats.Duration.add(took)
	if took > time.Second/time.Duration(m.cfg.Hz) {
		m.cfg.Stats.Overruns.Add(1)
	}
	return true
}

// apply applies a record and survives one panic of the rules by running the tick again without samples and commands.
func (m *Match) apply(rec *journal.Record) bool {
	err := m.try(rec)
	if err == nil {
		return true
	}
	m.panics++
	m.cfg.Log.Error("rules failed", "match", m.cfg.ID, "game", m.cfg.Game.Name, "tick", rec.Tick, "err", err)
	if m.panics > 1 {
		m.cfg.Stats.Failed.Add(1)
		return false
	}
	if err := m.restore(); err != nil {
		m.cfg.Stats.Failed.Add(1)
		m.cfg.Log.Error("restore failed", "match", m.cfg.ID, "tick", rec.Tick, "err", err)
		return false
	}
	rec.Void = true
	if err := m.try(rec); err != nil {
		m.cfg.Stats.Failed.Add(1)
		m.cfg.Log.Error("rules failed again", "match", m.cfg.ID, "tick", rec.Tick, "err", err)
		return false
	}
	m.cfg.Stats.Panics.Add(1)
	return true
}

// try applies a record and computes what the tick shows; a panic becomes an error.
func (m *Match) try(rec *journal.Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := m.core.Apply(rec); err != nil {
		return err
	}
	rec.Hash = m.core.Hash()
	if rec.Tick%uint32(m.cfg.Every) == 0 {
		m.core.Rows(m.rows)
	}
	return nil
}

// restore takes the core back to the last tick that went well: the last checkpoint and the records since.
func (m *Match) restore() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in replay: %v", p)
		}
	}()
	_, state, _ := m.log.State()
	if err := m.core.Load(state); err != nil {
		return err
	}
	return m.core.Replay(m.log.Since())
}

// Replay applies records and compares the state hash after each; the error names the first tick that differs.
func (c *Core) Replay(recs []journal.Record) error {
	for i := range recs {
		if err := c.Apply(&recs[i]); err != nil {
			return err
		}
		if h := c.Hash(); h != recs[i].Hash {
			return &DivergedError{Tick: recs[i].Tick, Want: recs[i].Hash, Got: h}
		}
	}
	return nil
}

// DivergedError says that a replayed tick led to another state than the recorded one.
type DivergedError struct {
	Tick      uint32
	Want, Got uint64 // state hashes
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("tick %d: state hash %016x, recorded %016x", e.Tick, e.Got, e.Want)
}

// keep writes the journal and, every two seconds, a checkpoint.
func (m *Match) keep(rec *journal.Record) {
	every := ticks(checkpointEvery, m.cfg.Hz)
	err := m.log.Append(rec)
	if err != nil || rec.Tick%every == 0 {
		if err := m.log.Checkpoint(rec.Tick, m.core.Save()); err != nil {
			m.cfg.Log.Error("checkpoint", "match", m.cfg.ID, "tick", rec.Tick, "err", err)
		}
	}
	if m.gate != nil && (rec.Tick%every == 0 || m.snapshot.Load()) {
		m.snapshot.Store(false)
		m.cfg.Replica.Checkpoint(rec.Tick, m.core.Save())
	}
	if err := m.rec.write(rec, m.core, every*5); err != nil {
		m.cfg.Stats.RecordLost.Add(1)
		m.cfg.Log.Error("recording ended early", "match", m.cfg.ID, "tick", rec.Tick, "err", err)
	}
	if rec.Tick%uint32(m.cfg.Hz) == 0 || m.changed(rec) {
		m.stale = true
		m.inform()
	}
}

// changed reports whether a tick changed who is there, or the phase.
func (m *Match) changed(rec *journal.Record) bool {
	if m.core.since == rec.Tick || len(m.core.removed) > 0 {
		return true
	}
	for i := range rec.Events {
		switch rec.Events[i].Kind {
		case game.EventJoin, game.EventDrop, game.EventReturn, journal.EventPause:
			return true
		}
	}
	return false
}

// idle stops a match where nobody has been online for long.
func (m *Match) idle() {
	for _, p := range m.core.players {
		if p.online {
			m.quiet, m.visited = 0, true
			return
		}
	}
	m.quiet++
	limit := m.cfg.Empty
	if !m.visited {
		limit = max(limit, joinGrace)
	}
	if m.cfg.Empty >= 0 && m.quiet == max(1, ticks(limit, m.cfg.Hz)) {
		m.Stop(OverEmpty)
	}
}
