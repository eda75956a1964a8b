package cluster

// How long a standby that was too slow is left alone, ms. A standby costs its players a gap of about lagLimit when it turns out to be too slow. Most are slow
// once, since their machine or the network had a hiccup, and where there is nobody else the match is unprotected meanwhile: so the first time is short. One
// that is slow for good costs few gaps more than if it had been left alone for lagShunMax each time: it is tried again after 5, 10, 20, and then every 30 s.
const (
	lagShun    = 5_000  // the first time; it doubles
	lagShunMax = 30_000 // at most
	lagForget  = 60_000 // who was not too slow for this long since is taken as new
)

// lags says which nodes were too slow as standbys of a match, and until when these are not chosen again. Times are in ms. Pure.
type lags map[string]lag

type lag struct {
	times uint  // that it was too slow, lately
	till  int64 // when it may be chosen again
}

// add notes that a node was too slow, and returns for how long it is left alone.
func (l lags) add(id string, now int64) (long int64) {
	x := l[id]
	if now-x.till >= lagForget {
		x.times = 0
	}
	long = min(int64(lagShun)<<min(x.times, 8), lagShunMax)
	l[id] = lag{x.times + 1, now + long}
	return long
}

// shunned returns the nodes that are left alone, and forgets those that were not too slow for long. The others are at most as many as nodes.
func (l lags) shunned(now int64) (ids []string) {
	for id, x := range l {
		switch {
		case now < x.till:
			ids = append(ids, id)
		case now-x.till >= lagForget:
			delete(l, id)
		}
	}
	return ids
}

// lateness measures for how long frames have been waiting for a standby. Time in which the owner itself stood still does not count: on a
// starved machine each would blame the other. Times are in ms. Pure.
type lateness struct {
	since  int64 // when all that was stepped had been acknowledged, last, and what does not count; 0: it was never
	looked int64 // when the owner looked last
}

// even notes that all that was stepped is acknowledged.
func (x *lateness) even(now int64) { x.since = now }

// look returns for how long the standby has been behind. It is called at least with every tick that is stepped; if that takes longer than pause, the owner
// stood still.
func (x *lateness) look(now, pause int64) (late int64) {
	gap := now - x.looked
	x.looked = now
	if x.since == 0 {
		return 0
	}
	if gap > pause {
		x.since = min(now, x.since+gap)
	}
	return now - x.since
}
