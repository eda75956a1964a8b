package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/overtime-server/overtime/game"
)

// Config is what a node is made from. The zero value of a field means its default. Addresses are HOST:PORT or a URL;
// port 0 takes a free one.
type Config struct {
	Games []game.Def // what the node hosts; at least one, the first is quickplay's default

	Listen       string   // for players; default 127.0.0.1:8080
	Admin        string   // for operators; default 127.0.0.1:8081; elsewhere than on loopback it needs AdminKey
	AdminKey     string   // bearer token for the admin listener; default: none, on loopback only
	AdminReadKey string   // bearer token with which one may only read there; default: none. It needs AdminKey
	Public       string   // how clients reach the player listener, HOST:PORT or URL; default: under the name that their request names
	Origins      []string // web origins that may use the player listener besides its own, such as https://play.example.com
	TLSCert      string   // file with the certificate chain, PEM; with TLSKey the player listener speaks TLS
	TLSKey       string   // file with the private key, PEM

	Data       string  // directory for the node's key and for results; default: nothing is kept
	SecretFile string  // keys that sign players' tokens, one base64 key of 32 bytes a line; default: the node's own, kept in Data
	Record     string  // directory for journals of all matches, one file each; default: none are written
	Queues     string  // file with the rules of queues, see package matchmaker; default: every queue has the default rules
	NoGuests   bool    // only players with a token may play
	Webhook    Webhook // where results are delivered; default: nowhere

	// Cluster mode, with Gossip. All nodes of a cluster have the same SecretFile, which is then required.
	Gossip        string   // listener for gossip, TCP and UDP; default: none, a node alone
	Advertise     string   // HOST:PORT under which other nodes reach Gossip; default: Gossip, or a private address of this machine
	AdvertiseLink string   // HOST:PORT under which other nodes reach Link; default: its port under the host of Advertise
	Join          []string // HOST:PORT of nodes that are probably there; names may stand for many addresses
	Link          string   // listener for calls between nodes; default: Gossip's host, and its port plus one
	Region        string   // where this node is; matches can ask for it
	Proxy         bool     // players cannot reach this node directly: the node that they reach passes their bytes on
	Version       string   // of the program, shown to operators
	TwoNodes      TwoNodes // what a match does that only two nodes know when one of them dies; default TwoNodesSafe

	MaxMatches int           // running at once; default 1,000
	MaxPlayers int           // connections; default 20,000
	EmptyAfter time.Duration // a match ends after so long without anybody; default 5 s
	SeatHold   time.Duration // for which a dropped player's seat is kept; default 60 s
	StopWithin time.Duration // Run gives a graceful stop so long; default 10 s

	Log *slog.Logger // default: slog.Default

	net medium // tests put a simulated one here
}

// TwoNodes says what to do where two nodes, or the last one of three, cannot know whether the other is dead or only out of reach.
type TwoNodes string

const (
	// TwoNodesSafe never lets a match run twice: it ends when its owner dies and no third node can tell.
	TwoNodesSafe TwoNodes = "safe"
	// TwoNodesAvailable lets the standby go on by itself when the owner's process is gone. After a split of the network a match may run
	// twice.
	TwoNodesAvailable TwoNodes = "available"
)

// withDefaults fills zero values in and reports the first thing that cannot be used.
func (c Config) withDefaults() (Config, error) {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	if c.Admin == "" {
		c.Admin = "127.0.0.1:8081"
	}
	setDuration(&c.EmptyAfter, 5*time.Second)
	setDuration(&c.SeatHold, time.Minute)
	setDuration(&c.StopWithin, 10*time.Second)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.net = c.net.withDefaults()
	var err error
	if c.Listen, err = listenAddress(c.Listen); err != nil {
		return c, fmt.Errorf("listen: %w", err)
	}
	if c.Admin, err = listenAddress(c.Admin); err != nil {
		return c, fmt.Errorf("admin: %w", err)
	}
	if c.Public, err = playURL(c.Public, c.TLSCert != ""); err != nil {
		return c, fmt.Errorf("public: %w", err)
	}
	if err = c.clusterDefaults(); err != nil {
		return c, err
	}
	return c, c.validate()
}

// clusterDefaults fills in the addresses of cluster mode.
func (c *Config) clusterDefaults() (err error) {
	switch c.TwoNodes {
	case "":
		c.TwoNodes = TwoNodesSafe
	case TwoNodesSafe, TwoNodesAvailable:
	default:
		return fmt.Errorf("two nodes: %q is neither safe nor available", c.TwoNodes)
	}
	if c.Gossip == "" {
		if len(c.Join) > 0 || c.Link != "" || c.Proxy || c.Advertise != "" || c.AdvertiseLink != "" {
			return errors.New("without a gossip address there are no other nodes to join, link to or pass players on to")
		}
		return nil
	}
	if c.SecretFile == "" {
		return errors.New("a cluster needs a secret file, the same on all nodes")
	}
	if c.Gossip, err = listenAddress(c.Gossip); err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	if c.Link == "" {
		c.Link = nextPort(c.Gossip)
	}
	if c.Link, err = listenAddress(c.Link); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	if c.Advertise == "" {
		c.Advertise = advertised(c.Gossip)
	}
	if c.AdvertiseLink != "" {
		if c.AdvertiseLink, err = listenAddress(c.AdvertiseLink); err != nil {
			return fmt.Errorf("advertised link: %w", err)
		}
	}
	return nil
}

func setDuration(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

func (c Config) validate() error {
	switch {
	case len(c.Games) == 0:
		return errors.New("no games")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("a TLS certificate and its key come together")
	case c.MaxMatches < 0 || c.MaxPlayers < 0:
		return errors.New("the numbers of matches and players must not be negative")
	case c.EmptyAfter < 0 || c.SeatHold < 0 || c.StopWithin < 0:
		return errors.New("durations must not be negative")
	}
	seen := map[string]bool{}
	for _, g := range c.Games {
		if err := g.WithDefaults().Validate(); err != nil {
			return err
		}
		if seen[g.Name] {
			return fmt.Errorf("game %s is there twice", g.Name)
		}
		seen[g.Name] = true
	}
	return nil
}
