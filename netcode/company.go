package netcode

import (
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/cohort"
)

// company is a set of members that are sent the same bytes and so share one compression window: those of one team, or without one,
// at one rate of state frames. Its window holds what they were sent, so what a newcomer gets depends on whether he may know it, and on
// what it costs him: at the full rate and without a team he is primed with the window's last bytes; in a team the window is reset
// instead, for he must not see what his team saw before he came, and so it is at the lower rates, where a line has no room for a primer.
// A member with a view of his own has a company to himself.
// Owned by the match's goroutine.
type company struct {
	team    *stream    // nil: no team
	step    int        // of the rate, as in pace
	view    *reduction // nil: everybody inside has the state of the ring; else the only member's
	window  *cohort.Window
	members int
	base    uint32 // number of the state frame that everybody inside has
	inside  int    // members whose inflater has seen the window, as of this tick
	waiting bool   // somebody waits for a reset
	reset   uint32 // tick of the last one

	// this tick's frames; valid if built
	built     bool
	all, mate []byte // mate: the team's; empty if it says nothing
	prime     []byte // the primer of primed
	primed    *coded // nil: none this tick
	allRaw    int    // sizes without compression
	mateRaw   int
	solo      *member // the only one inside, if his own rows went through the window too
	own       []byte  // those, empty if there is nothing to say
}

// outsideSeconds is how long a member who missed a frame is served outside of the window before he is primed again.
const outsideSeconds = 5

// company returns the one of a team, or that of those without, at a rate.
func (m *Match) company(team game.Channel, step int) *company {
	for _, o := range m.companies {
		if o.channel() == team && o.step == step && o.view == nil {
			return o
		}
	}
	return m.found(&company{step: step}, team)
}

// found adds a company, of a team or of those without.
func (m *Match) found(c *company, team game.Channel) *company {
	if i := slices.IndexFunc(m.teams, func(s *stream) bool { return s.channel == team }); i >= 0 {
		c.team = m.teams[i]
	} else if team != game.All {
		c.team = newStream(m.tables, team, m.ringSize)
		m.teams = append(m.teams, c.team)
	}
	c.window = m.srv.deflate.NewWindow()
	m.companies = append(m.companies, c)
	return c
}

// channel is the team's; All without one.
func (c *company) channel() game.Channel {
	if c.team == nil {
		return game.All
	}
	return c.team.channel
}

// enter puts a member into a company, and out of the one where he is.
func (m *Match) enter(p *member, team uint32, step int) { m.join(p, m.company(teamOf(team), step)) }

func (m *Match) join(p *member, c *company) {
	old := p.company
	p.company = c
	p.company.members++
	p.inside = false
	if old != nil {
		m.part(old)
	}
}

// part takes one member out of a company's count; an empty company is dropped, and so is a team's stream that nobody reads.
func (m *Match) part(c *company) {
	if c.members--; c.members > 0 {
		return
	}
	c.window.Close()
	m.companies = slices.DeleteFunc(m.companies, func(o *company) bool { return o == c })
	if !slices.ContainsFunc(m.companies, func(o *company) bool { return o.team == c.team }) {
		m.teams = slices.DeleteFunc(m.teams, func(s *stream) bool { return s == c.team })
	}
}

// begin opens a tick: who is inside, whether the window is due for a reset, and what those inside are sent.
func (c *company) begin(m *Match, t *tick) {
	c.built, c.primed, c.solo, c.inside = false, nil, nil, 0
	due := 0
	for _, x := range m.members {
		p := &x.member
		if p.company != c || !p.inside {
			continue
		}
		if !p.hasAny || p.has != c.base || !m.reaches(p, t) {
			p.inside = false // he missed a frame of the window
			continue
		}
		if c.inside++; x.due() {
			due++
		}
	}
	if c.waiting && (c.inside == 0 || t.Tick-c.reset >= uint32(t.cfg.Hz)) {
		due += c.restart(m, t)
	}
	if due > 0 {
		c.build(m, t)
	}
}

// restart empties the window, which lets everybody in who has the same state as those inside, or if nobody is, the same as the
// one who was served last. It returns how many come in.
func (c *company) restart(m *Match, t *tick) int {
	m.enters = m.enters[:0]
	for _, x := range m.members {
		p := &x.member
		if p.company != c || p.inside || !p.hasAny || p.resumed || !m.reaches(p, t) || !x.due() || !x.mayEnter(t) {
			continue
		}
		if c.inside == 0 && (len(m.enters) == 0 || p.has > c.base) {
			c.base, m.enters = p.has, m.enters[:0]
		}
		if p.has == c.base {
			m.enters = append(m.enters, p)
		}
	}
	if len(m.enters) == 0 {
		return 0
	}
	c.window.Reset()
	c.waiting, c.reset = false, t.Tick
	n := len(m.enters)
	for _, p := range m.enters {
		p.inside = true
	}
	clear(m.enters)
	c.inside += n
	return n
}

// build makes the frames that everybody inside gets. From here on whoever is not sent them is outside.
func (c *company) build(m *Match, t *tick) {
	c.built = true
	c.mate, c.mateRaw = c.mate[:0], 0
	c.own = c.own[:0]
	if c.step > 0 && c.inside == 1 {
		c.buildOwn(m, t)
	}
	if c.view != nil {
		c.view.spent = len(c.own)
	}
	if c.team != nil {
		if s := m.said(c.view, c.team, t, c.view == nil && !c.team.has(c.base), c.base); !s.predicted {
			c.mate, c.mateRaw = c.deflate(m, c.mate, s.msg()), len(s.plain)
		}
	}
	s := m.said(c.view, m.all, t, false, c.base)
	c.all, c.allRaw = c.deflate(m, c.all[:0], s.msg()), len(s.plain)
	c.base = t.number
}

// buildOwn takes the own rows of the only one inside into the window, which costs a third of the bytes. Nobody else ever sees what it
// holds: at the lower rates it is emptied for every newcomer.
func (c *company) buildOwn(m *Match, t *tick) {
	for _, x := range m.members {
		if p := &x.member; p.company == c && p.inside {
			c.solo = p
		}
	}
	if msg := m.ownMessage(c.solo, t, false); msg != nil {
		c.own = c.deflate(m, c.own, msg)
	}
}

// deflate appends a message as a frame for everybody inside.
func (c *company) deflate(m *Match, dst, msg []byte) []byte {
	out, ok := c.window.Append(m.scratch[:0], msg)
	m.scratch = out
	if !ok {
		return AppendFrame(dst, false, msg)
	}
	return AppendFrame(dst, true, out)
}

// primes reports whether a newcomer is primed. If nobody is inside, a reset costs nobody anything.
func (c *company) primes() bool { return c.team == nil && c.step == 0 && c.built }

// primer returns a frame with a message of channel All that also brings the receiver's inflater in line with the window.
func (c *company) primer(m *Match, s *coded) []byte {
	if c.primed != s {
		m.scratch = c.window.Prime(m.scratch[:0], s.msg())
		c.prime, c.primed = AppendFrame(c.prime[:0], true, m.scratch), s
	}
	return c.prime
}
