package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// Of the made-up history: a match of two players at 30 Hz. A owns it up to tick 60 in epoch 1 and steps three more that nobody sees; B goes on from tick 60
// in epoch 3 up to tick 120.
const (
	madeUpTake = 60
	madeUpZomb = 63
	madeUpEnd  = 120
)

// stateAt is the state of the made-up match.
func stateAt(tick uint32) moment {
	m := moment{tick: tick, round: 1, hash: uint64(tick) * 1001}
	for player := uint32(1); player <= 2; player++ {
		m.players = append(m.players, standing{player: player, ack: tick, answers: tick, points: int32(tick / 20)})
		m.applied = append(m.applied, applied{player, tick})
	}
	return m
}

func madeUpTenure(node string, epoch, base, last uint32) tenure {
	t := tenure{node: node, match: "m", epoch: epoch, whole: true}
	if base > 0 {
		t.base = stateAt(base)
		t.base.applied = nil
	}
	for tick := base + 1; tick <= last; tick++ {
		t.ticks = append(t.ticks, stateAt(tick))
	}
	return t
}

func timeOf(tick uint32) time.Duration { return time.Duration(tick) * time.Second / 30 }

// madeUp is a history in which nothing is wrong.
func madeUp() *history {
	h := &history{matches: []string{"m"}, hz: 30, over: timeOf(madeUpEnd)}
	a, b := madeUpTenure("A", 1, 0, madeUpZomb), madeUpTenure("B", 3, madeUpTake, madeUpEnd)
	for i := madeUpTake; i < madeUpZomb; i++ {
		a.ticks[i].hash++ // it woke up, and other inputs reached it
	}
	h.tenures = []tenure{b, a} // in any order
	for player := uint32(1); player <= 2; player++ {
		s := sight{match: "m", player: player}
		for tick := uint32(1); tick <= madeUpEnd; tick++ {
			f := bots.Seen{At: timeOf(tick), Tick: tick, Epoch: 1, View: tick * 7, Ack: tick}
			switch {
			case tick > madeUpTake:
				f.Epoch = 3
			case tick > madeUpTake-2:
				continue // lost with the node: on their way, or not yet sent
			}
			s.frames = append(s.frames, f)
		}
		h.sights = append(h.sights, s)
	}
	return h
}

func (h *history) of(node string) *tenure {
	return &h.tenures[slices.IndexFunc(h.tenures, func(t tenure) bool { return t.node == node })]
}

// saw returns a player's frame of a tick.
func (h *history) saw(player, tick uint32) *bots.Seen {
	f := h.sights[player-1].frames
	return &f[slices.IndexFunc(f, func(x bots.Seen) bool { return x.Tick == tick })]
}

func TestHistoryTrue(t *testing.T) {
	h := madeUp()
	if v := h.check(); !reflect.DeepEqual(v, verdict{}) {
		t.Errorf("%+v", v)
	}
	a := h.of("A") // its process died: the end of its record is missing, and half of a block is there
	a.ticks, a.whole = a.ticks[:madeUpTake-5], false
	if v := h.check(); !reflect.DeepEqual(v, verdict{}) {
		t.Errorf("a torn record: %+v", v)
	}
	if a.ticks = a.ticks[:10]; madeUpTake-10 <= h.hz {
		t.Fatal("the disk is not slow")
	}
	if v := h.check(); !reflect.DeepEqual(v, verdict{}) {
		t.Errorf("a disk slower than the node: %+v", v)
	}
	h = madeUp() // a slow player has some rows as they are and others as he predicts them: nobody else has that state
	s := &h.sights[1]
	s.frames = slices.DeleteFunc(s.frames, func(f bots.Seen) bool { return f.Tick%3 != 0 })
	for i := range s.frames {
		s.frames[i].View++
		s.frames[i].Ack -= min(s.frames[i].Ack, 1) // of that he may be told later
	}
	if v := h.check(); !reflect.DeepEqual(v, verdict{}) {
		t.Errorf("a slow player: %+v", v)
	}
}

// Every way in which a history can be wrong is found, and counted under its name.
func TestHistoryForged(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(h *history)
		found func(v *verdict) int
		says  string
	}{
		"nobody records the match": {func(h *history) { h.tenures = nil }, lost, "no node recorded"},
		"the match ends": {func(h *history) {
			for i := range h.sights {
				h.sights[i].frames = h.sights[i].frames[:40]
			}
		}, lost, "nobody saw it go on"},
		"nobody got in":       {func(h *history) { h.sights = nil }, lost, "nobody saw it go on"},
		"one does not return": {func(h *history) { h.sights[0].frames = h.sights[0].frames[:40] }, absent, "1 of its 2 players"},
		"two show an epoch": {func(h *history) {
			h.tenures = append(h.tenures, madeUpTenure("C", 3, madeUpTake, madeUpEnd))
		}, owners, "players saw ticks of"},
		"two own an epoch and differ": {func(h *history) {
			c := madeUpTenure("C", 1, 0, 1)
			c.ticks[0].hash++
			for i := range h.sights {
				h.sights[i].frames = h.sights[i].frames[1:]
			}
			h.tenures = append(h.tenures, c)
		}, owners, "differ at tick 1"},
		"a zombie shows a tick": {func(h *history) {
			f := h.saw(1, madeUpTake+1)
			f.Epoch, f.View = 1, 7*f.Tick
		}, rollbacks, "did not count any more"},
		"an epoch that nobody recorded": {func(h *history) { h.saw(1, madeUpTake+1).Epoch = 2 }, rollbacks, "no node recorded"},
		"the successor lacks a tick that was seen": {func(h *history) {
			*h.of("B") = madeUpTenure("B", 3, madeUpTake-10, madeUpEnd)
		}, rollbacks, "did not count any more"},
		"the beginning is missing": {func(h *history) {
			*h.of("A") = madeUpTenure("A", 1, 10, madeUpZomb)
		}, rollbacks, "its beginning is not recorded"},
		"the successor goes back before the predecessor": {func(h *history) {
			h.tenures = append(h.tenures, madeUpTenure("C", 5, madeUpTake-10, madeUpEnd))
		}, rollbacks, "the owner before began at 60"},
		"the clock leaps": {func(h *history) {
			*h.of("A") = madeUpTenure("A", 1, 0, madeUpTake-2)
		}, rollbacks, "the owner before got to 58"},
		"the clock leaps, torn": {func(h *history) {
			*h.of("A") = madeUpTenure("A", 1, 0, 20)
			h.of("A").whole = false
			for i := range h.sights {
				h.sights[i].frames = slices.DeleteFunc(h.sights[i].frames, func(f bots.Seen) bool { return f.Tick > 20 && f.Epoch == 1 })
			}
		}, rollbacks, "the owner before got to 20"},
		"the clock is reset": {func(h *history) {
			for i := range h.sights {
				for k := range h.sights[i].frames {
					if f := &h.sights[i].frames[k]; f.Epoch == 3 {
						f.Tick -= madeUpTake
					}
				}
			}
		}, rollbacks, "after tick 58"},
		"an epoch falls":       {func(h *history) { h.saw(2, 30).Epoch = 4 }, rollbacks, "after tick 30 of epoch 4"},
		"the scores fall":      {func(h *history) { h.of("B").base.players[1].points = 1 }, rollbacks, "falls from 3 to 1"},
		"another state taken":  {func(h *history) { h.of("B").base.hash++ }, rollbacks, "so what happened before did not"},
		"another hash":         {func(h *history) { h.of("B").base.hash++ }, hashes, "another state of tick 60"},
		"players see two":      {func(h *history) { h.saw(1, 70).View++ }, hashes, "two different states of tick 70"},
		"the replay differs":   {func(h *history) { h.of("B").differs = 2 }, hashes, "differs 2 times"},
		"another player":       {func(h *history) { h.sights[0].others = 1 }, rollbacks, "came back as somebody else"},
		"an answer taken back": {func(h *history) { h.saw(1, 70).Ack = 50 }, inputs, "was told of"},
		"an answer of which one is told too soon": {func(h *history) {
			s := &h.sights[0]
			s.frames = slices.DeleteFunc(s.frames, func(f bots.Seen) bool { return f.Tick%3 != 0 })
			s.frames[3].Ack++
		}, inputs, "the journal says"},
		"an answer that the journal lacks": {func(h *history) {
			for i := range h.of("B").ticks {
				h.of("B").ticks[i].players[0].ack--
			}
		}, inputs, "the journal says"},
		"a sample twice": {func(h *history) {
			m := &h.of("B").ticks[3]
			m.applied = append(m.applied, applied{1, m.tick - 1})
		}, inputs, "sample 63 of player 1 after 64"},
		"a sample again after the change": {func(h *history) {
			m := &h.of("B").ticks[0]
			m.applied = append([]applied{{2, m.tick - 1}}, m.applied...)
		}, inputs, "sample 60 of player 2 after 60"},
		"answers fall at the change": {func(h *history) {
			for i := range h.of("B").ticks {
				h.of("B").ticks[i].players[0].answers -= 5
			}
		}, inputs, "player 1 has 61 samples answered, 60 before"},
		"an answer without a name": {func(h *history) {
			for _, x := range []string{"A", "B"} {
				for i := range h.of(x).ticks {
					h.of(x).ticks[i].players[0].answers--
				}
			}
		}, inputs, "of 119 the answer has a name"},
		"applied and not answered": {func(h *history) {
			b := h.of("B")
			last := &b.ticks[len(b.ticks)-1]
			last.applied = append(last.applied, applied{1, 500})
		}, inputs, "sample 500 of player 1 was applied"},
	} {
		h := madeUp()
		c.forge(h)
		v := h.check()
		if c.found(&v) == 0 || !slices.ContainsFunc(v.notes, func(s string) bool { return strings.Contains(s, c.says) }) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func lost(v *verdict) int      { return v.lost }
func owners(v *verdict) int    { return v.owners }
func rollbacks(v *verdict) int { return v.rollbacks }
func hashes(v *verdict) int    { return v.hashes }
func inputs(v *verdict) int    { return v.inputs }
func absent(v *verdict) int    { return v.absent }

func TestGap(t *testing.T) {
	h := madeUp()
	if gap, ok := gapOf(h.sights[0].frames, timeOf(madeUpTake)); !ok || gap != timeOf(61)-timeOf(58) {
		t.Errorf("%v, %v", gap, ok)
	}
	// A frame that was on its way when the node died is the old owner's still.
	if gap, ok := gapOf(h.sights[0].frames, timeOf(40)); !ok || gap != timeOf(61)-timeOf(58) {
		t.Errorf("%v, %v", gap, ok)
	}
	for _, frames := range [][]bots.Seen{nil, h.sights[0].frames[:50], h.sights[0].frames[80:]} {
		if gap, ok := gapOf(frames, timeOf(60)); ok {
			t.Errorf("%v", gap)
		}
	}
	if g := quantiles([]float64{30, 10, 20.04}); g != (demoGap{20, 30, 30}) || quantiles(nil) != (demoGap{}) {
		t.Errorf("%+v", g)
	}
}
