package link

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

// pair starts two nodes on real sockets. Each message to b is answered by b's Message.
func pair(tb testing.TB, a, b func(*Config)) (*Links, *Links) {
	tb.Helper()
	table := map[string]Peer{}
	var links [2]*Links
	var lns [2]net.Listener
	for i, id := range []string{"a", "b"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		lns[i] = ln
		table[id] = Peer{Addr: ln.Addr().String(), Cert: identities[id].hash}
	}
	for i, change := range []func(*Config){a, b} {
		id := string("ab"[i])
		cfg := Config{ID: id, Cert: identities[id].cert, Log: slog.New(slog.DiscardHandler),
			Peer: func(id string) (Peer, bool) { p, ok := table[id]; return p, ok }}
		change(&cfg)
		l, err := New(cfg)
		if err != nil {
			tb.Fatal(err)
		}
		srv := &http.Server{Handler: l, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		done := make(chan struct{})
		go func() { defer close(done); _ = srv.Serve(tls.NewListener(lns[i], l.TLS())) }()
		tb.Cleanup(func() { l.Close(); _ = srv.Close(); <-done })
		links[i] = l
	}
	return links[0], links[1]
}

// The same over real sockets: a call, and an end that is noticed.
func TestLoopback(t *testing.T) {
	up, down := make(chan struct{}, 1), make(chan error, 1)
	a, b := pair(t, func(c *Config) {
		c.Up = func(string) { up <- struct{}{} }
		c.Down = func(_ string, err error) { down <- err }
	}, func(c *Config) {
		c.Call = func(_ context.Context, _, _ string, body []byte) ([]byte, error) { return body, nil }
	})
	got, err := a.Call(t.Context(), "b", "echo", []byte("x"))
	if err != nil || string(got) != "x" {
		t.Fatalf("%q, %v", got, err)
	}
	<-up
	rawClose(b.peers["a"].cur.Load().net) // as the system does for a process that dies
	if err := <-down; endReason(err) != endEOF {
		t.Errorf("down: %v", err)
	}
}

// BenchmarkRoundTrip sends a message of 200 bytes and waits for one that its taker sends back: four goroutines and two
// sockets with TLS. p50 and p99 are in microseconds.
func BenchmarkRoundTrip(b *testing.B) {
	back := make(chan struct{}, 1)
	var far *Links
	a, far := pair(b, func(c *Config) {
		c.Message = func(string, uint8, []byte) { back <- struct{}{} }
		c.Call = func(context.Context, string, string, []byte) ([]byte, error) { return nil, nil }
	}, func(c *Config) {
		c.Message = func(_ string, kind uint8, body []byte) { _ = far.Send("a", kind, body) }
		c.Call = func(_ context.Context, _, _ string, body []byte) ([]byte, error) { return body, nil }
	})
	if _, err := a.Call(b.Context(), "b", "up", nil); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 200)
	took := make([]time.Duration, 0, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if err := a.Send("b", 1, body); err != nil {
			b.Fatal(err)
		}
		<-back
		if len(took) < cap(took) {
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-us")
}

// BenchmarkCall is a call with an empty answer.
func BenchmarkCall(b *testing.B) {
	a, _ := pair(b, func(*Config) {}, func(c *Config) {
		c.Call = func(context.Context, string, string, []byte) ([]byte, error) { return nil, nil }
	})
	body := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Call(b.Context(), "b", "m", body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend floods: how much one connection carries. Messages that do not fit are sent again.
func BenchmarkSend(b *testing.B) {
	n, all := 0, make(chan struct{})
	total := 0
	a, _ := pair(b, func(*Config) {}, func(c *Config) {
		c.Call = func(context.Context, string, string, []byte) ([]byte, error) { return nil, nil }
		c.Message = func(_ string, kind uint8, _ []byte) {
			if n++; kind == 9 {
				close(all)
			}
		}
	})
	if _, err := a.Call(b.Context(), "b", "up", nil); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 1000)
	send := func(kind uint8) {
		for a.Send("b", kind, body) != nil {
			time.Sleep(time.Millisecond)
		}
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		send(1)
		total++
	}
	send(9)
	<-all
	if n != total+1 {
		b.Fatalf("%d of %d messages arrived", n, total+1)
	}
	b.ReportMetric(float64(a.Stats().MessagesOut)/float64(a.Stats().Writes), "messages/write")
}
