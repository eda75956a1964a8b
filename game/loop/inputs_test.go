package loop

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
)

func sampleFor(seq, tick uint32) Sample { return Sample{Input: game.Input{Seq: seq}, Tick: tick} }

func TestSampleWaitsForItsTick(t *testing.T) {
	var b inputBuffer
	if v := b.put(sampleFor(1, 6), 0, 30); v != sampleQueued {
		t.Fatalf("verdict %d", v)
	}
	for tick := uint32(1); tick < 6; tick++ {
		if in, _ := b.take(tick, 30); len(in.Samples) != 0 || in.Ack != 0 {
			t.Fatalf("tick %d: %+v", tick, in)
		}
	}
	in, answered := b.take(6, 30)
	if !answered || len(in.Samples) != 1 || in.Samples[0].Seq != 1 || in.Ack != 1 {
		t.Fatalf("tick 6: %+v", in)
	}
	if in, answered := b.take(7, 30); answered || len(in.Samples) != 0 {
		t.Fatalf("applied again: %+v", in)
	}
}

// A sample that comes after its tick is applied at the next one, unless that is more than 250 ms later.
func TestLateSample(t *testing.T) {
	for hz := 1; hz <= game.MaxHz; hz++ {
		for late := 0; late <= hz; late++ {
			var b inputBuffer
			const asked = 1000
			now := uint32(asked + late - 1)
			b.put(sampleFor(1, asked), now, hz)
			in, _ := b.take(now+1, hz)
			inTime := late*1000 <= 250*hz
			if in.Ack != 1 || (len(in.Samples) == 1) != inTime || (in.Late == 1) == inTime {
				t.Fatalf("%d Hz, %d ticks late: %+v", hz, late, in)
			}
		}
	}
}

func TestTickZeroMeansTheNext(t *testing.T) {
	var b inputBuffer
	b.put(sampleFor(1, 0), 900, 30)
	if in, _ := b.take(901, 30); len(in.Samples) != 1 || in.Late != 0 {
		t.Fatalf("%+v", in)
	}
}

func TestEarlySampleIsClamped(t *testing.T) {
	for _, hz := range []int{1, 7, 30, 128} {
		var b inputBuffer
		if v := b.put(sampleFor(1, 1<<31), 100, hz); v != sampleEarly {
			t.Fatalf("verdict %d", v)
		}
		wait := uint32(0)
		for ; ; wait++ {
			if in, _ := b.take(101+wait, hz); len(in.Samples) == 1 {
				break
			}
			if wait > uint32(hz) {
				t.Fatalf("%d Hz: not applied within a second", hz)
			}
		}
		if ms := (int(wait) - 1) * 1000 / hz; ms > 250 { // the tick in which 250 ms are over
			t.Errorf("%d Hz: waited %d ticks", hz, wait)
		}
		if ms := (int(wait) + 1) * 1000 / hz; ms < 250 {
			t.Errorf("%d Hz: cut to %d ticks ahead, more than asked", hz, wait)
		}
	}
}

func TestDuplicatesAreIgnored(t *testing.T) {
	var b inputBuffer
	b.put(sampleFor(3, 1), 0, 30)
	for _, seq := range []uint32{3, 2, 1, 0} {
		if v := b.put(sampleFor(seq, 1), 0, 30); v != sampleDuplicate {
			t.Errorf("sample %d after 3: verdict %d", seq, v)
		}
	}
	if in, _ := b.take(1, 30); len(in.Samples) != 1 || in.Late+in.Refused != 0 {
		t.Fatalf("%+v", in)
	}
	if v := b.put(sampleFor(3, 2), 1, 30); v != sampleDuplicate {
		t.Errorf("sample 3 after it was applied: verdict %d", v)
	}
}

func TestFloodIsRefusedAndCounted(t *testing.T) {
	var b inputBuffer
	refused := 0
	for seq := uint32(1); seq <= 100; seq++ {
		if b.put(sampleFor(seq, 1), 0, 30) == sampleRefused {
			refused++
		}
	}
	if refused != 36 || len(b.buf) != 64 {
		t.Fatalf("%d refused, %d waiting", refused, len(b.buf))
	}
	answered := 0
	for tick := uint32(1); tick < 40; tick++ {
		in, _ := b.take(tick, 30)
		answered += len(in.Samples) + int(in.Late) + int(in.Refused)
	}
	if answered != 100 || b.ack != 100 {
		t.Errorf("%d of 100 answered, up to %d", answered, b.ack)
	}
}

func TestSequenceGap(t *testing.T) {
	var b inputBuffer
	if v := b.put(sampleFor(1001, 1), 0, 30); v != sampleOutOfBounds || b.recv != 0 {
		t.Fatalf("a gap of 1000: verdict %d, up to %d", v, b.recv)
	}
	if v := b.put(sampleFor(1000, 1), 0, 30); v != sampleQueued {
		t.Fatalf("a gap of 999: verdict %d", v)
	}
}

func TestSeenIsClampedTo250ms(t *testing.T) {
	const now, oldest = 100, 100 - 7 // 30 Hz
	for _, c := range [][2]uint32{{0, oldest}, {92, oldest}, {93, 93}, {100, 100}, {101, 100}, {1 << 31, 100}} {
		var b inputBuffer
		b.put(Sample{Input: game.Input{Seq: 1, Seen: c[0]}}, now, 30)
		if in, _ := b.take(now+1, 30); in.Samples[0].Seen != c[1] {
			t.Errorf("seen %d became %d, want %d", c[0], in.Samples[0].Seen, c[1])
		}
	}
}

// A stall of a second on the way, then everything at once: two a tick, at most eight saved.
func TestCreditsCatchUp(t *testing.T) {
	var b inputBuffer
	for tick := uint32(1); tick <= 30; tick++ {
		b.take(tick, 30)
	}
	for seq := uint32(1); seq <= 20; seq++ {
		b.put(sampleFor(seq, 0), 30, 30)
	}
	applied := 0
	for n := uint32(1); n <= 20; n++ {
		in, _ := b.take(30+n, 30)
		applied += len(in.Samples)
		if len(in.Samples) > game.MaxInputsTick || int(in.Merged) != max(0, len(in.Samples)-1) {
			t.Fatalf("tick %d: %+v", n, in)
		}
		if applied > 8+int(n)-1 {
			t.Fatalf("%d samples in %d ticks", applied, n)
		}
		if n == 1 && applied != 2 {
			t.Fatalf("%d samples in the first tick", applied)
		}
	}
}

// Who sends more samples buys no more time: a tick counts once however many it merged, and never more samples than ticks.
func TestTwiceTheSamplesGainNothing(t *testing.T) {
	bought := func(perTick int) (samples, ticks int) {
		var b inputBuffer
		seq := uint32(0)
		for tick := uint32(1); tick <= 3000; tick++ {
			for range perTick {
				seq++
				b.put(sampleFor(seq, tick), tick-1, 30)
			}
			in, _ := b.take(tick, 30)
			samples += len(in.Samples)
			ticks += len(in.Samples) - int(in.Merged)
		}
		return samples, ticks
	}
	honest, honestTicks := bought(1)
	if honest != 3000 || honestTicks != 3000 {
		t.Fatalf("the honest one got %d samples, %d ticks", honest, honestTicks)
	}
	for _, n := range []int{2, 3, 10} {
		if samples, ticks := bought(n); samples > honest || ticks > honestTicks {
			t.Errorf("%d a tick: %d samples, %d ticks of 3000", n, samples, ticks)
		}
	}
}

// For any arrivals: every sample is answered exactly once, in order, at most two a tick, not before its tick and not
// more than 250 ms after it.
func TestEverySampleIsAnsweredOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.IntRange(1, game.MaxHz).Draw(t, "hz")
		start := rapid.Uint32Range(0, 5000).Draw(t, "start")
		run := answers{t: t, hz: hz, asked: map[uint32]uint32{}}
		for tick := start + 1; tick <= start+uint32(rapid.IntRange(1, 60).Draw(t, "ticks")); tick++ {
			for range rapid.IntRange(0, 12).Draw(t, "arrivals") {
				run.arrive(tick-1, rapid.IntRange(-1, 4).Draw(t, "gap"), rapid.IntRange(-2*hz, 2*hz).Draw(t, "ahead"))
			}
			run.take(tick)
		}
		for tick := start + 61; tick < start+61+uint32(2*hz)+200; tick++ {
			run.take(tick)
		}
		if run.ack != run.last || run.answered != len(run.asked)+run.refused {
			t.Fatalf("answered %d of %d+%d, up to %d of %d", run.answered, len(run.asked), run.refused, run.ack, run.last)
		}
	})
}

// answers is the bookkeeping of the test above.
type answers struct {
	t        *rapid.T
	hz       int
	b        inputBuffer
	last     uint32            // highest sequence number sent
	asked    map[uint32]uint32 // samples taken in -> tick asked for
	refused  int
	answered int
	ack      uint32
	seq      uint32 // last sample applied
	applied  int
	ticks    int
}

func (a *answers) arrive(now uint32, gap, ahead int) {
	seq := uint32(max(0, int(a.last)+gap))
	tick := uint32(max(0, int(now)+ahead))
	before := a.b
	v := a.b.put(sampleFor(seq, tick), now, a.hz)
	if (v == sampleDuplicate) != (seq <= a.last) {
		a.t.Fatalf("sample %d after %d: verdict %d", seq, a.last, v)
	}
	switch v {
	case sampleDuplicate:
		if a.b.recv != before.recv || len(a.b.buf) != len(before.buf) {
			a.t.Fatal("a duplicate changed the buffer")
		}
		return
	case sampleRefused:
		a.refused++
	default:
		if tick == 0 {
			tick = now + 1
		}
		a.asked[seq] = min(tick, now+1+uint32(250*a.hz+999)/1000) // more than 250 ms ahead is cut to that
	}
	if len(a.b.buf) > 64 {
		a.t.Fatalf("%d samples waiting", len(a.b.buf))
	}
	a.last = seq
}

func (a *answers) take(tick uint32) {
	in, ok := a.b.take(tick, a.hz)
	a.ticks++
	n := len(in.Samples)
	if ok != (n > 0 || in.Late > 0 || in.Refused > 0) || n > game.MaxInputsTick || int(in.Merged) != max(0, n-1) {
		a.t.Fatalf("tick %d: %v %+v", tick, ok, in)
	}
	if in.Ack < a.ack || in.Ack > a.last {
		a.t.Fatalf("tick %d: answered up to %d after %d, sent %d", tick, in.Ack, a.ack, a.last)
	}
	a.ack = in.Ack
	a.answered += n + int(in.Late) + int(in.Refused)
	if a.applied += n; a.applied > a.ticks {
		a.t.Fatalf("%d samples in %d ticks", a.applied, a.ticks)
	}
	for _, s := range in.Samples {
		asked, known := a.asked[s.Seq]
		if !known || s.Seq <= a.seq || s.Seq > in.Ack {
			a.t.Fatalf("tick %d: sample %d after %d, answered up to %d", tick, s.Seq, a.seq, in.Ack)
		}
		a.seq = s.Seq
		if tick < asked || int(tick-asked)*1000 > 250*a.hz {
			a.t.Fatalf("tick %d: sample for %d", tick, asked)
		}
	}
}
