package delta

import (
	"math"
	"slices"

	"github.com/overtime-server/overtime/game"
)

// Snapshot is the state of one channel at one state frame. A server builds it from the game's rows, a receiver decodes it.
// It has one owner at a time and reuses its memory; it satisfies game.View for its channel.
type Snapshot struct {
	tables  *Tables
	channel game.Channel
	tick    uint32
	frame   uint32
	hash    uint32
	dropped int
	rows    []row   // ascending by id
	vals    []int32 // values and displacements of the rows, in their order
}

// row is one row of a snapshot.
type row struct {
	id   uint32
	at   uint32 // where its numbers begin in vals
	born uint32 // the state frame since which it has been there without a break
	rest uint32 // the state frame since which it has had these values and no displacement; restless if it moves or nobody looked
	hash uint32 // its share of the view hash
	kind uint8
}

const restless = math.MaxUint32

// NewSnapshot returns an empty snapshot of a channel.
func NewSnapshot(t *Tables, c game.Channel) *Snapshot { return &Snapshot{tables: t, channel: c} }

// Channel returns the channel.
func (s *Snapshot) Channel() game.Channel { return s.channel }

// Tick returns the tick of the state.
func (s *Snapshot) Tick() uint32 { return s.tick }

// Frame returns the number of the state frame: the tick divided by the ticks per state frame.
func (s *Snapshot) Frame() uint32 { return s.frame }

// Hash returns the 32-bit view hash.
func (s *Snapshot) Hash() uint32 { return s.hash }

// Len returns the number of rows.
func (s *Snapshot) Len() int { return len(s.rows) }

// Dropped returns how many rows Build left out because their id was taken, their kind has no table of that size, or MaxRows was
// reached: bugs of the rules, to be counted by the caller.
func (s *Snapshot) Dropped() int { return s.dropped }

// Each calls f for every row of a kind in ascending order of id. The values are valid during the call only.
func (s *Snapshot) Each(kind uint8, f func(id uint32, row []int32)) {
	for i := range s.rows {
		if r := &s.rows[i]; r.kind == kind {
			f(r.id, s.values(r))
		}
	}
}

// values returns the values of a row.
func (s *Snapshot) values(r *row) []int32 {
	end := int(r.at) + s.tables.kinds[r.kind].values
	return s.vals[r.at:end:end]
}

// numbers returns the values and displacements of a row.
func (s *Snapshot) numbers(r *row) []int32 {
	return s.vals[r.at : int(r.at)+len(s.tables.kinds[r.kind].fields)]
}

// find returns the row of an id, or nil.
func (s *Snapshot) find(id uint32) *row {
	lo, hi := 0, len(s.rows)
	for lo < hi {
		if mid := (lo + hi) / 2; s.rows[mid].id < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.rows) && s.rows[lo].id == id {
		return &s.rows[lo]
	}
	return nil
}

func (s *Snapshot) reset(tick, frame uint32) {
	s.tick, s.frame, s.hash, s.dropped = tick, frame, 0, 0
	s.rows, s.vals = s.rows[:0], s.vals[:0]
}

// Build makes s the state of its channel at a tick from the rows of that channel, which all holds in ascending order of
// id (game.Rows.Channel after Sort). prev is the snapshot of the state frame before this one; if it is nil or another one,
// every row is born in this frame and has no displacement. It allocates only to grow.
func (s *Snapshot) Build(tick, frame uint32, prev *Snapshot, rows []game.Row, all *game.Rows) {
	s.reset(tick, frame)
	var old []row
	if prev != nil && prev != s && prev.frame+1 == frame && prev.channel == s.channel {
		old = prev.rows
		if s.vals == nil { // as many as before, as a rule: growing by the row would leave up to half of it unused
			s.vals = slices.Grow(s.vals, len(prev.vals))
		}
	}
	if s.rows == nil {
		s.rows = slices.Grow(s.rows, min(len(rows), MaxRows))
	}
	for _, r := range rows {
		if !s.accepts(r, all) {
			s.dropped++
			continue
		}
		for len(old) > 0 && old[0].id < r.ID {
			old = old[1:]
		}
		if len(old) > 0 && old[0].id == r.ID && old[0].kind == r.Kind {
			s.keep(&old[0], prev.numbers(&old[0]), all.Values(r))
		} else {
			s.bear(r.ID, r.Kind, all.Values(r))
		}
	}
}

func (s *Snapshot) accepts(r game.Row, all *game.Rows) bool {
	n := len(s.rows)
	return n < MaxRows && (n == 0 || s.rows[n-1].id < r.ID) &&
		int(r.Kind) < len(s.tables.kinds) && s.tables.kinds[r.Kind].values == len(all.Values(r))
}

// keep adds a row that the state frame before had, with those numbers.
func (s *Snapshot) keep(old *row, was, values []int32) {
	k := &s.tables.kinds[old.kind]
	if old.rest != restless && slices.Equal(values, was[:k.values]) { // as most rows of most games
		s.vals = append(s.vals, was...)
		s.push(old.id, old.kind, old.born, old.hash).rest = old.rest
		return
	}
	now := s.grow(len(k.fields))
	same, still := true, true
	d := k.values
	for i, v := range values {
		f := &k.fields[i]
		v = f.value(v)
		now[i] = v
		same = same && v == was[i]
		if f.linear {
			now[d] = f.displacement(was[i], v)
			same = same && now[d] == was[d]
			still = still && now[d] == 0
			d++
		}
	}
	hash, rest := old.hash, old.rest
	if !same {
		hash, rest = k.hash(old.id, old.kind, now), s.frame
	}
	if !still {
		rest = restless
	}
	s.push(old.id, old.kind, old.born, hash).rest = rest
}

// bear adds a row that is born in this frame.
func (s *Snapshot) bear(id uint32, kind uint8, values []int32) {
	k := &s.tables.kinds[kind]
	now := s.grow(len(k.fields))
	for i, v := range values {
		now[i] = k.fields[i].value(v)
	}
	clear(now[k.values:])
	s.push(id, kind, s.frame, k.hash(id, kind, now)).rest = s.frame
}

// grow appends room for the numbers of one row, whose contents are left over from earlier use, and returns it; push then adds the row.
func (s *Snapshot) grow(n int) []int32 {
	at := len(s.vals)
	if at+n <= cap(s.vals) {
		s.vals = s.vals[:at+n]
	} else {
		s.vals = append(s.vals, make([]int32, n)...)
	}
	return s.vals[at : at+n : at+n]
}

// push adds the row whose numbers are the last ones in vals.
func (s *Snapshot) push(id uint32, kind uint8, born, hash uint32) *row {
	at := len(s.vals) - len(s.tables.kinds[kind].fields)
	s.rows = append(s.rows, row{id: id, at: uint32(at), born: born, rest: restless, hash: hash, kind: kind})
	s.hash += hash
	return &s.rows[len(s.rows)-1]
}

// predict makes s what base is predicted to be after some state frames.
func (s *Snapshot) predict(base *Snapshot, tick, frames uint32) {
	s.reset(tick, base.frame+frames)
	for i := range base.rows {
		r := &base.rows[i]
		s.carry(r, base.numbers(r), int32(frames))
	}
}

// carry adds a row of a base as it is predicted after some state frames.
func (s *Snapshot) carry(r *row, was []int32, frames int32) {
	k := &s.tables.kinds[r.kind]
	now := s.grow(len(was))
	copy(now, was)
	moved := false
	for l, i := range k.linear {
		if d := was[k.values+l]; d != 0 {
			now[i] = k.fields[i].value(was[i] + frames*d)
			moved = true
		}
	}
	hash := r.hash
	if moved {
		hash = k.hash(r.id, r.kind, now)
	}
	s.push(r.id, r.kind, r.born, hash)
}
