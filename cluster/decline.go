package cluster

import "github.com/overtime-server/overtime/cluster/guard"

// declineFor is how long a node that took no part in a match is not offered one again, ms: long enough for another to be asked. One that had a part before may have a guard that
// believes something else about the match, until that is forgotten.
const declineFor = 2_000

// declined returns the nodes to leave out. It is called when candidates are looked for again: who was offered last and is wanted no more has
// not come in time. There are at most as many as nodes.
func (d *duty) declined(standby, witness bool) (ids []string) {
	now := d.now()
	if d.declines == nil {
		d.declines = map[string]int64{}
	}
	l := d.guard.List()
	for i, wanted := range [...]bool{standby, witness} {
		if id := d.offered[i]; wanted && id != "" && !l.Has(id) {
			d.declines[id] = now + declineFor
		}
		if wanted {
			d.offered[i] = ""
		}
	}
	for id, until := range d.declines {
		if now >= until {
			delete(d.declines, id)
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

// accepted forgets the offers that were taken up.
func (d *duty) accepted(r guard.Record) {
	for i, id := range d.offered {
		if id != "" && (id == r.Standby || id == r.Witness) {
			d.offered[i] = ""
			delete(d.declines, id)
		}
	}
}
