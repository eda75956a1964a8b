package delta

import "github.com/overtime-server/overtime/game"

// Ring holds the latest snapshots of one channel, by state frame. The server's owner of the channel fills it.
type Ring struct {
	tables  *Tables
	channel game.Channel
	slots   []*Snapshot // frame f is at f modulo their number; nil if never used
	last    *Snapshot   // the latest, nil before the first Add
}

// NewRing returns an empty ring for size snapshots, 2 or more.
func NewRing(t *Tables, c game.Channel, size int) *Ring {
	return &Ring{tables: t, channel: c, slots: make([]*Snapshot, max(size, 2))}
}

// Add builds the snapshot of a state frame (see Snapshot.Build) in place of the oldest. Frames must ascend; after a gap
// the rows count as born anew. The snapshot is valid until as many others as the ring holds were added.
func (r *Ring) Add(tick, frame uint32, rows []game.Row, all *game.Rows) *Snapshot {
	i := frame % uint32(len(r.slots))
	if r.slots[i] == nil {
		r.slots[i] = NewSnapshot(r.tables, r.channel)
	}
	s := r.slots[i]
	s.Build(tick, frame, r.last, rows, all)
	r.last = s
	return s
}

// At returns the snapshot of a state frame, or nil if the ring does not hold it (any more).
func (r *Ring) At(frame uint32) *Snapshot {
	if r.last == nil || frame > r.last.frame || r.last.frame-frame >= uint32(len(r.slots)) {
		return nil
	}
	if s := r.slots[frame%uint32(len(r.slots))]; s != nil && s.frame == frame {
		return s
	}
	return nil
}

// Last returns the latest snapshot, or nil if there is none.
func (r *Ring) Last() *Snapshot { return r.last }
