package delta

// mix is the "lowbias32" of C. Wellons, "Prospecting for Hash Functions", 2018: a bijection of 32 bits with low bias.
func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x7feb352d
	h ^= h >> 15
	h *= 0x846ca68b
	return h ^ h>>16
}

// hash returns a row's share of the view hash.
func (k *kind) hash(id uint32, kind uint8, numbers []int32) uint32 {
	h := mix(id*0x9e3779b1 + uint32(kind))
	d := k.values
	for i := range k.fields[:k.values] {
		h = mix(h ^ uint32(numbers[i]))
		if k.fields[i].linear {
			h = mix(h + uint32(numbers[d])*0x85ebca6b)
			d++
		}
	}
	return h
}
