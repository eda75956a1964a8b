package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/tag"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

func TestMain(m *testing.M) {
	code := m.Run()
	// A probe of a node that has just left waits for its time to be over, up to a second, and is no leak.
	probe := goleak.IgnoreAnyFunction("github.com/hashicorp/memberlist.(*Memberlist).probeNode")
	err := goleak.Find(probe) // which waits half a second for those that are about to end
	for end := time.Now().Add(patience); code == 0 && err != nil && time.Now().Before(end); {
		err = goleak.Find(probe)
	}
	if code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, "goroutines that do not end:", err)
		code = 1
	}
	os.Exit(code)
}

// patience is how long anything over real sockets may take before a test gives up: a bound for what would never come, on a machine that is
// busy with other things. What is said about times is tested in virtual time.
const patience = time.Minute

// startNode runs a node on free ports of loopback until the test ends. Its matches do not end for want of players, however long a test takes.
func startNode(t *testing.T, change func(*Config)) *Node {
	t.Helper()
	cfg := Config{
		Games: testGames(), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
		Log: slog.New(slog.DiscardHandler), EmptyAfter: time.Hour,
	}
	if change != nil {
		change(&cfg)
	}
	n, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopNode(t, n) })
	return n
}

// stopNode stops a node once.
func stopNode(t *testing.T, n *Node) {
	t.Helper()
	n.placing.Lock()
	stopping := n.stopping
	n.placing.Unlock()
	if stopping {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// answer is what an HTTP call gave.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// field returns a string of a JSON object.
func (a answer) field(t *testing.T, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("answer %q: %v", a.body, err)
	}
	s, ok := m[name].(string)
	if !ok {
		t.Fatalf("answer %s has no string %q", a.body, name)
	}
	return s
}

// do makes one call; headers are pairs of names and values.
func do(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, bytes.TrimSpace(b)}
}

// insist makes a call as do does, again while the answer is that another node has not answered in time: on a busy machine that is so. A match
// that is to be made gets a key, so that there is one.
func insist(t *testing.T, method, url, body string, headers ...string) (a answer) {
	t.Helper()
	if method == "POST" && strings.HasSuffix(url, "/v1/matches") && !slices.Contains(headers, "Idempotency-Key") {
		headers = append(headers, "Idempotency-Key", rand.Text())
	}
	eventually(t, method+" "+url+" is answered", func() bool {
		a = do(t, method, url, body, headers...)
		return a.status != http.StatusServiceUnavailable
	})
	return a
}

// wantProblem checks that an answer is a problem document with a status.
func wantProblem(t *testing.T, a answer, status int) {
	t.Helper()
	var p struct {
		Status        int
		Title, Detail string
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("status %d, answer %q: %v", a.status, a.body, err)
	}
	if a.status != status || p.Status != status || p.Title == "" || p.Detail == "" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, content type %s, problem %+v; want a problem %d", a.status, a.header.Get("Content-Type"), p, status)
	}
}

// player is a client that plays in a test: it sends neutral controls.
type player struct {
	client.Nop
	t       *testing.T
	client  *client.Client
	welcome chan *schema.Welcome
	end     chan error // what Run returned
}

func (p *player) Welcome(_ *client.Client, w *schema.Welcome, _ bool) { p.welcome <- w }
func (p *player) Frame(c *client.Client, _ uint32)                    { c.Send(game.Input{}) }

// join connects with what quickplay gave.
func join(t *testing.T, url, token string) *player {
	t.Helper()
	return joinWith(t, url, token, nil)
}

// joinWith has a listener besides, which may be nil.
func joinWith(t *testing.T, url, token string, l *listener) *player {
	t.Helper()
	p := &player{t: t, welcome: make(chan *schema.Welcome, 8), end: make(chan error, 1)}
	var h client.Handler = p
	if l != nil {
		l.player, h = p, l
	}
	var err error
	p.client, err = client.New(client.Config{URL: url, Token: token, Handler: h, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.end <- p.client.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

// welcomed waits for the welcome.
func (p *player) welcomed() *schema.Welcome {
	p.t.Helper()
	select {
	case w := <-p.welcome:
		return w
	case err := <-p.end:
		p.t.Fatalf("the client ended before it was welcome: %v", err)
	case <-time.After(patience):
		p.t.Fatalf("no welcome within %v", patience)
	}
	return nil
}

func testGames() []game.Def { return []game.Def{tag.Game(), arena.Game()} }
