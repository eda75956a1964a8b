package place

import (
	"cmp"
	"slices"
)

// Rendezvous returns ids in the order in which they answer for key: highest random weight first (Thaler and
// Ravishankar, Using Name-Based Mappings to Increase Hit Rates, 1998). Nodes that agree on who is there agree on the order, and a
// node that goes changes nothing among the others. ids is not changed.
func Rendezvous(key string, ids []string) []string {
	type ranked struct {
		id     string
		weight uint64
	}
	k := hash(key)
	all := make([]ranked, len(ids))
	for i, id := range ids {
		all[i] = ranked{id, mix(k ^ hash(id))}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.id, b.id))
	})
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].id
	}
	return out
}

// homes is how many nodes Homes names.
const homes = 3

// Homes returns the nodes that answer for key, at most three: the first is its home, the others are asked in turn while it
// does not answer. Queues of the matchmaker live at theirs; the directory's miss path asks those of the match.
func Homes(key string, ids []string) []string {
	out := Rendezvous(key, ids)
	return out[:min(homes, len(out))]
}

// hash is FNV-1a with 64 bits, finished by mix, without which its upper bits hardly depend on the last bytes.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014, with the constants
// of Stafford's variant 13): every bit of the input changes every bit of the result with a chance of a half.
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
