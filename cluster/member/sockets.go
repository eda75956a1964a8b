package member

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	maxPacket    = 64 << 10
	packetQueue  = 64      // packets that wait for memberlist; the kernel keeps more
	kernelBuffer = 2 << 20 // bytes that it is asked to keep
	portTries    = 10      // to find a port that is free for both protocols
	acceptPause  = 100 * time.Millisecond
)

// sockets is memberlist's transport over TCP and UDP. memberlist has one of its own, which allocates 64 KiB for each
// packet that it receives: megabytes a second in a cluster of 100 nodes.
type sockets struct {
	tcp     *net.TCPListener
	udp     *net.UDPConn
	log     *slog.Logger
	packets chan *memberlist.Packet
	streams chan net.Conn
	done    chan struct{}
	once    sync.Once
	wg      sync.WaitGroup
}

var _ memberlist.NodeAwareTransport = (*sockets)(nil)

// listen opens both sockets at one port; port 0 picks one that is free.
func listen(ip string, port int, log *slog.Logger) (*sockets, error) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil, err
	}
	s := &sockets{log: log, packets: make(chan *memberlist.Packet, packetQueue), streams: make(chan net.Conn), done: make(chan struct{})}
	for try := 1; ; try++ {
		err = s.open(netip.AddrPortFrom(addr, uint16(port)))
		if err == nil {
			break
		}
		if port != 0 || try == portTries {
			return nil, fmt.Errorf("gossip cannot listen: %w", err)
		}
	}
	_ = s.udp.SetReadBuffer(kernelBuffer) // the system may allow less
	s.wg.Add(2)
	go s.receive()
	go s.accept()
	return s, nil
}

func (s *sockets) open(at netip.AddrPort) (err error) {
	if s.tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at)); err != nil {
		return err
	}
	at = netip.AddrPortFrom(at.Addr(), uint16(s.tcp.Addr().(*net.TCPAddr).Port))
	if s.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)); err != nil {
		s.tcp.Close()
	}
	return err
}

// FinalAdvertiseAddr returns what was configured, else where we listen, else a private address of the machine.
func (s *sockets) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	at := s.tcp.Addr().(*net.TCPAddr)
	if ip != "" {
		if port == 0 {
			port = at.Port
		}
		return shorten(net.ParseIP(ip)), port, nil
	}
	if !at.IP.IsUnspecified() {
		return shorten(at.IP), at.Port, nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, 0, err
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsPrivate() {
			return shorten(n.IP), at.Port, nil
		}
	}
	return nil, 0, errors.New("gossip listens on all addresses and none is private: say which one others reach it at")
}

// shorten gives IPv4 addresses their four bytes.
func shorten(ip net.IP) net.IP {
	if v4 := ip.To4(); v4 != nil {
		return v4
	}
	return ip
}

// receive hands packets to memberlist until the socket closes.
func (s *sockets) receive() {
	defer s.wg.Done()
	buf := make([]byte, maxPacket)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.log.Debug("gossip packet not read", "err", err)
			continue
		case n == 0:
			continue
		}
		p := &memberlist.Packet{Buf: append(make([]byte, 0, n), buf[:n]...), Timestamp: time.Now(),
			From: net.UDPAddrFromAddrPort(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))}
		select {
		case s.packets <- p:
		case <-s.done:
			return
		}
	}
}

// accept hands streams to memberlist until the listener closes.
func (s *sockets) accept() {
	defer s.wg.Done()
	for {
		c, err := s.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, or the peer gave up
			s.log.Warn("gossip stream not accepted", "err", err)
			select {
			case <-time.After(acceptPause):
			case <-s.done:
				return
			}
			continue
		}
		select {
		case s.streams <- c:
		case <-s.done:
			c.Close()
			return
		}
	}
}

// PacketCh returns where packets come from.
func (s *sockets) PacketCh() <-chan *memberlist.Packet { return s.packets }

// StreamCh returns where streams come from.
func (s *sockets) StreamCh() <-chan net.Conn { return s.streams }

// WriteTo sends a packet to IP:PORT.
func (s *sockets) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = s.udp.WriteToUDPAddrPort(b, to)
	return time.Now(), err
}

// WriteToAddress is WriteTo.
func (s *sockets) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return s.WriteTo(b, a.Addr)
}

// DialTimeout opens a stream to IP:PORT.
func (s *sockets) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", addr, timeout)
}

// DialAddressTimeout is DialTimeout.
func (s *sockets) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return s.DialTimeout(a.Addr, timeout)
}

// Shutdown closes both sockets and waits for their goroutines.
func (s *sockets) Shutdown() error {
	var err error
	s.once.Do(func() {
		close(s.done)
		err = errors.Join(s.tcp.Close(), s.udp.Close())
		s.wg.Wait()
	})
	return err
}
