package relay

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLineBounds: bytes arrive in order, never before half the least round trip and the time to send them, and never
// later than the line's backlog, the most delay and a stall explain.
func TestLineBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := Lookup(rapid.SampledFrom(Names()).Draw(t, "profile"))
		if err != nil {
			t.Fatal(err)
		}
		l := NewLine(p, rapid.Uint64().Draw(t, "seed"), rapid.Bool().Draw(t, "up"))
		var now, last, free time.Duration
		for range rapid.IntRange(1, 200).Draw(t, "chunks") {
			now += time.Duration(rapid.IntRange(0, 100_000).Draw(t, "pause")) * time.Microsecond
			n := rapid.IntRange(1, 3000).Draw(t, "bytes")
			free = max(free, now)
			if p.Rate > 0 {
				free += time.Duration(float64(n) / float64(p.Rate) * 1e9)
			}
			at := l.Send(now, n)
			if at < last {
				t.Fatalf("arrives at %v, before what was sent earlier (%v)", at, last)
			}
			if lo := free + (p.RTT-p.Jitter)/2; at < lo {
				t.Fatalf("arrives at %v, not before %v is possible", at, lo)
			}
			if hi := max(last, free+(p.RTT+p.Jitter)/2) + p.StallFor; at > hi {
				t.Fatalf("arrives at %v, later than %v", at, hi)
			}
			last = at
		}
	})
}

// TestLineRate: a line that is kept full carries its rate.
func TestLineRate(t *testing.T) {
	p := Profile{Rate: 62_500}
	l := NewLine(p, 1, true)
	var last time.Duration
	for range 1000 {
		last = l.Send(0, 625)
	}
	if want := 10 * time.Second; last < want-time.Millisecond || last > want+time.Millisecond {
		t.Errorf("625 kB at 62.5 kB/s take %v, want %v", last, want)
	}
}

// TestStalls: both directions stall at the same times, about as often as the profile says, and nothing arrives in a stall.
func TestStalls(t *testing.T) {
	p, _ := Lookup("bad")
	p.Rate, p.Jitter, p.RTT = 0, 0, 0
	up, down := NewLine(p, 7, true), NewLine(p, 7, false)
	const minutes = 200
	held, before := 0, time.Duration(-1)
	for at := time.Duration(0); at < minutes*time.Minute; at += 10 * time.Millisecond {
		a, b := up.Send(at, 1), down.Send(at, 1)
		if a != b {
			t.Fatalf("at %v: up arrives at %v, down at %v", at, a, b)
		}
		if a > at && a != before {
			held, before = held+1, a
		}
	}
	if perMinute := float64(held) / minutes; perMinute < 16 || perMinute > 22 {
		t.Errorf("%.1f stalls a minute, want about 19", perMinute)
	}
}

// TestSeeds: the same seed gives the same schedule, another seed another one.
func TestSeeds(t *testing.T) {
	p, _ := Lookup("wifi")
	a, b, c := NewLine(p, 1, true), NewLine(p, 1, true), NewLine(p, 2, true)
	differs := false
	for i := range 100 {
		now := time.Duration(i) * time.Second
		x := a.Send(now, 100)
		if y := b.Send(now, 100); x != y {
			t.Fatalf("same seed: %v and %v", x, y)
		}
		differs = differs || x != c.Send(now, 100)
	}
	if !differs {
		t.Error("another seed gave the same schedule")
	}
	if _, err := Lookup("modem"); err == nil {
		t.Error("an unknown profile was found")
	}
}

// TestLife: connections live as long as the profile says, on average.
func TestLife(t *testing.T) {
	p, _ := Lookup("bad")
	var sum time.Duration
	resets := 0
	for seed := range uint64(1000) {
		at, reset := life(p, seed)
		if at <= 0 || at > 2*p.CutEvery+time.Millisecond {
			t.Fatalf("seed %d: cut after %v", seed, at)
		}
		sum += at
		if reset {
			resets++
		}
	}
	if mean := sum / 1000; mean < 27*time.Second || mean > 33*time.Second {
		t.Errorf("mean life %v, want about %v", mean, p.CutEvery)
	}
	if resets < 400 || resets > 600 {
		t.Errorf("%d of 1000 cuts are resets, want about half", resets)
	}
}
