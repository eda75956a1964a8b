package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// updatePlayer plays through an update of the cluster: a sample a frame, a command every few, which is echoed.
type updatePlayer struct {
	client *client.Client
	match  string
	nodes  func() []*Node // that are there now
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex // guards the following
	number  uint32
	epoch   uint32            // of the last welcome
	tick    uint32            // last seen
	given   int               // commands
	echoed  int               // of them
	frames  int               // seen
	kinds   int               // field tables of the last welcome
	steps   int32             // in the newest rules' row
	owners  map[uint32]string // by epoch, as welcomes said
	gap     time.Duration     // longest between two frames
	wrong   []string
	stopped bool // gives no commands and no samples any more
	open    int  // samples that were not answered, then
}

func enterUpdate(t *testing.T, match, url, token string, nodes func() []*Node) *updatePlayer {
	t.Helper()
	p := &updatePlayer{match: match, nodes: nodes, done: make(chan struct{}), owners: map[uint32]string{}}
	var err error
	p.client, err = client.New(client.Config{
		URL: url, Token: token, Handler: p, Locate: p.locate, Log: slog.New(slog.DiscardHandler),
		Gap: func(d time.Duration) { p.gap = max(p.gap, d) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() {
		defer close(p.done)
		if err := p.client.Run(ctx); !errors.Is(err, context.Canceled) {
			p.mu.Lock()
			p.note("ended: %v", err)
			p.mu.Unlock()
		}
	}()
	t.Cleanup(p.stop)
	return p
}

func (p *updatePlayer) stop() {
	p.cancel()
	<-p.done
}

// locate asks any node where the match is.
func (p *updatePlayer) locate(ctx context.Context, attempt int) (string, error) {
	nodes := p.nodes()
	r, err := http.NewRequestWithContext(ctx, "GET", nodes[attempt%len(nodes)].URL()+"/v1/route?match="+p.match, nil)
	if err != nil {
		return "", err
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var got struct {
		URL string `json:"url"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.URL == "" {
		return "", fmt.Errorf("route: status %d, %w", resp.StatusCode, err)
	}
	return got.URL, nil
}

// note is called with the lock held.
func (p *updatePlayer) note(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf("player %d of %s: ", p.number, p.match)+fmt.Sprintf(format, args...))
}

// Welcome implements client.Handler.
func (p *updatePlayer) Welcome(_ *client.Client, w *schema.Welcome, _ bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.number != 0 && w.Player != p.number {
		p.note("is player %d now", w.Player)
	}
	if w.Epoch < p.epoch || w.Tick < p.tick {
		p.note("epoch %d at tick %d after epoch %d at tick %d", w.Epoch, w.Tick, p.epoch, p.tick)
	}
	if was := p.owners[w.Epoch]; was != "" && was != w.Node {
		p.note("epoch %d of %s and of %s", w.Epoch, was, w.Node)
	}
	p.owners[w.Epoch] = w.Node
	p.number, p.epoch, p.kinds = w.Player, w.Epoch, len(w.Kinds)
}

// Frame implements client.Handler.
func (p *updatePlayer) Frame(c *client.Client, tick uint32) {
	p.mu.Lock()
	if tick < p.tick {
		p.note("tick %d after %d", tick, p.tick)
	}
	p.tick = tick
	p.frames++
	if age, _, ok := c.Kind("age"); ok {
		c.View().Each(age, func(_ uint32, row []int32) { p.steps = row[0] })
	}
	command := p.frames%5 == 0 && !p.stopped
	text := fmt.Sprint("c", p.given+1)
	p.mu.Unlock()
	if command && c.Command([]byte(text)) == nil {
		p.mu.Lock()
		p.given++
		p.mu.Unlock()
	}
	if p.mu.Lock(); p.stopped {
		p.open = c.Unanswered(0)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	c.Send(game.Input{Axes: [4]int16{int16(tick * 1000), int16(tick * 377)}})
}

// Message implements client.Handler.
func (p *updatePlayer) Message(_ *client.Client, _ uint8, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.echoed++
	if want := fmt.Sprint("c", p.echoed); string(data) != want {
		p.note("echo %q, want %q", data, want)
	}
}

// Roster implements client.Handler.
func (p *updatePlayer) Roster(*client.Client, []schema.RosterEntry) {}

// quiet stops giving commands and samples, and reports whether all were echoed and answered.
func (p *updatePlayer) quiet() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.stopped, p.open = true, -1 // which the next frame will say
	}
	return p.echoed == p.given && p.given > 0 && p.open == 0
}

// seen says up to which tick the player saw the match.
func (p *updatePlayer) seen() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tick
}

// seatToken returns where a match is, and a token for a player of it.
func seatToken(t *testing.T, n *Node, match, id string) (url, token string) {
	t.Helper()
	a := insist(t, "POST", n.AdminURL()+"/v1/matches/"+match+"/tokens", `{"players":[{"id":"`+id+`"}]}`)
	var got struct {
		URL    string            `json:"url"`
		Tokens map[string]string `json:"tokens"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil || a.status != 200 {
		t.Fatalf("tokens: %d %s", a.status, a.body)
	}
	return got.URL, got.Tokens[id]
}
