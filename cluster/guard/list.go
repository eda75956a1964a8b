package guard

// List is a decided configuration of a match. Lists are numbered by epoch; there is one list per epoch. Comparable.
type List struct {
	Epoch   uint32 // 1 for a match just born
	Since   uint32 // first epoch of this owner's tenure
	Prev    uint32 // tenure before this list's epoch (Since of list Epoch-1): the log a new owner must hold
	Base    uint32 // index that a log must reach to count in this epoch
	Owner   string // always set
	Standby string // "" when the owner is alone
	Witness string // "" with one or two nodes
}

// Value is what a vote chooses: the next list without what follows from the list before. Comparable.
type Value struct {
	Base                    uint32
	Owner, Standby, Witness string
}

// Has says whether id is a member.
func (l *List) Has(id string) bool {
	return id != "" && (l.Owner == id || l.Standby == id || l.Witness == id)
}

// Next is the list that follows when v is decided.
func (l *List) Next(v Value) List {
	n := List{Epoch: l.Epoch + 1, Since: l.Epoch + 1, Prev: l.Since, Base: v.Base,
		Owner: v.Owner, Standby: v.Standby, Witness: v.Witness}
	if v.Owner == l.Owner {
		n.Since = l.Since
	}
	return n
}

// voted says whether the list is changed by a vote of two of three rather than by its owner alone.
func (l *List) voted() bool { return l.Witness != "" }

// members are the owner, standby and witness; "" where there is none.
func (l *List) members() [3]string { return [3]string{l.Owner, l.Standby, l.Witness} }

// seat is id's place in the list: 0 owner, 1 standby, 2 witness, -1 none.
func (l *List) seat(id string) int {
	for i, m := range l.members() {
		if m != "" && m == id {
			return i
		}
	}
	return -1
}

// value is the list again, with a base of its own.
func (l *List) value(base uint32) Value { return Value{base, l.Owner, l.Standby, l.Witness} }

// sound says whether the members are proper and different, and a witness comes with a standby only.
func (v *Value) sound() bool {
	if !validID(v.Owner) || v.Standby == v.Owner || v.Witness == v.Owner {
		return false
	}
	if v.Standby == "" {
		return v.Witness == ""
	}
	return validID(v.Standby) && v.Witness != v.Standby && (v.Witness == "" || validID(v.Witness))
}

// sound says whether a list from a peer can be one: see List.
func (l *List) sound() bool {
	v := l.value(l.Base)
	return l.Epoch >= 1 && l.Since >= 1 && l.Since <= l.Epoch && l.Prev < l.Epoch && v.sound()
}

// MaxID bounds match and node ids in bytes.
const MaxID = 64

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
