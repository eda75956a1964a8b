package netcode

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/delta"
)

// stage is a match whose loop lends its goroutine to a benchmark once everybody has been welcomed.
type stage struct {
	*Match
	members int // to wait for
	frame   chan *loop.Frame
	done    chan struct{}
}

func (s *stage) Frame(f *loop.Frame) {
	s.Match.Frame(f)
	if len(s.Match.members) == s.members && s.frame != nil {
		s.frame <- f
		<-s.done
		s.frame = nil
	}
}

// onStage runs f in place of a match's loop: with a frame to make others from, and members over the connections that connect makes.
func onStage(b *testing.B, members int, connect func(e *edge) *session, f func(m *Match, frame loop.Frame)) {
	b.Helper()
	e := startTCP(b, nil)
	defer e.stop()
	cfg := loop.Config{ID: "m", Game: arena.Game(), Seed: 7, Empty: -1, Seats: members}
	s := &stage{members: members, frame: make(chan *loop.Frame), done: make(chan struct{})}
	frames := s.frame
	kinds := loop.Kinds(cfg.Game)
	tables, err := delta.NewTables(kinds)
	if err != nil {
		b.Fatal(err)
	}
	s.Match = newMatch(e.srv, tables, delta.KindsToWire(kinds))
	if s.Match.Match, err = loop.Start(cfg, s); err != nil {
		b.Fatal(err)
	}
	s.begin()
	for n := range members {
		x := connect(e)
		defer x.Abort()
		id := fmt.Sprint("p", n+1)
		if err := s.Attach(x, loop.Attach{Who: journal.Join{ID: id, Name: id}}); err != nil {
			b.Fatal(err)
		}
	}
	frame := *<-frames
	b.ReportAllocs()
	f(s.Match, frame)
	close(s.done)
	s.Stop(loop.OverFinished)
	<-s.Done()
}

// BenchmarkFanout is one state frame of 16 bots in the arena for 16 members: snapshot, encode, deflate, own rows, write.
func BenchmarkFanout(b *testing.B) {
	tape := playTape(b, 900, 300)
	onStage(b, tapePlayers, (*edge).member, func(m *Match, frame loop.Frame) {
		tick := frame.Tick
		next := func() {
			tick++
			frame.Tick, frame.State, frame.Rows, frame.Roster = tick, true, tape.rows[int(tick)%len(tape.rows)], false
			m.Frame(&frame)
		}
		for range tape.rows {
			next()
		}
		raw, deflated := m.srv.stats.RawBytes.Load(), m.srv.stats.DeflatedBytes.Load()
		b.ResetTimer()
		for range b.N {
			next()
		}
		b.StopTimer()
		b.ReportMetric(float64(m.srv.stats.RawBytes.Load()-raw)/float64(b.N), "raw-B/frame")
		b.ReportMetric(float64(m.srv.stats.DeflatedBytes.Load()-deflated)/float64(b.N), "deflated-B/frame")
	})
}

// BenchmarkLargeFanout is the same for more members, over TCP to a peer in the same process that reads between the rounds only, written
// by the match's goroutine alone and together with those that the server has for that.
func BenchmarkLargeFanout(b *testing.B) {
	tape := playTape(b, 900, 300)
	for _, members := range []int{16, 64, 200} {
		for _, pens := range []int{0, runtime.GOMAXPROCS(0) - 1} {
			b.Run(fmt.Sprintf("players=%d/goroutines=%d", members, 1+pens), func(b *testing.B) {
				benchFanout(b, tape, members, pens)
			})
		}
	}
}

func benchFanout(b *testing.B, tape *tapeOf, members, pens int) {
	var peers []net.Conn
	connect := func(e *edge) *session {
		here, there := tcpPair(b)
		peers = append(peers, there)
		return e.memberOver(newNBConn(here))
	}
	onStage(b, members, connect, func(m *Match, frame loop.Frame) {
		m.srv.pens.n = pens
		buf := make([]byte, 64<<10)
		for i := range b.N {
			if i%50 == 0 {
				b.StopTimer()
				for _, p := range peers {
					_ = p.SetReadDeadline(time.Now().Add(time.Millisecond))
					for n := len(buf); n == len(buf); {
						n, _ = p.Read(buf)
					}
				}
				b.StartTimer()
			}
			frame.Tick++
			frame.State, frame.Rows, frame.Roster = true, tape.rows[int(frame.Tick)%len(tape.rows)], false
			for _, x := range m.members {
				x.seen.Store(frame.Tick - 1)
			}
			m.Frame(&frame)
		}
		b.StopTimer()
		if n := m.srv.stats.FramesSkipped.Load(); n > 0 {
			b.Errorf("%d frames were left out", n)
		}
	})
}

// BenchmarkMatch is one tick of the same match from the inputs to the sockets: rules, state hash, rows and fan-out.
func BenchmarkMatch(b *testing.B) {
	const ticks = 10_000
	tape := playTape(b, ticks, 0)
	onStage(b, tapePlayers, (*edge).member, func(m *Match, frame loop.Frame) {
		rows := game.NewRows(loop.Kinds(arena.Game()))
		rec := &journal.Record{}
		var core *loop.Core
		var hash uint64
		first := frame.Tick
		step := func(tick uint32) {
			tape.step(core, rec, tick)
			hash ^= core.Hash()
			core.Rows(rows)
			frame.Tick, frame.State, frame.Rows, frame.Roster = first+tick, true, rows, false
			m.Frame(&frame)
		}
		begin := func() {
			core = newCore(b)
			rec.Events = joins()
			for tick := uint32(1); tick <= 300; tick++ {
				step(tick)
			}
		}
		begin()
		b.ResetTimer()
		for i, tick := 0, uint32(300); i < b.N; i++ {
			if tick++; tick > ticks {
				b.StopTimer()
				first += ticks
				begin()
				tick = 301
				b.StartTimer()
			}
			step(tick)
		}
		if b.StopTimer(); hash == 0 {
			b.Error("no state")
		}
	})
}
