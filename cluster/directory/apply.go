package directory

import "time"

// Apply takes records from others, from messages and from pulls. It returns those that changed something here, which the
// caller may pass on (it must spread those of owner self: they answer a copy of a record that self does not know), and the
// matches that self served until now and that somebody else owns or that were declared lost: the caller stops
// those. Records out of bounds are refused and counted.
func (d *Directory) Apply(now time.Time, recs []Record) (changed, lostMine []Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tick(now)
	for i := range recs {
		r, took, mine := d.apply(recs[i])
		if took {
			d.stats.Changed++
			changed = append(changed, r)
		}
		if mine {
			lostMine = append(lostMine, r)
		}
	}
	return changed, lostMine
}

// apply takes one record. It returns what is stored now, whether that changed, and whether self lost the match.
func (d *Directory) apply(r Record) (stored Record, took, mine bool) {
	if !r.valid() {
		d.stats.Invalid++
		return r, false, false
	}
	cur := d.matches[r.Match]
	if cur != nil {
		if r.Epoch == cur.rec.Epoch && r.Owner != cur.rec.Owner && r.State != Lost && cur.rec.State != Lost {
			d.stats.Conflicts++
		}
		if !Newer(&r, &cur.rec) {
			d.stats.Stale++
			return r, false, false
		}
	} else if !d.wanted(&r) {
		return r, false, false
	}
	if r.Live() && d.gone(d.owner(r.Owner)) {
		d.stats.Gone++
		return r, false, false
	}
	if r.Owner == d.self && r.Live() {
		r = d.answer(r, cur)
	}
	mine = cur != nil && cur.rec.Owner == d.self && cur.rec.Live() && !(r.Owner == d.self && r.Live())
	d.store(r, d.now.Add(-time.Duration(r.Age)*time.Second))
	return r, true, mine
}

// wanted says whether a record of a match that nothing is known of is worth keeping.
func (d *Directory) wanted(r *Record) bool {
	if !r.Live() && time.Duration(r.Age)*time.Second >= lifetime(r.State) {
		d.stats.Stale++
		return false
	}
	return d.room()
}

// answer makes what self, the authority, says to a live record of itself that beats what it has. Self wrote no such record,
// or has forgotten the match's tombstone.
func (d *Directory) answer(r Record, cur *entry) Record {
	seq := min(r.Seq+1, MaxCount)
	if cur != nil && cur.rec.Owner == d.self && cur.rec.Live() && cur.rec.Epoch == r.Epoch {
		r = cur.rec
	} else {
		r.State = Ended
		d.stats.Answered++
	}
	r.Seq = seq
	return r
}
