package cluster

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPlacesCountPromises(t *testing.T) {
	now := time.Now()
	p := places{seats: 4}
	check := func(taken, want int, what string) {
		t.Helper()
		if got := p.free(taken, now); got != want {
			t.Errorf("%s: %d free, want %d", what, got, want)
		}
	}
	check(0, 4, "empty")
	p.promise("a", now)
	p.promise("b", now)
	check(0, 2, "two on their way")
	check(1, 2, "one has arrived")
	p.promise("b", now)
	check(1, 2, "promised again to the same player")
	check(0, 3, "the one who arrived has left again")
	now = now.Add(placeHold)
	check(0, 4, "the other never came")
}

// However players come, stay away and leave: when everybody who was promised a seat comes in time, nobody finds a match full.
func TestPlacesNeverOverbook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		seats := rapid.IntRange(1, 8).Draw(t, "seats")
		p := places{seats: seats}
		taken, next := 0, 0
		var coming []time.Time // when the seat was promised
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"ask", "arrive", "leave", "wait"}).Draw(t, "step") {
			case "ask":
				if p.free(taken, now) > 0 {
					next++
					p.promise(fmt.Sprint(next), now)
					coming = append(coming, now)
				}
			case "arrive":
				if len(coming) > 0 {
					coming = coming[1:]
					if taken++; taken > seats {
						t.Fatalf("%d players for %d seats", taken, seats)
					}
					p.free(taken, now) // looked at after every arrival
				}
			case "leave":
				if taken > 0 {
					taken--
					p.free(taken, now)
				}
			case "wait":
				now = now.Add(time.Duration(rapid.IntRange(1, 6000).Draw(t, "ms")) * time.Millisecond)
				for len(coming) > 0 && now.Sub(coming[0]) >= placeHold {
					coming = coming[1:] // too late: never comes
				}
			}
			if free := p.free(taken, now); free != seats-taken-len(coming) {
				t.Fatalf("%d free, want %d of %d with %d taken and %d coming", free, seats-taken-len(coming), seats, taken, len(coming))
			}
		}
	})
}
