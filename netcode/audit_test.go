package netcode

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The kernel is not asked about players who acknowledge what they get, and who acknowledges nothing gets every frame if his
// kernel takes them; both at any round trip.
func TestAuditLeavesTheHealthyAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &line{
			hz: rapid.SampledFrom([]int{10, 20, 30, 60, 128}).Draw(t, "hz"), every: rapid.IntRange(1, 3).Draw(t, "every"),
			rtt: rapid.Float64Range(0, 300).Draw(t, "rtt"), seed: rapid.Uint64().Draw(t, "seed"), mute: rapid.Bool().Draw(t, "mute"),
			kernel: true, size: 100,
		}
		l.jitter = min(25, l.rtt)
		from := 0
		if l.mute {
			from = 4000
		}
		if l.run(20 * time.Second); l.missed(from) != 0 {
			t.Errorf("%d of %d frames left out", l.missed(from), len(l.log))
		}
		if !l.mute && l.looks != 0 || l.looks > 20*4 {
			t.Errorf("%d looks into the queue in 20 s", l.looks)
		}
	})
}

// Who acknowledges nothing, or more than he can have, is held to what his line carries. Without the kernel's word the queue of the
// first is bounded by the lowest rate only, and that of the second by nothing.
func TestAuditFindsWhoIsBehind(t *testing.T) {
	for _, rtt := range []float64{100, 200, 300} {
		for _, c := range []line{{mute: true}, {lies: true}} {
			l := c
			l.hz, l.rtt, l.jitter, l.size, l.kernel, l.rate = 30, rtt, 10, 100, true, func(int) float64 { return 1.5 }
			l.run(60 * time.Second)
			ages := l.ages(30_000) // a liar on a short line is found by the first ping that has to wait
			p50, most := quantile(ages, 0.5), ages[len(ages)-1]
			t.Logf("round trip %v ms, mute %v, lies %v: %.1f frames a second, age p50 %.0f ms, max %.0f ms, %.1f looks a second",
				rtt, l.mute, l.lies, float64(len(ages))/30, p50, most, float64(l.looks)/60)
			if most > rtt/2+1500 || p50 > rtt/2+500 || len(ages) < 30*3 {
				t.Errorf("%d frames, age p50 %v, max %v ms", len(ages), p50, most)
			}
			if l.looks > 60*4+1 {
				t.Errorf("%d looks into the queue in a minute", l.looks)
			}
			l.rate = nil
			now := l.now
			if l.run(20 * time.Second); l.missed(now+15_000) != 0 {
				t.Errorf("%d frames left out when there was room again", l.missed(now+15_000))
			}
		}
	}
}

// The kernel counts what the peer has not taken.
func TestTrafficOfASocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Linux only")
	}
	a, b := tcpPair(t)
	c := newNBConn(a)
	c.start(patience)
	if _, err := c.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(b, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the peer's kernel has acknowledged", func() bool {
		x := c.traffic()
		return x.known && x.sent == 1000 && x.queued == 0
	})
	for c.queued() == 0 {
		if _, err := c.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if x := c.traffic(); !x.known || x.queued < 64<<10 || x.queued > x.sent-1000 {
		t.Errorf("%+v of a connection that nobody reads", x)
	}
	c.Close()
	if x := c.traffic(); x.known {
		t.Errorf("%+v of a closed connection", x)
	}
}

// tcpPair returns two ends of a connection.
func tcpPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if b, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if a, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}
