package client

import (
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/schema"
)

// TestClock: whatever the delays each way within their jitter, the clock is within half of their difference of the truth, and
// samples arrive before their tick begins but not earlier than the margin explains.
func TestClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.SampledFrom([]int{10, 30, 60, 128}).Draw(t, "hz")
		base := rapid.IntRange(0, 100).Draw(t, "delay ms")
		jitter := rapid.IntRange(0, 20).Draw(t, "jitter ms")
		delay := func() time.Duration {
			return time.Duration(base*1000+rapid.IntRange(0, jitter*1000).Draw(t, "us")) * time.Microsecond
		}
		first := rapid.Uint32Range(1, 1e6).Draw(t, "tick")
		truth := func(at time.Duration) float64 { return float64(first) + at.Seconds()*float64(hz) }
		var c clock
		now := delay()
		c.start(hz, uint32(truth(now-delay())), now)
		for range 30 {
			now += 200 * time.Millisecond
			up, down := delay(), delay()
			c.pong(now+up+down, up+down, truth(now+up), 0)
			now += up + down
		}
		if off, most := math.Abs(c.now(now)-truth(now)), float64(jitter)/2000*float64(hz)+0.01; off > most {
			t.Fatalf("the clock is %.3f ticks off, at most %.3f expected", off, most)
		}
		last := uint32(0)
		for range 50 {
			now += time.Second / time.Duration(hz)
			target := c.target(now)
			if target < last {
				t.Fatalf("target %d after %d", target, last)
			}
			last = target
			arrival := truth(now + time.Duration(base)*time.Millisecond)
			if slack := float64(target) - arrival; slack < -float64(jitter)/1000*float64(hz)-0.1 || slack > minJitter.Seconds()*float64(hz)+beyond+1+float64(jitter)/1000*float64(hz) {
				t.Fatalf("a sample for tick %d arrives at %.2f at the earliest", target, arrival)
			}
		}
	})
}

// TestClockJump: when the server loses ticks, the next pong is believed at once.
func TestClockJump(t *testing.T) {
	var c clock
	c.start(30, 100, 0)
	for i := range 10 {
		c.pong(time.Duration(i)*time.Second, 10*time.Millisecond, 100+30*float64(i), -0.5)
	}
	c.pong(11*time.Second, 12*time.Millisecond, 100+30*11-20, -0.5)
	if now, want := c.now(11*time.Second), 100+30*11-20+0.18; math.Abs(now-want) > 0.01 {
		t.Errorf("tick %.2f after 20 ticks were lost, want %.2f", now, want)
	}
	if a, b := c.target(11*time.Second), c.target(11*time.Second+time.Second/30); a > 100+30*11-20+3 || b > a+1 {
		t.Errorf("targets %d and %d", a, b)
	}
}

// TestPending compares the queue with a plain list.
func TestPending(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pending
		var model []sent
		dropped := 0
		for i := range rapid.IntRange(1, 2000).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "what") < 8 {
				s, gave := p.add(schema.Sample{Buttons: uint16(i)}, time.Duration(i))
				model = append(model, sent{s, time.Duration(i)})
				if len(model) > maxPending {
					model = model[1:]
					dropped++
				}
				if gave != (dropped > 0 && len(model) == maxPending && model[0].sample.Seq > 1) {
					t.Fatalf("step %d: dropped %v", i, gave)
				}
			} else if len(model) > 0 {
				seq := model[0].sample.Seq + uint32(rapid.IntRange(0, len(model)).Draw(t, "ack")) - 1
				n, want := 0, int(seq-model[0].sample.Seq+1)
				got := p.answered(seq, func(at time.Duration) {
					if at != model[n].at {
						t.Fatalf("answer for %v, want %v", at, model[n].at)
					}
					n++
				})
				if got != want || n != want {
					t.Fatalf("%d answered, want %d", got, want)
				}
				model, dropped = model[want:], 0
			}
		}
		var got []schema.Sample
		p.all(func(s []schema.Sample) {
			if len(s) > schema.MaxSamples {
				t.Fatalf("%d at once", len(s))
			}
			got = append(got, s...)
		})
		if len(got) != len(model) || p.len() != len(model) {
			t.Fatalf("%d waiting, want %d", len(got), len(model))
		}
		for i, s := range got {
			if s != model[i].sample {
				t.Fatalf("sample %d is %+v, want %+v", i, s, model[i].sample)
			}
		}
	})
}

// TestBackoff: waits are within their bounds, which double up to the limit.
func TestBackoff(t *testing.T) {
	b := backoff{50 * time.Millisecond, 5 * time.Second, rand.New(rand.NewPCG(1, 2))}
	for n := range 70 {
		top, most := 5*time.Second, time.Duration(0)
		if n < 7 {
			top = min(top, 50*time.Millisecond<<n)
		}
		for range 200 {
			d := b.wait(n)
			if most = max(most, d); d < 0 || d > top {
				t.Fatalf("wait %d: %v, at most %v", n, d, top)
			}
		}
		if most < top/2 {
			t.Errorf("wait %d: never above %v of %v", n, most, top)
		}
	}
}

// TestPlan: what to do after an ending, where the table of close codes leaves it open.
func TestPlan(t *testing.T) {
	p := plan{giveUp: time.Minute}
	at := func(s int) time.Duration { return time.Duration(s) * time.Second }
	lost := ending{welcomed: true, lasted: at(10), code: 1006}
	if s := p.next(lost, at(10)); s.err != nil || s.wait >= 0 {
		t.Errorf("after a long connection: %+v, want at once", s)
	}
	if s := p.next(ending{}, at(11)); s.wait != 2 {
		t.Errorf("after a failed attempt: %+v, want a wait", s)
	}
	lost.lasted = at(0)
	if s := p.next(lost, at(12)); s.wait != 3 {
		t.Errorf("after a short connection: %+v, want a longer wait", s)
	}
	if s := p.next(ending{}, at(71)); s.err != nil {
		t.Errorf("59 s after the last connection: %v", s.err)
	}
	if s := p.next(ending{}, at(72)); !errors.Is(s.err, ErrGaveUp) {
		t.Errorf("60 s after the last connection: %+v", s)
	}
	if s := p.next(ending{refused: 403}, at(20)); !errors.Is(s.err, ErrRefused) {
		t.Errorf("refused: %+v", s)
	}
	if s := p.next(ending{refused: 503}, at(20)); s.err != nil {
		t.Errorf("not available: %+v", s)
	}
	fresh := plan{giveUp: time.Minute}
	if s := fresh.next(ending{code: schema.CloseRateLimit, welcomed: true, lasted: at(9)}, at(9)); s.wait < 0 {
		t.Errorf("after a rate limit: %+v, want a wait", s)
	}
}

// TestAccepted: only an answer that fits the offer turns compression on.
func TestAccepted(t *testing.T) {
	for value, want := range map[string]string{
		"": "plain",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover":  "on",
		"permessage-deflate;server_no_context_takeover; server_max_window_bits=10":    "on",
		`permessage-deflate; server_no_context_takeover; server_max_window_bits="15"`: "on",
		"permessage-deflate":                                                        "on",
		"permessage-deflate; client_no_context_takeover":                            "on",
		"permessage-deflate; server_no_context_takeover; client_max_window_bits=12": "error",
		"permessage-deflate; server_no_context_takeover; server_max_window_bits=16": "error",
		"permessage-deflate; server_no_context_takeover; server_max_window_bits":    "error",
		"permessage-deflate; server_no_context_takeover, permessage-deflate":        "error",
		"x-webkit-deflate-frame; server_no_context_takeover":                        "error",
	} {
		h := http.Header{}
		if value != "" {
			h.Set("Sec-WebSocket-Extensions", value)
		}
		on, err := accepted(h, true)
		if on != (want == "on") || (err != nil) != (want == "error") {
			t.Errorf("%q: %v, %v, want %s", value, on, err, want)
		}
		if on, err := accepted(h, false); value != "" && (on || err == nil) {
			t.Errorf("%q without an offer: %v, %v", value, on, err)
		}
	}
}

// TestConfig: what Validate refuses.
func TestConfig(t *testing.T) {
	good := Config{URL: "ws://x/", Token: "t", Handler: Nop{}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]Config{
		"url": {Token: "t", Handler: Nop{}}, "token": {URL: "ws://x/", Handler: Nop{}}, "handler": {URL: "ws://x/", Token: "t"},
		"duration": {URL: "ws://x/", Token: "t", Handler: Nop{}, Silence: -1},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("without %s: no error", name)
		}
	}
}
