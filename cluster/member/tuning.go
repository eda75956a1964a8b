package member

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/memberlist"
)

// The tuning is calm on purpose: dead after 3 to 5 s, pauses of 2 s are survived. Who needs to know faster watches a link.
const (
	probeInterval  = 500 * time.Millisecond
	probeTimeout   = 250 * time.Millisecond
	suspicion      = 4 // times log10(N) probes until a suspect is dead
	gossipInterval = 50 * time.Millisecond
	gossipNodes    = 3
	retransmits    = 4 // times ceil(log10(N+1)) sends of each message
	pushPull       = 10 * time.Second
	tcpTimeout     = 2 * time.Second
	gossipToDead   = 60 * time.Second
	packetBytes    = 1400
	handoffDepth   = 4096
	resolveTimeout = 5 * time.Second
)

// configure makes memberlist's configuration.
func (m *Members) configure() (*memberlist.Config, error) {
	c := memberlist.DefaultLANConfig()
	c.Name, c.Label, c.RequireNodeNames = m.cfg.ID, m.cfg.Label, true
	c.ProbeInterval, c.ProbeTimeout = probeInterval, probeTimeout
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = suspicion, suspicion
	c.GossipInterval, c.GossipNodes, c.GossipToTheDeadTime = gossipInterval, gossipNodes, gossipToDead
	c.PushPullInterval, c.TCPTimeout = pushPull, tcpTimeout
	c.UDPBufferSize, c.HandoffQueueDepth = packetBytes, handoffDepth
	c.EnableCompression = false // halves the garbage; packets are small
	// memberlist cannot be told another count later, and four sends below ten nodes lose a refutation now and then: a
	// node that came back from a pause would be declared dead.
	c.RetransmitMult = 2 * retransmits
	c.MetricLabels = []metrics.Label{{Name: sinkLabel, Value: m.label}}
	c.Logger = newLogger(m.log, &m.count, m.accused)
	d := delegate{m}
	c.Delegate, c.Events, c.Alive, c.Merge, c.Conflict = d, d, d, d, d

	ring, err := memberlist.NewKeyring(m.cfg.Keys, m.cfg.Keys[0])
	if err != nil {
		return nil, err
	}
	m.ring, c.Keyring = ring, ring
	return c, m.addresses(c)
}

// addresses sets what memberlist tells others, and opens the sockets unless there is a transport already.
func (m *Members) addresses(c *memberlist.Config) (err error) {
	ctx, cancel := context.WithTimeout(m.ctx, resolveTimeout)
	defer cancel()
	if m.cfg.Advertise != "" {
		if c.AdvertiseAddr, c.AdvertisePort, err = m.endpoint(ctx, m.cfg.Advertise); err != nil {
			return err
		}
		if net.ParseIP(c.AdvertiseAddr).IsUnspecified() {
			return fmt.Errorf("address %q cannot be reached by others", m.cfg.Advertise)
		}
	}
	if c.Transport = m.cfg.Transport; c.Transport != nil {
		return nil
	}
	ip, port, err := m.endpoint(ctx, m.cfg.Bind)
	if err != nil {
		return err
	}
	s, err := listen(ip, port, m.log)
	if err != nil {
		return err
	}
	c.Transport, m.bound = s, s.tcp.Addr().String()
	if _, _, err := s.FinalAdvertiseAddr(c.AdvertiseAddr, c.AdvertisePort); err != nil {
		s.Shutdown()
		return err
	}
	return nil
}

// endpoint turns HOST:PORT into an IP address and a port. Without a host it is all IPv4 addresses.
func (m *Members) endpoint(ctx context.Context, addr string) (ip string, port int, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: the port must be a number", addr)
	}
	switch {
	case host == "":
		return net.IPv4zero.String(), int(n), nil
	case net.ParseIP(host) != nil:
		return host, int(n), nil
	}
	ips, err := m.cfg.Resolve(ctx, host)
	if err != nil {
		return "", 0, err
	}
	if len(ips) == 0 || net.ParseIP(ips[0]) == nil {
		return "", 0, fmt.Errorf("address %q: no IP address found", addr)
	}
	return ips[0], int(n), nil
}
