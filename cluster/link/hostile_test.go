package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// raw connects to b as the node a, past the upgrade.
func raw(t *testing.T, w *world, a *node, cl claim) (*tls.Conn, *bufio.Reader) {
	t.Helper()
	c, r, err := a.handshake(t.Context(), "b", "", cl)
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

// What a peer sends that is not a frame costs it this connection, and nothing else.
func TestMalformedFramesEndTheConnection(t *testing.T) {
	call := appendFrame(nil, &frame{typ: frameCall, num: 5, left: 1000, name: []byte("m")})
	for name, bytes := range map[string][]byte{
		"length 0": {0, 0, 0, 0}, "huge length": {0xff, 0xff, 0xff, 0xff}, "unknown type": {1, 0, 0, 0, 77},
		"the same call twice": append(call, call...),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, c := w.node("a"), w.node("c")
				b := w.node("b", func(c *Config) {
					c.Call = func(ctx context.Context, from, _ string, _ []byte) ([]byte, error) {
						if from == "a" {
							<-ctx.Done()
						}
						return nil, nil
					}
				})
				defer a.close()
				defer b.close()
				defer c.close()
				conn, r := raw(t, w, a, claim{dial: 1, id: 9})
				mustCall(t, c, "b", "")
				if _, err := conn.Write(bytes); err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, r)
				synctest.Wait()
				b.note(func() {
					if len(b.downs) != 1 || !errors.Is(b.downs[0], ErrProtocol) {
						t.Errorf("events: %v", b.events)
					}
				})
				rawClose(conn)
				mustCall(t, c, "b", "")
				if s := b.Stats(); s.Disconnects["protocol"] != 1 || s.Connected != 1 {
					t.Errorf("stats: %+v", s)
				}
			})
		})
	}
}

// A newer dial of the same dialler replaces the older, an older that arrives late is refused.
func TestNewerDialReplaces(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		one, _ := raw(t, w, a, claim{dial: 5, id: 1})
		defer rawClose(one)
		two, _ := raw(t, w, a, claim{dial: 6, id: 2})
		defer rawClose(two)
		if _, _, err := a.handshake(t.Context(), "b", "", claim{dial: 4, id: 3}); !errors.Is(err, errRace) {
			t.Errorf("a late dial: %v", err)
		}
		time.Sleep(b.cfg.Heartbeat) // the older one is silent
		synctest.Wait()
		b.note(func() {
			if b.ups != 2 || len(b.downs) != 1 || !errors.Is(b.downs[0], ErrReplaced) {
				t.Errorf("events: %v", b.events)
			}
		})
	})
}

func TestRequestsThatAreNoUpgrade(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if rec.Code != http.StatusUnauthorized {
			t.Errorf("without TLS: %d", rec.Code)
		}
		conf, err := a.TLSFor("b")
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DialContext: w.net.dial, DisableKeepAlives: true}}
		resp, err := client.Get("https://b:1" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusUpgradeRequired || b.Stats().Refused["malformed"] != 1 {
			t.Errorf("without an upgrade: %d", resp.StatusCode)
		}
		if _, err := a.TLSFor("nobody"); !errors.Is(err, ErrUnknown) {
			t.Errorf("TLS for an unknown node: %v", err)
		}
		if b.TLS().MinVersion != tls.VersionTLS13 || b.TLS().ClientAuth < tls.RequireAnyClientCert {
			t.Error("the listener asks too little")
		}
		// A client without a certificate gets nowhere.
		c, err := w.net.dial(t.Context(), "tcp", "b:1")
		if err != nil {
			t.Fatal(err)
		}
		anonymous := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		defer rawClose(anonymous)
		_ = anonymous.SetDeadline(time.Now().Add(time.Second))
		if _, err := anonymous.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("without a certificate: %v", err)
		}
	})
}

// A quiet connection that nobody watches carries no heartbeats; a watched one does.
func TestHeartbeatsForWatchedPeersOnly(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "up")
		time.Sleep(30 * time.Second)
		if s := a.Stats(); s.Pings != 1 || s.Connected != 1 {
			t.Errorf("unwatched: %+v", s)
		}
		release := a.Watch("b")
		time.Sleep(10 * time.Second)
		pings := a.Stats().Pings
		if pings < 50 || pings > 250 || b.Stats().Pings != 1 {
			t.Errorf("watched for 10 s: %d pings, back %d", pings, b.Stats().Pings)
		}
		release()
		time.Sleep(10 * time.Second)
		if more := a.Stats().Pings - pings; more > 1 {
			t.Errorf("released: %d pings", more)
		}
	})
}
