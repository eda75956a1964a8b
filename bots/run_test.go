package bots_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots"
	"github.com/overtime-server/overtime/cluster"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
)

// stopper is a node that may be stopped more than once.
type stopper struct {
	*cluster.Node
	once sync.Once
}

func (s *stopper) stop() {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Stop(ctx)
	})
}

// node starts a node on free ports.
func node(t *testing.T) *stopper {
	t.Helper()
	n, err := cluster.Start(cluster.Config{
		Games: []game.Def{arena.Game()}, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &stopper{Node: n}
	t.Cleanup(s.stop)
	return s
}

func config(n *stopper) bots.Config {
	return bots.Config{
		Target: n.URL(), Admin: n.AdminURL(), Matches: 2, Players: 4, Duration: patience, Game: "arena",
		Games: map[string]game.Def{"arena": arena.Game()},
	}
}

// patience is how long a run that its test ends may take, on a machine that is busy with other things.
const patience = time.Minute

// until ends a run at the first line of progress for which enough says so.
func until(cfg *bots.Config, enough func(seconds float64, reconnects int) bool) {
	end := make(chan struct{})
	cfg.End = end
	cfg.Progress = writer(func(b []byte) {
		var s float64
		var n int
		line := string(b)
		if _, err := fmt.Sscanf(line, "%f s:", &s); err != nil || end == nil { // nobody plays yet, or it has ended
			return
		}
		if _, err := fmt.Sscanf(line[strings.LastIndexByte(line, ',')+1:], "%d reconnects", &n); err == nil && enough(s, n) {
			close(end)
			end = nil
		}
	})
}

// TestRun plays two matches on a real node over loopback, with churn and a network between.
func TestRun(t *testing.T) {
	t.Parallel()
	n := node(t)
	played := func(s float64, _ int) bool { return s > 1 }
	for name, x := range map[string]struct {
		churn   float64
		network string
		enough  func(s float64, reconnects int) bool
	}{
		"plain": {enough: played},
		"churn": {0.5, "", func(s float64, reconnects int) bool { // all who were cut, 4 every 5 s, are back
			cut := 4 * int((s+2.5)/5)
			return cut > 0 && reconnects >= cut
		}},
		"wifi": {0, "wifi", played},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(n)
			cfg.Churn, cfg.Network = x.churn, x.network
			until(&cfg, x.enough)
			var log bytes.Buffer
			cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
			rep, err := bots.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if !rep.OK() || rep.Players != 8 || rep.HashChecks == 0 || rep.InputsSent == 0 || rep.InputsAnswered == 0 {
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

// TestServerGone: a server that goes away in the middle costs seats, and the run still ends with a report.
func TestServerGone(t *testing.T) {
	t.Parallel()
	n := node(t)
	cfg := config(n)
	cfg.Matches = 1
	until(&cfg, func(s float64, _ int) bool {
		n.stop() // from the first second on
		return s > 2
	})
	rep, err := bots.Run(t.Context(), cfg)
	if err != nil || rep.OK() || rep.SeatsLost != 4 {
		t.Errorf("%+v, %v", rep, err)
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

// TestNoServer: nothing there is an error, soon.
func TestNoServer(t *testing.T) {
	const nobody = "127.0.0.1:1" // a port that no other program is given
	cfg := bots.Config{Target: nobody, Admin: nobody, Matches: 3, Players: 2, Duration: time.Second, Game: "arena", Games: map[string]game.Def{"arena": arena.Game()}}
	if rep, err := bots.Run(t.Context(), cfg); err == nil {
		t.Errorf("%+v", rep)
	}
	cfg.Players = 0
	if _, err := bots.Run(t.Context(), cfg); err == nil {
		t.Error("a bad configuration was taken")
	}
}

// TestInterrupt: a run that is interrupted ends soon and deletes its matches.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	n := node(t)
	cfg := config(n)
	cfg.Duration = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	until(&cfg, func(float64, int) bool {
		cancel()
		return false
	})
	if _, err := bots.Run(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	resp, err := http.Get(n.AdminURL() + "/v1/matches")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); !bytes.Contains(b, []byte(`"matches":[]`)) {
		t.Errorf("left behind: %s", b)
	}
}

// TestPlay: one bot takes a seat and gives it up.
func TestPlay(t *testing.T) {
	t.Parallel()
	n := node(t)
	resp, err := http.Post(n.URL()+"/v1/quickplay", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var place struct {
		URL, Token string
		Match      string `json:"match_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&place); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := bots.Play(ctx, bots.Seat{URL: place.URL, Token: place.Token, Def: arena.Game(), Seed: 1}); err != nil {
		t.Error(err)
	}
	if err := bots.Play(t.Context(), bots.Seat{URL: place.URL, Token: "rubbish", Def: arena.Game(), Seed: 1}); err == nil {
		t.Error("a bad token was taken")
	}
}
