package netcode

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/schema"
)

// tapeOf is what bots did in an arena match: the inputs of every tick, per player, and what came of it.
type tapeOf struct {
	inputs        [][]game.Input // by tick - 1, then by number - 1
	points, death int
	rows          []*game.Rows // of the last ticks, kept if asked for
}

// bots in the arena, as many as one match of the product's default has.
const tapePlayers = 16

// rowsView is the state as one player sees it.
type rowsView struct {
	rows *game.Rows
	tick uint32
	me   uint32
}

func (v *rowsView) Tick() uint32 { return v.tick }

func (v *rowsView) Each(kind uint8, f func(id uint32, row []int32)) {
	for _, c := range [...]game.Channel{game.All, game.Own(v.me)} {
		for _, r := range v.rows.Channel(c) {
			if r.Kind == kind {
				f(r.ID, v.rows.Values(r))
			}
		}
	}
}

var tapeHead = journal.Header{Match: "m", Epoch: 1, Game: "arena", Seed: 7, Hz: 30, Every: 1, Seats: tapePlayers, Pause: 30, SeatHold: 1800}

// newCore returns an arena match.
func newCore(t testing.TB) *loop.Core {
	t.Helper()
	head := tapeHead
	head.Version = arena.Game().Version
	c, err := loop.NewCore(arena.Game(), head)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// joins are the events of the first tick.
func joins() (all []journal.Event) {
	for n := range uint32(tapePlayers) {
		id := fmt.Sprint("p", n+1)
		all = append(all, journal.Event{Kind: game.EventJoin, Player: n + 1, Join: journal.Join{ID: id, Name: id}})
	}
	return all
}

// playTape lets bots play so many ticks of an arena match. The rows of the last keep ticks are kept.
func playTape(t testing.TB, ticks, keep int) *tapeOf {
	t.Helper()
	core, def := newCore(t), arena.Game()
	var brains []game.Brain
	for n := range tapePlayers {
		brains = append(brains, def.Brain(game.BrainSetup{Seed: uint64(n), Hz: 30, Static: core.Static(), Skill: 50}))
	}
	tape := &tapeOf{}
	rec := &journal.Record{Events: joins()}
	rows := game.NewRows(loop.Kinds(def))
	for tick := uint32(1); tick <= uint32(ticks); tick++ {
		tape.step(core, rec, tick)
		if ticks-int(tick) < keep {
			rows = game.NewRows(loop.Kinds(def))
			tape.rows = append(tape.rows, rows)
		}
		core.Rows(rows)
		in := make([]game.Input, tapePlayers)
		for n := range in {
			in[n] = brains[n].Think(&rowsView{rows, tick, uint32(n + 1)}, uint32(n+1))
			in[n].Seq, in[n].Seen = tick, tick
		}
		tape.inputs = append(tape.inputs, in)
	}
	for _, r := range rows.Channel(game.All) {
		if r.Kind == 1 { // score: player, body, team, score, deaths
			tape.points += int(rows.Values(r)[3])
			tape.death += int(rows.Values(r)[4])
		}
	}
	return tape
}

// step applies a tick with the inputs that the bots chose after the one before.
func (x *tapeOf) step(core *loop.Core, rec *journal.Record, tick uint32) {
	rec.Tick, rec.Inputs = tick, rec.Inputs[:0]
	if tick > 1 {
		rec.Events = rec.Events[:0]
		in := x.inputs[tick-2]
		for n := range in {
			rec.Inputs = append(rec.Inputs, journal.Inputs{Player: uint32(n + 1), Samples: in[n : n+1], Ack: in[n].Seq})
		}
	}
	if err := core.Apply(rec); err != nil {
		panic(err)
	}
}

// discard is a connection to nowhere that takes raw writes, as a socket with a fast peer does.
type discard struct {
	*os.File
	once sync.Once
	gone chan struct{}
}

func newDiscard(t testing.TB) *discard {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &discard{File: f, gone: make(chan struct{})}
}

func (d *discard) Read([]byte) (int, error) { <-d.gone; return 0, net.ErrClosed }
func (d *discard) Close() error             { d.once.Do(func() { close(d.gone); d.File.Close() }); return nil }
func (d *discard) LocalAddr() net.Addr      { return &net.TCPAddr{} }
func (d *discard) RemoteAddr() net.Addr     { return &net.TCPAddr{} }

func (d *discard) SetDeadline(time.Time) error      { return nil }
func (d *discard) SetReadDeadline(time.Time) error  { return nil }
func (d *discard) SetWriteDeadline(time.Time) error { return nil }

// member returns a session over a connection to nowhere, as it is when its hello has come. Nobody reads from it.
func (e *edge) member() *session {
	e.t.Helper()
	return e.memberOver(newDiscard(e.t))
}

// memberOver is the same over any connection.
func (e *edge) memberOver(nc net.Conn) *session {
	e.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "/v1/play", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	for k, v := range map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": rawKey, "Sec-WebSocket-Protocol": schema.Subprotocol, "Sec-WebSocket-Extensions": cohort.GWSOffer} {
		r.Header.Set(k, v)
	}
	c := newConn(nc, nil, cohort.Cohort, deflating, &e.srv.cfg.Conn)
	x := newSession(e.srv, c)
	if x.ws, err = e.srv.upgrader.UpgradeFromConn(x, c.Reader(), r); err != nil {
		e.t.Fatal(err)
	}
	return x
}
