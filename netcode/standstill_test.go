package netcode

import (
	"fmt"
	"testing"
	"time"
)

// A client that acknowledges every second tick may have one frame that it never acknowledges when the match stands still, or holds its
// output. It plays on soon after.
func TestPaceAfterAStandstill(t *testing.T) {
	for begin := range 70 { // at either kind of frame
		t.Run(fmt.Sprint(begin), func(t *testing.T) {
			l := &line{hz: 30, rtt: 40, acks: 2, held: func(ms int) bool { return ms >= 3000+begin && ms < 4000 }}
			l.run(20 * time.Second)
			if ages := l.got; ages[len(ages)-1].ms < 19_900 {
				t.Errorf("no frame after %.0f ms", ages[len(ages)-1].ms)
			}
			if first := l.firstAfter(4000); first > 4000+200 {
				t.Errorf("the first frame after the standstill came at %.0f ms", first)
			}
			if full := l.full(); full > 7500 {
				t.Errorf("left frames out until %d ms", full)
			}
		})
	}
}

// A frame that the connection was too busy to take after all is not waited for.
func TestPaceUnsentFrames(t *testing.T) {
	l := &line{hz: 30, rtt: 40, filled: func(ms int) bool { return ms == 0 || ms >= 2000 && ms < 2030 || ms >= 4000 && ms < 4500 }}
	l.run(10 * time.Second)
	for at, within := range map[float64]float64{0: 100, 2030: 100, 4500: 200} {
		if first := l.firstAfter(at); first > at+within {
			t.Errorf("the first frame after %.0f ms came at %.0f", at, first)
		}
	}
	if n := l.missed(0); n > 20 {
		t.Errorf("%d frames were left out", n)
	}
}

// A page that answers pings but stands still gets nothing, so that all that it missed comes as one frame, and is given up after as long as any
// other.
func TestPaceOfAPageThatStandsStill(t *testing.T) {
	l := &line{hz: 30, rtt: 40}
	l.run(3 * time.Second)
	l.acks = 1 << 30
	l.run(15 * time.Second)
	sent := 0
	for _, d := range l.log {
		if d.ms >= 3500 && d.what == send {
			sent++
		}
		if d.what == tooSlow {
			if d.ms < 13_000 || d.ms > 13_500 {
				t.Errorf("given up at %d ms", d.ms)
			}
			if sent != 0 {
				t.Errorf("%d frames were sent meanwhile", sent)
			}
			return
		}
	}
	t.Error("not given up")
}
