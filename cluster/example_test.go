package cluster_test

import (
	"context"
	"log"
	"os/signal"
	"syscall"

	"github.com/overtime-server/overtime/cluster"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/tag"
)

// A game's own server: replace tag by your rules.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := cluster.Run(ctx, cluster.Config{
		Games:  []game.Def{tag.Game()},
		Listen: "127.0.0.1:8080",
	})
	if err != nil {
		log.Fatal(err)
	}
}
