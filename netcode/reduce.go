package netcode

import (
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/delta"
)

// reduction is the view of one member whose line has no room for every row: in every frame he gets the rows that matter most, as many as
// pass in a moment, and the others as his client predicts them (delta.Reduced). So his state is young and nearly right, where all
// rows would be right and old. He has a company of his own. Owned by the match's goroutine.
//
// His view is made from the snapshots of his channels, so it holds no row that he may not see. It is of no state that the match
// had, and has a view hash of its own: nobody else's, and none that a resume finds in the ring. Its frames are over two state frames or more,
// as is the one that leads back to all rows: who was sent a frame over one, or a keyframe, has what everybody has.
type reduction struct {
	all, team part           // his shared channels
	own       *delta.Reduced // nil: he only watches
	said      uint32         // tick of the last frame about his own rows
	thin      *thin          // of his line
	over      float64        // bytes of a frame beside the rows, smoothed
	full      uint32         // tick of the last frame with all of the hash
	whole     bool           // this is the frame that leads back
	spent     int            // bytes of this frame, for what is not shared
	budget    int            // bytes of rows, before compression, that this frame has left
	wire      int            // bytes that it has become
	tick      uint32         // of those
	sentAt    [32]int64      // by state frame, modulo: Now of its connection
}

// part is a reduction's share in one channel.
type part struct {
	view  *delta.Reduced // nil: the channel is not his
	coded coded          // his message of this tick
	tick  uint32         // that the message is of; 0: there is none
}

const (
	ownEvery     = 250 * time.Millisecond // between frames about his own rows that say nothing but where linear fields are
	reducedBound = 1                      // seconds after which a row that is not right goes before all others
	reducedOver  = 14                     // bytes of a compressed frame beside the rows, to begin with
	reducedRatio = 1.1                    // bytes of rows after compression, by those before
)

// mayReduce reports whether a slow member can be sent some rows only from now on: it is known what he has, how old it is when he
// gets it, and that not too many others are served so.
func (m *Match) mayReduce(p *member, t *tick) bool {
	switch {
	case p.pace.step == 0 || m.reduced >= m.srv.cfg.Reduced || p.pace.seen == 0 || p.pace.audit.hasty == hastyLimit:
		return false
	case !p.hasAny || p.resumed || !m.all.has(p.has) || p.what == send && t.number-p.has < thinGap:
		return false
	}
	return p.company.team == nil || p.company.team.has(p.has)
}

// reduce gives a member a view of his own.
func (m *Match) reduce(p *member) {
	bound := uint32(reducedBound * m.Config().Hz / m.Config().Every)
	v := &reduction{over: reducedOver}
	v.all.view = delta.NewReduced(m.all.ring.At(p.has), bound)
	if s := p.company.team; s != nil {
		v.team.view = delta.NewReduced(s.ring.At(p.has), bound)
	}
	if s := p.own.snapshots[p.own.sent]; s != nil {
		v.own = delta.NewReduced(s, bound)
	}
	p.view = v
	p.pace.slim()
	v.thin = p.pace.thin
	m.join(p, m.found(&company{step: p.pace.step, view: v}, teamOf(p.seat.Player.Team)))
	m.reduced++
	m.srv.stats.Reduced.Add(1)
}

// unreduce ends that.
func (m *Match) unreduce(p *member) {
	if p.view == nil {
		return
	}
	p.view, p.pace.thin = nil, nil
	m.reduced--
	m.srv.stats.Reduced.Add(-1)
}

// reaches reports whether a delta from what a member has can be made.
func (m *Match) reaches(p *member, t *tick) bool {
	if p.view != nil {
		return t.number-p.has <= maxBase
	}
	return m.all.has(p.has)
}

// said returns this tick's message of a stream: what a view leaves of it if there is one, or else what everybody with that base gets.
func (m *Match) said(v *reduction, s *stream, t *tick, key bool, base uint32) *coded {
	if v == nil || key {
		return m.message(s, t, key, base)
	}
	q := &v.team
	if s == m.all {
		q = &v.all
	}
	if q.tick != t.Tick {
		v.message(m, q, s, t)
	}
	return &q.coded
}

// ownMessage makes the message about the member's own rows, nil if there is none. What happens to him is said at once, and that fewer of his
// samples were answered than his client predicts: it forgets those. That more were is not worth a message every time.
func (v *reduction) ownMessage(m *Match, now *delta.Snapshot, t *tick) []byte {
	next := v.own.Next(now, delta.Whole)
	if since := time.Duration(t.Tick-v.said) * time.Second / time.Duration(t.cfg.Hz); since < ownEvery && !v.own.Happened() && !v.whole {
		if next = v.own.Next(now, delta.Nothing); v.own.Ahead(now, loop.AckID) {
			next = v.own.Next(now, delta.Whole)
		}
	}
	if delta.Predicted(v.own.Has(), next) {
		return nil
	}
	v.said = t.Tick
	return m.enc.Encode(v.own.Has(), next, t.opt)
}

// took returns how long a frame took that was acknowledged at a moment. One that left longer ago than is kept gives less.
func (v *reduction) took(frame uint32, seen int64) time.Duration {
	return time.Duration(max(0, seen-v.sentAt[frame%uint32(len(v.sentAt))]))
}

// begin opens a frame.
func (v *reduction) begin(tick uint32) {
	if v.tick == tick {
		return
	}
	v.tick, v.wire = tick, 0
	v.budget = int((v.thin.room - float64(v.spent) - v.over) / reducedRatio)
}

// message makes the message of one channel. The team's, which comes first, may take half of what there is room for.
func (v *reduction) message(m *Match, q *part, s *stream, t *tick) {
	v.begin(t.Tick)
	budget := v.budget
	if q == &v.team {
		budget /= 2
	}
	if budget = max(0, budget); v.whole {
		budget = delta.Whole
	}
	next := q.view.Next(s.now, budget)
	v.budget -= q.view.Cost()
	opt := t.opt
	opt.FullHash = v.full == t.Tick || t.Tick-v.full >= uint32(t.cfg.Hz)
	c := &q.coded
	*c = coded{base: q.view.Has().Frame(), plain: c.plain[:0], deflated: c.deflated[:0]}
	c.predicted = !opt.FullHash && delta.Predicted(q.view.Has(), next)
	msg := m.enc.Encode(q.view.Has(), next, opt)
	c.plain = AppendFrame(c.plain, false, msg)
	c.head = len(c.plain) - len(msg)
	q.tick = t.Tick
	if opt.FullHash {
		v.full = t.Tick
	}
}

// showed notes that a member has been sent a frame, or keyframes, of his view's channels.
func (m *Match) showed(p *member, t *tick, key bool) {
	v := p.view
	cost, left := 0, 0
	each := func(q *part, s *stream) {
		if key {
			q.view.Restart(s.now)
			return
		}
		q.view.Sent()
		cost, left = cost+q.view.Cost(), left+q.view.Left()
	}
	each(&v.all, m.all)
	if v.team.view != nil {
		each(&v.team, p.company.team)
	}
	if v.own != nil {
		if key {
			v.own.Restart(p.own.snapshots[p.own.now])
		} else {
			v.own.Sent()
		}
	}
	if v.whole {
		m.unreduce(p)
		return
	}
	if !key {
		v.over = max(0, v.over+(float64(v.wire)-reducedRatio*float64(cost)-v.over)/8)
	}
	v.thin.sent(v.spent+v.wire, left)
	m.srv.stats.RowsLeft.Add(uint64(left))
}
