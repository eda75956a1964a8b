package link

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Bounds of what can be sent.
const (
	MaxBody = 4 << 20 // bytes of a message, of a call and of an answer
	MaxName = 64      // bytes of a node id, a method, a code, a bulk connection's kind
)

// Peer is how a node is reached.
type Peer struct {
	Addr string   // HOST:PORT of its link listener
	Cert [32]byte // SHA-256 of its certificate in DER
}

// Config is what Links is made from. The zero value of a field means its default. Up, Down and Message of one peer are
// called by one goroutine at a time, in order: Up, messages, Down, and only then the next Up. They must not block, nor
// call Close; they may Send and Watch.
type Config struct {
	ID   string                            // of this node
	Cert tls.Certificate                   // from NewCertificate(ID)
	Peer func(id string) (p Peer, ok bool) // who is known; from any goroutine, must not block nor call Links

	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // default: net.Dialer's
	Log  *slog.Logger                                                      // default: slog.Default

	// Call serves a call of a peer, in a goroutine of its own. ctx ends when the caller's does, when the connection breaks
	// and when Links is closed. body is the handler's to keep. An *Error reaches the caller as it is, any other as
	// CodeInternal with its text. Default: every call is answered CodeMethod.
	Call func(ctx context.Context, from, method string, body []byte) ([]byte, error)
	// Message takes a one-way message. body is valid during the call.
	Message func(from string, kind uint8, body []byte)
	// Stream takes a bulk connection that a peer opened, in a goroutine of its own. It owns c and closes it; Close of Links
	// closes it too. Default: bulk connections are refused.
	Stream func(from, kind string, c net.Conn)
	// Up says that there is a connection to a peer.
	Up func(peer string)
	// Down says that it ended, and why: io.EOF or a system's error if the peer's process or host died or the network
	// reset it (see Ended), else one of this package's errors.
	Down func(peer string, err error)

	CallTimeout  time.Duration // longest call; default 2 s
	DialTimeout  time.Duration // connecting, TLS and upgrade together; default 2 s
	WriteTimeout time.Duration // one write, of at most 256 KiB; default 2 s
	Heartbeat    time.Duration // a watched peer that was quiet for so long is pinged; default 50 ms
	Silence      time.Duration // a watched peer is down when so long nothing came; default 300 ms
	CallSilence  time.Duration // the same for peers that are not watched, while a call waits; default 2 s
	Idle         time.Duration // an unused connection is closed after so long; default 1 min

	BackoffMin   time.Duration // wait after the first failed dial, doubled by each further one, less up to half by chance; default 100 ms
	BackoffMax   time.Duration // default 2 s
	BreakerAfter int           // failures in a row that open the breaker until the wait is over; default 3

	MaxQueue   int // bytes queued to a peer; default 8 MiB; at least MaxBody + 4 KiB
	MaxCalls   int // calls served at once for a peer; default 128. Their bodies together are at most MaxQueue
	MaxStreams int // bulk connections that a peer has opened here; default 16
}

// withDefaults fills zero values in.
func (c Config) withDefaults() Config {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Call == nil {
		c.Call = func(context.Context, string, string, []byte) ([]byte, error) { return nil, &Error{Code: CodeMethod} }
	}
	if c.Message == nil {
		c.Message = func(string, uint8, []byte) {}
	}
	if c.Up == nil {
		c.Up = func(string) {}
	}
	if c.Down == nil {
		c.Down = func(string, error) {}
	}
	for d, def := range map[*time.Duration]time.Duration{
		&c.CallTimeout: 2 * time.Second, &c.DialTimeout: 2 * time.Second, &c.WriteTimeout: 2 * time.Second,
		&c.Heartbeat: 50 * time.Millisecond, &c.Silence: 300 * time.Millisecond, &c.CallSilence: 2 * time.Second,
		&c.Idle: time.Minute, &c.BackoffMin: 100 * time.Millisecond, &c.BackoffMax: 2 * time.Second,
	} {
		if *d == 0 {
			*d = def
		}
	}
	for n, def := range map[*int]int{&c.BreakerAfter: 3, &c.MaxQueue: 8 << 20, &c.MaxCalls: 128, &c.MaxStreams: 16} {
		if *n == 0 {
			*n = def
		}
	}
	return c
}

// Validate reports the first thing that cannot be used. New calls it, after the defaults.
func (c Config) Validate() error {
	switch {
	case !validName(c.ID):
		return errors.New("link: the node id must be 1 to 64 printable ASCII bytes")
	case c.Peer == nil:
		return errors.New("link: no Peer")
	case c.CallTimeout <= 0 || c.DialTimeout <= 0 || c.WriteTimeout <= 0 || c.Heartbeat <= 0 || c.Idle <= 0:
		return errors.New("link: durations must be positive")
	case c.Silence < 2*c.Heartbeat || c.CallSilence < c.Silence:
		return errors.New("link: Silence must be at least two heartbeats, and CallSilence at least Silence")
	case c.BackoffMin <= 0 || c.BackoffMax < c.BackoffMin || c.BreakerAfter < 1:
		return errors.New("link: back-off must be positive and rise, the breaker must allow a failure")
	case c.MaxQueue < MaxBody+4<<10 || c.MaxCalls < 1 || c.MaxStreams < 1:
		return errors.New("link: MaxQueue must hold the largest body, MaxCalls and MaxStreams at least one")
	}
	if len(c.Cert.Certificate) == 0 {
		return errors.New("link: no certificate")
	}
	id, err := certificateID(c.Cert.Certificate[0])
	if err != nil {
		return err
	}
	if id != c.ID {
		return fmt.Errorf("link: the certificate is %s's", id)
	}
	return nil
}

// hash names a certificate.
func hash(der []byte) [32]byte { return sha256.Sum256(der) }

// validName says whether s is 1 to 64 bytes of printable ASCII without spaces.
func validName(s string) bool {
	if len(s) == 0 || len(s) > MaxName {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
