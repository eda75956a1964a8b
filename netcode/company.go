package netcode

import (
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/cohort"
)

// company is a set of members that are sent the same bytes and so share one compression window: those of one team, or those
// without one. Its window holds what they were sent, so what a joiner gets depends on whether he may know it: without a team he is primed with the window's
// last bytes; in a team the window is reset instead, for he must not see what his team saw before he came. Owned by the match's goroutine.
type company struct {
	team    *stream // nil: no team
	window  *cohort.Window
	members int
	inside  int  // members whose inflater has seen the window, as of this tick
	waiting bool // somebody of a team waits for a reset
	reset   uint32

	// this tick's frames; valid if built
	built     bool
	all, mate []byte // mate: the team's; empty if it says nothing
	prime     []byte // the primer of primed
	primed    *coded // nil: none this tick
	allRaw    int    // sizes without compression
	mateRaw   int
}

// outside is how long a member who missed a frame is served outside of the window before he is primed again.
const outsideSeconds = 5

// company returns the one of a team, or that of those without.
func (m *Match) company(team game.Channel) *company {
	for _, c := range m.companies {
		if c.team == nil && team == game.All || c.team != nil && c.team.channel == team {
			return c
		}
	}
	c := &company{window: m.srv.deflate.NewWindow()}
	if team != game.All {
		c.team = newStream(m.tables, team, m.ringSize)
	}
	m.companies = append(m.companies, c)
	return c
}

// begin opens a tick: who is inside, and whether a window is due for a reset.
func (c *company) begin(m *Match, t *tick) {
	c.built, c.primed, c.inside = false, nil, 0
	if c.waiting && t.Tick-c.reset >= uint32(m.Config().Hz) {
		c.window.Reset()
		c.waiting, c.reset = false, t.Tick
		for _, x := range m.members {
			if p := &x.member; p.company == c && p.hasAny && x.Class() == cohort.Cohort && t.Tick >= p.well {
				p.inside = true
			}
		}
	}
	for _, x := range m.members {
		p := &x.member
		if p.company != c || !p.inside {
			continue
		}
		if !p.hasAny || p.has != m.before || !m.all.has(m.before) {
			p.inside = false // he missed a frame of the window
			continue
		}
		c.inside++
	}
	if c.inside > 0 {
		c.build(m, t)
	}
}

// build makes the frames that everybody inside gets. From here on whoever is not sent them is outside.
func (c *company) build(m *Match, t *tick) {
	c.built = true
	c.mate, c.mateRaw = c.mate[:0], 0
	if c.team != nil {
		if s := m.message(c.team, t, !c.team.has(m.before), m.before); !s.predicted {
			c.mate, c.mateRaw = c.frame(m, c.mate, s), len(s.plain)
		}
	}
	s := m.message(m.all, t, false, m.before)
	c.all, c.allRaw = c.frame(m, c.all[:0], s), len(s.plain)
}

func (c *company) frame(m *Match, dst []byte, s *coded) []byte {
	out, ok := c.window.Append(m.scratch[:0], s.msg())
	m.scratch = out
	if !ok {
		return append(dst, s.plain...)
	}
	return AppendFrame(dst, true, out)
}

// primer returns a frame with a message of channel All that also brings the receiver's inflater in line with the window.
func (c *company) primer(m *Match, s *coded) []byte {
	if c.primed != s {
		m.scratch = c.window.Prime(m.scratch[:0], s.msg())
		c.prime, c.primed = AppendFrame(c.prime[:0], true, m.scratch), s
	}
	return c.prime
}
