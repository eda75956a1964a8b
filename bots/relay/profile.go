package relay

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Profile is a set of network conditions. The zero value is a perfect network.
type Profile struct {
	Name string
	// RTT is the mean time there and back; Jitter how much it varies to either side, uniformly. Each direction has half.
	RTT, Jitter time.Duration
	// Rate is the bytes per second of each direction; 0 means no limit.
	Rate int
	// StallEvery is the mean time between stalls (exponentially distributed), in which nothing arrives for StallFor;
	// 0 means none. Both directions of a connection stall together.
	StallEvery, StallFor time.Duration
	// CutEvery is the mean life of a connection (uniform from 0 to twice that); what is in flight is lost. 0 means that
	// it is never cut. Every second cut, by chance, is a reset (RST) instead of an orderly end (FIN).
	CutEvery time.Duration
}

const stall = 200 * time.Millisecond

var profiles = map[string]Profile{
	"lan":  {Name: "lan", RTT: time.Millisecond},
	"wifi": {Name: "wifi", RTT: 20 * time.Millisecond, Jitter: 8 * time.Millisecond, Rate: 20e6 / 8, StallEvery: time.Minute, StallFor: stall},
	"4g":   {Name: "4g", RTT: 60 * time.Millisecond, Jitter: 25 * time.Millisecond, Rate: 5e6 / 8, StallEvery: time.Minute / 4, StallFor: stall},
	"bad": {Name: "bad", RTT: 150 * time.Millisecond, Jitter: 60 * time.Millisecond, Rate: 500e3 / 8, StallEvery: time.Minute / 20, StallFor: stall,
		CutEvery: 30 * time.Second},
}

// Lookup returns a named profile: lan, wifi, 4g or bad.
func Lookup(name string) (Profile, error) {
	p, ok := profiles[name]
	if !ok {
		return Profile{}, fmt.Errorf("network %q is none of %s", name, strings.Join(Names(), ", "))
	}
	return p, nil
}

// Names returns the names of the profiles, sorted.
func Names() []string {
	var s []string
	for n := range profiles {
		s = append(s, n)
	}
	sort.Strings(s)
	return s
}
