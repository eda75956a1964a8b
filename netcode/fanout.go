package netcode

import (
	"slices"

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
	if f.Roster {
		m.takeRoster(f)
	}
	if f.State {
		m.all.next(f.Tick, number, f.Rows)
		m.srv.stats.RowsDropped.Add(uint64(m.all.now.Dropped()))
		for _, s := range m.teams {
			s.next(f.Tick, number, f.Rows)
		}
	}
	t := tick{Frame: f, number: number, cfg: cfg, opt: delta.Options{
		Epoch: cfg.Epoch, FullHash: number%uint32(max(1, cfg.Hz/cfg.Every)) == 0,
	}}
	if f.State {
		for _, x := range m.members {
			m.watch(&x.member, &t)
		}
	}
	if f.Shed {
		return
	}
	for i := 0; i < len(m.members); {
		if x := m.members[i]; x.closing.Load() {
			m.forget(x) // its connection broke: the loop keeps the seat, and says nothing to us
		} else {
			i++
		}
	}
	if f.State {
		for _, x := range m.members {
			m.decide(x, &t)
		}
		for _, c := range m.companies {
			c.begin(m, &t)
		}
	}
	large := len(m.members) >= largeMatch
	for _, x := range m.members {
		switch {
		case !m.deliver(x, &t):
		case large:
			m.fleet.members = append(m.fleet.members, x)
		default:
			_ = x.Flush() // fails only where the connection is gone, which its reader reports
		}
	}
	if large {
		m.fleet.flush(&m.srv.pens)
	}
}

// decide says whether a member is sent this state frame, which decides his company too.
func (m *Match) decide(x *session, t *tick) {
	p := &x.member
	p.what = p.pace.next(x.lag(t.Tick, &t.cfg), t.number)
	switch {
	case p.view != nil && p.pace.thin == nil:
		p.view.whole = true
		m.enter(p, p.seat.Player.Team, p.pace.step)
	case p.view == nil && m.mayReduce(p, t):
		m.reduce(p)
	case p.pace.step != p.company.step:
		m.enter(p, p.seat.Player.Team, p.pace.step)
	}
}

// takeRoster notes who is there, and lets members follow the teams that the rules give.
func (m *Match) takeRoster(f *loop.Frame) {
	m.roster = m.roster[:0]
	f.Players(func(p game.Player) {
		m.roster = append(m.roster, schema.RosterEntry{Number: p.Number, Name: p.Name, Team: p.Team, Online: p.Online, Bot: p.Bot, Spectator: p.Spectator})
		i := slices.IndexFunc(m.members, func(x *session) bool { return !x.closing.Load() && x.member.seat.Player.Number == p.Number })
		if i >= 0 && m.members[i].member.seat.Player.Team != p.Team {
			m.move(&m.members[i].member, p.Team)
		}
	})
}

// move puts a member into another team. He begins anew with a keyframe of All, which makes his client drop the channel of his old team.
func (m *Match) move(p *member, team uint32) {
	p.seat.Player.Team = team
	m.unreduce(p)
	m.enter(p, team, p.company.step)
	p.hasAny = false
}

// tick is what deliver needs to know about the tick being sent.
type tick struct {
	*loop.Frame
	number uint32 // of the state frame
	opt    delta.Options
	cfg    loop.Config
}

// deliver gathers what this tick has for one member. It leaves the connection corked, so that all of it leaves in one write, and
// returns false if there is nothing.
func (m *Match) deliver(x *session, t *tick) bool {
	p := &x.member
	if p.fresh && !t.State {
		return false // the welcome goes with a keyframe
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
	if now := m.standby.Load(); now != p.standby {
		p.standby = now
		x.write(m.writer.Standby(*now))
	}
	if t.State {
		m.state(x, t)
	}
	if p.fresh {
		p.fresh = false
		x.live.Store(true) // before it leaves: the answer to the welcome may be faster than what follows here
	}
	return true
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

// state sends the state frame: own rows, the team's, then All; or leaves it out for somebody who cannot keep up.
func (m *Match) state(x *session, t *tick) {
	p := &x.member
	switch p.what {
	case tooSlow:
		x.end(schema.CloseTooSlow, "")
		return
	case skip:
		if p.pace.ask {
			x.ping()
		}
		m.miss(p, t)
		return
	}
	if p.pace.ask {
		x.ping()
	}
	key := x.wantKey.Swap(false) || !p.hasAny || !m.reaches(p, t)
	m.own(x, t, key || p.resumed)
	if !m.frames(x, t, key) {
		p.hasAny = false
		p.pace.unsent()
		m.miss(p, t)
		return
	}
	if p.view != nil {
		m.showed(p, t, key)
	}
	p.has, p.hasAny, p.resumed = t.number, true, false
	m.srv.stats.StateFrames.Add(1)
	if key {
		m.srv.stats.Keyframes.Add(1)
	}
}

// miss notes that a member was not sent a state frame.
func (m *Match) miss(p *member, t *tick) {
	m.srv.stats.FramesSkipped.Add(1)
	if p.inside && p.company.built {
		p.inside = false
	}
	p.well = t.Tick + outsideSeconds*uint32(m.Config().Hz)
}

// frames sends the shared frames in the form that fits the member. It reports whether they are on their way.
func (m *Match) frames(x *session, t *tick, key bool) bool {
	p, c := &x.member, x.member.company
	if p.inside && c.built && !key {
		return m.put(x, c.mate, c.mateRaw) && m.put(x, c.all, c.allRaw)
	}
	if p.view != nil {
		p.view.spent = len(m.ownBuf)
	}
	if c.team != nil {
		// A team's rows of before cannot be vouched for after a resume: the hello names the hash of All only.
		s := m.said(p.view, c.team, t, key || p.resumed || p.view == nil && !c.team.has(p.has), p.has)
		if !s.predicted && !m.put(x, m.alone(s, x.Class()), len(s.plain)) {
			return false
		}
	}
	s := m.said(p.view, m.all, t, key, p.has)
	p.inside = false
	if x.mayEnter(t) {
		if c.primes() {
			p.inside = true
			return m.put(x, c.primer(m, s), len(s.plain))
		}
		c.waiting = true
	}
	return m.put(x, m.alone(s, x.Class()), len(s.plain))
}

// put sends one frame; an empty one is none. raw is its size without compression.
func (m *Match) put(x *session, frame []byte, raw int) bool {
	if len(frame) == 0 {
		return true
	}
	if !x.SendFrame(frame) {
		return false
	}
	if v := x.member.view; v != nil {
		v.wire += len(frame)
	}
	m.srv.stats.MessagesOut.Add(1)
	m.srv.stats.RawBytes.Add(uint64(raw))
	m.srv.stats.DeflatedBytes.Add(uint64(len(frame)))
	return true
}
