package cluster

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/game/tag"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
)

func TestStopIsGraceful(t *testing.T) {
	dir := t.TempDir()
	n := startNode(t, func(c *Config) { c.Data, c.Record = filepath.Join(dir, "data"), filepath.Join(dir, "record") })
	if a := do(t, "GET", n.URL()+"/readyz", ""); a.status != 200 {
		t.Fatalf("readyz: %d", a.status)
	}
	a := do(t, "POST", n.URL()+"/v1/quickplay", "")
	p := join(t, a.field(t, "url"), a.field(t, "token"))
	match := p.welcomed().Match

	n.serving.Store(false)
	if a := do(t, "GET", n.URL()+"/readyz", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("readyz while stopping: %d", a.status)
	}
	if a := do(t, "GET", n.URL()+"/healthz", ""); a.status != 200 {
		t.Errorf("healthz while stopping: %d", a.status)
	}
	stopNode(t, n)
	eventually(t, "the player tries to come back, as 4013 says", func() bool { return p.client.Stats().FailedAttempts > 0 })
	if got := p.client.Stats().Closes; got[schema.CloseUnavailable] != 1 || len(p.end) > 0 {
		t.Errorf("the player saw close codes %v, want one %d; ended: %v", got, schema.CloseUnavailable, len(p.end) > 0)
	}
	if _, err := n.giveSeat(t.Context(), n.id, askSeat{n.cfg.Games[0].Name, "late"}); !errors.Is(err, admin.ErrDraining) {
		t.Errorf("a place on a stopped node: %v", err)
	}

	f, err := os.Open(filepath.Join(dir, "record", match+journalSuffix))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Replay(context.Background(), f, n.cfg.Games)
	if err != nil || !r.OK || r.End != "shutdown" || r.Ticks == 0 {
		t.Errorf("recording: %+v, %v", r, err)
	}

	// A new process with the same data knows the result and takes the old tokens.
	again := startNode(t, func(c *Config) { c.Data = filepath.Join(dir, "data") })
	m, err := operator{again}.Match(match)
	if err != nil || m.Outcome != "shutdown" || m.State != "ended" || m.Game != "tag" {
		t.Errorf("after a restart the match is %+v, %v", m, err)
	}
	if _, err := again.keys.VerifyPlayer(a.field(t, "token"), time.Now()); err != nil {
		t.Errorf("after a restart a token: %v", err)
	}
}

// stuck are rules that stand still in a step until they are let go.
type stuck struct {
	game.Match
	here, on chan struct{}
}

func (m stuck) Step(t *game.Tick) {
	select {
	case m.here <- struct{}{}:
		<-m.on
	default:
	}
	m.Match.Step(t)
}

// A stop that has no time left returns, though a match stands still in its rules.
func TestStopHasAnEnd(t *testing.T) {
	here, on := make(chan struct{}), make(chan struct{})
	n := startNode(t, func(c *Config) {
		def := tag.Game()
		c.Games[0].New = func(s game.Setup) (game.Match, error) {
			m, err := def.New(s)
			return stuck{m, here, on}, err
		}
	})
	a := do(t, "POST", n.URL()+"/v1/quickplay", "")
	join(t, a.field(t, "url"), a.field(t, "token")).welcomed()
	<-here
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Stop(ctx); !errors.Is(err, context.Canceled) { // and it returns
		t.Errorf("a stop without time: %v", err)
	}
	close(on)
	n.matches.wait()
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ctx, Config{Games: testGames(), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotStart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for want, change := range map[string]func(*Config){
		"no games":                func(c *Config) { c.Games = nil },
		"there twice":             func(c *Config) { c.Games = append(c.Games, c.Games[0]) },
		"listen: ":                func(c *Config) { c.Listen = "here" },
		"admin: ":                 func(c *Config) { c.Admin = "here" },
		"public: ":                func(c *Config) { c.Public = "gopher://x" },
		"come together":           func(c *Config) { c.TLSCert = file },
		"tls: ":                   func(c *Config) { c.TLSCert, c.TLSKey = file, file },
		"secret file: open":       func(c *Config) { c.SecretFile = filepath.Join(dir, "none") },
		"secret file " + file:     func(c *Config) { c.SecretFile = file },
		"data: ":                  func(c *Config) { c.Data = file },
		"record: ":                func(c *Config) { c.Record = filepath.Join(file, "x") },
		"is not an origin":        func(c *Config) { c.Origins = []string{"play.example.com"} },
		"OVERTIME_ADMIN_KEY":      func(c *Config) { c.Admin = "0.0.0.0:0" },
		"address already in use":  func(c *Config) { c.Listen = busy.Addr().String() },
		"admin listener: listen ": func(c *Config) { c.Admin = busy.Addr().String() },
		"must not be negative":    func(c *Config) { c.MaxMatches = -1 },
		"durations":               func(c *Config) { c.SeatHold = -1 },
	} {
		cfg := Config{Games: testGames(), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
		change(&cfg)
		n, err := Start(cfg)
		if err == nil {
			stopNode(t, n)
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
}

func TestSecretFileSigns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(token.GenerateKey().Line()), 0o600); err != nil {
		t.Fatal(err)
	}
	one := startNode(t, func(c *Config) { c.SecretFile = path })
	two := startNode(t, func(c *Config) { c.SecretFile = path })
	g := do(t, "POST", one.URL()+"/v1/guest", "")
	a := do(t, "POST", two.URL()+"/v1/quickplay", "", "Authorization", "Bearer "+g.field(t, "token"))
	if a.field(t, "player_id") != g.field(t, "player_id") {
		t.Errorf("a node with the same secret file says %s", a.body)
	}
}

// Matches end by themselves, by the API, or because they are full of nobody; the outcome is told afterwards.
func TestOperatorSeesMatches(t *testing.T) {
	n := startNode(t, func(c *Config) { c.MaxMatches = 3 })
	o := operator{n}
	seed := uint64(7)
	var ids []string
	for range 3 {
		made, err := o.CreateMatch(t.Context(), admin.MatchSpec{Game: "tag", Seats: 5, TickHz: 60, Seed: &seed, Labels: map[string]string{"a": "b"}}, "")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, made.ID)
	}
	for _, c := range []struct {
		spec admin.MatchSpec
		want error
	}{
		{admin.MatchSpec{Game: "chess"}, admin.ErrGame},
		{admin.MatchSpec{Game: "tag"}, admin.ErrFull},
	} {
		if _, err := o.CreateMatch(t.Context(), c.spec, ""); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.spec, err, c.want)
		}
	}
	if err := o.DeleteMatch(ids[0]); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []admin.MatchSpec{{Seats: 256}, {TickHz: 129}, {Game: "arena", Settings: []byte(`{"minutes":-1}`)}} {
		if _, err := o.CreateMatch(t.Context(), bad, ""); !errors.Is(err, admin.ErrInvalid) {
			t.Errorf("%+v: %v, want %v", bad, err, admin.ErrInvalid)
		}
	}
	m, err := o.Match(ids[0])
	if err != nil || m.Outcome != "finished" || m.State != "ended" {
		t.Errorf("a deleted match is %+v, %v", m, err)
	}
	if err := o.DeleteMatch(ids[0]); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("deleted again: %v", err)
	}
	m, err = o.Match(ids[1])
	if err != nil || m.Seats != 5 || m.TickHz != 60 || m.Labels["a"] != "b" || m.Owner != n.id || m.State != "waiting" || m.Scores == nil {
		t.Errorf("a running match is %+v, %v", m, err)
	}
	first, more, _ := o.Matches(t.Context(), admin.MatchQuery{Limit: 1})
	rest, none, _ := o.Matches(t.Context(), admin.MatchQuery{After: first[0].ID, Limit: 10})
	if len(first) != 1 || !more || len(rest) != 1 || none || rest[0].ID <= first[0].ID {
		t.Errorf("pages of two matches: %v, more %v; %v, more %v", first, more, rest, none)
	}
	if q, err := n.giveSeat(t.Context(), n.id, askSeat{"tag", "p"}); err != nil || q.Match == ids[1] || q.Match == ids[2] {
		t.Errorf("quickplay went to a match that is not open, or %v", err)
	}
}

func TestQuickplayUsesOpenMatches(t *testing.T) {
	n := startNode(t, nil)
	made, err := operator{n}.CreateMatch(t.Context(), admin.MatchSpec{Labels: map[string]string{openLabel: "true"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := do(t, "POST", n.URL()+"/v1/quickplay", "").field(t, "match_id"); got != made.ID {
		t.Errorf("quickplay chose %s, not the open match %s", got, made.ID)
	}
}

func TestTokensJoin(t *testing.T) {
	n := startNode(t, nil)
	o := operator{n}
	made, err := o.CreateMatch(t.Context(), admin.MatchSpec{}, "")
	if err != nil {
		t.Fatal(err)
	}
	id := made.ID
	tokens, err := o.Tokens(id, []admin.Player{{ID: "ann-1", Name: "Ann", Team: 2}, {ID: "eve", Spectator: true}})
	if err != nil || len(tokens) != 2 {
		t.Fatal(tokens, err)
	}
	w := join(t, o.PlayerURL("localhost"), tokens["ann-1"]).welcomed()
	if w.Match != id || w.PlayerID != "ann-1" || w.Name != "Ann" || w.Team != 2 {
		t.Errorf("welcome %+v", w)
	}
	if w := join(t, o.PlayerURL("localhost"), tokens["eve"]).welcomed(); !w.Spectator {
		t.Errorf("welcome of a spectator: %+v", w)
	}
	if _, err := o.Tokens("none", nil); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("tokens for no match: %v", err)
	}
	if _, err := o.Tokens(id, []admin.Player{{ID: "with space"}}); !errors.Is(err, admin.ErrInvalid) {
		t.Errorf("token for a bad id: %v", err)
	}
	var refused *client.CloseError
	p := join(t, o.PlayerURL(""), "o1p.forged.token")
	if err := <-p.end; !errors.As(err, &refused) || refused.Code != schema.CloseToken {
		t.Errorf("a forged token: %v, want close code %d", err, schema.CloseToken)
	}
}

// The counters of a node that plays reach /metrics.
func TestMetricsOfALiveNode(t *testing.T) {
	n := startNode(t, nil)
	a := do(t, "POST", n.URL()+"/v1/quickplay", "")
	p := join(t, a.field(t, "url"), a.field(t, "token"))
	p.welcomed()
	stopped := n.edge.Match(a.field(t, "match_id"))
	p.client.Leave()
	<-p.end
	stopped.Stop(loop.OverFinished)
	<-stopped.Done()
	metrics := string(do(t, "GET", n.AdminURL()+"/metrics", "").body)
	value := func(name string) (v float64) {
		for line := range strings.Lines(metrics) {
			if rest, ok := strings.CutPrefix(line, name+" "); ok {
				v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
				if err != nil {
					t.Error(err)
				}
				return v
			}
		}
		t.Errorf("no %s", name)
		return 0
	}
	ticks := value(`overtime_ticks_total{game="tag"}`)
	if ticks < 1 {
		t.Error("no ticks")
	}
	for name, want := range map[string]float64{
		`overtime_tick_duration_seconds_count{game="tag"}`:            ticks,
		`overtime_tick_duration_seconds_bucket{game="tag",le="+Inf"}`: ticks,
		`overtime_tick_lateness_seconds_count{game="tag"}`:            ticks,
		`overtime_joins_total`:                                        1,
		`overtime_connections_accepted_total`:                         float64(1 + p.client.Stats().FailedAttempts),
	} {
		if got := value(name); got != want {
			t.Errorf("%s %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{`overtime_bytes_total{direction="in"}`, `overtime_bytes_total{direction="out"}`, `overtime_messages_total{direction="out"}`} {
		if value(name) <= 0 {
			t.Errorf("%s is 0", name)
		}
	}
}
