package simnet

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
)

// GossipPort is the port of Host.Transport.
const GossipPort = 7946

const (
	packetQueue = 1024 // packets that a process may leave unread
	heldPackets = 256  // that a kernel keeps for a stopped process
)

// packet is one datagram on its way.
type packet struct {
	body []byte
	from *net.UDPAddr
}

// transport is a host's gossip port.
type transport struct {
	h       *Host
	p       *process
	l       *listener
	packets chan *memberlist.Packet
	streams chan net.Conn
	closed  chan struct{} // closed under the network's lock
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

func newTransport(h *Host) *transport {
	l := h.Listen(GossipPort).(*listener)
	t := &transport{h: h, l: l, packets: make(chan *memberlist.Packet, packetQueue), streams: make(chan net.Conn), closed: make(chan struct{})}
	h.n.mu.Lock()
	t.p = l.p
	t.p.packets = t
	h.n.mu.Unlock()
	go t.accept()
	return t
}

// accept hands streams to memberlist until the listener closes.
func (t *transport) accept() {
	for {
		c, err := t.l.Accept()
		if err != nil {
			return
		}
		select {
		case t.streams <- c:
		case <-t.l.done:
			c.Close()
			return
		}
	}
}

func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.h.ip, GossipPort, nil
}

func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	return t.WriteToAddress(b, memberlist.Address{Addr: addr})
}

func (t *transport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	host, port, err := net.SplitHostPort(a.Addr)
	if err != nil {
		return time.Time{}, err
	}
	t.h.gate()
	n := t.h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if !t.open() {
		return time.Time{}, net.ErrClosed
	}
	n.stats.Packets++
	n.stats.Bytes += uint64(len(b))
	to := n.lookup(host)
	if to == nil || port != strconv.Itoa(GossipPort) || n.blocked(t.h, to) {
		n.stats.Blocked++
		return time.Now(), nil
	}
	delay, lost := n.transit(t.h, to)
	if lost {
		n.stats.Lost++
		return time.Now(), nil
	}
	p := packet{slices.Clone(b), &net.UDPAddr{IP: t.h.ip, Port: GossipPort}}
	time.AfterFunc(delay, func() { to.arrive(p) })
	return time.Now(), nil
}

// open reports whether the port is still the transport's. The lock is held.
func (t *transport) open() bool {
	select {
	case <-t.closed:
		return false
	default:
		return t.p.packets == t && t.h.proc == t.p
	}
}

// arrive takes a packet off the wire.
func (h *Host) arrive(p packet) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	switch {
	case h.isolated || h.proc == nil || h.proc.packets == nil:
		h.n.stats.Blocked++
	case h.resume == nil:
		h.proc.packets.receive(p)
	case len(h.held) < heldPackets:
		h.held = append(h.held, p)
	default:
		h.n.stats.Overflow++
	}
}

// receive hands a packet to the process. The lock is held.
func (t *transport) receive(p packet) {
	select {
	case t.packets <- &memberlist.Packet{Buf: p.body, From: p.from, Timestamp: time.Now()}:
	default:
		t.h.n.stats.Overflow++
	}
}

func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	c, err := t.h.dial(t.p, a.Addr, time.Now().Add(timeout), nil)
	if err != nil {
		return nil, err // not a *Conn that is nil
	}
	return c, nil
}

func (t *transport) Shutdown() error {
	n := t.h.n
	n.mu.Lock()
	select {
	case <-t.closed:
		n.mu.Unlock()
		return errors.New("simnet: transport closed twice")
	default:
	}
	close(t.closed)
	if t.p.packets == t {
		t.p.packets = nil
	}
	n.mu.Unlock()
	if err := t.l.Close(); err != nil {
		return fmt.Errorf("simnet: %w", err)
	}
	return nil
}
