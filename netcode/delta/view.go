package delta

import "github.com/overtime-server/overtime/game"

// The functions of this file read a State; State is a game.View.
var _ game.View = (*State)(nil)

// Ready reports whether there is a state that can be gone on from: a keyframe of All was applied, and nothing refused since.
func (s *State) Ready() bool {
	all := s.find(game.All)
	return all != nil && !all.broken
}

// Tick returns the tick of All, 0 before its first keyframe.
func (s *State) Tick() uint32 {
	if all := s.find(game.All); all != nil {
		return all.cur.tick
	}
	return 0
}

// Hash returns the view hash of All, which a hello carries on resuming. It is that of the rows here, which a slow receiver may share with nobody.
func (s *State) Hash() uint32 {
	if all := s.find(game.All); all != nil {
		return all.cur.hash
	}
	return 0
}

// Epoch returns the epoch of the last keyframe of All.
func (s *State) Epoch() uint32 { return s.epoch }

// Stats returns the counters.
func (s *State) Stats() Stats { return s.stats }

// Kind returns the index of a field table, the built-in ones included.
func (s *State) Kind(name string) (uint8, bool) { return s.tables.Kind(name) }

// Row returns the kind and the values of a row, valid until the next Apply; ok is false if there is none.
func (s *State) Row(c game.Channel, id uint32) (kind uint8, values []int32, ok bool) {
	ch := s.find(c)
	if ch == nil {
		return 0, nil, false
	}
	r := ch.cur.find(id)
	if r == nil {
		return 0, nil, false
	}
	return r.kind, ch.cur.values(r), true
}

// Snapshot returns the state of one channel, valid until the next Apply, or nil.
func (s *State) Snapshot(c game.Channel) *Snapshot {
	if ch := s.find(c); ch != nil {
		return ch.cur
	}
	return nil
}

// Len returns the number of rows of all channels.
func (s *State) Len() int {
	n := 0
	for _, ch := range s.live {
		n += ch.cur.Len()
	}
	return n
}

// Each calls f for every row of a kind in ascending order of id, over all channels; of rows with the same id that of the lower
// channel comes first. The values are valid during the call only.
func (s *State) Each(kind uint8, f func(id uint32, row []int32)) {
	var at [MaxChannels]int
	for {
		var best *row
		from := 0
		for i, ch := range s.live {
			rows := ch.cur.rows
			for at[i] < len(rows) && rows[at[i]].kind != kind {
				at[i]++
			}
			if at[i] < len(rows) && (best == nil || rows[at[i]].id < best.id) {
				best, from = &rows[at[i]], i
			}
		}
		if best == nil {
			return
		}
		at[from]++
		f(best.id, s.live[from].cur.values(best))
	}
}

// Resumed says that a new connection goes on from here. A channel that does not begin anew before its first frame of All is not
// the player's any more.
func (s *State) Resumed() { s.resumed = true }

// Reset forgets every channel: the next frames must be keyframes. The counters stay.
func (s *State) Reset() {
	for i := len(s.live) - 1; i >= 0; i-- {
		s.drop(i)
	}
}
