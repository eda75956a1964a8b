package netcode

import (
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/delta"
)

// ownRows is what a player's Own channel held at the state frames that count: the last one, and the last one that he was sent. They are
// the same for who is sent every frame, so the third snapshot is made for slow players only. Owned by the match's goroutine.
type ownRows struct {
	snapshots [3]*delta.Snapshot // the first is nil for one who only watches
	now, sent uint8              // indices
}

// free returns the index of a snapshot that does not count.
func (o *ownRows) free() (i uint8) {
	for i == o.now || i == o.sent {
		i++
	}
	return i
}

// watch takes in a player's own rows of a state frame. That is done for the frames too that he is not sent: a delta over a gap
// needs to know which rows have been there all the time and how they moved, or it says everything anew.
func (m *Match) watch(p *member, t *tick) {
	o, channel := &p.own, game.Own(p.seat.Player.Number)
	if o.snapshots[0] == nil {
		return
	}
	i := o.free()
	if o.snapshots[i] == nil {
		o.snapshots[i] = delta.NewSnapshot(m.tables, channel)
	}
	o.snapshots[i].Build(t.Tick, t.number, o.snapshots[o.now], t.Rows.Channel(channel), t.Rows)
	o.now = i
}

// ownMessage returns what a player must be sent about his own rows, nil if his client predicts them. It is valid until something else
// is encoded.
func (m *Match) ownMessage(p *member, t *tick, key bool) []byte {
	o := &p.own
	base, now := o.snapshots[o.sent], o.snapshots[o.now]
	switch {
	case now == nil:
		return nil
	case key:
		base = nil
	case p.view != nil:
		return p.view.ownMessage(m, now, t)
	case !t.opt.FullHash && delta.Predicted(base, now):
		return nil
	}
	return m.enc.Encode(base, now, t.opt)
}

// own sends the rows that only this player sees. Who is alone in his company has them in its window.
func (m *Match) own(x *session, t *tick, key bool) {
	p := &x.member
	if c := p.company; c.solo == p && c.built && p.inside && !key {
		m.ownBuf = append(m.ownBuf[:0], c.own...)
	} else if msg := m.ownMessage(p, t, key); msg != nil {
		m.ownBuf = AppendFrame(m.ownBuf[:0], false, msg)
	} else {
		m.ownBuf = m.ownBuf[:0]
	}
	p.own.sent = p.own.now
	if len(m.ownBuf) > 0 && x.SendReliable(m.ownBuf) == nil {
		m.srv.stats.MessagesOut.Add(1)
	}
}
