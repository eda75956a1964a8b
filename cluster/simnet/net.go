package simnet

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"
)

// Net is a network. Its methods may be called from any goroutine.
type Net struct {
	seed  uint64
	start time.Time

	mu       sync.Mutex // guards all below, and hosts and streams too
	hosts    map[string]*Host
	byIP     map[string]*Host
	names    map[string][]*Host // of Name
	links    map[way]*rand.Rand
	latency  func(*rand.Rand) time.Duration
	loss     float64
	cuts     map[way]bool
	groups   map[*Host]int // of Partition; nil: none
	schedule []string
	stats    Stats
}

// way is one direction between two hosts.
type way struct{ from, to *Host }

// Stats counts packets, not streams.
type Stats struct {
	Packets, Bytes uint64 // sent
	Lost           uint64 // by Loss
	Blocked        uint64 // by a cut, a partition or an isolated host, or sent to nobody
	Overflow       uint64 // the receiver did not read fast enough, or stood still
}

// New makes a network. Without further calls every packet takes 1 ms and none is lost.
func New(seed uint64) *Net {
	return &Net{
		seed: seed, start: time.Now(),
		hosts: map[string]*Host{}, byIP: map[string]*Host{}, names: map[string][]*Host{},
		links: map[way]*rand.Rand{}, cuts: map[way]bool{},
		latency: func(*rand.Rand) time.Duration { return time.Millisecond },
	}
}

// Host returns the host of a name and makes it when it is new. Its address is 10.0.x.y.
func (n *Net) Host(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.hosts[name]; h != nil {
		return h
	}
	i := len(n.hosts) + 1
	h := &Host{n: n, name: name, ip: net.IPv4(10, 0, byte(i>>8), byte(i)).To4(), nextPort: 40000}
	h.proc = newProcess()
	n.hosts[name], n.byIP[h.ip.String()] = h, h
	return h
}

// Latency sets how long a packet takes one way, see [Between]. f must not block or use the network.
func (n *Net) Latency(f func(*rand.Rand) time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.latency = f
}

// Between returns a latency that is spread evenly from low to high.
func Between(low, high time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return low + time.Duration(r.Int64N(int64(high-low)+1)) }
}

// Loss sets the share of packets that get lost, 0 to 1. In streams it shows as delay.
func (n *Net) Loss(p float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loss = p
	n.note("loss %.3g", p)
}

// Cut breaks (or mends) the way from one host to another. The way back is not touched.
func (n *Net) Cut(from, to *Host, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.note("cut %s -> %s: %v", from.name, to.name, cut)
	if !cut {
		delete(n.cuts, way{from, to})
		return
	}
	n.cuts[way{from, to}] = true
}

// Partition leaves only the ways inside each group open. Hosts in no group are on their own. It replaces an earlier
// partition; cuts stay.
func (n *Net) Partition(groups ...[]*Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.groups = map[*Host]int{}
	var text []string
	for i, g := range groups {
		var names []string
		for _, h := range g {
			n.groups[h] = i + 1
			names = append(names, h.name)
		}
		text = append(text, strings.Join(names, ","))
	}
	n.note("partition %s", strings.Join(text, " | "))
}

// Heal undoes all cuts, partitions and isolations. Loss and latency stay.
func (n *Net) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.note("heal")
	clear(n.cuts)
	n.groups = nil
	for _, h := range n.hosts {
		h.isolated = false
	}
}

// Name makes a name stand for hosts, as a name server's record does; without hosts it is unknown again.
func (n *Net) Name(name string, hosts ...*Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = hosts
}

// Resolve returns the addresses of a name given to Name or Host.
func (n *Net) Resolve(_ context.Context, name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ips []string
	for _, h := range n.names[name] {
		ips = append(ips, h.ip.String())
	}
	if h := n.hosts[name]; h != nil {
		ips = append(ips, h.ip.String())
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return ips, nil
}

// Stats returns what was sent so far.
func (n *Net) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

// Schedule lists the seed and what was done to the network and when, a line each.
func (n *Net) Schedule() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprintf("seed %d\n%s", n.seed, strings.Join(n.schedule, ""))
}

// note adds a line to the schedule. The lock is held.
func (n *Net) note(format string, args ...any) {
	n.schedule = append(n.schedule, fmt.Sprintf("%9.3fs ", time.Since(n.start).Seconds())+fmt.Sprintf(format, args...)+"\n")
}

// blocked reports whether nothing gets from one host to another. The lock is held.
func (n *Net) blocked(from, to *Host) bool {
	if from == to {
		return false
	}
	if from.isolated || to.isolated || n.cuts[way{from, to}] {
		return true
	}
	return n.groups != nil && (n.groups[from] != n.groups[to] || n.groups[from] == 0)
}

// transit draws what happens to the next packet of a way. The lock is held.
func (n *Net) transit(from, to *Host) (delay time.Duration, lost bool) {
	r := n.links[way{from, to}]
	if r == nil {
		h := fnv.New64a()
		h.Write([]byte(from.name + "\x00" + to.name))
		r = rand.New(rand.NewPCG(n.seed, h.Sum64()))
		n.links[way{from, to}] = r
	}
	return n.latency(r), n.loss > 0 && r.Float64() < n.loss
}

// lookup finds a host by address or name. The lock is held.
func (n *Net) lookup(host string) *Host {
	if h := n.byIP[host]; h != nil {
		return h
	}
	if h := n.hosts[host]; h != nil {
		return h
	}
	if list := n.names[host]; len(list) > 0 {
		return list[0]
	}
	return nil
}
