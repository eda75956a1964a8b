package netcode

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
)

// ConnConfig holds the limits of one player connection below the session: what its client may send, and what may wait
// for it. One value is shared by all connections and must not change once the first is made.
type ConnConfig struct {
	// What the client may send. Beyond the sizes the connection is closed with 1009, beyond the rest with 4008.
	MaxMessage       int // bytes of one message, on the wire and inflated
	MaxFragments     int // frames of one message
	FramesPerSecond  int // frames a second; at 128 Hz a client sends about 140
	FrameBurst       int // frames at once: what piles up in a stalled network arrives together
	BytesPerSecond   int // bytes a second on the wire, with headers
	ByteBurst        int // bytes at once
	ControlPerSecond int // pings, pongs and empty fragments a second
	ControlBurst     int // the same at once

	// What may wait for the client.
	PendMax      int           // bytes that the kernel refused and that wait here; more close the connection with 4011
	DrainTimeout time.Duration // how long bytes may wait here before the connection is given up, with 4011
	CloseGrace   time.Duration // from our close frame to the hard end of the connection

	// Socket options, Linux only.
	NotSentLowat int           // bytes that TCP holds unsent (TCP_NOTSENT_LOWAT)
	UserTimeout  time.Duration // unacknowledged for so long ends the connection (TCP_USER_TIMEOUT)
}

// DefaultConnConfig returns the defaults: twice what the liveliest client needs, and a burst of two to three seconds of it.
func DefaultConnConfig() ConnConfig {
	return ConnConfig{
		MaxMessage: 4096, MaxFragments: 16,
		FramesPerSecond: 200, FrameBurst: 500,
		BytesPerSecond: 64 << 10, ByteBurst: 128 << 10,
		ControlPerSecond: 2, ControlBurst: 10,
		PendMax: 64 << 10, DrainTimeout: 5 * time.Second, CloseGrace: 2 * time.Second,
		NotSentLowat: 16 << 10, UserTimeout: 10 * time.Second,
	}
}

// Validate returns what is wrong with c, or nil. Rates of 0 turn their limit off; everything else must be positive.
func (c *ConnConfig) Validate() error {
	switch {
	case c.MaxMessage < 128 || c.MaxMessage > 1<<20:
		return errors.New("netcode: MaxMessage must be 128 to 1048576 bytes")
	case c.MaxFragments < 1:
		return errors.New("netcode: MaxFragments must be at least 1")
	case c.FramesPerSecond < 0, c.BytesPerSecond < 0, c.ControlPerSecond < 0:
		return errors.New("netcode: a rate must not be negative")
	case c.BytesPerSecond > 0 && c.ByteBurst < c.MaxMessage+maxHeader:
		return errors.New("netcode: ByteBurst must hold the largest message")
	case c.PendMax < 1024, c.DrainTimeout <= 0, c.CloseGrace <= 0:
		return errors.New("netcode: PendMax must be at least 1024 bytes, DrainTimeout and CloseGrace positive")
	case c.NotSentLowat < 1024, c.UserTimeout < time.Millisecond:
		return errors.New("netcode: NotSentLowat must be at least 1024 bytes, UserTimeout at least 1 ms")
	}
	return nil
}

// lastLimits are the limits made last: all connections of a server have the same.
var lastLimits atomic.Pointer[guardLimits]

// guardLimits returns the guard's share of c.
func (c *ConnConfig) guardLimits() *guardLimits {
	l := guardLimits{
		message: c.MaxMessage, fragments: c.MaxFragments,
		frames:  PerSecond(c.FramesPerSecond, c.FrameBurst),
		bytes:   PerSecond(c.BytesPerSecond, c.ByteBurst),
		control: PerSecond(c.ControlPerSecond, c.ControlBurst),
	}
	if last := lastLimits.Load(); last != nil && *last == l {
		return last
	}
	lastLimits.Store(&l)
	return &l
}

// readBuffer is the size of a connection's read buffer in bytes: a client message fits, as a rule.
const readBuffer = 256

// UpgradeOption returns the options of gws that fit a [Conn]: gws parses and inflates, and never compresses or queues.
// gws writes into it, so every upgrader needs a value of its own.
func UpgradeOption(c *ConnConfig) *gws.ServerOption {
	return &gws.ServerOption{
		ParallelGolimit:    1, // a channel of this size is made per connection even when nothing is parallel
		ReadMaxPayloadSize: c.MaxMessage,
		ReadBufferSize:     readBuffer,
		SubProtocols:       []string{schema.Subprotocol},
		NewSession:         func() gws.SessionStorage { return noSession{} },
		PermessageDeflate: gws.PermessageDeflate{
			Enabled:   true,
			PoolSize:  2,       // 0.6 MB each; shared by all connections for inflating
			Threshold: 1 << 30, // gws' own compression costs 20 to 140 us a message
		},
	}
}

// noSession stands for the key-value store that gws would make for every connection.
type noSession struct{}

func (noSession) Len() int                     { return 0 }
func (noSession) Load(string) (any, bool)      { return nil, false }
func (noSession) Delete(string)                {}
func (noSession) Store(string, any)            {}
func (noSession) Range(func(string, any) bool) {}
