package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestTLS plays for a moment over a real wss connection, and is refused by one whose certificate it does not know.
func TestTLS(t *testing.T) {
	s := newServer(t)
	defer close(s.stop)
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.StartTLS() // for its certificate
	defer web.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", web.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.accept(c)
		}
	}()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the machine may be busy
	defer cancel()
	h := &player{}
	h.each(func(c *Client, tick uint32) {
		if c.Stats().Frames > 5 {
			c.Leave()
		}
	})
	cfg := Config{URL: "wss://" + l.Addr().String() + "/v1/play", Token: "t", Handler: h, TLS: &tls.Config{RootCAs: roots}}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(ctx); err != nil || c.Stats().HashMismatches != 0 {
		t.Errorf("%v, %+v", err, c.Stats())
	}
	cfg.TLS, cfg.GiveUp, cfg.DialTimeout = nil, time.Nanosecond, time.Minute // one attempt, up to the certificate
	stranger, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Run(ctx); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v", err)
	}
}
