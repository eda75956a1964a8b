package delta

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Reduced is what one receiver has of a channel whose line has no room for all of it: rows that are right, and rows that were left out
// of his frames, which he has as he predicts them. For each frame to him the rows that differ most, and have done so for longest, are
// put right, as far as the bytes reach; a row that is left out costs nothing, since the frame says of it what the receiver
// predicts. That is the priority accumulator of the Tribes networking model (M. Frohnmayer and T. Gift, "The TRIBES Engine Networking
// Model", 1999), on top of frames that the receiver reads like any other: the codec knows nothing of it.
//
// It has one owner and, after warm-up, does not allocate.
type Reduced struct {
	bound uint32 // state frames after which a row that is not right goes before all that are not so late

	has, next     *Snapshot
	right, nright []uint32 // by row of has and of next: the last state frame at which it was right
	debts         []debt   // rows that are not right in next unless they are taken, ascending by id
	order         []uint32 // indices into debts, the most urgent first
	left, cost    int
}

// debt is a row that is not as it should be.
type debt struct {
	id     uint32
	cost   uint16 // bytes of saying it, before compression
	weight uint16 // of what is wrong
	late   uint32 // state frames since it was right
	event  bool   // it is more than a matter of linear fields
	take   bool
}

// NewReduced returns the view of a receiver who has a snapshot, which is copied. A row that has not been right for more than bound state
// frames goes before all others. Of those the one that has waited longest is in every frame, whatever it takes, so that
// after bound each row waits for no more frames than there are rows.
func NewReduced(from *Snapshot, bound uint32) *Reduced {
	r := &Reduced{bound: bound, has: NewSnapshot(from.tables, from.channel), next: NewSnapshot(from.tables, from.channel)}
	r.Restart(from)
	return r
}

// Restart makes the receiver's view a snapshot of the same channel, which he has been sent whole.
func (r *Reduced) Restart(from *Snapshot) {
	r.has.reset(from.tick, from.frame)
	r.right = r.right[:0]
	for i := range from.rows {
		row := &from.rows[i]
		r.has.copyRow(row, from.numbers(row), row.born)
		r.right = append(r.right, from.frame)
	}
}

// Has returns what the receiver has, as of the last frame that he was sent: the base of the next one. It is valid until Sent or Restart.
func (r *Reduced) Has() *Snapshot { return r.has }

// Left returns how many rows the last Next left as they are predicted, though they are not right.
func (r *Reduced) Left() int { return r.left }

// Late returns for how many state frames the row has been wrong that the last Next left out for the longest time; 0: none.
func (r *Reduced) Late() (late uint32) {
	for i := range r.debts {
		if d := &r.debts[i]; !d.take {
			late = max(late, d.late)
		}
	}
	return late
}

// Cost returns the bytes, before compression, of the rows in the frame that the last Next made.
func (r *Reduced) Cost() int { return r.cost }

// Budgets for Next that every row fits into, and none.
const (
	Whole   = math.MaxInt
	Nothing = -1
)

// Happened reports whether, as of the last Next, more was wrong than the values of linear fields of rows that are there.
func (r *Reduced) Happened() bool {
	return slices.ContainsFunc(r.debts, func(d debt) bool { return d.event })
}

// Ahead reports whether the last Next, which was for now, left a number of a row larger than it is. Counts of what was done for the
// receiver must not run ahead of it.
func (r *Reduced) Ahead(now *Snapshot, id uint32) bool {
	was, is := r.next.find(id), now.find(id)
	if was == nil || is == nil || was.kind != is.kind {
		return false
	}
	numbers := now.values(is)
	for i, v := range r.next.values(was) {
		if v-numbers[i] > 0 {
			return true
		}
	}
	return false
}

// Next returns the state that the receiver is to have next: what he predicts from Has for the state frame of now, and of the rows where
// that is wrong so many true ones as budget allows, in bytes before compression, the most urgent first; one, if there is one,
// in any case, unless the budget is Nothing. Encode(Has(), Next(...), ...) is his frame. now must be two state frames or more after Has, at most MaxGap: over one the
// receiver would take what a row has to make up for its speed. Otherwise Next returns nil. It changes nothing before Sent.
func (r *Reduced) Next(now *Snapshot, budget int) *Snapshot {
	if frames := gapOf(r.has, now); frames < 2 {
		return nil
	}
	r.debts, r.order = r.debts[:0], r.order[:0]
	r.each(now, func(i int, was, is *row) {
		if d := r.owed(now, i, was, is); d.weight > 0 {
			r.order = append(r.order, uint32(len(r.debts)))
			r.debts = append(r.debts, d)
		}
	})
	r.choose(budget)
	r.build(now)
	return r.next
}

// Sent notes that the receiver has been sent what Next returned last.
func (r *Reduced) Sent() {
	r.has, r.next = r.next, r.has
	r.right, r.nright = r.nright, r.right
}

// each calls f for every id of has and of now, in ascending order, with the index of the row of has; nil is a row that is not there.
func (r *Reduced) each(now *Snapshot, f func(i int, was, is *row)) {
	has, i, j := r.has.rows, 0, 0
	for i < len(has) || j < len(now.rows) {
		switch {
		case j == len(now.rows) || i < len(has) && has[i].id < now.rows[j].id:
			f(i, &has[i], nil)
			i++
		case i == len(has) || now.rows[j].id < has[i].id:
			f(-1, nil, &now.rows[j])
			j++
		default:
			f(i, &has[i], &now.rows[j])
			i, j = i+1, j+1
		}
	}
}

// sameRow reports whether a row of has is the row of now, not one that had its id before.
func sameRow(was, is *row) bool { return was.kind == is.kind && is.born <= was.born }

// Weights of what may be wrong with a row; a linear field's is the length in bits of how far off it is.
const (
	weightHeld  = 10 // a field that is not linear: something has happened
	weightBirth = 64 // the row is not there
	weightDeath = 16 // it should not be; that takes few bytes
	horizon     = 4  // state frames for which a wrong speed counts
)

// owed returns what the receiver is owed for one id; weight 0: nothing, he predicts it.
func (r *Reduced) owed(now *Snapshot, i int, was, is *row) (d debt) {
	switch {
	case is == nil:
		k := &now.tables.kinds[was.kind]
		return debt{id: was.id, cost: uint16(1 + k.maskBytes(true)), weight: weightDeath, late: now.frame - r.right[i], event: true}
	case was == nil || !sameRow(was, is):
		k := &now.tables.kinds[is.kind]
		d = debt{id: is.id, weight: weightBirth, event: true, cost: uint16(3 + k.maskBytes(true)), late: now.frame - is.born + 1}
		for _, v := range now.numbers(is) {
			d.cost += residualCost(v)
		}
		return d
	}
	k := &now.tables.kinds[is.kind]
	d = debt{id: is.id, late: now.frame - r.right[i]}
	d.cost, d.weight, d.event = k.differs(r.has.numbers(was), now.numbers(is), int32(now.frame-r.has.frame))
	d.cost += uint16(1 + k.maskBytes(true))
	return d
}

// differs returns the bytes of the residuals of a row, their weight, and whether one is of a field that is not linear.
func (k *kind) differs(was, now []int32, frames int32) (cost, weight uint16, event bool) {
	d := k.values
	for i := range k.fields[:k.values] {
		f := &k.fields[i]
		if !f.linear {
			if e := f.diff(now[i] - was[i]); e != 0 {
				cost, weight, event = cost+residualCost(e), weight+weightHeld, true
			}
			continue
		}
		e, turn := f.diff(now[i]-was[i]-frames*was[d]), f.diff(now[d]-was[d])
		cost += residualCost(e) + residualCost(turn)
		weight += uint16(bits.Len64(magnitude(e) + horizon*magnitude(turn)))
		d++
	}
	return cost, weight, event
}

func magnitude(v int32) uint64 {
	if v < 0 {
		return uint64(-int64(v))
	}
	return uint64(v)
}

// residualCost returns how many bytes a residual takes.
func residualCost(v int32) uint16 {
	switch {
	case v == 0:
		return 0
	case v > escapeLong && v <= 127:
		return 1
	case v == int32(int16(v)):
		return 3
	}
	return 5
}

// choose marks the debts that the next frame pays.
func (r *Reduced) choose(budget int) {
	r.left, r.cost = 0, 0
	if budget != Whole {
		slices.SortFunc(r.order, func(a, b uint32) int { return r.urgent(&r.debts[b], &r.debts[a]) })
	}
	for n, i := range r.order {
		d := &r.debts[i]
		if (n > 0 || budget < 0) && int(d.cost) > budget-r.cost {
			r.left++
			continue
		}
		d.take = true
		r.cost += int(d.cost)
	}
}

// urgent compares two debts: positive if a is the more urgent one.
func (r *Reduced) urgent(a, b *debt) int {
	if late := a.late > r.bound; late != (b.late > r.bound) {
		if late {
			return 1
		}
		return -1
	} else if late && a.late != b.late {
		return cmp.Compare(a.late, b.late)
	}
	// The weight of what is wrong, times how long it has been so, for each byte.
	return cmp.Or(cmp.Compare(a.gain()*uint64(b.cost), b.gain()*uint64(a.cost)), cmp.Compare(b.id, a.id))
}

func (d *debt) gain() uint64 { return uint64(d.weight) * uint64(d.late) }

// build makes next of the true rows that are taken and what is predicted of the others.
func (r *Reduced) build(now *Snapshot) {
	s, frames := r.next, now.frame-r.has.frame
	s.reset(now.tick, now.frame)
	r.nright = r.nright[:0]
	debts := r.debts
	r.each(now, func(i int, was, is *row) {
		owed := len(debts) > 0 && (was != nil && debts[0].id == was.id || is != nil && debts[0].id == is.id)
		taken := owed && debts[0].take
		if owed {
			debts = debts[1:]
		}
		switch {
		case owed && !taken && was == nil: // it comes later
		case owed && !taken:
			s.carry(was, r.has.numbers(was), int32(frames))
			r.nright = append(r.nright, r.right[i])
		case is != nil:
			born := now.frame
			if was != nil && sameRow(was, is) {
				born = was.born
			}
			s.copyRow(is, now.numbers(is), born)
			r.nright = append(r.nright, now.frame)
		}
	})
}

// copyRow adds a row of another snapshot.
func (s *Snapshot) copyRow(r *row, numbers []int32, born uint32) {
	s.vals = append(s.vals, numbers...)
	s.push(r.id, r.kind, born, r.hash)
}
