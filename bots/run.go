package bots

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/bots/relay"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/client"
)

const (
	churnEvery  = 5 * time.Second
	lostAfter   = 2 * time.Second  // an input without an answer for so long before the end is lost
	settleWait  = 5 * time.Second  // how long after the end an answer may still come, by default
	leaveWait   = 5 * time.Second  // how long everybody may take to leave
	cleanupWait = 15 * time.Second // how long deleting the matches may take
	setupTries  = 10 * time.Second // for how long a node may say that it cannot make a match, or sign for its players
	setupAtOnce = 4                // matches being made at the same time
	joinsAtOnce = 64               // bots connecting at the same time
)

// run is one call of Run.
type run struct {
	// Static after construction.
	cfg    Config
	def    game.Def
	admin  string
	admins *admins   // all that were named
	made   matchmade // with Config.Matchmake; locks itself
	api    *caller
	nodes  *nodes
	maps   *maps
	dial   dialFunc
	start  time.Time
	id     string        // of this run, part of player ids
	joins  histogram     // from the first attempt to the first state frame
	moved  atomic.Uint64 // most moves of one bot until then
	gaps   histogram
	acks   histogram

	arrived  chan *bot    // bots that have seen their first state frame; has room for all
	counting atomic.Bool  // the window is open
	settleBy atomic.Int64 // samples sent before must be answered; 0 while counting. Time since start.

	// Owned by Run.
	matches []*match
	bots    []*bot
	playing sync.WaitGroup
	over    time.Duration // when the counting ended, since start

	seatsLost atomic.Uint64
	stopping  atomic.Bool // endings are no losses any more
}

// match is one match of a run.
type match struct {
	id      string
	url     string // of its WebSocket
	players []newPlayer
	tokens  map[string]string // by player id
	watcher *bot              // looks around for all
}

// Run makes the matches, plays them for cfg.Duration and reports. An error means that there is nothing to report: a bad
// configuration, a server that cannot be reached, matches that could not be made, or ctx ended. Whatever happens, the
// matches are deleted.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, err
	}
	r, err := newRun(cfg.withDefaults())
	if err != nil {
		return Report{}, err
	}
	defer r.api.close()
	defer r.cleanup()
	ctx, cancel := context.WithCancel(ctx)
	defer r.playing.Wait()
	defer cancel()
	defer r.stopping.Store(true)
	r.nodes.discover(ctx, r.admin, r.cfg.Log)
	failed, err := r.join(ctx)
	if err != nil {
		return Report{}, err
	}
	rep := r.count(ctx)
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	r.leave()
	cancel()
	r.playing.Wait()
	rep.JoinsFailed = uint64(failed)
	if r.cfg.Matchmake {
		rep.Matchmaking = r.made.report(r.cfg.Players)
	}
	r.finish(&rep)
	return rep, nil
}

func newRun(cfg Config) (*run, error) {
	target, err := baseURL(cfg.Target)
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, def: cfg.Games[cfg.Game], api: newCaller(cfg.Key), start: time.Now(), id: fmt.Sprintf("%x", time.Now().UnixNano()&0xffffff)}
	if r.admins, err = newAdmins(r.api, cfg.Admin); err != nil {
		return nil, err
	}
	r.admin = r.admins.first()
	r.nodes = &nodes{api: r.api, known: []string{target}}
	r.maps = &maps{api: r.api, nodes: r.nodes, log: cfg.Log, have: map[string][]byte{}}
	r.arrived = make(chan *bot, cfg.Matches*cfg.Players)
	if cfg.Network != "" {
		p, err := relay.Lookup(cfg.Network)
		if err != nil {
			return nil, err
		}
		r.dial = relay.Dialer(p, cfg.Seed, nil)
	}
	return r, nil
}

// made is a match, or why there is none.
type made struct {
	match  *match // with those who enter it now
	failed int    // players who will not get any
	err    error
}

// setup makes the matches, some at a time and only as fast as they are taken: a match that stays empty ends. The channel
// gets cfg.Matches values, or fewer if ctx ends.
func (r *run) setup(ctx context.Context) <-chan made {
	out := make(chan made)
	var next atomic.Int64
	for range min(setupAtOnce, r.cfg.Matches) {
		r.playing.Go(func() {
			for i := int(next.Add(1)) - 1; i < r.cfg.Matches; i = int(next.Add(1)) - 1 {
				m, err := r.makeMatch(ctx, i)
				select {
				case out <- made{match: m, err: err}:
				case <-ctx.Done():
					r.drop(m)
					return
				}
			}
		})
	}
	return out
}

// makeMatch makes match i, with the tokens of its players, and looks up where it is played.
func (r *run) makeMatch(ctx context.Context, i int) (*match, error) {
	var id string
	err := patiently(ctx, func() (err error) {
		wish := newMatch{Game: r.cfg.Game, Seats: r.cfg.Players, TickHz: r.cfg.TickHz, Seed: r.cfg.Seed + uint64(i)}
		id, err = r.api.createMatch(ctx, r.admin, fmt.Sprintf("bots-%s-%d", r.id, i), wish)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make a match: %w", err)
	}
	m := &match{id: id, players: make([]newPlayer, r.cfg.Players)}
	for p := range m.players {
		m.players[p] = newPlayer{ID: fmt.Sprintf("bot-%s-%d-%d", r.id, i, p), Name: fmt.Sprintf("Bot %d", p+1), Bot: true}
	}
	if err = patiently(ctx, func() (err error) {
		m.tokens, err = r.api.tokens(ctx, r.admin, id, m.players)
		return err
	}); err != nil {
		return m, fmt.Errorf("tokens: %w", err)
	}
	if m.url, err = r.nodes.locate(ctx, id, 0); err != nil {
		return m, fmt.Errorf("route: %w", err)
	}
	return m, nil
}

// patiently makes a call again, for a while, when the node says that it cannot now: one that has to answer it may be busy, or be taken for dead.
func patiently(ctx context.Context, call func() error) error {
	for began := time.Now(); ; {
		err := call()
		var s *statusError
		if !errors.As(err, &s) || s.status != http.StatusServiceUnavailable || time.Since(began) > setupTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond): // asks another process; there is nothing to wait for
		}
	}
}

// deleteMatch deletes a match by way of any node that can.
func (r *run) deleteMatch(ctx context.Context, id string) error {
	err := r.api.deleteMatch(ctx, r.admin, id)
	for i := 0; err != nil && i < len(r.cfg.Others) && ctx.Err() == nil; i++ {
		var base string
		if base, err = baseURL(r.cfg.Others[i]); err == nil {
			err = r.api.deleteMatch(ctx, base, id)
		}
	}
	return err
}

// drop deletes a match that nobody took.
func (r *run) drop(m *match) {
	if m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	r.api.deleteMatch(ctx, r.admin, m.id)
}

// join makes the matches and starts the bots, some at a time, and waits until each has joined or has ended, or the time is
// up. It returns how many have not joined.
func (r *run) join(ctx context.Context) (failed int, err error) {
	ctx2, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := r.setup
	if r.cfg.Matchmake {
		begin = r.matchmake
	}
	fresh := begin(ctx2)
	deadline := time.NewTimer(r.cfg.JoinTimeout)
	defer deadline.Stop()
	progress := time.NewTicker(time.Second)
	defer progress.Stop()
	ended := make(chan *bot, cap(r.arrived))
	joined, gone := 0, 0
	for all := cap(r.arrived); joined+gone < all; {
		next := fresh
		if len(r.bots)-joined-gone >= joinsAtOnce || len(r.bots)+gone >= all {
			next = nil
		}
		select {
		case x := <-next:
			gone += x.failed
			if x.match != nil {
				x.match = r.enter(x.match)
			}
			if x.err == nil && x.match != nil {
				x.err = r.launch(ctx, x.match, ended)
			}
			if x.err != nil {
				return 0, x.err
			}
		case <-r.arrived:
			joined++
		case b := <-ended:
			if !b.joined.Load() {
				gone++
			}
		case <-progress.C:
			fmt.Fprintf(r.cfg.Progress, "joining: %d of %d\n", joined, all)
		case <-deadline.C:
			return all - joined, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return gone, nil
}

// enter makes a match known, or adds players to one that is.
func (r *run) enter(m *match) *match {
	for _, known := range r.matches {
		if known.id == m.id {
			known.players, known.tokens = m.players, m.tokens
			return known
		}
	}
	r.matches = append(r.matches, m)
	return m
}

// launch starts the bots of a match, or those that enter it now.
func (r *run) launch(ctx context.Context, m *match, ended chan<- *bot) error {
	for _, p := range m.players {
		seed := rand.New(rand.NewPCG(r.cfg.Seed, uint64(len(r.bots)))).Uint64()
		b := &bot{run: r, match: m, sight: r.cfg.Sights.add(m.id, p.ID), mind: mind{def: r.def, seed: seed, skill: r.cfg.Skill, static: r.maps.get}}
		if m.watcher == nil {
			m.watcher = b
		}
		cfg := client.Config{
			URL: m.url, Token: m.tokens[p.ID], Handler: b, Seed: seed, Dial: r.dial,
			Locate: func(ctx context.Context, attempt int) (string, error) { return r.nodes.locate(ctx, m.id, attempt) },
			Gap:    r.gaps.add, Ack: r.acks.add, Log: r.cfg.Log,
		}
		if r.cfg.Spread {
			rng := rand.New(rand.NewPCG(seed, 3))
			cfg.URL, cfg.Roam = "", true
			cfg.Locate = func(ctx context.Context, attempt int) (string, error) { return r.nodes.spread(ctx, m.id, attempt, rng) }
		}
		var err error
		if r.cfg.Scatter {
			if cfg.URL, err = r.nodes.any(rand.New(rand.NewPCG(seed, 3))); err != nil {
				return err
			}
		}
		if b.client, err = client.New(cfg); err != nil {
			return err
		}
		r.bots = append(r.bots, b)
		r.playing.Go(func() { r.play(ctx, b); ended <- b })
	}
	return nil
}

// play runs a bot to its end.
func (r *run) play(ctx context.Context, b *bot) {
	b.began = time.Now()
	err := b.client.Run(ctx)
	if r.stopping.Load() || ctx.Err() != nil {
		return
	}
	r.cfg.Log.Warn("bot ended", "match", b.match.id, "err", err)
	b.ended.Store(true)
	if b.joined.Load() {
		r.seatsLost.Add(1)
	}
}

// leave makes everybody leave and waits a while for it.
func (r *run) leave() {
	r.stopping.Store(true)
	for _, b := range r.bots {
		b.client.Leave()
	}
	gone := make(chan struct{})
	go func() { r.playing.Wait(); close(gone) }()
	t := time.NewTimer(leaveWait)
	defer t.Stop()
	select {
	case <-gone:
	case <-t.C:
		r.cfg.Log.Warn("bots did not leave in time")
	}
}

// cleanup deletes the matches, also after ctx ended.
func (r *run) cleanup() {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupWait)
	defer cancel()
	slots := make(chan struct{}, setupAtOnce)
	var wg sync.WaitGroup
	for _, m := range r.matches {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := r.deleteMatch(ctx, m.id); err != nil {
				r.cfg.Log.Warn("delete match", "match", m.id, "err", err)
			}
		})
	}
	wg.Wait()
}
