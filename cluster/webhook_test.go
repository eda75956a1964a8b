package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

const testSecret = "0123456789abcdef-secret"

// receiver is the other end of a webhook, in memory.
type receiver struct {
	t      *testing.T
	answer func(id string, n int) (int, error) // n: requests with this id before; an error after it was taken
	takes  time.Duration

	mu           sync.Mutex // guards the following
	got          map[string]int
	flying, most int
	total        int
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.flying++
	r.total++
	r.most = max(r.most, r.flying)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.flying--
		r.mu.Unlock()
	}()
	if r.takes > 0 {
		select {
		case <-time.After(r.takes):
		case <-q.Context().Done():
			return nil, q.Context().Err()
		}
	}
	if want := sign([]byte(testSecret), time.Now().Add(-r.takes), body); q.Header.Get("Overtime-Signature") != want {
		r.t.Errorf("signature %s, want %s", q.Header.Get("Overtime-Signature"), want)
	}
	var m struct {
		ID    string `json:"id"`
		Match string `json:"match_id"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Match == "" || q.Method != "POST" || q.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s %v: %s, %v", q.Method, q.Header, body, err)
	}
	r.mu.Lock()
	n := r.got[m.ID]
	status, err := r.answer(m.ID, n)
	if err == nil || errors.Is(err, errLostAnswer) {
		r.got[m.ID]++
	}
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil))}, nil
}

var errLostAnswer = errors.New("connection reset after the request was taken")

// pass lets virtual time pass, and what was to happen by then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func fine(string, int) (int, error) { return 204, nil }

// openHook opens a webhook on a directory.
func openHook(t *testing.T, dir string, r *receiver) *webhook {
	t.Helper()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(" "+testSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := openWebhook(Webhook{URL: "https://game.example/results", SecretFile: secret, transport: r}, dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func spooled(t *testing.T, dir string) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, webhookDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Every result arrives, signed, some at a time; whoever hands it in does not wait for the receiver.
func TestWebhookDelivers(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{t: t, answer: fine, takes: time.Second, got: map[string]int{}}
		w := openHook(t, dir, r)
		began := time.Now()
		for i := range 20 {
			w.add(admin.Match{ID: fmt.Sprint("m", i), Result: []byte(`{"winner":1}`), Outcome: "finished"}, "")
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("handing 20 results in took %v", took)
		}
		pass(time.Minute)
		k := w.counters()
		if len(r.got) != 20 || r.total != 20 || r.most != 2 || k.Delivered != 20 || k.Pending != 0 || k.Attempts != 0 || spooled(t, dir) != 0 {
			t.Errorf("%d results in %d requests, %d at a time; %+v, %d files", len(r.got), r.total, r.most, k, spooled(t, dir))
		}
		w.close()
	})
}

// A receiver that is away for an hour, in which the node restarts twice, gets everything when it is back; it was not asked more often than a
// breaker allows. An answer that is lost brings a repeat with the same id.
func TestWebhookOutage(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		down := true
		r := &receiver{t: t, got: map[string]int{}, takes: 10 * time.Millisecond}
		r.answer = func(_ string, n int) (int, error) {
			switch {
			case down:
				return 0, errors.New("connection refused")
			case n == 0:
				return 0, errLostAnswer
			}
			return 200, nil
		}
		w := openHook(t, dir, r)
		for i := range 9 {
			w.add(admin.Match{ID: fmt.Sprint("m", i)}, "")
			if i%4 == 3 {
				pass(20 * time.Minute)
				w.close()
				w = openHook(t, dir, r)
				if k := w.counters(); k.Pending != i+1 {
					t.Errorf("%d pending after a restart, want %d", k.Pending, i+1)
				}
			}
		}
		pass(20 * time.Minute)
		if k := w.counters(); !k.Open || k.Pending != 9 || k.Delivered != 0 {
			t.Errorf("%+v", k)
		}
		if r.total > 3*breakAfter+30+3600/30 {
			t.Errorf("%d attempts in an hour", r.total)
		}
		r.mu.Lock()
		down = false
		r.mu.Unlock()
		pass(30 * time.Minute)
		for id, n := range r.got {
			if n != 2 {
				t.Errorf("%s was taken %d times", id, n)
			}
		}
		if k := w.counters(); len(r.got) != 9 || k.Open || k.Pending != 0 || k.Delivered != 9 || k.Dropped != 0 || spooled(t, dir) != 0 {
			t.Errorf("%d results, %+v, %d files", len(r.got), k, spooled(t, dir))
		}
		w.close()
	})
}

// A result that the receiver does not want is tried again, and does not stand in the way of others.
func TestWebhookRefused(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{t: t, got: map[string]int{}}
		r.answer = func(id string, _ int) (int, error) {
			if strings.HasSuffix(id, "m0") {
				return 302, nil // a redirect is not followed
			}
			return 200, nil
		}
		w := openHook(t, dir, r)
		for i := range 30 {
			w.add(admin.Match{ID: fmt.Sprint("m", i)}, "")
			pass(time.Minute)
		}
		k := w.counters()
		if k.Delivered != 29 || k.Pending != 1 || k.Open || r.got["result-m0"] < 8 || uint64(r.got["result-m0"]) != k.Attempts || spooled(t, dir) != 1 {
			t.Errorf("%+v, tried %d times", k, r.got["result-m0"])
		}
		w.close()
	})
}

// A receiver that never answers holds up neither the node nor its stop, which takes what it can with it.
func TestWebhookStop(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{t: t, answer: fine, takes: time.Hour, got: map[string]int{}}
		w := openHook(t, dir, r)
		w.add(admin.Match{ID: "m1"}, "")
		began := time.Now()
		w.close()
		if took := time.Since(began); took != webhookGrace || spooled(t, dir) != 1 {
			t.Errorf("stopped after %v with %d files", took, spooled(t, dir))
		}
		synctest.Wait()
		r.takes = 300 * time.Millisecond
		w = openHook(t, dir, r)
		w.add(admin.Match{ID: "m2"}, "")
		w.add(admin.Match{ID: "m3"}, "")
		w.close()
		if len(r.got) != 3 || spooled(t, dir) != 0 {
			t.Errorf("the stop left %d files, %v arrived", spooled(t, dir), r.got)
		}
	})
}

// Too many results, or a disk that fails: what is lost is counted.
func TestWebhookDrops(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{t: t, got: map[string]int{}, answer: func(string, int) (int, error) { return 503, nil }}
		w := openHook(t, dir, r)
		w.mu.Lock()
		w.list.most = 5
		w.mu.Unlock()
		for i := range 20 {
			w.add(admin.Match{ID: fmt.Sprint("m", i)}, "")
			pass(time.Second)
		}
		if k := w.counters(); k.Pending > 7 || k.Pending < 5 || int(k.Dropped) != 20-k.Pending || spooled(t, dir) != k.Pending {
			t.Errorf("%+v, %d files", k, spooled(t, dir))
		}
		before := w.counters().Dropped
		if err := os.RemoveAll(filepath.Join(dir, webhookDir)); err != nil {
			t.Fatal(err)
		}
		w.add(admin.Match{ID: "x"}, "")
		if k := w.counters(); k.Dropped != before+1 {
			t.Errorf("%+v", k)
		}
		w.close()
	})
}

func TestWebhookConfig(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("   0123456789abcde  \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Webhook{
		"no scheme": {URL: "game.example", SecretFile: short}, "a file": {URL: "file:///etc/passwd", SecretFile: short},
		"a password": {URL: "https://u:p@x.example", SecretFile: short}, "no secret": {URL: "https://x.example"},
		"a short secret": {URL: "https://x.example", SecretFile: short}, "no file": {URL: "https://x.example", SecretFile: dir + "/none"},
		"too many": {URL: "https://x.example", SecretFile: short, AtOnce: 5},
	} {
		if w, err := openWebhook(c, dir, nil, slog.New(slog.DiscardHandler)); err == nil || w != nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := openWebhook(Webhook{URL: "https://x.example", SecretFile: short}, "", nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no data directory, and it is taken")
	}
	if w, err := openWebhook(Webhook{}, "", nil, nil); w != nil || err != nil {
		t.Errorf("no webhook: %v, %v", w, err)
	}
	var none *webhook
	none.add(admin.Match{}, "")
	none.close()
}

// A node delivers the result of its match.
func TestNodeDeliversResults(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(secret, []byte(testSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	arrived := make(chan []byte, 4)
	n := startNode(t, func(c *Config) {
		c.Data = dir
		c.Webhook = Webhook{URL: "http://game.example/", SecretFile: secret, transport: transport(func(q *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(q.Body)
			arrived <- b
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(nil))}, err
		})}
	})
	id := do(t, "POST", n.AdminURL()+"/v1/matches", `{"game":"tag"}`).field(t, "match_id")
	if a := do(t, "POST", n.AdminURL()+"/v1/matches/"+id+"/end", `{"result":{"winner":"p1"}}`); a.status != 200 || !strings.Contains(string(a.body), `"ended":"2`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case b := <-arrived:
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil || m["id"] != "result-"+id || m["match_id"] != id || m["outcome"] != "finished" || m["result"].(map[string]any)["winner"] != "p1" {
			t.Errorf("%s, %v", b, err)
		}
	case <-ctx.Done():
		t.Fatal("nothing arrived")
	}
	if a := do(t, "GET", n.AdminURL()+"/metrics", ""); !strings.Contains(string(a.body), "overtime_webhook_pending ") {
		t.Error("no metrics of the webhook")
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
