package cluster

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func newQueue(limit, most int) *deliveries {
	return &deliveries{rand: rand.New(rand.NewPCG(1, 2)), limit: limit, most: most}
}

// Waiting grows with each failure and is never shorter than half of what it should be; a receiver that fails again and again is probed by
// one attempt at a time, ever more seldom, and gets everything at once when it is back.
func TestBreaker(t *testing.T) {
	d, now := newQueue(3, 100), time.Unix(0, 0)
	for seq := uint64(1); seq <= 50; seq++ {
		d.add(now, seq)
	}
	attempts, opened := 0, false
	for end := now.Add(time.Hour); now.Before(end); {
		x, after := d.next(now)
		if x == nil {
			if after <= 0 {
				t.Fatal("waits for nothing")
			}
			now = now.Add(after)
			continue
		}
		if opened && d.flying != 1 {
			t.Errorf("%d probes at a time", d.flying)
		}
		attempts++
		now = now.Add(time.Second)
		d.done(now, x, failed, 0)
		opened = opened || d.open()
		if d.open() {
			if other, _ := d.next(now); other != nil {
				t.Fatal("a receiver that fails is asked at once")
			}
		}
	}
	if least, most := breakAfter+3600/61, breakAfter+10+3600/31; attempts < least || attempts > most {
		t.Errorf("%d attempts in an hour, want %d to %d", attempts, least, most)
	}
	now = now.Add(lastPause)
	x, _ := d.next(now)
	d.done(now, x, delivered, 0)
	if d.open() || d.pending() != 49 {
		t.Errorf("open: %v, %d pending", d.open(), d.pending())
	}
	now = now.Add(lastRetry)
	for want := 1; want <= 3; want++ {
		if x, _ := d.next(now); x == nil || d.flying != want {
			t.Fatalf("%d on their way, want %d", d.flying, want)
		}
	}
}

func TestRetriesOfOneGrow(t *testing.T) {
	d, now := newQueue(1, 10), time.Unix(0, 0)
	d.add(now, 1)
	due := firstRetry
	for range 14 {
		x, after := d.next(now)
		if x == nil {
			t.Fatalf("not due for %v", after)
		}
		d.done(now, x, refused, 0)
		if d.open() {
			t.Error("a receiver that answers is left alone")
		}
		_, after = d.next(now)
		if after < due/2 || after > due {
			t.Errorf("waits %v, want %v to %v", after, due/2, due)
		}
		now, due = now.Add(after), min(2*due, lastRetry)
	}
	x, _ := d.next(now)
	d.done(now, x, failed, time.Hour)
	if _, after := d.next(now); after != maxAskedWait {
		t.Errorf("waits %v for a receiver that asks for an hour", after)
	}
}

// Whatever the receiver answers and however much comes: each result is delivered once or was given up as the oldest, and never more are on their
// way than allowed.
func TestQueueLosesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit, most := rapid.IntRange(1, 4).Draw(rt, "limit"), rapid.IntRange(1, 8).Draw(rt, "most")
		d, now := newQueue(limit, most), time.Unix(0, 0)
		state := map[uint64]string{}
		var flying []*delivery
		var seq uint64
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				seq++
				state[seq] = "waits"
				if gone := d.add(now, seq); gone != 0 {
					for old, s := range state {
						if s == "waits" && old < gone {
							rt.Fatalf("%d gave way before %d", gone, old)
						}
					}
					if state[gone] != "waits" {
						rt.Fatalf("%d gave way, and it %s", gone, state[gone])
					}
					state[gone] = "gave way"
				}
			case 1:
				if x, _ := d.next(now); x != nil {
					if state[x.seq] != "waits" || x.due.After(now) {
						rt.Fatalf("%d is taken: %s, due %v, now %v", x.seq, state[x.seq], x.due, now)
					}
					state[x.seq] = "flies"
					flying = append(flying, x)
				}
			case 2:
				if len(flying) > 0 {
					x := flying[0]
					flying = flying[1:]
					v := rapid.SampledFrom([]verdict{delivered, refused, failed}).Draw(rt, "verdict")
					state[x.seq] = map[verdict]string{delivered: "delivered", refused: "waits", failed: "waits"}[v]
					d.done(now, x, v, 0)
				}
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "s")) * time.Second)
			}
			if d.flying != len(flying) || d.flying > limit {
				rt.Fatalf("%d on their way, want %d, at most %d", d.flying, len(flying), limit)
			}
		}
		open := 0
		for _, s := range state {
			if s == "waits" || s == "flies" {
				open++
			}
		}
		if d.pending() != open {
			rt.Fatalf("%d pending, want %d", d.pending(), open)
		}
	})
}
