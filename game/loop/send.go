package loop

import "time"

// send hands the tick's frame to the sink, or to the gate where there is one. last says that no further tick follows at once.
func (m *Match) send(last bool) {
	state := m.core.tick%uint32(m.cfg.Every) == 0
	shed := state && !last && !m.core.ended
	if shed {
		m.cfg.Stats.Shed.Add(1)
	}
	if !state && !m.core.ended {
		return
	}
	if m.gate != nil {
		m.shed() // where a round ends between two state frames
	}
	m.frame = Frame{Tick: m.core.tick, State: state, Shed: shed, Rows: m.rows, Roster: m.plan.roster, core: m.core}
	if m.gate != nil && !shed {
		m.gate.frame, m.gate.since = &m.frame, time.Since(m.began)
		return
	}
	m.sink.Frame(&m.frame)
	m.plan.roster = m.plan.roster && (shed || !state)
}

// overtake prepares the gate for the next tick: what may leave does, and a frame whose rows the tick will replace is given to the sink to
// remember only.
func (m *Match) overtake() {
	m.flush()
	m.gate.tick = m.core.tick + 1
	if m.gate.tick%uint32(m.cfg.Every) == 0 {
		m.shed()
	}
}

// shed gives up the frame that waits.
func (m *Match) shed() {
	if f := m.gate.frame; f != nil {
		f.Roster = m.plan.roster
		if m.gate.shed() {
			m.cfg.Stats.Held.Add(1)
		}
	}
}

// flush lets everything leave that was released.
func (m *Match) flush() {
	g := m.gate
	if g == nil {
		return
	}
	f := g.frame
	if f != nil {
		f.Roster = m.plan.roster
	}
	g.flush()
	if f != nil && g.frame == nil {
		m.cfg.Stats.Gate.add(time.Since(m.began) - g.since)
		m.plan.roster = m.plan.roster && !f.State
	}
	m.inform()
}

// inform publishes a new Info if there is something new and it was released.
func (m *Match) inform() {
	if m.stale && (m.gate == nil || m.gate.open()) {
		m.stale = false
		m.publish()
	}
}
