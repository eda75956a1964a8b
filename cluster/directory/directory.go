package directory

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// When things happen to the records of an owner that is not there, and how long tombstones are kept.
const (
	SettleAfter = 3 * time.Second  // nobody died or came back, and the majority lasted, for so long: then it may declare records lost
	StandbyFor  = 5 * time.Second  // since the owner's death: so long a record is left to a standby that is alive
	DropAfter   = 20 * time.Second // since the owner's death, or since the first record of an owner never seen alive: live records go
	EndedFor    = 60 * time.Second // age at which Ended is forgotten
	LostFor     = 10 * time.Minute // age at which Lost is forgotten: longer, for an owner that was only paused
	ForgetAfter = time.Hour        // a dead or unknown owner without records is forgotten
)

// MaxRecords bounds the records of one directory. Records that would exceed it are refused and counted.
const MaxRecords = 1 << 18

// Directory is one node's copy of all records.
type Directory struct {
	self string // static

	mu         sync.RWMutex // guards the following
	now        time.Time    // latest time told
	matches    map[string]*entry
	owners     map[string]*owner
	order      []string  // ids of owners with records, sorted: the digest's order
	lastChange time.Time // when somebody died or came back, or there was a majority again, for the last time
	majority   bool      // as told by the latest Dead
	stats      Stats
}

// Stats are counts of a directory since its start and what it holds now.
type Stats struct {
	Live, Tombstones int    // records held now
	Changed          uint64 // records that Apply took
	Stale            uint64 // records that Apply knew already or that were beaten
	Invalid          uint64 // records refused: a field out of bounds
	Full             uint64 // records refused: MaxRecords
	Gone             uint64 // live records refused: their owner has been dead or unknown for DropAfter
	Conflicts        uint64 // two owners in one epoch
	Answered         uint64 // tombstones made for live records that self was said to own and did not
	DeclaredLost     uint64 // records declared lost here
	Dropped          uint64 // live records dropped without a tombstone
}

// entry is one record as it is held.
type entry struct {
	rec  Record
	born time.Time // of a tombstone: when it was made
	hash uint64
}

// New returns an empty directory of the node self.
func New(self string) *Directory {
	d := &Directory{self: self, matches: map[string]*entry{}, owners: map[string]*owner{}}
	d.owner(self).state = alive
	return d
}

// Put writes a record of self and returns the record that stands now. Owner is set to self, Seq above everything seen of
// the match. Since 0 keeps what it was while self goes on as owner, and is Epoch when self becomes it. When somebody else's
// record beats it (a higher epoch, Lost declared above it, the same epoch with a smaller owner id) that one is returned and the
// caller must not serve the match; a new match under an old id therefore takes the Epoch of its tombstone + 1. The caller
// spreads what is returned when it is its own. A record with a field out of bounds is not stored; the zero Record is
// returned if there is none.
func (d *Directory) Put(now time.Time, r Record) Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tick(now)
	cur := d.matches[r.Match]
	r.Owner, r.Seq, r.Age = d.self, 1, 0
	if r.Since == 0 {
		r.Since = r.Epoch
		if cur != nil && cur.rec.Owner == d.self && cur.rec.State != Ended {
			r.Since = cur.rec.Since
		}
	}
	if cur != nil {
		r.Seq = min(cur.rec.Seq+1, MaxCount)
	}
	if r.valid() && (cur == nil || Newer(&r, &cur.rec)) && (cur != nil || d.room()) {
		d.store(r, d.now)
		return r
	}
	if cur == nil {
		return Record{}
	}
	return d.read(cur)
}

// Get returns the record of a match, tombstones included: look at State. A suspect or dead owner does not hide it.
func (d *Directory) Get(match string) (Record, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	e := d.matches[match]
	if e == nil {
		return Record{}, false
	}
	return d.read(e), true
}

// Of returns the records of owners, tombstones included, sorted by match: what a peer pulls after Diff, and with self
// what an owner advertises again.
func (d *Directory) Of(owners ...string) []Record {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var out []Record
	for _, id := range owners {
		if o := d.owners[id]; o != nil {
			for _, e := range o.records {
				out = append(out, d.read(e))
			}
		}
	}
	return sorted(out)
}

// All returns all records, tombstones included, sorted by match.
func (d *Directory) All() []Record {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]Record, 0, len(d.matches))
	for _, e := range d.matches {
		out = append(out, d.read(e))
	}
	return sorted(out)
}

// Len returns how many records are live and how many are tombstones.
func (d *Directory) Len() (live, tombstones int) {
	s := d.Stats()
	return s.Live, s.Tombstones
}

// Stats returns the counts.
func (d *Directory) Stats() Stats {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.stats
}

func sorted(recs []Record) []Record {
	slices.SortFunc(recs, func(a, b Record) int { return cmp.Compare(a.Match, b.Match) })
	return recs
}

// read returns what others see of an entry: the record with its age.
func (d *Directory) read(e *entry) Record {
	r := e.rec
	if !r.Live() {
		seconds := (max(d.now.Sub(e.born), 0) + time.Second - 1) / time.Second // up, so that copies never live longer
		r.Age = uint16(min(seconds, MaxAge))
	}
	return r
}

// room says whether one more record may be held, and counts when not.
func (d *Directory) room() bool {
	if len(d.matches) < MaxRecords {
		return true
	}
	d.stats.Full++
	return false
}

// tick remembers the latest time told.
func (d *Directory) tick(now time.Time) {
	if now.After(d.now) {
		d.now = now
	}
}
