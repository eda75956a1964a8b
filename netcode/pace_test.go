package netcode

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A player who keeps up gets every state frame, whatever his round trip, his jitter and the rates of his match; also one
// who only watches, and one whose acknowledgements wait for his next sample.
func TestPaceLeavesTheHealthyAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &line{
			hz: rapid.SampledFrom([]int{10, 20, 30, 60, 128}).Draw(t, "hz"), every: rapid.IntRange(1, 3).Draw(t, "every"),
			rtt: rapid.Float64Range(0, 300).Draw(t, "rtt"), seed: rapid.Uint64().Draw(t, "seed"),
		}
		l.jitter = min(25, l.rtt)
		if rapid.Bool().Draw(t, "watches") {
			l.acks = 2
		} else {
			l.idle = float64(rapid.SampledFrom([]int{0, 1000 / l.hz}).Draw(t, "idle"))
		}
		if l.run(20 * time.Second); l.missed(0) != 0 {
			t.Errorf("%d of %d frames left out", l.missed(0), len(l.log))
		}
	})
}

// A stall of the network costs a few frames, and the rate stays.
func TestPaceStall(t *testing.T) {
	for _, hz := range []int{20, 30, 60, 128} {
		for _, rtt := range []float64{0, 20, 100, 300} {
			l := &line{hz: hz, rtt: rtt, jitter: min(10, rtt), rate: func(ms int) float64 {
				if ms >= 10_000 && ms < 10_200 {
					return 0
				}
				return 100
			}}
			l.run(20 * time.Second)
			if n := l.missed(0); n > hz/5 || l.slowest(0) != 0 {
				t.Errorf("%d Hz, round trip %v ms: %d frames left out, rate down to a %d. of them", hz, rtt, n, divisors[l.slowest(0)])
			}
			if l.full() > 10_600 {
				t.Errorf("%d Hz, round trip %v ms: the last frame left out at %d ms", hz, rtt, l.full())
			}
		}
	}
}

// halved is a line with half the bandwidth that all frames need, from 10 s to 70 s.
func halved(ms int) float64 {
	if ms >= 10_000 && ms < 70_000 {
		return 1.5
	}
	return 30
}

// Half the bandwidth means fewer frames, not older ones; soon after it is over every frame is sent again.
func TestPaceHalfTheBandwidth(t *testing.T) {
	for _, jitter := range []float64{0, 8} {
		for _, catchUp := range []float64{100, 130, 200} { // catching up takes more bytes than keeping up
			t.Run(fmt.Sprintf("jitter %v, frames of %v bytes", jitter, catchUp), func(t *testing.T) {
				l := (&line{hz: 30, rtt: 20, jitter: jitter, size: 100, catchUp: catchUp, rate: halved}).run(70 * time.Second)
				ages := l.ages(10_000)
				p99, most, n := quantile(ages, 0.99), ages[len(ages)-1], len(ages)
				p99seen, mostSeen := l.staleness(10_000)
				l.run(20 * time.Second)
				t.Logf("%.1f frames a second, age on arrival p50 %.0f p99 %.0f max %.0f ms; until the next one p99 %.0f max %.0f ms; recovered after %d ms",
					float64(n)/60, quantile(ages, 0.5), p99, most, p99seen, mostSeen, l.full()-70_000)
				if p99 > 150 || most > 250 {
					t.Errorf("age p99 %v, max %v ms", p99, most)
				}
				if float64(n)/60*catchUp < 0.6*1500 {
					t.Errorf("%d frames in a minute: the line was left idle", n)
				}
				if l.full() > 73_000 || l.slowest(73_000) != 0 {
					t.Errorf("still left frames out at %d ms", l.full())
				}
			})
		}
	}
}

// A line that cannot carry even the slowest rate gets what it can take, and nothing piles up on it.
func TestPaceTrickle(t *testing.T) {
	l := (&line{hz: 30, rtt: 20, size: 100, rate: func(int) float64 { return 0.25 }}).run(60 * time.Second)
	ages := l.ages(20_000)
	if n := len(ages); n < 60 || ages[n-1] > 450 {
		t.Errorf("%d frames in 40 s, the oldest %v ms old", n, ages[n-1])
	}
}

// Before the first acknowledgement nothing is known about a line; it is not filled up meanwhile.
func TestPaceBeforeTheFirstAcknowledgement(t *testing.T) {
	l := (&line{hz: 30, rtt: 20, size: 100, rate: func(ms int) float64 {
		if ms < 3000 {
			return 0.05 // the keyframe is still on its way
		}
		return 30
	}}).run(3 * time.Second)
	if n := len(l.log) - l.missed(0); n < 20 || n > 30 {
		t.Errorf("%d frames sent in 3 s", n)
	}
	if l.run(6 * time.Second); l.full() > 6000 {
		t.Errorf("left frames out until %d ms", l.full())
	}
}

// Who takes nothing for 10 s is given up, and not before.
func TestPaceGivesUp(t *testing.T) {
	l := (&line{hz: 30, rtt: 20, rate: func(ms int) float64 {
		if ms >= 5000 {
			return 0
		}
		return 30
	}}).run(20 * time.Second)
	for _, d := range l.log {
		if d.what == tooSlow {
			if d.ms < 15_000 || d.ms > 15_600 {
				t.Errorf("given up at %d ms", d.ms)
			}
			return
		}
	}
	t.Error("not given up")
}

// Slow connections share what is encoded for them: frames are left out by their number.
func TestPaceAlignment(t *testing.T) {
	for _, every := range []int{1, 2, 3} {
		for _, share := range []float64{0.8, 0.5, 0.3} {
			l := (&line{hz: 60, every: every, rtt: 20, size: 100, rate: func(int) float64 { return 6 * share / float64(every) }}).run(30 * time.Second)
			steps := map[int]int{}
			for i, d := range l.log {
				number := uint32(i + 1)
				if d.what != send {
					continue
				}
				before := l.log[max(0, i-1)].step // the decision may have raised the rate
				if steps[before]++; number%divisors[before] != 0 {
					t.Fatalf("every %d: frame %d sent at a divisor of %d", every, number, divisors[before])
				}
			}
			if len(steps) < 2 {
				t.Errorf("every %d, %v of the bandwidth: never slowed down", every, share)
			}
		}
	}
}

// What a client says that he has of an earlier connection, or of the future, is no measure of this one.
func TestPaceStrangeAcknowledgements(t *testing.T) {
	var p pace
	for tick := uint32(1000); tick < 1300; tick++ {
		l := lag{tick: tick, every: 1, hz: 30, seen: 900, trip: 20 * time.Millisecond}
		if tick >= 1006 {
			l.seen = tick - 2
		}
		if tick >= 1200 {
			l.seen = tick + 50
		}
		if p.next(l, tick) != send {
			t.Fatalf("frame of tick %d left out", tick)
		}
	}
}
