package bots_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots"
	"github.com/overtime-server/overtime/cluster"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
)

// node starts a node on free ports.
func node(t *testing.T) *cluster.Node {
	t.Helper()
	n, err := cluster.Start(cluster.Config{
		Games: []game.Def{arena.Game()}, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		n.Stop(ctx)
	})
	return n
}

func config(n *cluster.Node) bots.Config {
	return bots.Config{
		Target: n.URL(), Admin: n.AdminURL(), Matches: 2, Players: 4, Duration: 2 * time.Second, Game: "arena",
		Games: map[string]game.Def{"arena": arena.Game()},
	}
}

// TestRun plays two matches on a real node over loopback, with churn and a network between.
func TestRun(t *testing.T) {
	n := node(t)
	for name, change := range map[string]func(*bots.Config){
		"plain": func(*bots.Config) {},
		"churn": func(c *bots.Config) { c.Churn, c.Duration = 0.5, 3*time.Second },
		"wifi":  func(c *bots.Config) { c.Network = "wifi" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(n)
			change(&cfg)
			var log bytes.Buffer
			cfg.Log, cfg.Progress = slog.New(slog.NewTextHandler(&log, nil)), &log
			rep, err := bots.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if !rep.OK() || rep.Players != 8 || rep.HashChecks < 200 || rep.InputsSent < 200 || rep.InputsAnswered < rep.InputsSent*8/10 {
				t.Errorf("%+v\n%s", rep, &log)
			}
			if (rep.Reconnects > 0) != (name == "churn") {
				t.Errorf("%d reconnects", rep.Reconnects)
			}
			if rep.Activity.Moving == 0 || rep.Activity.ChangedRowsPerTick == 0 {
				t.Errorf("nothing moved: %+v", rep.Activity)
			}
		})
	}
}
