package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// A handshake that says nothing, or a byte now and then, is ended; so is one that stops in the middle of TLS.
func TestHalfOpenHandshakesEnd(t *testing.T) {
	t.Parallel()
	plain := startNode(t, nil)
	cert, key, _ := writeCertificate(t)
	secure := startNode(t, func(c *Config) { c.TLSCert, c.TLSKey = cert, key })
	var all sync.WaitGroup // all at once, which t.Parallel would not do on a machine with few cores
	defer all.Wait()
	for name, c := range map[string]struct {
		node *Node
		say  string
		drip string
		tls  bool // after a TLS handshake
	}{
		"silent":            {node: plain},
		"half a request":    {node: plain, say: "GET /v1/play HTTP/1.1\r\nHost: x\r\n"},
		"dripping":          {node: plain, say: "GET /v1/play HTTP/1.1\r\nHost: x\r\nX: ", drip: "a"},
		"silent to TLS":     {node: secure},
		"half a TLS record": {node: secure, say: "\x16\x03\x01\x02\x00\x01"},
		"silent over TLS":   {node: secure, tls: true},
	} {
		all.Go(func() {
			conn, err := net.Dial("tcp", c.node.player.addr.String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if c.tls {
				s := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // whose it is does not matter here
				err = s.Handshake()
			}
			if err == nil {
				_, err = conn.Write([]byte(c.say))
			}
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s: %v", name, err)
				return
			} // on a busy machine the other side may have hung up by now
			if gone := hangsUp(conn, c.drip, time.Now().Add(patience)); !gone {
				t.Errorf("%s: still open after %v", name, patience)
			}
		})
	}
}

// hangsUp reads, and says drip every 250 ms, until the other side hangs up or the time is over.
func hangsUp(conn net.Conn, drip string, until time.Time) bool {
	buf := make([]byte, 512)
	for {
		step := time.Now().Add(250 * time.Millisecond)
		if drip == "" || step.After(until) {
			step = until
		}
		_ = conn.SetReadDeadline(step)
		_, err := conn.Read(buf)
		if timeout, ok := err.(net.Error); err != nil && !(ok && timeout.Timeout()) {
			return true
		}
		if err != nil && !time.Now().Before(until) {
			return false
		}
		if _, err := conn.Write([]byte(drip)); drip != "" && err != nil {
			return true
		}
	}
}

// Too long a header gets 431, or the connection is reset before the client has read that.
func TestHeadersAreBounded(t *testing.T) {
	n := startNode(t, nil)
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, url := range []string{n.URL() + "/healthz", n.AdminURL() + "/v1/matches"} {
		for size, want := range map[int]int{maxHeader / 2: 200, 4 * maxHeader: 431} {
			r, err := http.NewRequest("GET", url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Long", strings.Repeat("x", size))
			resp, err := h.Do(r)
			if err != nil && want == 431 {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s: status %d for %d bytes of header, want %d", url, resp.StatusCode, size, want)
			}
		}
	}
}

func TestPlayOverTLS(t *testing.T) {
	cert, key, pool := writeCertificate(t)
	n := startNode(t, func(c *Config) { c.TLSCert, c.TLSKey = cert, key })
	conf := &tls.Config{RootCAs: pool}
	h := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
	resp, err := h.Post(n.URL()+"/v1/quickplay", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, body: body}
	url := a.field(t, "url")
	if want := "wss://" + n.player.addr.String() + "/v1/play"; url != want {
		t.Fatalf("url %s, want %s", url, want)
	}
	p := &player{t: t, welcome: make(chan *schema.Welcome, 1), end: make(chan error, 1)}
	p.client, err = client.New(client.Config{URL: url, Token: a.field(t, "token"), TLS: conf, Handler: p, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	go func() { p.end <- p.client.Run(t.Context()) }()
	p.welcomed()
	p.client.Leave()
	if err := <-p.end; err != nil {
		t.Errorf("the client ended with %v", err)
	}
}

// writeCertificate makes a certificate for loopback.
func writeCertificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile, keyFile = write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", private)
	pool = x509.NewCertPool()
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(ca)
	return certFile, keyFile, pool
}
