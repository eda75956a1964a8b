package simnet

import (
	"context"
	"math/rand/v2"
	"net"
	"time"

	"github.com/hashicorp/memberlist"
)

// Net is a network. Its methods may be called from any goroutine.
type Net struct{}

// Host is a machine on a network, on which one process runs at a time.
type Host struct{}

// New makes a network. Without further calls every packet takes 1 ms and none is lost.
func New(seed uint64) *Net { return &Net{} }

// Host returns the host of a name and makes it when it is new. Its address is 10.0.x.y.
func (n *Net) Host(name string) *Host { return &Host{} }

// Latency sets how long a packet takes one way. f must not block.
func (n *Net) Latency(f func(*rand.Rand) time.Duration) {}

// Loss sets the share of packets that get lost, 0 to 1. In streams it shows as delay.
func (n *Net) Loss(p float64) {}

// Cut breaks (or mends) the way from one host to another. The way back is not touched.
func (n *Net) Cut(from, to *Host, cut bool) {}

// Partition leaves only the ways inside each group open. Hosts in no group are on their own. It replaces earlier cuts.
func (n *Net) Partition(groups ...[]*Host) {}

// Heal undoes all cuts, partitions and isolations.
func (n *Net) Heal() {}

// Schedule lists the seed and what was done to the network and when, a line each.
func (n *Net) Schedule() string { return "" }

// Name returns the name that the host was made with.
func (h *Host) Name() string { return "" }

// IP returns the host's address without a port.
func (h *Host) IP() string { return "" }

// Addr returns HOST:PORT for a port of this host.
func (h *Host) Addr(port int) string { return "" }

// Transport opens the host's gossip port, 7946, for memberlist. It panics when it is open already.
func (h *Host) Transport() memberlist.NodeAwareTransport { return nil }

// Listen opens a port for streams; 0 picks one. It panics when the port is open already.
func (h *Host) Listen(port int) net.Listener { return nil }

// Dial connects to HOST:PORT as net.Dialer.DialContext does. Names of hosts are known as well as addresses.
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) { return nil, nil }

// Kill ends the process on the host as kill -9 does: ports close, peers get a reset. A new process may start at once, on
// the same ports; what the old one had stays closed.
func (h *Host) Kill() {}

// Isolate makes the host vanish in silence, as a lost machine does, until Heal.
func (h *Host) Isolate() {}

// Pause stops the process (SIGSTOP) or lets it go on. Connections stay open, the kernel still accepts.
func (h *Host) Pause(stop bool) {}
