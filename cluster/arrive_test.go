package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// A node that leaves waits for what it let come before, not longer than it may take, and lets nothing new come.
func TestArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a arrivals
		leaving := false
		here := map[string]bool{}
		leaves := func() bool { return leaving }
		any := func() bool { return a.any(func(m string) bool { return here[m] }) }
		if any() || !a.expect("m1", leaves) || !a.expect("m2", leaves) {
			t.Fatal("a node that stays takes nothing")
		}
		leaving = true
		if a.expect("m3", leaves) {
			t.Fatal("a node that leaves takes more")
		}
		here["m1"] = true
		if !any() {
			t.Fatal("m2 is still to come")
		}
		here["m2"] = true
		if any() {
			t.Fatal("both came")
		}
		leaving = false
		a.expect("m4", leaves)
		time.Sleep(arriveWithin - time.Nanosecond)
		if !any() {
			t.Fatal("m4 may come yet")
		}
		time.Sleep(time.Nanosecond)
		if any() {
			t.Fatal("m4 is waited for too long")
		}
	})
}
