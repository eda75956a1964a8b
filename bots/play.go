package bots

import (
	"context"
	"errors"
	"log/slog"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/client"
)

// Seat is one bot's place in one match.
type Seat struct {
	URL    string // of the match's WebSocket
	Token  string // player token
	Def    game.Def
	Skill  int // 0 to 100
	Seed   uint64
	Locate func(ctx context.Context, attempt int) (string, error) // see client.Config; optional
	Log    *slog.Logger
}

// Play takes a seat and plays until ctx ends (then it leaves and returns nil) or the client ends (its error).
func Play(ctx context.Context, s Seat) error {
	base, err := baseURL(s.URL)
	if err != nil {
		return err
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	api := newCaller("")
	defer api.close()
	cache := &maps{api: api, nodes: &nodes{api: api, known: []string{base}}, log: s.Log, have: map[string][]byte{}}
	c, err := client.New(client.Config{
		URL: s.URL, Token: s.Token, Locate: s.Locate, Seed: s.Seed, Log: s.Log,
		Handler: &mind{def: s.Def, seed: s.Seed, skill: s.Skill, static: cache.get},
	})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, c.Leave)
	defer stop()
	err = c.Run(context.WithoutCancel(ctx))
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
