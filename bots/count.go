package bots

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/overtime-server/overtime/netcode/client"
)

// totals are the sums of all clients' counters.
type totals struct {
	frames, bytes, changed, sent, answered, abandoned   uint64
	checks, mismatches, decodeErrors, reconnects, moves uint64
	closes                                              Closes
}

func (t *totals) add(s client.Stats) {
	t.frames += s.Frames
	t.bytes += s.BytesIn
	t.changed += s.Changed
	t.sent += s.Sent
	t.answered += s.Answered
	t.abandoned += s.Abandoned
	t.checks += s.HashChecks
	t.mismatches += s.HashMismatches
	t.decodeErrors += s.DecodeErrors
	t.reconnects += s.Reconnects
	t.moves += s.Moves
	for code, n := range s.Closes {
		t.closes[uint16(code)] += n
	}
}

func (r *run) totals() totals {
	t := totals{closes: Closes{}}
	for _, b := range r.bots {
		t.add(b.client.Stats())
	}
	return t
}

// count lets the bots play and counts. Afterwards it waits a little for the last answers, which are not counted as such but
// keep inputs from being lost.
func (r *run) count(ctx context.Context) Report {
	fmt.Fprintf(r.cfg.Progress, "counting: %d players\n", r.present())
	r.gaps.reset()
	r.acks.reset()
	begin, from := time.Now(), r.totals()
	r.counting.Store(true)
	r.window(ctx, begin, from)
	r.counting.Store(false)
	r.openGaps()
	to, seconds := r.totals(), time.Since(begin).Seconds()
	rep := r.report(from, to, seconds)
	r.over = time.Since(r.start)
	r.settleBy.Store(int64(max(r.over-lostAfter, 1)))
	r.settle(ctx)
	rep.InputsLost = r.totals().abandoned
	return rep
}

// window sleeps until the window closes, cutting connections and reporting progress.
func (r *run) window(ctx context.Context, begin time.Time, from totals) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	end := time.NewTimer(time.Until(begin.Add(r.cfg.Duration)))
	defer end.Stop()
	var churn <-chan time.Time
	next := begin.Add(churnEvery / 2)
	if r.cfg.Churn > 0 {
		churn = time.After(time.Until(next))
	}
	rng := rand.New(rand.NewPCG(r.cfg.Seed, 7))
	for {
		select {
		case <-churn:
			next = next.Add(churnEvery)
			churn = time.After(time.Until(next))
			for _, i := range rng.Perm(len(r.bots))[:int(r.cfg.Churn*float64(len(r.bots))+0.5)] {
				r.bots[i].client.Cut()
			}
		case now := <-second.C:
			r.progress(now.Sub(begin).Seconds(), from)
		case <-end.C:
			return
		case <-r.cfg.End:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (r *run) progress(seconds float64, from totals) {
	t := r.totals()
	gap, _ := r.gaps.quantiles(0.99)
	players := float64(max(1, len(r.bots)))
	fmt.Fprintf(r.cfg.Progress, "%3.0f s: %.2f frames and %.0f B per player and second, gap p99 %.1f ms, %d mismatches, %d reconnects\n", seconds,
		float64(t.frames-from.frames)/players/seconds, float64(t.bytes-from.bytes)/players/seconds, gap[0],
		t.mismatches+t.decodeErrors-from.mismatches-from.decodeErrors, t.reconnects-from.reconnects)
}

// present counts the bots that have joined.
func (r *run) present() (n int) {
	for _, b := range r.bots {
		if b.joined.Load() {
			n++
		}
	}
	return n
}

// openGaps counts the time since the last frame of bots that have not seen one for long, so that silence shows.
func (r *run) openGaps() {
	for _, b := range r.bots {
		if open := time.Since(r.start) - time.Duration(b.last.Load()); b.joined.Load() && open > time.Second {
			r.gaps.add(open)
		}
	}
}

func (r *run) report(from, to totals, seconds float64) Report {
	players := max(1, r.present())
	per := func(n uint64) float64 { return round(float64(n)/float64(players)/seconds, 3) }
	gap, gapMax := r.gaps.quantiles(0.5, 0.99, 0.999)
	ack, ackMax := r.acks.quantiles(0.5, 0.99)
	join, joinMax := r.joins.quantiles(0.5, 0.99)
	rep := Report{
		Join: Ack{round(join[0], 3), round(join[1], 3), joinMax}, JoinMoves: r.moved.Load(),
		Matches: len(r.matches), Players: r.present(), Seconds: round(seconds, 3),
		FramesPerPlayerS: per(to.frames - from.frames), WireBytesPerPlayerS: per(to.bytes - from.bytes),
		InputsSent: to.sent - from.sent, InputsAnswered: to.answered - from.answered,
		Gap: Gap{round(gap[0], 3), round(gap[1], 3), round(gap[2], 3), gapMax}, Ack: Ack{round(ack[0], 3), round(ack[1], 3), ackMax},
		HashChecks: to.checks - from.checks, HashMismatches: to.mismatches - from.mismatches, DecodeErrors: to.decodeErrors - from.decodeErrors,
		Reconnects: to.reconnects - from.reconnects, Moves: to.moves - from.moves, Closes: Closes{},
	}
	for code, n := range to.closes {
		if n > from.closes[code] {
			rep.Closes[code] = n - from.closes[code]
		}
	}
	if frames := to.frames - from.frames; frames > 0 {
		rep.Activity.ChangedRowsPerTick = round(float64(to.changed-from.changed)/float64(frames), 2)
	}
	return rep
}

// settle waits until every bot has the answers to what it sent in time.
func (r *run) settle(ctx context.Context) {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for end := time.Now().Add(r.cfg.Settle); time.Now().Before(end) && ctx.Err() == nil; <-t.C {
		open := 0
		for _, b := range r.bots {
			if b.joined.Load() && !b.settled.Load() {
				open++
			}
		}
		if open == 0 {
			return
		}
	}
}

// finish adds what is known only when all bots have ended.
func (r *run) finish(rep *Report) {
	by := time.Duration(r.settleBy.Load())
	var sum sums
	for _, b := range r.bots {
		if !b.settled.Load() {
			rep.InputsLost += uint64(b.client.Unanswered(time.Since(r.start) - by))
		}
		rep.InputsLost += b.unnamed
		if b.moved.Load() || b.away(r.over) {
			rep.SeatsLost++
		}
		if b.watch != nil {
			sum.bodies += b.watch.sum.bodies
			sum.moving += b.watch.sum.moving
			sum.turning += b.watch.sum.turning
			sum.shots += b.watch.sum.shots
		}
	}
	rep.SeatsLost += r.seatsLost.Load()
	if sum.bodies > 0 {
		rep.Activity.Moving = round(float64(sum.moving)/float64(sum.bodies), 3)
		rep.Activity.Turning = round(float64(sum.turning)/float64(sum.bodies), 3)
	}
	if rep.Players > 0 && rep.Seconds > 0 {
		rep.Activity.ShotsPerPlayerS = round(float64(sum.shots)/float64(rep.Players)/rep.Seconds, 3)
	}
}

func round(v float64, digits int) float64 {
	p := 1.0
	for range digits {
		p *= 10
	}
	return float64(int64(v*p+0.5)) / p
}
