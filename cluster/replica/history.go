package replica

// Hashes is how many ticks a [History] reaches back: 8.5 s at 30 Hz.
const Hashes = 256

// History holds the state hashes of the last ticks of one log, by which two nodes find out whether one's log is the beginning
// of the other's (rule 7). The zero value is empty. It is a value: assigning copies it.
type History struct {
	ring [Hashes]struct {
		hash uint64
		tick uint32
		set  bool
	}
}

// Put remembers the state hash after a tick, and forgets the one [Hashes] ticks before.
func (h *History) Put(tick uint32, hash uint64) {
	e := &h.ring[tick%Hashes]
	e.tick, e.hash, e.set = tick, hash, true
}

// At returns the state hash after a tick; ok is false if it is not, or no longer, known.
func (h *History) At(tick uint32) (hash uint64, ok bool) {
	e := &h.ring[tick%Hashes]
	if !e.set || e.tick != tick {
		return 0, false
	}
	return e.hash, true
}

// Has reports whether a tick's state had this hash.
func (h *History) Has(tick uint32, hash uint64) bool {
	own, ok := h.At(tick)
	return ok && own == hash
}
