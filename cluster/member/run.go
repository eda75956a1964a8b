package member

import (
	"time"
)

const (
	tick        = 250 * time.Millisecond // loads are looked at, the dead forgotten
	loadDelay   = 500 * time.Millisecond // at most this long a changed load of another node waits for a view
	loadEvery   = time.Second            // an own load is published, or every N/15 s when that is longer
	loadRefresh = 10                     // times as rarely when it did not change
	sweepEvery  = forgetAfter
)

// run is the goroutine that owns the roster, makes views and calls back.
func (m *Members) run() {
	defer m.wg.Done()
	t := time.NewTicker(tick)
	defer t.Stop()
	m.notify() // the view that Start made
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.inbox.wake:
		case <-m.urgent:
			m.publish(time.Now(), true)
		case <-t.C:
			m.publish(time.Now(), false)
		}
		b := m.inbox.take()
		if m.step(time.Now(), b) {
			m.notify()
		}
		m.deliver(b.items)
	}
}

// step applies what came in, and reports whether there is a new view.
func (m *Members) step(now time.Time, b batch) bool {
	for _, c := range b.nodes {
		m.roster.node(now, c)
	}
	for id := range b.left {
		m.roster.leave(now, id)
	}
	urgent := false // a node drains or goes on
	for _, l := range b.loads {
		was := m.roster.draining(l.id)
		if m.roster.load(now, l) {
			urgent = urgent || was != l.load.Draining
			if m.loadDue.IsZero() {
				m.loadDue = now.Add(loadDelay)
			}
		}
	}
	events, forgotten := m.roster.settle(now)
	if m.roster.strangers(now) {
		m.strange.Store(true)
	}
	for _, e := range events {
		m.log.Info("node is "+e.state.String(), "id", e.id, "addr", e.addr)
	}
	if now.Sub(m.sweptAt) >= sweepEvery {
		m.sweptAt = now
		m.origins.keep(func(id string) bool { return m.roster.nodes[id] != nil })
	}
	due := !m.loadDue.IsZero() && !now.Before(m.loadDue)
	if len(events) == 0 && !forgotten && !urgent && !due {
		return false
	}
	m.loadDue = time.Time{}
	m.show()
	return true
}

// show makes a new view.
func (m *Members) show() {
	v, peers := m.roster.view()
	m.alive.Store(int64(v.Alive()))
	m.peers.Store(&peers)
	m.view.Store(&v)
	m.count.views.Add(1)
	if v.Alive() > 1 {
		m.joined.Store(true)
	}
}

// notify tells the owner of the newest view.
func (m *Members) notify() {
	if m.cfg.Change != nil && m.ctx.Err() == nil {
		m.cfg.Change(m.View())
	}
}

// deliver hands messages and merges to the owner, after the view that came with them.
func (m *Members) deliver(items []item) {
	for _, it := range items {
		switch {
		case m.ctx.Err() != nil:
			return
		case it.merge:
			m.cfg.Merge(it.body, it.join)
		default:
			m.cfg.Message(it.from, it.body)
		}
	}
}

// publish gossips the own load when it is time. With hurry the other nodes get it directly too.
func (m *Members) publish(now time.Time, hurry bool) {
	m.loadMu.Lock()
	load, set := m.load, m.loadSet
	m.loadMu.Unlock()
	if !set || m.left.Load() {
		return
	}
	every := max(loadEvery, time.Duration(m.alive.Load())*time.Second/15)
	if load == m.loadSent && m.loadSeq > 0 {
		every *= loadRefresh
		hurry = false
	}
	if !hurry && now.Sub(m.loadAt) < every {
		return
	}
	m.loadSeq++
	m.loadSent, m.loadAt = load, now
	e := envelope{kind: kindLoad, from: m.cfg.ID, seq: m.loadSeq, body: appendLoad(nil, load)}
	b := e.append(nil)
	m.spread(&e, b)
	if hurry {
		m.direct(b)
	}
	m.inbox.load(nodeLoad{m.cfg.ID, m.loadSeq, load})
}
