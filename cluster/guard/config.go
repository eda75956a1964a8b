package guard

import "fmt"

// Policy says what to do where safety and going on exclude each other.
type Policy uint8

const (
	// Safe never risks two owners: two nodes do not survive the owner's death, and the last of three stops after
	// LostAfter (ActFail, close code 4000).
	Safe Policy = iota
	// Available goes on and risks two versions of the match. Two nodes: the standby promotes itself when the owner's process
	// is known to have ended (Gone; never on silence or EOF). The last of three: goes on alone after LostAfter. The record says Unsafe.
	Available
)

// Config is what a guard is told at its birth. Times are in milliseconds; zero means the default.
type Config struct {
	Self  string // this node's id
	Match string
	Seed  uint64 // of the jitter between ballots; any number, different on every node
	Pair  Policy // lists of two nodes
	Last  Policy // the last one alive of three

	Suspect    int64  // a standby asks this long after Down with Silence: 100 (so 400 after the last word)
	Probe      int64  // a witness gives a silent owner this long to answer: 100
	BackoffMin int64  // the loser of a ballot waits between BackoffMin and BackoffMax: 50, 150
	BackoffMax int64  //
	Retry      int64  // messages without an answer are sent again after this: 100
	Contact    int64  // a member not heard of at all, neither Up nor Down nor message, counts as silent after this: 1000
	Stall      int64  // a standby that acknowledges nothing for this long while there is something is dropped: 1000
	Need       int64  // ActNeed is repeated after this: 500
	Enlist     int64  // a candidate that does not answer for this long is given up: 1000
	Learn      int64  // a candidate that makes no progress for this long is given up: 5000
	Move       int64  // at tick K, target and standby get this long to acknowledge K; then ActThaw: 500
	LostAfter  int64  // without a majority for this long: see Last. 15000
	Keep       int64  // Done is true this long after the guard had its last part in the match: 60000
	Lag        uint32 // a learner this many entries behind has caught up: 2
}

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	for _, d := range []struct {
		v *int64
		d int64
	}{{&c.Suspect, 100}, {&c.Probe, 100}, {&c.BackoffMin, 50}, {&c.BackoffMax, 150}, {&c.Retry, 100}, {&c.Contact, 1000},
		{&c.Stall, 1000}, {&c.Need, 500}, {&c.Enlist, 1000}, {&c.Learn, 5000}, {&c.Move, 500}, {&c.LostAfter, 15000}, {&c.Keep, 60000}} {
		if *d.v == 0 {
			*d.v = d.d
		}
	}
	if c.Lag == 0 {
		c.Lag = 2
	}
	return c
}

// Validate says what is wrong with a config that has its defaults.
func (c Config) Validate() error {
	if !validID(c.Self) || !validID(c.Match) {
		return fmt.Errorf("guard: node %q and match %q must be 1 to %d printable ASCII bytes", c.Self, c.Match, MaxID)
	}
	if c.Pair > Available || c.Last > Available {
		return fmt.Errorf("guard: unknown policy %d or %d", c.Pair, c.Last)
	}
	for _, t := range []int64{c.Suspect, c.Probe, c.BackoffMin, c.Retry, c.Contact, c.Stall, c.Need, c.Enlist, c.Learn, c.Move, c.LostAfter, c.Keep} {
		if t <= 0 || t > 24*3600*1000 {
			return fmt.Errorf("guard: a time of %d ms is not between 1 ms and a day", t)
		}
	}
	if c.BackoffMax < c.BackoffMin {
		return fmt.Errorf("guard: BackoffMax %d ms is below BackoffMin %d ms", c.BackoffMax, c.BackoffMin)
	}
	return nil
}
