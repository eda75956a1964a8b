package netcode

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
)

// heard is a player with a wiretap.
type heard struct {
	*player
	tap *wiretap
}

// hear starts a player with a wiretap.
func (e *edge) hear(ctx context.Context, p token.Player, change func(*client.Config, *wiretap)) *heard {
	p.Match = "m"
	h := &heard{}
	h.player = e.playAs(ctx, e.sign(p), &walker{}, func(c *client.Config) {
		h.tap = e.tap(c)
		if change != nil {
			change(c, h.tap)
		}
	})
	return h
}

// noTakeover makes a client ask for messages that refer to nothing.
func noTakeover(_ *client.Config, w *wiretap) {
	w.ask = func(p []byte) []byte {
		return bytes.Replace(p, []byte("permessage-deflate;"), []byte("permessage-deflate; server_no_context_takeover;"), 1)
	}
}

// Players who are sent the same share one window, through everything that may happen to them: what those inside get is the
// same to the byte, everybody decodes it, and whoever falls out comes back.
func TestCompany(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", (&lab{talk: 7, mob: 16}).in(nil))
		var all []*heard
		for i := range 16 {
			change := func(*client.Config, *wiretap) {}
			switch i {
			case 14:
				change = func(c *client.Config, _ *wiretap) { c.NoCompression = true }
			case 15:
				change = noTakeover
			}
			all = append(all, e.hear(ctx, token.Player{ID: fmt.Sprint("p", i)}, change))
			after(45 * time.Millisecond)
		}
		after(300 * time.Millisecond)
		settled := time.Now()
		var w schema.ClientWriter
		for i := range 28 { // of half a second
			all[7].tap.say(frame(fin|opPing, []byte{1, 2, 3, byte(i)}))
			switch i {
			case 2:
				all[3].Cut()
				all[4].Leave()
			case 3:
				all[5].tap.say(frame(fin|opBinary, w.Command(1, []byte("say 3"))))
				all = append(all, e.hear(ctx, token.Player{ID: "late"}, nil))
			case 5:
				all[13].tap.stall(time.Second)
				all[3].Cut()
				all[14].Cut()
			case 8:
				all[6].tap.say(frame(fin|opBinary, w.Keyframe()))
				all[15].tap.say(frame(fin|opBinary, w.Keyframe()))
			case 20:
				all[1].tap.say(frame(fin|opBinary, w.Command(1, []byte("say 3"))))
			}
			after(500 * time.Millisecond)
		}
		checkCompany(t, all, settled)
	})
}

// checkCompany looks at what everybody got.
func checkCompany(t *testing.T, all []*heard, settled time.Time) {
	for i, p := range all {
		if s := p.honest(t); i != 4 && s.Frames < 250 {
			t.Errorf("player %d: %d frames", i, s.Frames)
		}
		p.tap.inflateAll(t)
		if asked := i == 6 || i == 15; asked != (p.Stats().Keyframes == 2) && i != 3 && i != 14 {
			t.Errorf("player %d: %d keyframes", i, p.Stats().Keyframes)
		}
	}
	for _, i := range []int{1, 2, 5, 7, 8, 9, 10, 11, 12} { // nothing happened to them
		same(t, all, i, settled)
	}
	for _, i := range []int{3, 6, 13, 16} { // they came back
		same(t, all, i, settled.Add(11500*time.Millisecond))
	}
	from, to := settled.Add(3600*time.Millisecond), settled.Add(8*time.Second)
	others := all[0].tap.deflated(from)
	for _, f := range all[13].tap.frames(from, (*seenFrame).deflated) {
		if f.at.Before(to) && slices.ContainsFunc(others, func(p []byte) bool { return bytes.Equal(p, f.payload) }) {
			t.Fatalf("a slow player is in the window of the others %v after the start", f.at.Sub(settled))
		}
	}
	for _, p := range all[15].tap.deflated(settled) {
		if _, err := inflateStd(p, nil); err != nil {
			t.Fatalf("server_no_context_takeover: %v", err)
		}
	}
	if n := len(all[14].tap.deflated(time.Time{})); n != 0 {
		t.Errorf("%d compressed frames for one who refused", n)
	}
	inside, alone := meanSize(all[0].tap.deflated(settled)), meanSize(all[15].tap.deflated(settled))
	t.Logf("bytes a state frame: %.1f in the window, %.1f by themselves", inside, alone)
	if inside > 0.75*alone {
		t.Errorf("a frame has %.1f bytes in the window, %.1f by itself", inside, alone)
	}
}

// same checks that a player got the compressed frames that player 0 got since a moment.
func same(t *testing.T, all []*heard, i int, since time.Time) {
	t.Helper()
	a, b := all[0].tap.deflated(since), all[i].tap.deflated(since)
	if len(a) < 60 || !slices.EqualFunc(a, b, bytes.Equal) {
		t.Errorf("player %d did not get what the others got: %d frames and %d", i, len(b), len(a))
	}
}

// Who joins a team is sent nothing of what it saw before, not even as something to refer to. Without teams he is: that is how
// this test would notice.
func TestCompanyOfATeamStartsAfresh(t *testing.T) {
	for _, team := range []uint32{0, 1} {
		virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
			e.match("m", (&lab{mob: 8}).in(nil))
			var mates []*heard
			for i := range 3 {
				mates = append(mates, e.hear(ctx, token.Player{ID: fmt.Sprint("p", i), Team: team}, nil))
			}
			after(6 * time.Second)
			before := mates[0].tap.inflateAll(t)
			if len(before) < 60 {
				t.Fatalf("%d compressed messages", len(before))
			}
			joiner := e.hear(ctx, token.Player{ID: "new", Team: team}, nil)
			after(4 * time.Second)
			got := bytes.Join(joiner.tap.inflateAll(t), nil)
			known := 0
			for _, msg := range before {
				if bytes.Contains(got, msg) {
					known++
				}
			}
			if team != 0 && known != 0 || team == 0 && known == 0 {
				t.Errorf("team %d: %d of %d messages from before he came reached him", team, known, len(before))
			}
			later := time.Now().Add(-2 * time.Second)
			if a, b := mates[0].tap.deflated(later), joiner.tap.deflated(later); len(a) < 30 || !slices.EqualFunc(a, b, bytes.Equal) {
				t.Errorf("team %d: he is not in the window: %d frames and %d", team, len(b), len(a))
			}
			for _, p := range append(mates, joiner) {
				p.honest(t)
			}
		})
	}
}

// A team's window is reset once a second at most, however many join; those inside stay inside.
func TestCompanyResetsOnceASecond(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		m := e.match("m", (&lab{mob: 8}).in(func(c *loop.Config) { c.Seats = 64 }))
		all := []*heard{e.hear(ctx, token.Player{ID: "first", Team: 1}, nil)}
		after(2 * time.Second)
		company := m.companies[0]
		var resets []uint32
		for i := range 40 {
			all = append(all, e.hear(ctx, token.Player{ID: fmt.Sprint("p", i), Team: 1}, nil))
			after(100 * time.Millisecond)
			if n := len(resets); n == 0 || resets[n-1] != company.reset {
				resets = append(resets, company.reset)
			}
			_ = m.Kick("nobody", "") // orders what was read here before the match's next tick
		}
		after(1500 * time.Millisecond)
		for i := 1; i < len(resets); i++ {
			if resets[i]-resets[i-1] < 30 {
				t.Errorf("reset at ticks %v", resets)
			}
		}
		if len(resets) < 4 || company.inside != len(all) {
			t.Errorf("resets at ticks %v, %d of %d inside", resets, company.inside, len(all))
		}
		for _, p := range all {
			if s := p.honest(t); s.Keyframes != 1 {
				t.Errorf("%d keyframes", s.Keyframes)
			}
		}
	})
}
