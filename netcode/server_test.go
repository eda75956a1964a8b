package netcode

import (
	"context"
	"testing"
	"time"
)

func TestPlay(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		e.match("m", nil)
		var players []*player
		for _, id := range []string{"a", "b", "c"} {
			players = append(players, e.play(ctx, "m", id))
		}
		after(10 * time.Second)
		for i, p := range players {
			s := p.honest(t)
			if p.welcomes != 1 || p.frames < 295 || len(p.roster) != 3 || s.HashChecks < 295 {
				t.Errorf("player %d: %d welcomes, %d frames, %d in the roster, %d checks", i, p.welcomes, p.frames, len(p.roster), s.HashChecks)
			}
			if s.Sent < 250 || s.Answered < s.Sent-10 {
				t.Errorf("player %d: %d samples sent, %d answered", i, s.Sent, s.Answered)
			}
		}
		number := players[1].player
		players[1].Cut()
		after(3 * time.Second)
		if s := players[1].honest(t); s.Reconnects != 1 || players[1].player != number {
			t.Errorf("after a cut: %d reconnects, player %d, was %d", s.Reconnects, players[1].player, number)
		}
	})
}
