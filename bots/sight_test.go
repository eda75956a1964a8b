package bots_test

import (
	"testing"

	"github.com/overtime-server/overtime/bots"
)

// TestSights: what bots write down is what they saw, and a run ends when it is told to.
func TestSights(t *testing.T) {
	t.Parallel()
	n := node(t)
	cfg := config(n)
	cfg.Sights = bots.NewSights()
	cfg.Admin, cfg.Others = n.AdminURL(), []string{"127.0.0.1:1"}
	until(&cfg, func(float64, int) bool {
		enough := 0
		cfg.Sights.All(func(_ *bots.Sight, saw *bots.Saw) {
			if k := len(saw.Frames); k >= 30 && saw.Frames[k-1].Ack > 0 {
				enough++
			}
		})
		return enough == 8
	})
	rep, err := bots.Run(t.Context(), cfg)
	if err != nil || !rep.OK() {
		t.Fatalf("%+v, %v", rep, err)
	}
	players, ids := 0, map[string]bool{}
	cfg.Sights.All(func(x *bots.Sight, saw *bots.Saw) {
		players++
		ids[x.ID] = true
		if saw.Player == 0 || saw.Others+int(saw.Missed)+int(saw.Stale) != 0 || len(saw.Frames) < 30 {
			t.Errorf("%s saw %d frames, player %d, %d others", x.ID, len(saw.Frames), saw.Player, saw.Others)
			return
		}
		for i, f := range saw.Frames[1:] {
			was := saw.Frames[i]
			if f.Epoch != 1 || f.Tick <= was.Tick || f.At < was.At || f.Ack < was.Ack || f.View == 0 {
				t.Fatalf("%s: %+v after %+v", x.ID, f, was)
			}
		}
		if last := saw.Frames[len(saw.Frames)-1]; last.Ack == 0 {
			t.Errorf("%s: nothing was answered: %+v", x.ID, last)
		}
	})
	if players != 8 || len(ids) != 8 {
		t.Errorf("%d players, %d ids", players, len(ids))
	}
}
