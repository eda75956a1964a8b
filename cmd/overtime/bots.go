package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/overtime-server/overtime/bots"
	"github.com/overtime-server/overtime/game"
)

// load runs overtime bots.
func load(c *call) error {
	f := newFlags(c)
	cfg := bots.Config{Key: c.env("OVERTIME_ADMIN_KEY"), Games: map[string]game.Def{}, Progress: c.err}
	f.StringVar(&cfg.Target, "target", "http://127.0.0.1:8080", "`ADDRESS` of a node's player listener")
	f.StringVar(&cfg.Admin, "admin", "http://127.0.0.1:8081", "`ADDRESS` of its admin listener; its key is OVERTIME_ADMIN_KEY")
	f.IntVar(&cfg.Matches, "matches", 1, "matches to make")
	f.IntVar(&cfg.Players, "players", 16, "bots in each match")
	f.DurationVar(&cfg.Duration, "duration", 10*time.Second, "for which to count, once all have joined")
	f.StringVar(&cfg.Game, "game", games()[0].Name, "`GAME` to play")
	f.BoolVar(&cfg.Matchmake, "matchmake", false, "look for matches with tickets, in parties of 1 to 4; --admin may name several nodes, a,b")
	f.Float64Var(&cfg.Churn, "churn", 0, "`SHARE` of the connections, 0 to 1, that is cut once every 5 s")
	f.BoolVar(&cfg.Spread, "spread", false, "enter at a random node, and again whenever a bot comes back")
	f.StringVar(&cfg.Network, "network", "", "`PROFILE` of the network: lan, wifi, 4g or bad; default: none")
	asJSON := f.Bool("json", false, "print one line of JSON")
	if _, err := f.parse(0); err != nil {
		return err
	}
	var err error
	if cfg.Log, err = f.log(); err != nil {
		return err
	}
	for _, g := range games() {
		cfg.Games[g.Name] = g
	}
	report, err := bots.Run(c.ctx, cfg)
	if err != nil {
		if c.ctx.Err() != nil {
			return foundError{errors.New("interrupted")}
		}
		return err
	}
	if *asJSON {
		err = report.WriteJSON(c.out)
	} else {
		err = report.WriteTable(c.out)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if !report.OK() {
		return foundError{errors.New("the players saw something wrong, see the report")}
	}
	return nil
}
