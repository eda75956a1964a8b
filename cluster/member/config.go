package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/hashicorp/memberlist"
)

// Sizes of what the package's user hands in.
const (
	MaxMessage = 1200 // bytes of a message to SendAll or Gossip
	MaxName    = 48   // bytes of a gossip's name
	MaxLabel   = 32   // bytes of Config.Label
)

// DefaultPort is where gossip listens (TCP and UDP) when an address says nothing else.
const DefaultPort = 7946

// Config is what a member needs to start. The callbacks may be nil.
type Config struct {
	ID        string   // random per process start, 1 to 64 bytes of printable ASCII; a restart must have a new one
	Label     string   // name of the cluster, 1 to 32 bytes of printable ASCII; nodes with another cannot join
	Keys      [][]byte // gossip keys of 16, 24 or 32 bytes: the first encrypts, all are accepted; at least one
	Bind      string   // IP:PORT or NAME:PORT for TCP and UDP; port 0 picks one; not used with Transport
	Advertise string   // HOST:PORT that others reach this node at, port 0 is that of Bind; "" is Bind, or a private IPv4 address of the machine
	Join      []string // HOST:PORT or HOST of nodes to find the cluster by; may name this node too, all of them may be down
	Meta      Meta
	WireMin   uint8                // oldest Meta.Wire of a peer that is let in, if it is as near to all other members; 0 is one below our own
	WireMax   uint8                // newest; 0 is one above our own
	Transport memberlist.Transport // nil: sockets at Bind

	// Resolve finds the IP addresses of a name in Join, Bind or Advertise; nil is the system's resolver.
	Resolve func(ctx context.Context, host string) ([]string, error)
	Log     *slog.Logger // nil discards

	// Message is called with each message that another node gave to SendAll or Gossip. b belongs to the callee.
	// It is called, like Merge and Change, from one goroutine of Members and should return soon: what arrives meanwhile
	// waits in a bounded inbox.
	Message func(from string, b []byte)
	// State returns what to tell another node in push/pull, at most 1 MiB; join says that one of the two has just
	// started. It is called from many goroutines of memberlist, also while Start runs.
	State func(join bool) []byte
	// Merge is called with what the State of another node returned. b belongs to the callee.
	Merge func(b []byte, join bool)
	// Change is called with every new view. A change of loads alone may wait up to half a second.
	Change func(View)
}

// Validate says what is wrong with the configuration, as Start would.
func (c *Config) Validate() error {
	switch {
	case !validID(c.ID):
		return errors.New("node id: 1 to 64 bytes of printable ASCII without spaces are needed")
	case len(c.Label) == 0 || len(c.Label) > MaxLabel || !printable(c.Label):
		return fmt.Errorf("label: 1 to %d bytes of printable ASCII are needed", MaxLabel)
	case len(c.Keys) == 0:
		return errors.New("gossip needs a secret key")
	case c.Meta.Wire == 0:
		return errors.New("wire version: counts from 1")
	case c.Transport == nil && c.Bind == "":
		return errors.New("gossip needs an address to listen at")
	}
	for _, k := range c.Keys {
		if err := memberlist.ValidateKey(k); err != nil {
			return err
		}
	}
	if low, high := c.window(); c.Meta.Wire < low || c.Meta.Wire > high {
		return fmt.Errorf("wire version %d is outside of its own window %d to %d", c.Meta.Wire, low, high)
	}
	for _, a := range c.Join {
		if host, _, err := splitAddr(a); err != nil || host == "" {
			return fmt.Errorf("address to join %q: HOST:PORT is needed", a)
		}
	}
	for _, a := range []string{c.Bind, c.Advertise} {
		if _, _, err := net.SplitHostPort(a); a != "" && err != nil {
			return fmt.Errorf("gossip address %q: HOST:PORT is needed", a)
		}
	}
	_, err := c.Meta.encode()
	return err
}

// window returns the wire versions of peers that are let in.
func (c *Config) window() (low, high uint8) {
	low, high = c.WireMin, c.WireMax
	if low == 0 {
		low = max(c.Meta.Wire, 2) - 1
	}
	if high == 0 {
		high = c.Meta.Wire + min(1, 255-c.Meta.Wire)
	}
	return low, high
}
