package directory

import (
	"cmp"
	"strings"
)

// State is what became of a match.
type State uint8

// The states of a record.
const (
	Running State = iota // the owner serves it
	Ended                // tombstone by the owner: it is over, or moved nowhere
	Lost                 // tombstone by others: the owner died and nobody went on
)

// String names the state in lower case.
func (s State) String() string {
	switch s {
	case Running:
		return "running"
	case Ended:
		return "ended"
	case Lost:
		return "lost"
	}
	return "unknown"
}

// Limits of a record.
const (
	MaxID    = 64        // bytes in an id: printable ASCII without space
	MaxCount = 1<<31 - 1 // greatest epoch and sequence, so that the next never wraps
	MaxAge   = 1<<16 - 1 // greatest age, seconds
)

// Record is what the cluster knows of one match.
type Record struct {
	Match   string // id, 1..MaxID bytes
	Epoch   uint32 // of the list of members, 1..MaxCount; never falls
	Seq     uint32 // counts the writes of a match, 1..MaxCount; assigned by Put
	Since   uint32 // first epoch of this owner's tenure, 1..Epoch: what clients see
	Owner   string // node id; of a Lost record the node that died
	Standby string // node id, empty: none
	Witness string // node id, empty: none
	State   State

	// Age of a tombstone in seconds, rounded up; 0 in a live record. It is no part of the order or of digests.
	Age uint16
}

// Live says whether the record says that somebody serves the match.
func (r *Record) Live() bool { return r.State == Running }

// Newer says whether a beats b, a record of the same match. The order is total but for Age: higher epoch; any record of an
// owner over Lost; the smaller owner id (two owners of one epoch are a conflict, the other one must stop); Ended over
// Running; higher sequence; what remains is settled by the other fields, so that all nodes settle it alike.
func Newer(a, b *Record) bool { return compare(a, b) > 0 }

func compare(a, b *Record) int {
	return cmp.Or(
		cmp.Compare(a.Epoch, b.Epoch),
		boolean(b.State == Lost)-boolean(a.State == Lost),
		strings.Compare(b.Owner, a.Owner),
		cmp.Compare(a.State, b.State),
		cmp.Compare(a.Seq, b.Seq),
		cmp.Compare(a.Since, b.Since),
		strings.Compare(a.Standby, b.Standby),
		strings.Compare(a.Witness, b.Witness),
	)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// valid says whether a record may be stored: the one place that checks what came from elsewhere.
func (r *Record) valid() bool {
	return validID(r.Match) && validID(r.Owner) && (r.Standby == "" || validID(r.Standby)) && (r.Witness == "" || validID(r.Witness)) &&
		r.Epoch >= 1 && r.Epoch <= MaxCount && r.Seq >= 1 && r.Seq <= MaxCount && r.Since >= 1 && r.Since <= r.Epoch &&
		r.State <= Lost && (r.State != Running || r.Age == 0)
}

func validID(s string) bool {
	if len(s) == 0 || len(s) > MaxID {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// hash mixes what copies must agree on into 64 bits: FNV-1a over the fields, each closed by a byte that no id contains,
// then the finaliser of MurmurHash3. Digests add it up by exclusive or.
func (r *Record) hash() uint64 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{r.Match, r.Owner, r.Standby, r.Witness} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	h = mix(h ^ uint64(r.Epoch)<<32 ^ uint64(r.Seq))
	return mix(h ^ uint64(r.Since)<<8 ^ uint64(r.State))
}

func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
