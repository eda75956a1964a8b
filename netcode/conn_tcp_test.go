package netcode

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	bigint "math/big"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
)

// certificate makes a self-signed one.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: bigint.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// dialTCP connects a raw client to a server of Hijack and gws over loopback. early follows the request in one write.
func dialTCP(t testing.TB, secure bool, early []byte) (*sink, *Conn, *far) {
	t.Helper()
	cfg, s := DefaultConnConfig(), &sink{}
	cfg.DrainTimeout, cfg.CloseGrace = patience, patience // a reader may be slow because the machine is
	up, conns := gws.NewUpgrader(s, UpgradeOption(&cfg)), make(chan *Conn, 1)
	var conf *tls.Config
	if secure {
		conf = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		if status, problem := CheckUpgrade(r); status != 0 {
			http.Error(w, problem, status)
			return
		}
		c, err := Hijack(w, r, &cfg)
		if err != nil {
			t.Error(err)
			return
		}
		ws, err := up.UpgradeFromConn(c, c.Reader(), r)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Linger()
		conns <- c
		ws.ReadLoop()
	})}
	go srv.Serve(WrapListener(l, &cfg, conf))
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close(); <-ended; _ = srv.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	if secure {
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	_, _ = nc.Write(append([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: "+schema.Subprotocol+"\r\n\r\n"), early...))
	f := &far{Conn: nc, r: bufio.NewReader(nc)}
	if resp, err := http.ReadResponse(f.r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", resp, err)
	}
	return s, <-conns, f
}

func bothTransports(t *testing.T, f func(t *testing.T, secure bool)) {
	for name, secure := range map[string]bool{"tcp": false, "tls": true} {
		t.Run(name, func(t *testing.T) { f(t, secure) })
	}
}

// Over real sockets: frames that come in the handshake's segment are answered, and a close ends with both sides' FIN.
func TestTCPEchoAndClose(t *testing.T) {
	bothTransports(t, func(t *testing.T, secure bool) {
		_, c, f := dialTCP(t, secure, clientFrame(finBit|opBinary, "echo"))
		_, _ = f.Write(clientFrame(finBit|opBinary, "echo"))
		for range 2 {
			if b0, p, err := f.next(); err != nil || b0 != 0x82 || p != "echo" {
				t.Fatalf("%x %q %v", b0, p, err)
			}
		}
		c.CloseWith(schema.CloseUnavailable, "draining")
		if code, reason := f.closed(t); code != 4013 || reason != "draining" { // reads up to the end
			t.Errorf("closed with %d %q", code, reason)
		}
		if c.nb.failure() != nil {
			t.Error("the end came from cutting the connection, not from half-closing it")
		}
	})
}

// fill sends state frames to a client that does not read until the connection stays busy, and returns how many were
// taken. TCP's own buffers grow for a while, so a refusal alone does not say that they are full.
func fill(t *testing.T, c *Conn, frame []byte) (sent int) {
	t.Helper()
	for sent < 1<<16 {
		if c.SendFrame(frame) {
			sent++
			continue
		}
		for end := time.Now().Add(50 * time.Millisecond); c.Busy(); runtime.Gosched() {
			if time.Now().After(end) {
				return sent
			}
		}
	}
	t.Fatal("32 MB were taken from a client that does not read")
	return sent
}

// A close while bytes wait: all of them, then the close frame, then the end.
func TestTCPCloseWhileBusy(t *testing.T) {
	bothTransports(t, func(t *testing.T, secure bool) {
		_, c, f := dialTCP(t, secure, nil)
		sent := fill(t, c, AppendFrame(nil, false, []byte(strings.Repeat("s", 500))))
		c.CloseWith(schema.CloseRemoved, "")
		for i := range sent {
			if _, p, err := f.next(); err != nil || len(p) != 500 {
				t.Fatalf("frame %d of %d: %d bytes, %v", i, sent, len(p), err)
			}
		}
		if code, _ := f.closed(t); code != uint16(schema.CloseRemoved) {
			t.Errorf("closed with %d", code)
		}
		if c.nb.failure() != nil {
			t.Error("the end came from cutting the connection, not from half-closing it")
		}
	})
}

// A client that does not read makes the connection busy after a while, never blocks a writer, and then reads
// every frame that was taken, whole and in order.
func TestTCPSlowReader(t *testing.T) {
	bothTransports(t, func(t *testing.T, secure bool) {
		_, c, f := dialTCP(t, secure, nil)
		frame := AppendFrame(nil, false, []byte(strings.Repeat("s", 500)))
		sent := fill(t, c, frame)
		if s := c.Stats(); s.Skipped == 0 || s.FramesOut != uint64(sent) {
			t.Errorf("%d were taken, %+v", sent, s)
		}
		last := AppendFrame(nil, false, []byte("last"))
		if err := c.SendReliable(last); err != nil {
			t.Error(err)
		}
		if q := c.nb.queued(); q > len(frame)+len(last)+100 {
			t.Errorf("%d bytes wait", q)
		}
		for i := range sent {
			if _, p, err := f.next(); err != nil || len(p) != 500 {
				t.Fatalf("frame %d of %d: %d bytes, %v", i, sent, len(p), err)
			}
		}
		if _, p, err := f.next(); err != nil || p != "last" {
			t.Fatalf("%q, %v", p, err)
		}
		eventually(t, "everything was read, and it is not busy", func() bool { return !c.Busy() })
		if !c.SendFrame(last) {
			t.Error("still busy though everything was read")
		}
	})
}

// The peer resets the connection: reading ends, writing does not panic or block.
func TestTCPReset(t *testing.T) {
	_, c, f := dialTCP(t, false, nil)
	_ = f.Conn.(*net.TCPConn).SetLinger(0)
	_ = f.Close()
	frame := AppendFrame(nil, false, []byte("x"))
	eventually(t, "the reset is noticed", func() bool {
		_ = c.SendReliable(frame)
		code, _ := c.Cause()
		return code != 0
	})
	if code, local := c.Cause(); code != closeAbnormal || local {
		t.Errorf("cause %d, local %v", code, local)
	}
}

// In steady state a shared frame costs no allocation.
func TestTCPSendDoesNotAllocate(t *testing.T) {
	_, c, f := dialTCP(t, false, nil)
	go func() { _, _ = io.Copy(io.Discard, f.r) }()
	frame := AppendFrame(nil, true, []byte(strings.Repeat("s", 100)))
	if n := testing.AllocsPerRun(200, func() {
		c.Cork()
		c.SendFrame(frame)
		c.SendFrame(frame)
		_ = c.Flush()
	}); n > 0.1 && !raceDetector {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSendFrame(b *testing.B) {
	_, c, f := dialTCP(b, false, nil)
	go func() { _, _ = io.Copy(io.Discard, f.r) }()
	frame := AppendFrame(nil, true, []byte(strings.Repeat("s", 100)))
	b.ReportAllocs()
	for b.Loop() {
		for !c.SendFrame(frame) {
			runtime.Gosched()
		}
	}
}
