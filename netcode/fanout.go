package netcode

import (
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
)

// Frame implements loop.Sink: it sends a tick to everybody. It never blocks.
func (m *Match) Frame(f *loop.Frame) {
	<-m.ready
	cfg := m.Config()
	number := f.Tick / uint32(cfg.Every)
	if f.State {
		m.all.next(f.Tick, number, f.Rows, m.sent)
		m.srv.stats.RowsDropped.Add(uint64(m.all.now.Dropped()))
		for _, s := range m.teams {
			s.next(f.Tick, number, f.Rows, m.sent)
		}
		m.sent = !f.Shed
	}
	if f.Shed {
		return
	}
	if f.Roster {
		m.roster = m.roster[:0]
		f.Players(func(p game.Player) {
			m.roster = append(m.roster, schema.RosterEntry{Number: p.Number, Name: p.Name, Team: p.Team, Online: p.Online, Bot: p.Bot, Spectator: p.Spectator})
		})
	}
	t := tick{Frame: f, number: number, opt: delta.Options{
		Epoch: cfg.Epoch, FullHash: number%uint32(max(1, cfg.Hz/cfg.Every)) == 0,
	}}
	for i := 0; i < len(m.members); {
		if x := m.members[i]; x.closing.Load() {
			m.forget(x) // its connection broke: the loop keeps the seat, and says nothing to us
		} else {
			m.deliver(x, &t)
			i++
		}
	}
}

// tick is what deliver needs to know about the tick being sent.
type tick struct {
	*loop.Frame
	number uint32 // of the state frame
	opt    delta.Options
}

// deliver sends one member what this tick has for him, in one write.
func (m *Match) deliver(x *session, t *tick) {
	p := &x.member
	if p.fresh && !t.State {
		return // the welcome goes with a keyframe
	}
	x.Cork()
	if p.fresh {
		x.write(m.welcome(x))
	}
	if p.fresh || t.Roster {
		x.write(m.writer.Roster(m.roster))
	}
	m.messages(x, t)
	if t.Tick >= p.renew {
		p.renew = t.Tick + uint32(resumeLife.Seconds()/2)*uint32(m.Config().Hz)
		x.write(m.writer.Resume(m.resumeToken(&p.seat)))
	}
	if t.State {
		m.state(x, t)
	}
	if p.fresh {
		p.fresh = false
		x.live.Store(true) // before it leaves: the answer to the welcome may be faster than what follows here
	}
	_ = x.Flush() // fails only where the connection is gone, which its reader reports
}

// messages sends the reliable messages that the player has not been sent yet.
func (m *Match) messages(x *session, t *tick) {
	p := &x.member
	m.msgs = m.msgs[:0]
	t.Messages(p.seat.Player.Number, p.sent, func(n uint32, kind uint8, data []byte) {
		m.msgs = append(m.msgs, schema.Message{Number: n, Kind: kind, Data: data})
		p.sent = n
	})
	if len(m.msgs) > 0 {
		x.write(m.writer.Messages(m.msgs))
	}
}

// state sends the state frame: own rows, the team's, then All. A connection that still has bytes waiting misses it.
func (m *Match) state(x *session, t *tick) {
	p := &x.member
	if x.Busy() {
		p.behind, p.hasAny = true, false
		m.srv.stats.FramesSkipped.Add(1)
		return
	}
	key := x.wantKey.Swap(false) || !p.hasAny || !m.all.hasBase(p.has)
	m.own(x, t, key)
	if p.team != nil {
		m.shared(x, p.team, t, key || !p.team.hasBase(p.has), false)
	}
	if !m.shared(x, m.all, t, key, true) {
		p.behind, p.hasAny = true, false
		return
	}
	p.has, p.hasAny, p.behind = t.number, true, false
	m.srv.stats.StateFrames.Add(1)
	if key {
		m.srv.stats.Keyframes.Add(1)
	}
}

// shared sends a stream's frame, which is encoded by the first member that needs it. A frame that says nothing is left out
// where it need not be sent. It reports whether the client is up to date.
func (m *Match) shared(x *session, s *stream, t *tick, key, always bool) bool {
	p, base := &s.diff, s.base
	if key {
		p, base = &s.key, nil
	}
	if !always && !key && !t.opt.FullHash && delta.Predicted(base, s.now) {
		return true
	}
	if !p.done {
		m.scratch = p.build(m.enc.Encode(base, s.now, t.opt), m.srv.deflate, m.srv.stats, m.scratch)
	}
	ok := x.SendFrame(p.frame(x.Class()))
	if ok {
		m.srv.stats.MessagesOut.Add(1)
	} else {
		m.srv.stats.FramesSkipped.Add(1)
	}
	return ok
}

// own sends the rows that only this player sees, unless his client predicts them.
func (m *Match) own(x *session, t *tick, key bool) {
	p := &x.member
	if p.own[0] == nil {
		return
	}
	base, now := p.own[0], p.own[1]
	if key {
		base = nil
	}
	now.Build(t.Tick, t.number, base, t.Rows.Channel(game.Own(p.seat.Player.Number)), t.Rows)
	p.own[0], p.own[1] = now, p.own[0]
	if base != nil && !t.opt.FullHash && delta.Predicted(base, now) {
		return
	}
	m.ownBuf = AppendFrame(m.ownBuf[:0], false, m.enc.Encode(base, now, t.opt))
	if x.SendReliable(m.ownBuf) == nil {
		m.srv.stats.MessagesOut.Add(1)
	}
}
