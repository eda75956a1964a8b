package directory

import (
	"slices"
	"time"
)

// presence is what is known of a node.
type presence uint8

const (
	unknown presence = iota // named in a record, never said to be alive
	alive
	dead
)

// owner is what the directory knows of a node that is a member or named as owner.
type owner struct {
	id      string
	state   presence
	suspect bool
	since   time.Time // dead: of the death; unknown: of its first record

	records map[string]*entry // by match
	sum     uint64            // exclusive or of their hashes
}

// Alive tells that a node is a member: call it for every member as it is first seen and when it comes back. Records of
// owners that nobody said to be alive are dropped after DropAfter.
func (d *Directory) Alive(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.owner(id)
	if o.state == dead { // others may be about to come back too
		d.lastChange = d.now
	}
	o.state, o.suspect = alive, false
}

// Suspect marks that a ping to a node was missed, or takes it back. It is shown by Suspected and changes nothing else.
func (d *Directory) Suspect(id string, suspect bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.owners[id]; o != nil {
		o.suspect = suspect
	}
}

// Suspected says whether a node missed a ping or is dead.
func (d *Directory) Suspected(id string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	o := d.owners[id]
	return o != nil && (o.suspect || o.state == dead)
}

// Dead tells that membership confirmed a node's death, or that it left. Majority: more than half of the members known before
// the deaths of the last seconds are alive on our side; count members that links find silent as not alive. Records are not
// touched here, Expire does that later; the latest majority told is the one that counts then. Telling it again of the
// same death changes majority only.
func (d *Directory) Dead(now time.Time, id string, majority bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tick(now)
	if majority && !d.majority { // a split that heals: the rest of the dead come back a little later
		d.lastChange = d.now
	}
	d.majority = majority
	o := d.owner(id)
	if id == d.self || o.state == dead {
		return
	}
	o.state, o.since, d.lastChange = dead, d.now, d.now
}

// Expire does what time does and is called about once a second. Records of dead owners become Lost (with majority) and are
// returned, to be spread; without majority they are dropped after DropAfter. Old tombstones and owners are forgotten.
func (d *Directory) Expire(now time.Time) (lost []Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tick(now)
	for _, o := range d.owners {
		lost = d.settle(o, lost)
		for _, e := range o.records {
			if !e.rec.Live() && d.now.Sub(e.born) >= lifetime(e.rec.State) {
				d.remove(e)
			}
		}
		if o.state != alive && len(o.records) == 0 && d.now.Sub(o.since) >= ForgetAfter {
			delete(d.owners, o.id)
		}
	}
	return sorted(lost)
}

// settle decides about the live records of an owner that is not alive.
func (d *Directory) settle(o *owner, lost []Record) []Record {
	if o.state == alive {
		return lost
	}
	declare := o.state == dead && d.majority && d.now.Sub(d.lastChange) >= SettleAfter
	for _, e := range o.records {
		switch {
		case !e.rec.Live():
		case declare && (!d.isAlive(e.rec.Standby) || d.now.Sub(o.since) >= StandbyFor):
			r := e.rec
			r.State, r.Epoch = Lost, min(r.Epoch+1, MaxCount)
			d.store(r, d.now)
			d.stats.DeclaredLost++
			lost = append(lost, r)
		case d.gone(o):
			d.remove(e)
			d.stats.Dropped++
		}
	}
	return lost
}

// gone says whether an owner has been away for so long that its live records are no longer taken.
func (d *Directory) gone(o *owner) bool {
	return o.state != alive && d.now.Sub(o.since) >= DropAfter
}

func (d *Directory) isAlive(id string) bool {
	o := d.owners[id]
	return o != nil && o.state == alive
}

func lifetime(s State) time.Duration {
	if s == Lost {
		return LostFor
	}
	return EndedFor
}

// owner returns what is known of a node, which is nothing if it is new.
func (d *Directory) owner(id string) *owner {
	o := d.owners[id]
	if o == nil {
		o = &owner{id: id, since: d.now, records: map[string]*entry{}}
		d.owners[id] = o
	}
	return o
}

// store puts a record in the place of the one there is, and keeps the owners' sums.
func (d *Directory) store(r Record, born time.Time) {
	if old := d.matches[r.Match]; old != nil {
		d.remove(old)
	}
	r.Age = 0
	e := &entry{rec: r, born: born, hash: r.hash()}
	d.matches[r.Match] = e
	o := d.owner(r.Owner)
	if len(o.records) == 0 {
		if i, found := slices.BinarySearch(d.order, o.id); !found {
			d.order = slices.Insert(d.order, i, o.id)
		}
	}
	o.records[r.Match] = e
	o.sum ^= e.hash
	*d.held(e)++
}

// remove forgets a record.
func (d *Directory) remove(e *entry) {
	o := d.owners[e.rec.Owner]
	delete(d.matches, e.rec.Match)
	delete(o.records, e.rec.Match)
	o.sum ^= e.hash
	*d.held(e)--
	if len(o.records) == 0 {
		if i, found := slices.BinarySearch(d.order, o.id); found {
			d.order = slices.Delete(d.order, i, i+1)
		}
	}
}

func (d *Directory) held(e *entry) *int {
	if e.rec.Live() {
		return &d.stats.Live
	}
	return &d.stats.Tombstones
}
