package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/bots"
	"github.com/overtime-server/overtime/cluster"
	"github.com/overtime-server/overtime/game"
)

// company is the bots that play on our own node. They come in by quickplay and through the player listener, as people do.
type company struct {
	// static
	target string // base URL
	def    game.Def
	http   *http.Client
	log    *slog.Logger

	cancel context.CancelFunc
	bots   sync.WaitGroup
	failed atomic.Bool // it was said that bots do not get in; once is enough
}

// Times of a bot's life.
const (
	comeBack  = 2 * time.Second // at most, before the next match
	askWithin = 5 * time.Second // for quickplay's answer
	sayBye    = 2 * time.Second // at most, for leaving when the node stops
	botSkill  = 50
)

// startBots sends n bots in.
func (c *call) startBots(node *cluster.Node, n int, cfg *cluster.Config) *company {
	b := &company{target: node.URL(), def: cfg.Games[0], http: &http.Client{Timeout: askWithin}, log: cfg.Log}
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(context.Background())
	for i := range n {
		b.bots.Go(func() { b.play(ctx, i+1) })
	}
	return b
}

// stop makes the bots leave, and does not wait for them longer than sayBye or until now is over.
func (b *company) stop(now context.Context) {
	b.cancel()
	gone := make(chan struct{})
	go func() { // ends with the last bot
		b.bots.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-now.Done():
	case <-time.After(sayBye):
	}
	b.http.CloseIdleConnections()
}

// play is one bot: match after match until ctx is over.
func (b *company) play(ctx context.Context, number int) {
	name := fmt.Sprintf("Bot %d", number)
	for ctx.Err() == nil {
		seat, err := b.quickplay(ctx, name)
		if err == nil {
			seat.Seed = uint64(number)
			err = bots.Play(ctx, seat)
		} else if ctx.Err() == nil && b.failed.CompareAndSwap(false, true) {
			b.log.Warn("bots do not get in, and try again", "err", err)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Debug("bot", "bot", name, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(comeBack/4 + rand.N(comeBack*3/4)): // spread, so that many bots do not ask at once
		}
	}
}

// quickplay asks for a place.
func (b *company) quickplay(ctx context.Context, name string) (bots.Seat, error) {
	seat := bots.Seat{Def: b.def, Skill: botSkill, Log: b.log}
	ask, err := json.Marshal(map[string]any{"game": b.def.Name, "name": name, "bot": true})
	if err != nil {
		return seat, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.target+"/v1/quickplay", bytes.NewReader(ask))
	if err != nil {
		return seat, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.http.Do(req)
	if err != nil {
		return seat, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return seat, fmt.Errorf("quickplay: %s", resp.Status)
	}
	var place struct{ URL, Token string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&place); err != nil {
		return seat, fmt.Errorf("quickplay: %w", err)
	}
	seat.URL, seat.Token = place.URL, place.Token
	return seat, nil
}
