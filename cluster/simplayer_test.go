package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/simnet"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// seen is one state frame as a player saw it.
type seen struct {
	at    time.Time
	node  string // that sent it, as its welcome said
	epoch uint32
	tick  uint32
	chain uint64
	whole bool // surely with all rows as they are: one that came over a gap may have been sent to a slow player, with some as he predicts them
}

// simPlayer is a player on a host of his own: a sample a frame, a command now and then.
type simPlayer struct {
	world  *simWorld
	match  *simMatch
	id     string
	host   *simnet.Host
	client *client.Client
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex // guards the following
	rng      *rand.Rand
	number   uint32
	epoch    uint32 // of the last welcome
	node     string
	frames   []seen
	given    int // commands
	givenAt  []time.Time
	replies  int
	welcomes int
	wrong    []string
	end      error
	ended    time.Time
}

// enter lets a player join a match, by the address of a node that may be the wrong one.
func (w *simWorld) enter(m *simMatch, id, url, token string) *simPlayer {
	p := &simPlayer{world: w, match: m, id: id, host: w.net.Host("p-" + id), done: make(chan struct{}),
		rng: rand.New(rand.NewPCG(w.seed, uint64(len(w.players))))}
	var err error
	p.client, err = client.New(client.Config{
		URL: url, Token: token, Handler: p, Dial: p.host.Dial, Locate: p.locate, Seed: w.seed + uint64(len(w.players)), GiveUp: 5 * time.Minute,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() {
		defer close(p.done)
		err := p.client.Run(ctx)
		p.mu.Lock()
		p.end, p.ended = err, time.Now()
		p.mu.Unlock()
	}()
	w.players = append(w.players, p)
	m.players = append(m.players, p)
	return p
}

// locate asks a node where the match is, as GET /v1/route does.
func (p *simPlayer) locate(ctx context.Context, _ int) (string, error) {
	n := p.world.anyNode(p.rng)
	if n == nil {
		return "", errors.New("no node")
	}
	ctx, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+n.host.Addr(8080)+"/v1/route?match="+p.match.id, nil)
	if err != nil {
		return "", err
	}
	c := http.Client{Transport: &http.Transport{DialContext: p.host.Dial, DisableKeepAlives: true}}
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var got struct {
		URL string `json:"url"`
	}
	if resp.StatusCode == http.StatusNotFound {
		return n.url(), nil // which says so with a close code
	}
	if err := json.Unmarshal(b, &got); err != nil || got.URL == "" {
		return "", fmt.Errorf("route: %d %s", resp.StatusCode, b)
	}
	return got.URL, nil
}

func (p *simPlayer) note(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf("%s player %s of %s: ", p.world.clock(), p.id, p.match.id)+fmt.Sprintf(format, args...))
}

// Welcome implements client.Handler.
func (p *simPlayer) Welcome(_ *client.Client, w *schema.Welcome, _ bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.Epoch < p.epoch {
		p.note("epoch fell from %d to %d", p.epoch, w.Epoch)
	}
	if p.number != 0 && w.Player != p.number {
		p.note("was player %d and is %d now", p.number, w.Player)
	}
	p.epoch, p.node, p.number = w.Epoch, w.Node, w.Player
	p.welcomes++
}

// Frame implements client.Handler.
func (p *simPlayer) Frame(c *client.Client, tick uint32) {
	f := seen{at: time.Now(), tick: tick, chain: ledgerChain(c.View())}
	p.mu.Lock()
	f.node, f.epoch = p.node, p.epoch
	if k := len(p.frames); k > 0 && (f.tick < p.frames[k-1].tick || f.tick == p.frames[k-1].tick && f.chain != p.frames[k-1].chain) {
		p.note("tick %d (epoch %d, %x) after tick %d (epoch %d, %x)", f.tick, f.epoch, f.chain, p.frames[k-1].tick, p.frames[k-1].epoch, p.frames[k-1].chain)
	}
	k := len(p.frames)
	f.whole = k > 0 && f.epoch == p.frames[k-1].epoch && f.tick-p.frames[k-1].tick == 1
	p.frames = append(p.frames, f)
	buttons, command := uint16(p.rng.Uint32()), p.rng.IntN(5) == 0
	p.mu.Unlock()
	c.Send(game.Input{Buttons: buttons})
	if command {
		p.mu.Lock()
		text := fmt.Sprint("c", p.given+1)
		p.mu.Unlock()
		if c.Command([]byte(text)) == nil {
			p.mu.Lock()
			p.given++
			p.givenAt = append(p.givenAt, time.Now())
			p.mu.Unlock()
		}
	}
}

// Message implements client.Handler.
func (p *simPlayer) Message(_ *client.Client, _ uint8, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if string(data) == simOver {
		return
	}
	p.replies++
	if want := fmt.Sprint("c", p.replies); string(data) != want {
		p.note("reply %q, want %q", data, want)
	}
}

// Roster implements client.Handler.
func (p *simPlayer) Roster(*client.Client, []schema.RosterEntry) {}

// last returns when the player saw the last frame, and which.
func (p *simPlayer) last() (f seen, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.frames) == 0 {
		return f, false
	}
	return p.frames[len(p.frames)-1], true
}

// over says whether and how the player's run ended.
func (p *simPlayer) over() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.ended.IsZero(), p.end
}
