package admin

import (
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func from(addr string) *http.Request { return &http.Request{RemoteAddr: addr} }

func TestLimiterByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(10, 3, 100)
		take := func(addr string) (n int) {
			for range 10 {
				if l.Allow(from(addr)) {
					n++
				}
			}
			return n
		}
		if n := take("192.0.2.1:1"); n != 3 {
			t.Errorf("%d of a burst of 10 got through, want 3", n)
		}
		if n := take("192.0.2.1:2"); n != 0 {
			t.Errorf("another port of the same address got %d through", n)
		}
		if n := take("192.0.2.2:1"); n != 3 {
			t.Errorf("another address got %d through, want 3", n)
		}
		if n := take("[2001:db8::1]:1") + take("[2001:db8::2]:1"); n != 3 {
			t.Errorf("two addresses of one IPv6 network got %d through, want 3", n)
		}
		if n := take("127.0.0.1:1") + take("[::1]:1") + take("[::ffff:127.0.0.1]:1"); n != 30 {
			t.Errorf("loopback got %d of 30 through", n)
		}
		if got := l.Refused(); got != 7+10+7+17 {
			t.Errorf("%d refusals counted, want 41", got)
		}
		time.Sleep(200 * time.Millisecond)
		if n := take("192.0.2.1:1"); n != 2 {
			t.Errorf("%d after 200 ms at 10 a second, want 2", n)
		}
	})
}

// Addresses without end must not fill the memory, and must not give those that ask now a new bucket each time.
func TestLimiterIsBounded(t *testing.T) {
	synctest.Test(t, testLimiterIsBounded) // 10,000 requests in no time
}

func testLimiterIsBounded(t *testing.T) {
	l := NewLimiter(1, 1, 50)
	busy := netip.MustParseAddr("192.0.2.1")
	passed := 0
	for i := range 10_000 {
		l.take(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		if l.take(busy) {
			passed++
		}
		if len(l.newer) > 50 || len(l.older) > 50 {
			t.Fatalf("tables of %d and %d addresses, bound 50", len(l.newer), len(l.older))
		}
	}
	if passed != 1 {
		t.Errorf("an address that asks all the time got %d of 10,000 through at one a second in no time", passed)
	}
}
