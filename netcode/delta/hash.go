package delta

// mix is the "lowbias32" of C. Wellons, "Prospecting for Hash Functions", 2018: a bijection of 32 bits with low bias.
func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x7feb352d
	h ^= h >> 15
	h *= 0x846ca68b
	return h ^ h>>16
}

// hash returns a row's share of the view hash: one multiplication a number, and the better mix at both ends.
func (k *kind) hash(id uint32, kind uint8, numbers []int32) uint32 {
	h := mix(id*0x9e3779b1 + uint32(kind))
	for _, v := range numbers {
		h = (h ^ uint32(v)) * 0x7feb352d
		h ^= h >> 15
	}
	return mix(h)
}
